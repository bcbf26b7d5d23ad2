#include "region/table/row_repair.h"

#include <utility>

#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "region/table/conflict_ledger.h"
#include "region/table/row_change.h"

namespace everwrite::table {

RowSummary SummaryOf(const StoredItem& row) {
  return {row.version, row.tombstone, ContentHash(row.image)};
}

Result<BucketPage> ReadBucketPage(const KvStore& store, TableId table, uint16_t bucket,
                                  std::string_view after, size_t rows_max) {
  const auto snapshot = store.TakeSnapshot();
  BucketPage page;
  page.after = after;
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool has_state,
                      store.Get(ColumnFamily::kSystem, kRegionStateKey, &value, snapshot.get()));
  RegionState state;
  if (!has_state || !DecodeRegionState(value, state))
    return DataLoss("the region's state is damaged");
  page.standing.applied = std::move(state.applied);
  EW_ASSIGN_OR_RETURN(const BucketCount count, CountBucket(store, table, bucket, *snapshot));
  page.standing.sound = count.sound();
  page.said = count.said;
  const KvRange range = BucketRange(table, bucket);
  const std::string begin = after.empty() ? range.begin : ItemKey(table, after);
  const auto it = store.NewIterator(ColumnFamily::kItems, range, snapshot.get());
  it->Seek(begin);
  if (it->Valid() && !after.empty() && it->key() == begin) it->Next();
  for (; it->Valid() && page.rows.size() < rows_max; it->Next()) {
    StoredItem row;
    if (!DecodeStoredItem(it->value(), row)) return DataLoss("a stored item is damaged");
    page.rows.push_back({std::string(KeyOfItemKey(it->key())), SummaryOf(row)});
  }
  EW_RETURN_IF_ERROR(it->status());
  page.end = !it->Valid();
  if (!page.rows.empty()) page.through = page.rows.back().key;
  return page;
}

Judgement Judge(const RowSummary* ours, const Standing& we, const RowSummary* theirs,
                const Standing& they) {
  if (!ours && !theirs) return Judgement::kAgree;
  if (ours && theirs && ours->version == theirs->version) {
    if (*ours == *theirs) return Judgement::kAgree;
    // One change, two contents.
    if (we.sound != they.sound) return we.sound ? Judgement::kTheirs : Judgement::kTake;
    // Nobody knows which: the same one everywhere.
    const auto order = [](const RowSummary& row) { return std::pair(!row.tombstone, row.content); };
    return order(*ours) < order(*theirs) ? Judgement::kTake : Judgement::kTheirs;
  }
  if (theirs && (!ours || ours->version < theirs->version)) {
    if (!we.applied.Covers(theirs->version.dot)) return Judgement::kAgree;  // it will come
    if (ours) return Judgement::kTake;                // we have decided on it, and kept a lower one
    if (theirs->tombstone) return Judgement::kAgree;  // which we have forgotten
    // We have nothing of it, not even that it was deleted. Either it was lost here, or it was
    // deleted, everybody has forgotten that, and it stands there by mistake. The damaged side is
    // wrong; when nobody is damaged, nothing is thrown away.
    return we.sound && !they.sound ? Judgement::kTheirs : Judgement::kTake;
  }
  // Ours is higher, or they have none.
  if (!they.applied.Covers(ours->version.dot)) return Judgement::kAgree;
  if (theirs) return Judgement::kTheirs;
  if (ours->tombstone) return Judgement::kAgree;  // which they have forgotten
  return !we.sound && they.sound ? Judgement::kDrop : Judgement::kTheirs;
}

class RowRepair::Unit : public CommitUnit {
 public:
  using Done = std::function<void(const Status&)>;
  Unit(RowRepair& owner, TableId table, std::string key, std::optional<RowSummary> expected,
       std::string value, Executor& executor, Done done)
      : owner_(owner),
        table_id_(table),
        key_(std::move(key)),
        store_key_(ItemKey(table, key_)),
        expected_(std::move(expected)),
        value_(std::move(value)),
        executor_(executor),
        done_(std::move(done)) {}

  KeyLocks::Stripe stripe() const { return KeyLocks::StripeOf(store_key_); }

