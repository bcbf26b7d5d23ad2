#include "region/table/filling.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/planted.h"
#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "region/table/conflict_ledger.h"
#include "region/table/layout.h"
#include "region/table/row_change.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::table {

using streams::FillProgress;
using streams::FillRequest;
using streams::ScanChunk;
using streams::ScanPart;
using streams::ScanRow;
using streams::Stage;

namespace {

struct TouchedBucket {
  TableId table;
  uint16_t bucket = 0;
  conflict::Vector touched;
  TablePtr of;  // null: the catalog
};

}  // namespace

// What happens to one key.
struct Filling::PlannedRow {
  std::string store_key;
  const ScanRow* row = nullptr;  // null: what stands here goes
  StoredItem item;               // decoded from it; without one, what goes
  TablePtr table;
  uint64_t hash_before = 0;  // of a definition
  RowChange change;
  std::optional<conflict::ConflictRecord> conflict;
  bool takes = false;  // else the conflict is all
  // Of a definition.
  std::optional<TableDefinition> definition;  // nullopt: deleted
  TablePtr published;                         // made in the turn
};

struct Filling::Job {
  FillRequest request;
  Executor* executor = nullptr;
  Reply reply;
  std::function<void()> done;
  Stage stage = Stage::kServing;
  FillProgress before;
  conflict::Vector shown;  // by our rows; of a filling of one table: nothing is known
  std::map<LogId, uint64_t> first_held;
  TablePtr table;        // of a filling of one
  bool partial = false;  // its source has not all of it
  bool restart = false;  // of a pass that another source began: from the start
  // The keys to be looked at, sorted, each with its row of the chunk or none.
  std::vector<std::pair<std::string, const ScanRow*>> keys;
  std::vector<KeyLocks::Stripe> stripes;
  std::vector<PlannedRow> rows;
  std::vector<conflict::ConflictRecord> lost;  // with tables that go
  std::vector<TouchedBucket> buckets;
  std::vector<const ScanRow*> entries;  // of the ledger, that are not here
};

class Filling::Unit : public CommitUnit {
 public:
  Unit(Filling& owner, JobPtr job) : owner_(owner), job_(std::move(job)) {}

  Status AddTo(CommitTurn& turn) override {
    next_ = job_->before;
    stage_ = job_->stage;
    if (job_->request.kind != FillRequest::Kind::kChunk) return Turn(turn);
    const ScanChunk& chunk = job_->request.chunk;
    if (chunk.part == ScanPart::kCatalog) {
      stage_ = Stage::kFilling;
      owner_.Claim(*job_, turn, next_);
      Begin(turn);
    }
    for (PlannedRow& row : job_->rows) Add(turn, row);
    for (conflict::ConflictRecord& record : job_->lost) {
      record.decided_ms = turn.physical_ms();
      AppendConflict(turn, record);
    }
    for (const TouchedBucket& bucket : job_->buckets)
      if (!bucket.of || !bucket.of->state->dropped)
        turn.digests().Learn(bucket.table, bucket.bucket, bucket.touched);
    for (const ScanRow* entry : job_->entries) {
      if (Planted(PlantedBug::kLedgerNotFilled)) break;
      turn.KeepConflict(entry->key, entry->value);
    }
    turn.Observe(chunk.clock);
    if (job_->table) {
      AdvanceTable(turn);
      return {};
    }
    for (const TableId id : chunk.without) FillLater(turn, id);
    owner_.Advance(*job_, turn, next_);
    turn.batch().Put(ColumnFamily::kSystem, kFillingKey, EncodeFilling(stage_, next_));
    return {};
  }

  void Finished(const Status& status, Completions&) override {
    if (status.ok()) {
      for (const PlannedRow& row : job_->rows)
        if (!row.table && row.takes)
          owner_.catalog_.Publish(std::string(KeyOfItemKey(row.store_key)), row.published);
      if (!job_->table) owner_.Set(stage_, next_);
    }
    owner_.locks_.UnlockAll(job_->stripes);
    job_->executor->Post([owner = &owner_, job = job_, status] { owner->Ended(job, status); });
  }

