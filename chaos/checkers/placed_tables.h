// The checks of tables that live in some of the regions: who holds one has the same rows as every
// other holder; who does not, has nothing: no row, no digest, and of no change more than its
// number.
//
// Pure over the stores.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/kv_store.h"
#include "chaos/checkers/end_view.h"

namespace everwrite::chaos {

// By the definitions that the store holds.
std::set<TableId> PlacedTables(const KvStore& store);

std::vector<std::string> CheckPlacedTables(EndView& view);

}  // namespace everwrite::chaos
