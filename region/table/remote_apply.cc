#include "region/table/remote_apply.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/mark.h"
#include "base/planted.h"
#include "conflict/resolver.h"
#include "region/item/item.h"
#include "region/table/conflict_ledger.h"
#include "region/table/row_change.h"
#include "streams/change_record.h"

namespace everwrite::table {

using conflict::ConflictRecord;
using conflict::ConflictSide;
using streams::ChangeRecord;
using streams::Subject;

namespace {

ConflictSide SideOf(const conflict::Version& version, bool tombstone, std::string_view image) {
  return {version, tombstone, std::string(image)};
}

// A tombstone is forgotten when whatever may still come was written by who knew it, and so has a
// higher stamp (conflict/stability.h). What comes with a lower one was gone with a disk when that
// was counted, and is back from an old copy of it: there may have been a deletion above it that
// nobody here knows any more. Taking it could bring back what was deleted; so it is put in the
// ledger. If it was not deleted, its region has the row, and the proof of convergence brings it.
bool ComesAfterForgetting(const ChangeRecord& record, Stamp forgotten) {
  return record.stamp <= forgotten;
}

// One change, decided.
struct PlannedChange {
  std::string store_key;
  conflict::Version version;
  bool take = false;
  std::optional<ConflictRecord> conflict;
  TablePtr table;           // of an item
  RowChange row;            // of an item that is taken
  bool superseded = false;  // a later change of the segment replaces the row before anybody sees it
  bool bare = false;        // the region holds the table, and was not told what the change says
  // Of a definition that is taken.
  bool is_definition = false;
  std::optional<TableDefinition> definition;  // nullopt: deleted
  uint64_t hash_before = 0;
  TablePtr published;  // made in the turn
};

}  // namespace

struct RemoteApply::Job {
  streams::ApplyRequest request;
  Executor* executor = nullptr;
  Reply reply;
  Task task;                          // RunAlone: the rest is empty
  std::vector<ChangeRecord> records;  // views into request.batch
  std::vector<conflict::Vector> contexts;
  size_t next = 0;                   // the first record that is in no segment yet
  std::shared_ptr<Segment> segment;  // being locked and resolved
};

struct RemoteApply::Segment {
  Job* job = nullptr;  // holds us while we wait for locks; later the unit holds both
  size_t begin = 0;
  size_t end = 0;
  bool ends_with_definition = false;  // else it ends with the job
  std::vector<KeyLocks::Stripe> stripes;
  std::vector<PlannedChange> changes;
  // What the last change taken of a key leaves there, and which it is. Images are the request's.
  struct Left {
    StoredItem row;
    size_t change = 0;
  };
  std::map<std::string, Left, std::less<>> left;
};

class RemoteApply::Unit : public CommitUnit {
 public:
  Unit(RemoteApply& owner, JobPtr job, std::shared_ptr<Segment> segment)
      : owner_(owner), job_(std::move(job)), segment_(std::move(segment)) {}

  Status AddTo(CommitTurn& turn) override {
    const Job& job = *job_;
    for (size_t i = segment_->begin; i < segment_->end; ++i) {
      const ChangeRecord& record = job.records[i];
      AddChange(turn, record, segment_->changes[i - segment_->begin]);
      turn.AppendRemoteChange(
          record.dot, record.stamp,
          *job.request.batch.records[record.dot.number - job.request.batch.first]);
    }
    return {};
  }

  void Finished(const Status& status, Completions&) override {
    if (status.ok()) {
      for (PlannedChange& change : segment_->changes) {
        if (change.conflict && change.conflict->reason == conflict::Reason::kDeletionForgotten)
          owner_.NoteLate(*change.conflict);
        if (!change.take || !change.is_definition) continue;
        owner_.catalog_.Publish(std::string(KeyOfItemKey(change.store_key)), change.published);
      }
    }
    owner_.locks_.UnlockAll(segment_->stripes);
    job_->executor->Post([owner = &owner_, job = job_, segment = segment_, status] {
      owner->SegmentCommitted(job, *segment, status);
    });
  }