 private:
  // What is no chunk.
  Status Turn(CommitTurn& turn) {
    const bool is_new = stage_ == Stage::kNew;
    if (job_->request.kind == FillRequest::Kind::kAgain) {
      next_.part = ScanPart::kDigests;
      next_.after.clear();
    } else if (job_->request.kind == FillRequest::Kind::kForsake) {
      ++next_.steps;
      next_.claims.Show(job_->request.chunk.vector);
      if (next_.claims.empty()) Filling::RowsDone(turn, {}, next_);
    } else if (job_->request.kind == FillRequest::Kind::kComplete || is_new) {
      stage_ = Stage::kServing;
      next_ = {};
    } else {
      stage_ = Stage::kCompleting;
    }
    if (job_->request.kind == FillRequest::Kind::kFinish) {
      turn.SetClosed(false);
      owner_.catalog_.Filled(turn);
    }
    if (stage_ == Stage::kServing) {
      turn.batch().Delete(ColumnFamily::kSystem, kFillingKey);
    } else {
      turn.batch().Put(ColumnFamily::kSystem, kFillingKey, EncodeFilling(stage_, next_));
    }
    return {};
  }

  // Everything that the source has applied counts as applied here, and no record of it is here.
  void Begin(CommitTurn& turn) {
    const conflict::Vector& vector = job_->request.chunk.Claims();
    std::map<LogId, uint64_t> held;
    for (const Dot& dot : vector.entries()) {
      if (dot.number <= turn.state().applied.At(dot.log)) continue;
      streams::TrimChanges(turn.batch(), dot.log, dot.number + 1);
      held[dot.log] = dot.number + 1;
    }
    owner_.logs_.HoldFrom(held);
    turn.Jump(vector);
    turn.SetClosed(true);
    // What their floors do not say of them is claimed now.
    for (const auto& [id, fill] : owner_.catalog_.fills().All())
      if (const TablePtr table = owner_.catalog_.FindById(id); table && !table->state->dropped)
        owner_.catalog_.FillTable(turn, *table, turn.state().applied);
  }

  // The source has not all of the table: it is filled by itself, from another one, afterwards.
  void FillLater(CommitTurn& turn, TableId id) {
    if (owner_.catalog_.fills().Has(id)) return;
    TablePtr table = owner_.catalog_.FindById(id);
    for (const PlannedRow& row : job_->rows)
      if (!row.table && row.published && row.published->definition.id == id) table = row.published;
    if (table && !table->state->elsewhere && !table->state->dropped)
      owner_.catalog_.FillTable(turn, *table, turn.state().applied);
  }

  void AdvanceTable(CommitTurn& turn) {
    const Table& table = *job_->table;
    if (table.state->dropped) return;
    if (job_->restart) {
      ++next_.steps;
      next_.part = ScanPart::kItems;
      next_.after.clear();
      next_.source = {};
      return owner_.catalog_.fills().Advance(turn, table.definition.id, next_);
    }
    owner_.Advance(*job_, turn, next_);
    next_.source = job_->partial ? job_->request.source : RegionId{};
    if (next_.part == ScanPart::kDone && job_->partial) NextTeller(turn);
    if (next_.part == ScanPart::kDone) {
      owner_.catalog_.TableFilled(turn, table);
    } else {
      owner_.catalog_.fills().Advance(turn, table.definition.id, next_);
    }
  }

  // One of those that are not whole has told all that it has; the others come next.
  void NextTeller(const CommitTurn& turn) {
    SetTold(next_, job_->request.source);
    const RegionId self = turn.state().log.region();
    for (const RegionId member : job_->table->definition.Members()) {
      if (member == self || HasTold(next_, member)) continue;
      next_.part = ScanPart::kItems;
      next_.source = {};
      return;
    }
  }

