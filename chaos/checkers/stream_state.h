// The checker of tables' streams: what a consumer gets in each region, from the horizon on.
//
//   replay     reading parents before children, in the order that is worst otherwise, each old
//   image
//              is what the records before have left, and at the end stand the items of the region
//   entries    every change that the region has applied since the stream began has one entry
//   order      of each key, sequences rise
//   identity   what is marked as expired was deleted by this region because its time had come
//
// A stream that began with items in the table (the region was filled) shows old images that no
// record has left, once each.
//
// Each returns a line a violation. Pure over the stores.
#pragma once

#include <string>
#include <vector>

#include "chaos/checkers/end_view.h"

namespace everwrite::chaos {

std::vector<std::string> CheckStreams(EndView& view);

}  // namespace everwrite::chaos