 private:
  void AddChange(CommitTurn& turn, const ChangeRecord& record, PlannedChange& change) {
    // The table was dropped by a client of this region between deciding and committing.
    if (change.table && change.table->state->dropped) {
      change.take = false;
      if (change.table->state->left) {
        change.conflict.reset();  // it is decided where the table lives
      } else if (!record.tombstone && !record.bare) {
        change.conflict = LostToDeletion(record, turn.physical_ms());
      }
    } else if (change.bare) {
      if (!change.table->definition.IsAlone())
        owner_.catalog_.fills().Lack(turn, record.table, record.dot);
      return;
    }
    if (change.conflict) {
      change.conflict->decided_ms = turn.physical_ms();
      AppendConflict(turn, *change.conflict);
    }
    const StoredItem item{change.version, record.tombstone, record.image};
    if (!change.take || change.superseded) {
      AddNothing(turn, change, item);
    } else if (change.is_definition) {
      AddDefinition(turn, change, item);
    } else {
      change.row.AddTo(turn, change.table->state, change.store_key, item);
    }
  }

  // It has been decided on, and moved nothing.
  static void AddNothing(CommitTurn& turn, const PlannedChange& change, const StoredItem& item) {
    if (change.is_definition) {
      turn.digests().Touch(kCatalogTable, 0, item.version.dot, 0);
    } else if (change.table && !change.table->state->dropped) {
      if (Planted(PlantedBug::kDigestMissesLosers) && !change.superseded) return;
      const TableId table = change.table->definition.id;
      turn.digests().Touch(table, BucketOf(change.store_key), item.version.dot, 0);
      change.row.AddToStream(turn, *change.table->state, change.store_key, item);
    }
  }

  // We were the only one to hold the table, and took bare numbers for no lack: nobody else had more
  // of it. Now somebody holds it by a definition that is not ours of this life. Either it is of a
  // former one, which comes back from peers, and so does what we wrote until then, bare, from who
  // did not hold it; or its maker did not know that we were alone, and has the table from before.
  bool MayLackMore(const TablePtr& before, const TablePtr& after) const {
    return before && after && before->definition.id == after->definition.id &&
           !before->state->elsewhere && before->definition.IsAlone() && !after->state->elsewhere &&
           !after->definition.IsAlone();
  }

  // Tombstones of definitions are few and carry the generation: they are kept for ever.
  void AddDefinition(CommitTurn& turn, PlannedChange& change, const StoredItem& item) {
    const std::string key(KeyOfItemKey(change.store_key));
    const TablePtr before = owner_.catalog_.FindHeld(key);
    change.published =
        owner_.catalog_.Replace(turn, before, change.definition ? &*change.definition : nullptr);
    if (MayLackMore(before, change.published))
      owner_.catalog_.fills().Lack(turn, change.published->definition.id, item.version.dot,
                                   /*unnoticed=*/true);
    std::string value;
    EncodeStoredItem(item, value);
    turn.batch().Put(ColumnFamily::kItems, change.store_key, value);
    turn.digests().Touch(kCatalogTable, 0, item.version.dot,
                         RowHash(change.store_key, item) - change.hash_before);
  }

 public:
  static ConflictRecord LostToDeletion(const ChangeRecord& record, uint64_t now_ms,
                                       conflict::Reason reason = conflict::Reason::kTableDeleted) {
    ConflictRecord conflict;
    conflict.reason = reason;
    conflict.table = record.table;
    conflict.key = record.key;
    conflict.loser =
        SideOf({record.rank, record.stamp, record.dot}, record.tombstone, record.image);
    conflict.decided_ms = now_ms;
    return conflict;
  }

 private:
  RemoteApply& owner_;
  const JobPtr job_;
  const std::shared_ptr<Segment> segment_;
};

RemoteApply::RemoteApply(const KvStore& store, Catalog& catalog, KeyLocks& locks,
                         Committer& committer)
    : store_(store),
      catalog_(catalog),
      locks_(locks),
      committer_(committer),
      region_(committer.CommittedState().log.region()),
      planned_(committer.CommittedState().applied) {}

void RemoteApply::Apply(streams::ApplyRequest request, Executor& executor, Reply reply) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->executor = &executor;
  job->reply = std::move(reply);
  if (!job->request.batch.empty()) {
    std::lock_guard lock(mutex_);
    UnderWay& log = under_way_[job->request.batch.log];
    log.last = std::max(log.last, job->request.batch.last());
    ++log.jobs;
  }
  Enqueue(std::move(job));
}

