// Items cut down to some document paths, from bytes to bytes.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "region/expression/binding.h"

namespace everwrite::expression {

// What of `item` the tree's paths lead to, in the containers around it. Lists keep the order of
// their elements and close the gaps; what is not there is left out.
std::string Project(const PathTree& tree, item::ItemView item);
inline std::string Project(const Binding& projection, item::ItemView item) {
  return Project(projection.tree, item);
}

}  // namespace everwrite::expression
