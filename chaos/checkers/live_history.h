// The history of a run against real processes, for the checkers that the simulator uses.
//
// The driver (tests/integration/chaos_run.py) writes a line a write: id, partition key,
// "acknowledged" or "unknown", tab-separated. Real clients do not learn versions; they are found by
// the id that each written item carries, in the change logs of the regions.
#pragma once

#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "chaos/history.h"
#include "chaos/observed_history.h"

namespace everwrite::chaos {

// Errors name the file and line. An acknowledged write that is in no region's log is kept with a
// version that no log has, so that CheckDurability names it.
Result<History> ReadLiveHistory(const std::string& path, const std::vector<const KvStore*>& stores);

// Gives every write of `observed` its order and adds the deletions that nobody was told of, from the
// change logs of the ended regions; and makes of it the history that CheckEndState reads. The
// stores are those of `observed.regions`, in their order.
History CompleteHistory(ObservedHistory& observed, const std::vector<const KvStore*>& stores);

}  // namespace everwrite::chaos
