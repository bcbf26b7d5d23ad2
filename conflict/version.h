// Version: what one stored item is compared by. The winner of two versions is the higher, always
// and in every region, so replaying any set of changes in any order that respects each log ends in
// one state.
//
// The order is (rank, stamp, region, log, number). It extends causality: a region's hybrid clock is
// past every stamp it has applied, so a change that saw another has the higher stamp
// (hybrid_clock.h). The region id and the incarnation are both in the log's id, region first, so
// comparing logs compares both.
//
// Rank is 0 for items. A table definition's rank is twice its generation, plus one once the table
// is deleted: a deletion beats every concurrent update of that table, because its rows are gone,
// and loses to the next table of the same name (region/table/catalog.h).
#pragma once

#include <compare>
#include <cstdint>

#include "base/ids.h"

namespace everwrite::conflict {

struct Version {
  uint64_t rank = 0;
  Stamp stamp;
  Dot dot;
  friend auto operator<=>(const Version&, const Version&) = default;
};

}  // namespace everwrite::conflict