conflict::Vector RemoteApply::Coming() const {
  {
    std::lock_guard lock(mutex_);
    if (under_way_.empty()) return {};
  }
  const conflict::Vector applied = committer_.CommittedState().applied;
  conflict::Vector coming;
  std::lock_guard lock(mutex_);
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    const auto& [log, way] = *at;
    // What has failed is over once nothing that was before it can still be committed.
    if (applied.At(log) >= way.last || (way.jobs == 0 && committing_ == 0)) {
      at = way.jobs == 0 ? under_way_.erase(at) : std::next(at);
      continue;
    }
    coming.Set(log, way.last);
    ++at;
  }
  return coming;
}

void RemoteApply::RunAlone(Executor& executor, Task task) {
  auto job = std::make_shared<Job>();
  job->executor = &executor;
  job->task = std::move(task);
  Enqueue(std::move(job));
}

void RemoteApply::Enqueue(JobPtr job) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
    if (busy_) return;
    busy_ = true;
  }
  StartNext();
}

void RemoteApply::StartNext() {
  JobPtr job;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      busy_ = false;
      return;
    }
    job = std::move(queue_.front());
    queue_.pop_front();
    if (job->task && committing_ > 0) {
      alone_ = std::move(job);
      return;
    }
  }
  job->executor->Post([this, job] { Begin(job); });
}

void RemoteApply::SegmentEnded() {
  JobPtr job;
  {
    std::lock_guard lock(mutex_);
    if (--committing_ == 0) job.swap(alone_);
  }
  if (job) job->executor->Post([this, job] { Begin(job); });
}

void RemoteApply::Begin(const JobPtr& job) {
  if (job->task) return job->task([this] { StartNext(); });
  if (const Status status = Check(*job); !status.ok() || job->next == job->records.size()) {
    End(job, status);
    StartNext();
    return;
  }
  LockSegment(job);
}

namespace {

// A transaction comes whole: its first change bears its own number as the id, and what follows the
// same until the end. `open` is the transaction that the record before has left open.
Status CheckTransaction(const ChangeRecord& record, uint64_t& open) {
  const uint64_t number = record.dot.number;
  const bool begins = open == 0 && record.transaction == number && !record.transaction_end;
  const bool goes_on = open != 0 && record.transaction == open;
  const bool alone = open == 0 && record.transaction == 0 && !record.transaction_end;
  if (!begins && !goes_on && !alone)
    return FailedPrecondition("record " + std::to_string(number) + " cuts a transaction");
  if (record.transaction != 0 && record.subject == Subject::kTable)
    return InvalidArgument("record " + std::to_string(number) +
                           " is a definition within a transaction");
  open = record.transaction_end ? 0 : record.transaction;
  return {};
}

bool HoldsDefinition(const ChangeRecord& record) {
  TableDefinition definition;
  return DecodeTableDefinition(record.image, definition) && definition.CatalogKey() == record.key;
}

}  // namespace