  void Add(CommitTurn& turn, PlannedRow& row) {
    if (row.conflict) {
      row.conflict->decided_ms = turn.physical_ms();
      AppendConflict(turn, *row.conflict);
    }
    if (!row.takes) return;
    if (row.table) {
      if (row.table->state->dropped) return;
      if (row.row) return row.change.AddTo(turn, row.table->state, row.store_key, row.item);
      if (Planted(PlantedBug::kFillKeepsDeleted)) return;
      return row.change.AddRemovalTo(turn, row.table->state, row.store_key, row.item.version);
    }
    const std::string key(KeyOfItemKey(row.store_key));
    row.published = owner_.catalog_.Replace(turn, owner_.catalog_.FindHeld(key),
                                            row.definition ? &*row.definition : nullptr);
    turn.batch().Put(ColumnFamily::kItems, row.store_key, row.row->value);
    turn.digests().Touch(kCatalogTable, 0, row.item.version.dot,
                         RowHash(row.store_key, row.item) - row.hash_before);
  }

  Filling& owner_;
  const JobPtr job_;
  Stage stage_ = Stage::kServing;
  FillProgress next_;
};

Filling::Filling(const KvStore& store, const Clock& clock, Catalog& catalog, KeyLocks& locks,
                 Committer& committer, RemoteApply& remote_apply, LogKeeper& logs)
    : store_(store),
      clock_(clock),
      catalog_(catalog),
      locks_(locks),
      committer_(committer),
      remote_apply_(remote_apply),
      logs_(logs) {}

void Filling::MarkNew(KvBatch& batch) {
  batch.Put(ColumnFamily::kSystem, kFillingKey, EncodeFilling(Stage::kNew, {}));
}

bool Filling::ShowsRows(std::string_view value) {
  Stage stage = Stage::kNew;
  FillProgress progress;
  return DecodeFilling(value, stage, progress) && streams::Serves(stage);
}

Result<bool> Filling::IsClosed(const KvStore& store) {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kSystem, kFillingKey, &value));
  return found && !ShowsRows(value);
}

Status Filling::Load() {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found, store_.Get(ColumnFamily::kSystem, kFillingKey, &value));
  if (!found) return {};
  Stage stage = Stage::kNew;
  FillProgress progress;
  if (!DecodeFilling(value, stage, progress))
    return DataLoss("the state of the region's filling is damaged");
  Set(stage, progress);
  return {};
}

std::pair<Stage, FillProgress> Filling::Now() const {
  std::lock_guard lock(mutex_);
  std::pair<Stage, FillProgress> now{stage_, progress_};
  if (claiming_) now.second.claims = *claiming_;
  return now;
}

void Filling::Set(Stage stage, const FillProgress& progress) {
  std::lock_guard lock(mutex_);
  claiming_.reset();
  stage_ = stage;
  if (stage == Stage::kFilling && progress.begun != seen_begun_) {
    seen_begun_ = progress.begun;
    seen_since_ = clock_.Now();
    seen_rows_ = progress.live_rows;
  }
  progress_ = progress;
}

Filling::Estimate Filling::Guess() const {
  std::lock_guard lock(mutex_);
  const FillProgress& at = progress_;
  Estimate estimate;
  if (at.part > ScanPart::kItems) {
    estimate.percent = 99;
  } else if (at.total_rows > 0) {
    estimate.percent = static_cast<int>(std::min<uint64_t>(99, at.live_rows * 100 / at.total_rows));
  }
  const int64_t elapsed = clock_.Now() - seen_since_;
  const uint64_t merged = at.live_rows - std::min(at.live_rows, seen_rows_);
  if (at.part == ScanPart::kItems && merged > 0 && elapsed > 0) {
    const uint64_t left = at.total_rows - std::min(at.total_rows, at.live_rows);
    estimate.seconds_left =
        static_cast<int64_t>(static_cast<double>(left) / static_cast<double>(merged) *
                             static_cast<double>(elapsed) / kMicrosPerSecond);
  }
  return estimate;
}

