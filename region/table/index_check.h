// CheckIndexes: holds every secondary index of a store against a rebuild from its table.
//
// For tests, the simulator and operators. An index that is being filled may lack entries; whatever
// it has must be right. No entry may belong to a table or index that is not there, and the counts
// of complete indexes must be exact.
//
// Thread-safety: a pure function over a store that nobody writes to meanwhile.
#pragma once

#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"

namespace everwrite::table {

// One line a violation, at most `limit`; none means that it holds. kDataLoss for bytes that are
// neither rows nor definitions.
Result<std::vector<std::string>> CheckIndexes(const KvStore& store, size_t limit = 20);

}  // namespace everwrite::table
