#include "region/table/committer.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/mark.h"
#include "base/planted.h"
#include "streams/change_log.h"

namespace everwrite::table {
namespace {

constexpr TableId kLedgerCount{2};           // the id of the table that shows it (ledger_table.h)
constexpr size_t kKeptBatchBytes = 1 << 20;  // a batch that grew beyond this gives its memory back

}  // namespace

conflict::Version CommitTurn::NextVersion(uint64_t rank) {
  const Dot dot{state_.log, state_.applied.At(state_.log) + 1};
  state_.applied.Raise(dot);
  return {rank, clock_.Tick(physical_ms_), dot};
}

conflict::Version CommitTurn::NextVersionAt(Stamp stamp) {
  if (Planted(PlantedBug::kTransactionOfManyStamps)) return NextVersion(0);
  CHECK(stamp == clock_.last(), "a transaction's changes follow each other");
  const Dot dot{state_.log, state_.applied.At(state_.log) + 1};
  state_.applied.Raise(dot);
  return {0, stamp, dot};
}

std::string_view CommitTurn::Context() {
  // The same for every own change until another region's is applied: encoded once.
  if (!context_valid_) {
    conflict::Vector others = state_.applied;
    others.Set(state_.log, 0);
    if (Planted(PlantedBug::kContextLost)) others = {};
    context_.clear();
    if (!others.empty()) others.EncodeTo(context_);
    context_valid_ = true;
  }
  return context_;
}

void CommitTurn::AppendOwnChange(Dot dot, std::string record) {
  streams::AppendChange(batch_, dot, record);
  if (own_.empty()) {
    own_.log = dot.log;
    own_.first = dot.number;
  }
  CHECK(own_.first + own_.records.size() == dot.number, "own changes must be appended as numbered");
  own_.records.push_back(std::make_shared<const std::string>(std::move(record)));
}

namespace {

Status BeingFilled() { return Unavailable("the region is being filled"); }

}  // namespace

void CommitTurn::AppendRemoteChange(Dot dot, Stamp stamp, std::string_view record) {
  CHECK(dot.number == state_.applied.At(dot.log) + 1, "a remote change must follow its log");
  streams::AppendChange(batch_, dot, record);
  state_.applied.Raise(dot);
  clock_.Observe(stamp);
  context_valid_ = false;
}

Status CommitTurn::CheckOpen() const {
  if (state_.held) {
    Reach(Mark::kWriteHeldBack);
    return Unavailable("the region makes sure with its peers that its log goes on");
  }
  return state_.closed ? BeingFilled() : OkStatus();
}

void CommitTurn::StartLog(LogId log) {
  CHECK(log.region() == state_.log.region() && state_.applied.At(log) == 0, "a log used before");
  CHECK(own_.empty(), "a turn with numbers of two logs");
  state_.log = log;
  context_valid_ = false;
  batch_.Put(ColumnFamily::kSystem, kRegionStateKey, EncodeRegionState(state_));
}

void CommitTurn::Forget(Stamp stamp) {
  if (stamp <= state_.forgotten) return;
  state_.forgotten = stamp;
  std::string value;
  PutFixed64(value, stamp.value);
  batch_.Put(ColumnFamily::kSystem, kForgottenKey, value);
}

void CommitTurn::Jump(const conflict::Vector& to) {
  state_.applied.Merge(to);
  context_valid_ = false;
}

void CommitTurn::AddToCount(std::shared_ptr<LiveCount> count, int64_t items, int64_t bytes) {
  if (items == 0 && bytes == 0) return;
  count->items += items;
  count->bytes += bytes;
  if (std::find(counted_.begin(), counted_.end(), count) == counted_.end())
    counted_.push_back(std::move(count));
}

void CommitTurn::KeepConflict(std::string_view key, std::string_view value) {
  batch_.Put(ColumnFamily::kLedger, key, value);
  ++state_.conflicts;
  AddToCount(ledger_, 1, static_cast<int64_t>(key.size() + value.size()));
}

void CommitTurn::ForgetConflict(std::string_view key, size_t value_size) {
  if (!forgotten_conflicts_.emplace(key).second) return;
  batch_.Delete(ColumnFamily::kLedger, key);
  AddToCount(ledger_, -1, -static_cast<int64_t>(key.size() + value_size));
}

void CommitTurn::DropCount(const LiveCount& count) {
  std::erase_if(counted_, [&](const auto& counted) { return counted->key == count.key; });
  batch_.Delete(ColumnFamily::kSystem, count.key);
}

Committer::Committer(KvStore& store, const Clock& clock, RegionState state,
                     CommitterOptions options, std::function<void()> wake)
    : store_(store),
      clock_(clock),
      options_(options),
      wake_(std::move(wake)),
      committed_(state),
      durable_(state.applied),
      durable_sequence_(state.sequence),
      forgotten_(state.forgotten.value),
      closed_(state.closed),
      state_(state),
      hybrid_clock_(Planted(PlantedBug::kClockNotRestored) ? Stamp{} : state.clock),
      ledger_(std::make_shared<LiveCount>(CountKey(kLedgerCount))) {}

Status Committer::Load() {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found, store_.Get(ColumnFamily::kSystem, ledger_->key, &value));
  int64_t items = 0, bytes = 0;
  if (found && !DecodeCount(value, items, bytes)) return DataLoss("the ledger's count is damaged");
  ledger_->items = items;
  ledger_->bytes = bytes;
  return digests_.Load(store_);
}

void Committer::Submit(std::unique_ptr<CommitUnit> unit) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(unit));
    wake = queue_.size() == wake_at_;
  }
  if (wake) wake_();
}