FillProgress Filling::Progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

Status Filling::Serving() const {
  const Stage stage = stage_;
  if (streams::Serves(stage) || Planted(PlantedBug::kServesWhileFilled)) return {};
  if (stage == Stage::kNew)
    return Unavailable(
        "This region is empty and waits for a word of another region: whether there is data to "
        "be filled with.");
  const Estimate estimate = Guess();
  return Unavailable(
      "This region is being filled from its peers: " + std::to_string(estimate.percent) +
      "% of the items are here" +
      (estimate.seconds_left < 0
           ? std::string()
           : ", the rest takes about " + std::to_string(estimate.seconds_left + 1) + " s") +
      ". Try again then, or ask another region.");
}

void Filling::Fill(FillRequest request, Executor& executor, Reply reply) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->executor = &executor;
  job->reply = std::move(reply);
  remote_apply_.RunAlone(executor, [this, job](std::function<void()> done) {
    job->done = std::move(done);
    Run(job);
  });
}

// Alone: no change of another region is under way, and clients do not write, so that nothing comes
// into the chunk's range while we look at it.
void Filling::Run(const JobPtr& job) {
  const TableId of = job->request.chunk.table;
  job->before = Progress();
  job->stage = stage_;
  job->shown = committer_.CommittedState().applied;
  job->first_held = logs_.first_held();
  // Definitions are here as soon as they are claimed.
  if (job->request.chunk.part != ScanPart::kCatalog)
    job->shown = job->before.claims.ShownOf(job->shown);
  if (of.value != 0) {
    job->table = catalog_.FindById(of);
    if (const auto fill = catalog_.fills().Find(of)) job->before = fill->progress;
    job->shown = {};  // what it had of the table is in the logs
    const auto& without = job->request.chunk.without;
    job->partial = std::find(without.begin(), without.end(), of) != without.end();
  }
  Status status = committer_.health();
  if (status.ok()) status = Check(*job);
  if (status.ok()) status = FindKeys(*job);
  if (!status.ok()) return Ended(job, status);
  locks_.LockAll(job->stripes, *job->executor, [this, job] {
    if (const Status planned = Plan(*job); !planned.ok()) {
      locks_.UnlockAll(job->stripes);
      return Ended(job, planned);
    }
    if (!job->table && job->request.chunk.part == ScanPart::kCatalog)
      remote_apply_.Jump(job->request.chunk.Claims());
    committer_.Submit(std::make_unique<Unit>(*this, job));
  });
}