// Decodes, and skips what is applied already. Everything a peer may get wrong is found here, before
// anything is locked or decided.
Status RemoteApply::Check(Job& job) {
  const streams::RecordBatch& batch = job.request.batch;
  const uint64_t planned = planned_.At(batch.log);
  if (!batch.empty() && batch.first > planned + 1)
    return FailedPrecondition("a gap: next is " + std::to_string(planned + 1) + ", not " +
                              std::to_string(batch.first));
  conflict::Vector covered = planned_;
  covered.Merge(committer_.CommittedState().applied);  // our own log, which moves without us
  job.records.reserve(batch.records.size());
  job.contexts.reserve(batch.records.size());
  uint64_t expected = batch.first;
  uint64_t open_transaction = 0;
  for (const auto& bytes : batch.records) {
    ChangeRecord record;
    if (!streams::DecodeChangeRecord(*bytes, record) || record.dot != Dot{batch.log, expected})
      return InvalidArgument("record " + std::to_string(expected) + " is not a change record");
    ++expected;
    if (record.dot.number <= planned) {  // up to the end of a transaction, always
      Reach(Mark::kChangeRepeated);
      continue;
    }
    if (!Planted(PlantedBug::kHalfTransaction))
      EW_RETURN_IF_ERROR(CheckTransaction(record, open_transaction));
    conflict::Vector context;
    if (!record.context.empty()) CHECK(conflict::Vector::Decode(record.context, context));
    if (!covered.Covers(context) && !Planted(PlantedBug::kCauseNotAwaited))
      return FailedPrecondition("record " + std::to_string(record.dot.number) +
                                " depends on changes that are not here");
    if (record.subject == Subject::kItem && !record.bare && !item::IsWellFormedItem(record.image))
      return InvalidArgument("record " + std::to_string(record.dot.number) + " holds no item");
    if (record.subject == Subject::kTable && !record.tombstone && !HoldsDefinition(record))
      return InvalidArgument("record " + std::to_string(record.dot.number) +
                             " holds no definition");
    covered.Raise(record.dot);
    job.records.push_back(record);
    job.contexts.push_back(std::move(context));
  }
  if (open_transaction != 0)
    return FailedPrecondition("the batch ends within transaction " +
                              std::to_string(open_transaction));
  return {};
}

void RemoteApply::LockSegment(const JobPtr& job) {
  auto segment = std::make_shared<Segment>();
  segment->job = job.get();
  segment->begin = job->next;
  segment->changes.reserve(job->records.size() - job->next);
  segment->stripes.reserve(job->records.size() - job->next);
  for (segment->end = job->next; segment->end < job->records.size();) {
    const ChangeRecord& record = job->records[segment->end++];
    const bool is_table = record.subject == Subject::kTable;
    PlannedChange& change = segment->changes.emplace_back();
    change.store_key = ItemKey(is_table ? kCatalogTable : record.table, record.key);
    segment->stripes.push_back(KeyLocks::StripeOf(change.store_key));
    if (is_table) {
      segment->ends_with_definition = true;
      break;
    }
  }
  std::sort(segment->stripes.begin(), segment->stripes.end());
  segment->stripes.erase(std::unique(segment->stripes.begin(), segment->stripes.end()),
                         segment->stripes.end());
  job->next = segment->end;
  job->segment = segment;
  locks_.LockAll(
      segment->stripes, *job->executor, [this, job] { ResolveSegment(job); },
      KeyLocks::Turn::kSecond);
}

void RemoteApply::ResolveSegment(const JobPtr& job) {
  const std::shared_ptr<Segment> segment = std::move(job->segment);
  for (size_t i = 0; i < segment->changes.size(); ++i) {
    if (const Status status = Resolve(*segment, i); !status.ok()) {
      locks_.UnlockAll(segment->stripes);
      End(job, status);
      StartNext();
      return;
    }
  }
  planned_.Raise(job->records[segment->end - 1].dot);
  // Whatever comes after a definition must see it in the catalog, which shows what is committed:
  // also the next job, or its rows would look like rows of a table that was deleted.
  const bool overlap = !segment->ends_with_definition;
  {
    std::lock_guard lock(mutex_);
    ++committing_;
  }
  committer_.Submit(std::make_unique<Unit>(*this, job, segment));
  if (overlap) StartNext();
}