  Status Decide() {
    table_ = owner_.catalog_.FindById(table_id_);
    if (!table_) return FailedPrecondition("the table is gone");
    if (!DecodeStoredItem(value_, row_)) return InvalidArgument("no row");
    if (!item::IsWellFormedItem(row_.image)) return InvalidArgument("the row holds no item");
    EW_ASSIGN_OR_RETURN(const auto stored, ReadStored(owner_.store_, store_key_, &buffer_));
    std::optional<RowSummary> stands;
    if (stored) stands = SummaryOf(*stored);
    if (stands != expected_) return FailedPrecondition("the row has changed");
    if (stored && !stored->tombstone) {
      conflict_.emplace();
      conflict_->reason = conflict::Reason::kRepaired;
      conflict_->table = table_id_;
      conflict_->key = key_;
      conflict_->loser = {stored->version, stored->tombstone, std::string(stored->image)};
      conflict_->winner = {row_.version, row_.tombstone, std::string(row_.image)};
    }
    // It came too late to be taken, and had not been deleted: it has not lost.
    if (const auto lost = FindConflict(owner_.store_, row_.version);
        lost.ok() && lost->reason == conflict::Reason::kDeletionForgotten)
      not_lost_ = *lost;
    // The same version was damaged before: what it was then is kept.
    if (conflict_ && FindConflict(owner_.store_, conflict_->loser.version).ok()) conflict_.reset();
    EW_ASSIGN_OR_RETURN(change_, RowChange::Plan(owner_.store_, *table_->state, store_key_, stored,
                                                 {row_.tombstone, row_.image}));
    return {};
  }

  Status AddTo(CommitTurn& turn) override {
    EW_RETURN_IF_ERROR(turn.CheckOpen());  // the filling looks at its range alone
    if (table_->state->dropped) return FailedPrecondition("the table is gone");
    if (conflict_) {
      conflict_->decided_ms = turn.physical_ms();
      AppendConflict(turn, *conflict_);
    }
    // Unless a full ledger has forgotten it meanwhile.
    if (not_lost_ && FindConflict(owner_.store_, not_lost_->loser.version).ok())
      turn.ForgetConflict(conflict::LedgerKey(not_lost_->loser.version),
                          conflict::EncodeConflictRecord(*not_lost_).size());
    change_.AddRepairTo(turn, table_->state, store_key_, row_);
    return {};
  }

  void Finished(const Status& status, Completions&) override { End(status); }
  void End(const Status& status) {
    owner_.locks_.Unlock(stripe());
    executor_.Post([done = std::move(done_), status] { done(status); });
  }

 private:
  RowRepair& owner_;
  const TableId table_id_;
  const std::string key_;
  const std::string store_key_;
  const std::optional<RowSummary> expected_;
  const std::string value_;
  Executor& executor_;
  Done done_;
  StoredItem row_;  // into value_
  std::string buffer_;
  TablePtr table_;
  RowChange change_;
  std::optional<conflict::ConflictRecord> conflict_;
  std::optional<conflict::ConflictRecord> not_lost_;  // an entry that goes
};

void RowRepair::Replace(TableId table, std::string key, std::optional<RowSummary> expected,
                        std::string value, Executor& executor,
                        std::function<void(const Status&)> done) {
  auto unit = std::make_unique<Unit>(*this, table, std::move(key), std::move(expected),
                                     std::move(value), executor, std::move(done));
  const KeyLocks::Stripe stripe = unit->stripe();
  const auto waiting = std::make_shared<std::unique_ptr<Unit>>(std::move(unit));
  const auto decide = [this, waiting] {
    std::unique_ptr<Unit> locked = std::move(*waiting);
    const Status status = committer_.healthy() ? locked->Decide() : committer_.health();
    if (!status.ok()) return locked->End(status);
    committer_.Submit(std::move(locked));
  };
  if (locks_.Lock(stripe, executor, decide)) decide();
}

class RowRepair::AdjustUnit : public CommitUnit {
 public:
  AdjustUnit(TablePtr table, uint16_t bucket, uint64_t delta, Executor& executor,
             std::function<void(const Status&)> done)
      : table_(std::move(table)),
        bucket_(bucket),
        delta_(delta),
        executor_(executor),
        done_(std::move(done)) {}
  Status AddTo(CommitTurn& turn) override {
    EW_RETURN_IF_ERROR(turn.CheckOpen());  // the filling looks at its range alone
    if (table_->state->dropped) return FailedPrecondition("the table is gone");
    turn.digests().Adjust(table_->definition.id, bucket_, delta_);
    return {};
  }
  void Finished(const Status& status, Completions&) override {
    executor_.Post([done = std::move(done_), status] { done(status); });
  }

 private:
  const TablePtr table_;
  const uint16_t bucket_;
  const uint64_t delta_;
  Executor& executor_;
  std::function<void(const Status&)> done_;
};

void RowRepair::AdjustDigest(TableId id, uint16_t bucket, uint64_t delta, Executor& executor,
                             std::function<void(const Status&)> done) {
  TablePtr table = catalog_.FindById(id);
  if (!table) {
    executor.Post([done] { done(FailedPrecondition("the table is gone")); });
    return;
  }
  committer_.Submit(
      std::make_unique<AdjustUnit>(std::move(table), bucket, delta, executor, std::move(done)));
}

}  // namespace everwrite::table
