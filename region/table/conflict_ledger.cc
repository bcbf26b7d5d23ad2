#include "region/table/conflict_ledger.h"

#include "base/coding.h"

namespace everwrite::table {

using conflict::ConflictRecord;

void AppendConflict(KvBatch& batch, const ConflictRecord& record) {
  batch.Put(ColumnFamily::kLedger, conflict::LedgerKey(record.loser.version),
            conflict::EncodeConflictRecord(record));
}

Result<std::vector<ConflictRecord>> ListConflicts(const KvStore& store,
                                                  const ConflictFilter& filter) {
  std::vector<ConflictRecord> found;
  const auto it = store.NewIterator(ColumnFamily::kLedger, {"", filter.after});
  it->SeekForPrev(filter.after.empty() ? std::string(25, '\xff') : filter.after);
  for (; it->Valid() && found.size() < filter.limit; it->Prev()) {
    ConflictRecord record;
    if (!conflict::DecodeConflictRecord(it->value(), record))
      return DataLoss("a ledger entry is damaged: " + ToHex(it->key()));
    if (filter.table && record.table != *filter.table) continue;
    found.push_back(std::move(record));
  }
  EW_RETURN_IF_ERROR(it->status());
  return found;
}

Result<ConflictRecord> FindConflict(const KvStore& store, const conflict::Version& loser) {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found,
                      store.Get(ColumnFamily::kLedger, conflict::LedgerKey(loser), &value));
  if (!found) return NotFound("no conflict is named " + conflict::ConflictName(loser));
  ConflictRecord record;
  if (!conflict::DecodeConflictRecord(value, record))
    return DataLoss("the ledger entry is damaged: " + conflict::ConflictName(loser));
  return record;
}

}  // namespace everwrite::table
