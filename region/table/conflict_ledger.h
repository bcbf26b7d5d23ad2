// The conflict ledger: every losing concurrent write, with both versions, until it is dropped by
// hand or by a later retention rule. Entries are put in the batch that decides (remote_apply); this
// is how they are read.
//
// Thread-safety: as the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "conflict/conflict_record.h"

namespace everwrite::table {

struct ConflictFilter {
  std::optional<TableId> table;
  std::string after;  // ledger key of the last entry seen; empty: from the newest
  size_t limit = 100;
};

void AppendConflict(KvBatch& batch, const conflict::ConflictRecord& record);
// Newest loser first.
Result<std::vector<conflict::ConflictRecord>> ListConflicts(const KvStore& store,
                                                            const ConflictFilter& filter);
// kNotFound when there is no such entry.
Result<conflict::ConflictRecord> FindConflict(const KvStore& store, const conflict::Version& loser);

}  // namespace everwrite::table