Status RemoteApply::Resolve(Segment& segment, size_t index) {
  const ChangeRecord& record = segment.job->records[segment.begin + index];
  PlannedChange& change = segment.changes[index];
  change.version = {record.rank, record.stamp, record.dot};
  change.is_definition = record.subject == Subject::kTable;
  if (!change.is_definition) {
    if (record.apart && record.bare) return {};  // its maker's alone
    change.table = catalog_.FindById(record.table);
    if (!change.table) {
      // By causal order the definition was here before its rows: the table has been deleted since,
      // or is none of ours.
      Reach(Mark::kRowsOfDroppedTable);
      if (!record.tombstone && !record.bare && !catalog_.IsElsewhere(record.table))
        change.conflict = Unit::LostToDeletion(record, 0);
      return {};
    }
    change.bare = record.bare;
    if (change.bare) return {};
  }
  std::string buffer;
  std::optional<StoredItem> row;
  const auto left = segment.left.find(change.store_key);
  if (left != segment.left.end()) {
    row = left->second.row;
  } else {
    EW_ASSIGN_OR_RETURN(row, ReadStored(store_, change.store_key, &buffer));
  }
  if (!row && !change.is_definition && ComesAfterForgetting(record, committer_.Forgotten())) {
    Reach(Mark::kChangeAfterForgetting);
    if (!record.tombstone)
      change.conflict = Unit::LostToDeletion(record, 0, conflict::Reason::kDeletionForgotten);
    return {};
  }
  std::optional<conflict::StoredState> stored;
  if (row) stored = conflict::StoredState{row->version, row->tombstone, row->image};
  const conflict::IncomingChange incoming{change.version, record.tombstone, record.image,
                                          &segment.job->contexts[segment.begin + index]};
  const conflict::Verdict verdict = conflict::Resolve(stored ? &*stored : nullptr, incoming);
  change.take = conflict::Takes(verdict);
  if (conflict::IsConflict(verdict)) {
    ConflictRecord& conflict = change.conflict.emplace();
    conflict.is_table = change.is_definition;
    conflict.table = record.table;
    conflict.key = record.key;
    conflict.loser = SideOf(stored->version, stored->tombstone, stored->image);
    conflict.winner = SideOf(change.version, record.tombstone, record.image);
    if (!change.take) std::swap(conflict.loser, conflict.winner);
    // A row of a table that is being filled may be one that lost long ago where it was decided, and
    // the filling of the region has brought that entry before the table's brings the row.
    if (catalog_.fills().Has(record.table) && FindConflict(store_, conflict.loser.version).ok())
      change.conflict.reset();
  }
  if (!change.take) return {};
  if (change.is_definition) {
    if (row) change.hash_before = RowHash(change.store_key, *row);
    if (!record.tombstone) CHECK(DecodeTableDefinition(record.image, change.definition.emplace()));
    return {};
  }
  // Its own deletions come back to a region that has lost them.
  const bool expired =
      record.actor == streams::Actor::kTimeToLive && record.dot.log.region() == region_;
  const NewRow after{record.tombstone, record.image, expired};
  if (left != segment.left.end()) {
    // Only the last change of a key becomes a row: its plan starts from what is stored.
    segment.changes[left->second.change].superseded = true;
    EW_ASSIGN_OR_RETURN(row, ReadStored(store_, change.store_key, &buffer));
  }
  EW_ASSIGN_OR_RETURN(change.row,
                      RowChange::Plan(store_, *change.table->state, change.store_key, row, after));
  // The stream shows them all.
  if (left != segment.left.end())
    change.row.ComesBehind(*change.table->state, left->second.row, after);
  segment.left[change.store_key] = {{change.version, record.tombstone, record.image}, index};
  return {};
}

void RemoteApply::NoteLate(const ConflictRecord& record) {
  std::lock_guard lock(mutex_);
  if (late_.size() < kLateMax)
    late_.push_back({record.table, record.key, record.loser.version.dot});
}

std::vector<RemoteApply::Late> RemoteApply::TakeLate() {
  std::lock_guard lock(mutex_);
  return std::exchange(late_, {});
}

void RemoteApply::SegmentCommitted(const JobPtr& job, const Segment& segment,
                                   const Status& status) {
  SegmentEnded();
  const bool last = segment.end == job->records.size();
  if (last || !status.ok()) End(job, status);
  if (!segment.ends_with_definition) return;  // the next job is under way already
  if (last || !status.ok()) {
    StartNext();
  } else {
    LockSegment(job);
  }
}

void RemoteApply::End(const JobPtr& job, const Status& status) {
  if (!job->reply) return;
  streams::ApplyReply reply;
  reply.id = job->request.id;
  reply.status = status;
  reply.applied = committer_.CommittedState().applied;
  reply.durable = committer_.Durable();
  if (!job->request.batch.empty()) {
    std::lock_guard lock(mutex_);
    --under_way_.at(job->request.batch.log).jobs;
  }
  std::exchange(job->reply, nullptr)(std::move(reply));
}

}  // namespace everwrite::table