Status Filling::Check(Job& job) const {
  const Stage stage = stage_;
  if (job.request.kind == FillRequest::Kind::kFinish) {
    const bool rows_done = stage == Stage::kFilling && job.before.part > ScanPart::kItems;
    return rows_done || stage == Stage::kNew ? OkStatus()
                                             : FailedPrecondition("the region is not filled yet");
  }
  if (job.request.kind == FillRequest::Kind::kForsake)
    return stage == Stage::kFilling && job.before.part == ScanPart::kItems
               ? OkStatus()
               : FailedPrecondition("nothing is claimed");
  if (job.request.kind != FillRequest::Kind::kChunk) {
    const bool gathered = stage == Stage::kCompleting && job.before.part == ScanPart::kDone;
    return gathered ? OkStatus() : FailedPrecondition("there is more to be gathered");
  }
  const ScanChunk& chunk = job.request.chunk;
  if (chunk.table.value != 0 &&
      (stage != Stage::kServing || !job.table || !catalog_.fills().Has(chunk.table)))
    return FailedPrecondition("the table is not being filled");
  if (chunk.part == ScanPart::kCatalog) {
    if (chunk.table.value != 0) return InvalidArgument("the catalog of one table");
    if (!chunk.end || !chunk.after.empty()) return InvalidArgument("a part of a catalog");
    // A number that the source knows and we do not would be given twice.
    const RegionState state = committer_.CommittedState();
    if (chunk.Claims().At(state.log) > state.applied.At(state.log))
      return FailedPrecondition("the source holds more of our own log than we do");
    return CheckRows(chunk);
  }
  const bool begins = chunk.part == ScanPart::kItems && chunk.after.empty();
  const Stage due = chunk.table.value != 0           ? stage
                    : chunk.part == ScanPart::kItems ? Stage::kFilling
                                                     : Stage::kCompleting;
  const bool of_region = chunk.table.value == 0 && chunk.part == ScanPart::kItems;
  const bool another_pass = of_region && begins;  // at any time
  if (stage != due || chunk.part != job.before.part ||
      (chunk.after != job.before.after && !another_pass))
    return FailedPrecondition("not the chunk that comes next");
  if (another_pass && !job.before.claims.Want(chunk.vector))
    return FailedPrecondition("the source shows nothing that this region lacks");
  if (!chunk.vector.Covers(of_region && !begins ? job.before.pass : job.before.floor))
    return FailedPrecondition("the source does not show what this region claims");
  if (!committer_.CommittedState().applied.Covers(chunk.Claims()))
    return FailedPrecondition("this region has not applied what the chunk shows");
  // What several have in parts is taken from one after the other.
  const RegionId teller = job.partial ? job.request.source : RegionId{};
  job.restart = job.table && !begins && job.before.source != teller;
  return CheckRows(chunk);
}

// Everything that a peer may get wrong.
Status Filling::CheckRows(const ScanChunk& chunk) const {
  std::string_view last = chunk.after;
  const std::string items = ItemKey(kUserTables, "");
  for (const ScanRow& row : chunk.rows) {
    if (row.key <= last || row.key > chunk.through)
      return InvalidArgument("the rows of a chunk are not in order");
    last = row.key;
    if (chunk.part == ScanPart::kDigests) {
      TouchedBucket bucket;
      BucketDigest digest;
      if (!ParseDigestKey(row.key, bucket.table, bucket.bucket) ||
          !DecodeBucketDigest(row.value, digest) ||
          (chunk.table.value != 0 && bucket.table != chunk.table))
        return InvalidArgument("a chunk holds what is no digest");
      continue;
    }
    if (chunk.part == ScanPart::kLedger) {
      conflict::ConflictRecord record;
      if (!conflict::DecodeConflictRecord(row.value, record) ||
          conflict::LedgerKey(record.loser.version) != row.key ||
          (chunk.table.value != 0 && (record.is_table || record.table != chunk.table)))
        return InvalidArgument("a chunk holds what is no ledger entry");
      continue;
    }
    StoredItem item;
    if (row.key.size() < 9 || !DecodeStoredItem(row.value, item) || item.version.dot.number == 0)
      return InvalidArgument("a chunk holds what is no stored item");
    if (chunk.part == ScanPart::kItems) {
      if (row.key < items || !item::IsWellFormedItem(item.image) ||
          (chunk.table.value != 0 && TableOfItemKey(row.key) != chunk.table))
        return InvalidArgument("a chunk holds no item");
      continue;
    }
    TableDefinition definition;
    if (TableOfItemKey(row.key) != kCatalogTable ||
        (!item.tombstone && (!DecodeTableDefinition(item.image, definition) ||
                             definition.CatalogKey() != KeyOfItemKey(row.key))))
      return InvalidArgument("a chunk holds no table definition");
  }
  return {};
}

