// The checkers of a conflict ledger that has a bound: it forgets no more than it must, and it knows
// how much it holds. What it has forgotten is noted in the history, for nothing else may be missing
// in the end.
//
// Pure over the store.
#pragma once

#include <string>
#include <vector>

#include "base/kv_store.h"
#include "chaos/history.h"

namespace everwrite::chaos {

// `keys` of the ledger are about to be deleted in the region, together; `store` still has them.
// `bound`: in bytes of keys and values; 0: they may go whatever is left.
void CheckLedgerForgets(const KvStore& store, const std::vector<std::string>& keys, uint64_t bound,
                        size_t region, History& history);
// Lines of violations.
std::vector<std::string> CheckLedgerCount(const KvStore& store, size_t region);

}  // namespace everwrite::chaos