bool Committer::WakeAt(size_t units) {
  std::lock_guard lock(mutex_);
  if (queue_.size() >= units) return false;
  wake_at_ = units;
  return true;
}

bool Committer::BeginTurn() {
  CHECK(!turn_, "the turn before has not ended");
  std::vector<std::unique_ptr<CommitUnit>> taken;
  {
    std::lock_guard lock(mutex_);
    wake_at_ = 1;
    if (queue_.empty()) return false;
    taken.swap(queue_);
  }
  state_.held = held_.load(std::memory_order_acquire);
  turn_ = std::make_unique<CommitTurn>(state_, hybrid_clock_, digests_, ledger_, ledger_table_,
                                       clock_.PhysicalMillis(), std::move(spare_batch_));
  size_t used = 0;
  for (; used < taken.size(); ++used) {
    if (units_.size() >= options_.units_per_turn_max) break;
    if (turn_->batch_.bytes() >= options_.bytes_per_turn_max) break;
    if (Status status = taken[used]->AddTo(*turn_); status.ok()) {
      units_.push_back(std::move(taken[used]));
    } else {
      refused_.push_back(std::move(taken[used]));
      refusals_.push_back(std::move(status));
    }
  }
  if (used < taken.size()) {  // the rest goes first in the next turn
    std::lock_guard lock(mutex_);
    queue_.insert(queue_.begin(), std::make_move_iterator(taken.begin() + used),
                  std::make_move_iterator(taken.end()));
  }
  return true;
}

Status Committer::Open() const {
  if (!healthy()) return Unavailable("the region has stopped writing: " + health().message());
  return closed_.load(std::memory_order_acquire) ? BeingFilled() : OkStatus();
}

void Committer::EndTurn() {
  CHECK(turn_ != nullptr, "no turn has begun");
  Status status = health();
  digests_.Flush(turn_->batch_);
  if (status.ok() && !turn_->batch_.empty()) {
    for (const std::shared_ptr<LiveCount>& count : turn_->counted_)
      turn_->batch_.Put(ColumnFamily::kSystem, count->key, EncodeCount(count->items, count->bytes));
    state_.clock = hybrid_clock_.last();
    turn_->batch_.Put(ColumnFamily::kSystem, kRegionStateKey, EncodeRegionState(state_));
    const Sync sync = Planted(PlantedBug::kAckBeforeSync) ? Sync::kNo : options_.sync;
    status = store_.Write(turn_->batch_, sync);
  }
  FinishTurn(status);
}

void Committer::FinishTurn(const Status& status) {
  CommitReport report;
  Report listener;
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    if (status.ok()) {
      committed_ = state_;
      forgotten_.store(state_.forgotten.value, std::memory_order_release);
      closed_.store(state_.closed, std::memory_order_release);
      epoch_.fetch_add(1, std::memory_order_release);
      if (options_.sync == Sync::kYes) {
        durable_ = state_.applied;
        durable_sequence_ = state_.sequence;
      }
    } else {
      Fail(status);
    }
    report.applied = committed_.applied;
    report.durable = durable_;
    report.clock = committed_.clock;
    report.conflicts = committed_.conflicts;
    listener = report_;
    more = !queue_.empty();
    concurrency_ = units_.size() + queue_.size();
  }
  report.units = units_.size();
  report.bytes = turn_->batch_.bytes();
  if (status.ok() && options_.sync == Sync::kYes) report.own = std::move(turn_->own_);
  if (turn_->batch_.bytes() <= kKeptBatchBytes) {
    spare_batch_ = std::move(turn_->batch_);
    spare_batch_.Clear();
  }
  turn_.reset();
  // Units may submit others when they finish: hand them over first.
  std::vector<std::unique_ptr<CommitUnit>> units, refused;
  std::vector<Status> refusals;
  units.swap(units_);
  refused.swap(refused_);
  refusals.swap(refusals_);
  Completions completions;
  for (auto& unit : units) unit->Finished(status, completions);
  for (size_t i = 0; i < refused.size(); ++i) refused[i]->Finished(refusals[i], completions);
  completions.Flush();
  if (listener) listener(report);
  if (more) wake_();
}

Status Committer::SyncLog() {
  conflict::Vector applied;
  streams::Sequence sequence;
  {
    std::lock_guard lock(mutex_);
    applied = committed_.applied;
    sequence = committed_.sequence;
    if ((applied == durable_ && sequence == durable_sequence_) || !health_.ok()) return health_;
  }
  const Status status = store_.SyncLog();
  CommitReport report;
  Report listener;
  {
    std::lock_guard lock(mutex_);
    if (status.ok()) {
      durable_.Merge(applied);
      durable_sequence_ = std::max(durable_sequence_, sequence);
    } else {
      Fail(status);
    }
    report.applied = committed_.applied;
    report.durable = durable_;
    report.clock = committed_.clock;
    report.conflicts = committed_.conflicts;
    listener = report_;
  }
  if (status.ok() && listener) listener(report);
  return status;
}

void Committer::Fail(const Status& status) {
  health_ = status;
  failed_.store(true, std::memory_order_release);
}

void Committer::SetReport(Report report) {
  std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

RegionState Committer::CommittedState() const {
  std::lock_guard lock(mutex_);
  return committed_;
}

conflict::Vector Committer::Durable() const {
  std::lock_guard lock(mutex_);
  return durable_;
}

Committer::StreamEnd Committer::DurableStreamEnd() const {
  std::lock_guard lock(mutex_);
  return {durable_sequence_, durable_};
}

size_t Committer::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

Status Committer::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace everwrite::table
