#include "region/table/filling.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/planted.h"
#include "region/table/fill_plan.h"
#include "region/table/fill_turn.h"
#include "region/table/layout.h"

namespace everwrite::table {

using streams::FillProgress;
using streams::FillRequest;
using streams::ScanPart;
using streams::Stage;

namespace {

// The catalog of a peer, with which a filling of the region begins.
bool BeginsRegion(const FillPlan& plan) {
  return plan.request.kind == FillRequest::Kind::kChunk &&
         plan.request.chunk.part == ScanPart::kCatalog;
}

}  // namespace

struct Filling::Job {
  FillPlan plan;
  Executor* executor = nullptr;
  Reply reply;
  std::function<void()> done;
};

class Filling::Unit : public CommitUnit {
 public:
  Unit(Filling& owner, JobPtr job)
      : owner_(owner),
        job_(std::move(job)),
        fill_turn_(owner.catalog_, owner.logs_, job_->plan, owner.clock_.PhysicalMillis()) {}

  Status AddTo(CommitTurn& turn) override {
    fill_turn_.AddTo(turn);
    if (BeginsRegion(job_->plan)) owner_.SetClaiming(fill_turn_.next().claims);
    return {};
  }

  void Finished(const Status& status, Completions&) override {
    if (status.ok()) {
      for (const PlannedFill& row : job_->plan.rows)
        if (!row.table && row.takes)
          owner_.catalog_.Publish(std::string(KeyOfItemKey(row.store_key)), row.published);
      if (!job_->plan.table) owner_.Set(fill_turn_.stage(), fill_turn_.next());
    }
    owner_.locks_.UnlockAll(job_->plan.stripes);
    job_->executor->Post([owner = &owner_, job = job_, status] { owner->Ended(job, status); });
  }

 private:
  Filling& owner_;
  const JobPtr job_;
  FillTurn fill_turn_;
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

Stage Filling::Now(FillProgress& progress) const {
  std::lock_guard lock(mutex_);
  if (stage_ != Stage::kServing) progress = progress_;
  progress.claims = claiming_ ? *claiming_ : progress_.claims;
  return stage_;
}

void Filling::SetClaiming(conflict::Claims claims) {
  std::lock_guard lock(mutex_);
  claiming_ = std::move(claims);
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
  catalog_.fills().SetClaims(progress.claims);
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
  job->plan.request = std::move(request);
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
  FillPlan& plan = job->plan;
  const TableId of = plan.request.chunk.table;
  plan.before = Progress();
  plan.stage = stage_;
  plan.shown = committer_.CommittedState().applied;
  plan.first_held = logs_.first_held();
  // Definitions are here as soon as they are claimed.
  if (plan.request.chunk.part != ScanPart::kCatalog)
    plan.shown = plan.before.claims.ShownOf(plan.shown);
  if (of.value != 0) {
    plan.table = catalog_.FindById(of);
    if (const auto fill = catalog_.fills().Find(of)) plan.before = fill->progress;
    const auto& without = plan.request.chunk.without;
    plan.partial = std::find(without.begin(), without.end(), of) != without.end();
    // Who is whole need not be told what was deleted here. With one that is not, it is as with the
    // filling of a region: each side says what its rows show.
    plan.shown = plan.partial ? plan.before.shows : conflict::Vector();
  }
  const FillPlanner planner(store_, catalog_, committer_);
  Status status = committer_.health();
  if (status.ok()) status = planner.Check(plan);
  if (status.ok()) status = planner.FindKeys(plan);
  if (!status.ok()) return Ended(job, status);
  const auto plan_and_commit = [this, job] {
    FillPlan& plan = job->plan;
    const FillPlanner planner(store_, catalog_, committer_);
    if (const Status planned = planner.Plan(plan); !planned.ok()) {
      locks_.UnlockAll(plan.stripes);
      return Ended(job, planned);
    }
    if (!plan.table && plan.request.chunk.part == ScanPart::kCatalog)
      remote_apply_.Jump(plan.request.chunk.Claims());
    committer_.Submit(std::make_unique<Unit>(*this, job));
  };
  // All other regions' changes wait behind it, so it does not queue with the clients of hot items.
  locks_.LockAll(plan.stripes, *job->executor, plan_and_commit, KeyLocks::Turn::kSecond);
}

void Filling::Ended(const JobPtr& job, const Status& status) {
  job->reply({job->plan.request.id, status});
  job->done();
}

}  // namespace everwrite::table