// The keys of the chunk, and those that stand here in its range.
Status Filling::FindKeys(Job& job) const {
  const ScanChunk& chunk = job.request.chunk;
  if (job.request.kind != FillRequest::Kind::kChunk || chunk.part > ScanPart::kItems || job.restart)
    return {};
  auto row = chunk.rows.begin();
  const auto take = [&](std::string key, const ScanRow* of) {
    job.stripes.push_back(KeyLocks::StripeOf(key));
    job.keys.emplace_back(std::move(key), of);
  };
  if (chunk.part == ScanPart::kItems) {
    const bool one = chunk.table.value != 0;
    const std::string first = ItemKey(one ? chunk.table : kUserTables, "");
    const std::string begin = std::max(first, chunk.after);
    const std::string past = one ? PrefixEnd(first) : std::string();
    const auto it =
        store_.NewIterator(ColumnFamily::kItems, {begin, chunk.end ? past : chunk.through + '\0'});
    for (it->Seek(begin); it->Valid(); it->Next()) {
      if (it->key() == chunk.after) continue;
      for (; row != chunk.rows.end() && row->key < it->key(); ++row) take(row->key, &*row);
      const bool both = row != chunk.rows.end() && row->key == it->key();
      take(std::string(it->key()), both ? &*row++ : nullptr);
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  for (; row != chunk.rows.end(); ++row) take(row->key, &*row);
  std::sort(job.stripes.begin(), job.stripes.end());
  job.stripes.erase(std::unique(job.stripes.begin(), job.stripes.end()), job.stripes.end());
  return {};
}

// With everything locked.
Status Filling::Plan(Job& job) const {
  for (const auto& [key, row] : job.keys) EW_RETURN_IF_ERROR(PlanRow(job, key, row));
  if (job.request.kind != FillRequest::Kind::kChunk || job.restart) return {};
  const ScanChunk& chunk = job.request.chunk;
  if (chunk.part == ScanPart::kDigests) PlanDigests(job);
  if (chunk.part != ScanPart::kLedger) return {};
  std::string ignored;
  for (const ScanRow& entry : chunk.rows) {
    EW_ASSIGN_OR_RETURN(const bool there, store_.Get(ColumnFamily::kLedger, entry.key, &ignored));
    conflict::ConflictRecord record;
    CHECK(conflict::DecodeConflictRecord(entry.value, record));
    const bool ours = record.is_table || !catalog_.IsElsewhere(record.table);
    if (!there && ours) job.entries.push_back(&entry);
  }
  return {};
}

// All rows are here, as of a vector that covers what the chunk speaks of: these changes have
// touched their buckets here too.
void Filling::PlanDigests(Job& job) const {
  for (const ScanRow& row : job.request.chunk.rows) {
    TouchedBucket bucket;
    BucketDigest digest;
    CHECK(ParseDigestKey(row.key, bucket.table, bucket.bucket));
    CHECK(DecodeBucketDigest(row.value, digest));
    bucket.of = catalog_.FindById(bucket.table);
    if (!job.table && catalog_.fills().Has(bucket.table)) continue;
    if (!bucket.of && bucket.table != kCatalogTable) continue;  // deleted meanwhile
    bucket.touched = std::move(digest.touched);
    job.buckets.push_back(std::move(bucket));
  }
}

// What the source does not show meets what we do not show: nobody may have decided between the two,
// and nobody may come to it by a log (they may have been trimmed on both sides). So it is decided
// here. The source's row did not know ours, or it would show it (but for one that came to the
// source by the log while it is filled itself). Ours may have known the source's, when it came by
// the log meanwhile: then the log tells.
Status Filling::PlanConflict(const Job& job, PlannedRow& planned, const StoredItem& stored) const {
  const conflict::Vector& seen = job.request.chunk.Seen();
  const StoredItem& item = planned.item;
  const bool undecided = job.request.chunk.table.value == 0 && !seen.Covers(stored.version.dot) &&
                         !job.shown.Covers(item.version.dot);
  const bool lossless =
      stored.tombstone == item.tombstone && (stored.tombstone || stored.image == item.image);
  if (!undecided || lossless || Knew(job, stored.version.dot, item.version.dot)) return {};
  conflict::ConflictRecord record;
  record.is_table = TableOfItemKey(planned.store_key) < kUserTables;
  record.table = record.is_table ? TableId() : TableOfItemKey(planned.store_key);
  record.key = KeyOfItemKey(planned.store_key);
  record.loser = {stored.version, stored.tombstone, std::string(stored.image)};
  record.winner = {item.version, item.tombstone, std::string(item.image)};
  if (!planned.takes) std::swap(record.loser, record.winner);
  std::string ignored;
  EW_ASSIGN_OR_RETURN(
      const bool known,
      store_.Get(ColumnFamily::kLedger, conflict::LedgerKey(record.loser.version), &ignored));
  if (!known) planned.conflict = std::move(record);
  return {};
}

bool Filling::Knew(const Job& job, Dot change, Dot earlier) const {
  if (change == earlier || (change.log == earlier.log && change.number > earlier.number))
    return true;
  const auto held = job.first_held.find(change.log);
  if (held != job.first_held.end() && change.number < held->second) return false;
  const auto read = streams::ReadChanges(store_, change.log, change.number - 1, change.number, 1);
  Dot dot;
  conflict::Vector context;
  return read.ok() && !read->empty() &&
         streams::DecodeChangeContext(*read->records[0], dot, context) && context.Covers(earlier);
}

// A table goes with all its rows. What of them the source does not know is lost to the deletion.
Status Filling::PlanDropped(Job& job, const PlannedRow& planned) const {
  const TablePtr table = catalog_.FindHeld(KeyOfItemKey(planned.store_key));
  if (!table || (planned.definition && planned.definition->id == table->definition.id)) return {};
  const std::string rows = ItemKey(table->definition.id, "");
  const auto it = store_.NewIterator(ColumnFamily::kItems, {rows, PrefixEnd(rows)});
  for (it->Seek(rows); it->Valid(); it->Next()) {
    StoredItem item;
    if (!DecodeStoredItem(it->value(), item)) return DataLoss("a stored item is damaged");
    if (item.tombstone || job.request.chunk.Seen().Covers(item.version.dot)) continue;
    conflict::ConflictRecord& record = job.lost.emplace_back();
    record.reason = conflict::Reason::kTableDeleted;
    record.table = table->definition.id;
    record.key = KeyOfItemKey(it->key());
    record.loser = {item.version, false, std::string(item.image)};
  }
  return it->status();
}

Status Filling::PlanRow(Job& job, const std::string& key, const ScanRow* row) const {
  const conflict::Vector& seen = job.request.chunk.Seen();
  std::string buffer;
  EW_ASSIGN_OR_RETURN(const auto stored, ReadStored(store_, key, &buffer));
  // Who has not all may have a number without what it stands for: then the higher version is all
  // that can be said.
  const bool known_there = stored && !job.partial && seen.Covers(stored->version.dot);
  // A table with a filling of its own, or that will have one, is left to that.
  const TableId id = TableOfItemKey(key);
  const auto& without = job.request.chunk.without;
  if (id >= kUserTables && !job.table &&
      (catalog_.fills().Has(id) || std::find(without.begin(), without.end(), id) != without.end()))
    return {};
  PlannedRow planned;
  planned.store_key = key;
  planned.row = row;
  if (row) {
    CHECK(DecodeStoredItem(row->value, planned.item));
    // What our rows show and is not here was deleted, and that forgotten.
    const bool known_here = job.shown.Covers(planned.item.version.dot);
    planned.takes = !stored
                        ? !known_here
                        : stored->version != planned.item.version &&
                              (known_there == known_here ? planned.item.version > stored->version
                                                         : known_there);
    if (stored) EW_RETURN_IF_ERROR(PlanConflict(job, planned, *stored));
  } else if (known_there) {
    planned.item = *stored;
    planned.takes = true;
  }
  if (!planned.takes) {
    if (planned.conflict) job.rows.push_back(std::move(planned));
    return {};
  }
  if (TableOfItemKey(key) < kUserTables) {
    if (stored) planned.hash_before = RowHash(key, *stored);
    if (!planned.item.tombstone) {
      CHECK(DecodeTableDefinition(planned.item.image, planned.definition.emplace()));
    }
    EW_RETURN_IF_ERROR(PlanDropped(job, planned));
    job.rows.push_back(std::move(planned));
    return {};
  }
  // By now we have applied all that the chunk shows: a table that is not here has been deleted.
  planned.table = catalog_.FindById(TableOfItemKey(key));
  if (!planned.table) return {};
  const NewRow after = row ? NewRow{planned.item.tombstone, planned.item.image} : NewRow{true, {}};
  EW_ASSIGN_OR_RETURN(planned.change,
                      RowChange::Plan(store_, *planned.table->state, key, stored, after));
  job.rows.push_back(std::move(planned));
  return {};
}

void Filling::Advance(const Job& job, const CommitTurn& turn, FillProgress& next) const {
  const ScanChunk& chunk = job.request.chunk;
  if (chunk.part == ScanPart::kCatalog) return;
  const bool of_region = chunk.table.value == 0;
  ++next.steps;
  if (of_region && chunk.part == ScanPart::kItems && chunk.after.empty()) {
    next.pass = chunk.vector;
    next.live_rows = 0;
  }
  next.rows += chunk.rows.size();
  next.bytes += chunk.bytes();
  next.total_rows = chunk.total_rows;
  if (chunk.part == ScanPart::kItems) {
    for (const ScanRow& row : chunk.rows) {
      StoredItem item;
      next.live_rows += DecodeStoredItem(row.value, item) && !item.tombstone ? 1 : 0;
    }
  }
  next.after = chunk.through;
  if (!chunk.end) return;
  next.after.clear();
  if (of_region && chunk.part == ScanPart::kItems) {
    next.claims.Show(next.pass);
    next.pass = {};
    if (!next.claims.empty()) return;  // through the rows of another one
  }
  if (chunk.part == ScanPart::kItems) return RowsDone(turn, chunk.vector, next);
  next.part = static_cast<ScanPart>(static_cast<int>(chunk.part) + 1);
}

// Digests and ledger are told by who shows as much, but for our own changes that nobody has: those
// were held against the rows as they came.
void Filling::RowsDone(const CommitTurn& turn, const conflict::Vector& seen, FillProgress& next) {
  next.part = ScanPart::kDigests;
  next.after.clear();
  next.pass = {};
  next.floor = {};
  for (const Dot& dot : turn.state().applied.entries())
    if (dot.log.region() != turn.state().log.region() || seen.Covers(dot)) next.floor.Raise(dot);
}

// Everything that the source counts counts here too from now on.
void Filling::Claim(const Job& job, const CommitTurn& turn, FillProgress& next) {
  const ScanChunk& chunk = job.request.chunk;
  if (job.stage != Stage::kFilling) {
    next = {};
    next.begun = job.before.begun;
    next.begun_ms = clock_.PhysicalMillis();
    next.part = ScanPart::kItems;
  }
  ++next.begun;
  next.source = job.request.source;
  next.total_rows = chunk.total_rows;
  next.floor = {};
  next.claims.Claim(turn.state().applied, chunk.Claims());
  if (next.claims.empty()) {
    RowsDone(turn, chunk.vector, next);
  } else if (next.part != ScanPart::kItems) {
    next.part = ScanPart::kItems;
    next.after.clear();
  }
  std::lock_guard lock(mutex_);
  claiming_ = next.claims;
}

void Filling::Ended(const JobPtr& job, const Status& status) {
  job->reply({job->request.id, status});
  job->done();
}

}  // namespace everwrite::table
