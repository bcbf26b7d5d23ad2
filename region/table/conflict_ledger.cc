#include "region/table/conflict_ledger.h"

#include "base/coding.h"
#include "base/mark.h"
#include "base/planted.h"
#include "region/table/ledger_table.h"

namespace everwrite::table {

using conflict::ConflictRecord;

void AppendConflict(CommitTurn& turn, const ConflictRecord& record) {
  if (Planted(PlantedBug::kConflictUnrecorded) && record.loser.version.dot.log == turn.state().log)
    return;
  turn.KeepConflict(conflict::LedgerKey(record.loser.version),
                    conflict::EncodeConflictRecord(record));
  if (turn.ledger_table()) turn.ledger_table()->AddToStream(turn, record);
}

Result<std::vector<ConflictRecord>> ListConflicts(const KvStore& store,
                                                  const ConflictFilter& filter) {
  std::vector<ConflictRecord> found;
  constexpr uint64_t kMillisMax = (1ULL << 48) - 1;
  std::string end = filter.after;
  if (filter.until_ms < kMillisMax) {
    std::string bound;
    PutFixed64(bound, Stamp::Make(filter.until_ms + 1, 0).value);
    if (end.empty() || bound < end) end = std::move(bound);
  }
  const auto it = store.NewIterator(ColumnFamily::kLedger, {"", end});
  it->SeekForPrev(end.empty() ? std::string(25, '\xff') : end);
  for (; it->Valid() && found.size() < filter.limit; it->Prev()) {
    ConflictRecord record;
    if (!conflict::DecodeConflictRecord(it->value(), record))
      return DataLoss("a ledger entry is damaged: " + ToHex(it->key()));
    const conflict::Version& loser = record.loser.version;
    if (loser.stamp.milliseconds() < filter.from_ms) break;  // and so are all behind it
    if (filter.table && (record.is_table || record.table != *filter.table)) continue;
    if (filter.key && record.key != *filter.key) continue;
    if (filter.loser_of && loser.dot.log.region() != *filter.loser_of) continue;
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

class LedgerRetention::Unit : public CommitUnit {
 public:
  Unit(LedgerRetention& owner, std::vector<std::string> keys)
      : owner_(owner), keys_(std::move(keys)) {}
  Status AddTo(CommitTurn& turn) override {
    Reach(Mark::kLedgerForgets);
    for (const std::string& key : keys_) {
      // Unless it was taken back meanwhile (row_repair).
      std::string value;
      EW_ASSIGN_OR_RETURN(const bool found, owner_.store_.Get(ColumnFamily::kLedger, key, &value));
      if (found) turn.ForgetConflict(key, value.size());
    }
    return {};
  }
  void Finished(const Status& status, Completions&) override {
    if (status.ok()) owner_.forgotten_ += keys_.size();
    owner_.running_ = false;
  }

 private:
  LedgerRetention& owner_;
  const std::vector<std::string> keys_;
};

Status LedgerRetention::RunOnce(uint64_t now_ms) {
  if (running_) return {};  // what is under way is still there
  const LiveCount& size = committer_.ledger();
  int64_t too_many = size.bytes - static_cast<int64_t>(bounds_.bytes_max);
  std::vector<std::string> keys;
  const auto it = store_.NewIterator(ColumnFamily::kLedger, {});
  for (it->Seek(""); it->Valid() && keys.size() < kPerRound; it->Next()) {
    ConflictRecord record;
    if (!conflict::DecodeConflictRecord(it->value(), record))
      return DataLoss("a ledger entry is damaged: " + ToHex(it->key()));
    if (record.decided_ms + bounds_.keep_ms > now_ms && too_many <= 0) break;
    too_many -= static_cast<int64_t>(it->key().size() + it->value().size());
    keys.emplace_back(it->key());
  }
  EW_RETURN_IF_ERROR(it->status());
  if (keys.empty()) return {};
  running_ = true;
  committer_.Submit(std::make_unique<Unit>(*this, std::move(keys)));
  return {};
}

}  // namespace everwrite::table
