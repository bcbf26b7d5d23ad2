#include "chaos/sim/sim_region.h"

#include "base/coding.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kMaintenanceMicros = 2 * kMicrosPerSecond;
constexpr int64_t kSweepMicros = kMicrosPerSecond;
constexpr int64_t kGuardMicros = 200 * kMicrosPerMilli;
// The clocks are up to 20 s off, and a world waits a minute for what is to expire.
constexpr uint64_t kUnjudgedExpiryMs = 25'000;
constexpr int64_t kLyingSyncMicros = 200 * kMicrosPerMilli;

}  // namespace

SimRegion::SimRegion(Simulator& simulator, SimRegionOptions options)
    : simulator_(simulator),
      options_(options),
      random_(simulator.Stream("region", options.id.value)),
      store_(options) {}

SimRegion::~SimRegion() = default;

Status SimRegion::Disk::Write(const KvBatch& batch, Sync sync) {
  if (error.ok()) return Store(batch, sync);
  if (!applies) return error;
  (void)Store(batch, sync);
  batch.ForEach(
      [this](KvBatch::Kind kind, ColumnFamily family, std::string_view, std::string_view value) {
        if (kind == KvBatch::Kind::kPut && family == ColumnFamily::kChanges && on_torn)
          on_torn(value);
      });
  return error;
}

void SimRegion::Disk::TellOfLedger(const KvBatch& batch) {
  std::vector<std::string> keys;
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view) {
        if (kind == KvBatch::Kind::kDelete && family == ColumnFamily::kLedger)
          keys.emplace_back(key);
      });
  if (!keys.empty()) on_ledger_forgets(keys);
}

Status SimRegion::Disk::Store(const KvBatch& batch, Sync sync) {
  if (options_.ledger_bytes != 0) TellOfLedger(batch);
  if (options_.lying_sync) sync = Sync::kNo;
  if (!options_.forgets_index_deletes && !options_.loses_stream_entries)
    return MemoryKvStore::Write(batch, sync);
  KvBatch kept;
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
        const bool is_entry = family == ColumnFamily::kStreams &&
                              key.substr(16, 1)[0] == static_cast<char>(table::StreamTag::kEntry);
        const bool loses = options_.loses_stream_entries && is_entry && Hash64(key) % 20 == 0;
        const bool forgets = options_.forgets_index_deletes && family == ColumnFamily::kIndexes;
        if (kind == KvBatch::Kind::kPut && !loses) kept.Put(family, key, value);
        if (kind == KvBatch::Kind::kDeleteRange) kept.DeleteRange(family, key, value);
        if (kind == KvBatch::Kind::kDelete && !forgets) kept.Delete(family, key);
      });
  return MemoryKvStore::Write(kept, sync);
}

bool SimRegion::Start() {
  CHECK(!process_);
  ++incarnation_;
  process_ = std::make_unique<Process>(simulator_, wall_clock_);
  table::RegionEngineOptions options;
  options.region = options_.id;
  options.others = options_.peers;
  options.ttl_takeover_ms = options_.ttl_takeover_ms;
  options.joins = options_.joins;
  if (options_.joins) options.ttl_unjudged_ms = kUnjudgedExpiryMs;
  options.stream_shards = options_.stream_shards;
  options.change_log_keep_ms = options_.change_log_keep_ms;
  options.change_log_bytes = options_.change_log_bytes;
  if (options_.ledger_bytes != 0) options.ledger.bytes_max = options_.ledger_bytes;
  options.admission = {options_.peers, 1 * kMicrosPerSecond};
  options.life = {random_.Next() | 1, process_->clock.PhysicalMillis(), false, {}};
  options.on_admission = [this](table::Admission::Decision decision, const std::string&) {
    CHECK(decision != table::Admission::Decision::kRefuse, "there is one process of each region");
    if (on_admission_) on_admission_();
  };
  auto engine =
      table::RegionEngine::Open(store_, process_->clock, options,
                                /*incarnation=*/random_.Next(), [process = process_.get(), this] {
                                  if (process->turn_under_way) return;
                                  process->turn_under_way = true;
                                  process->executor.Post([this] { BeginTurn(); });
                                });
  if (!engine.ok() && !store_.error.ok()) {
    process_.reset();
    return false;
  }
  CHECK(engine.ok(), engine.status().ToString());
  process_->engine = std::move(engine).value();
  const table::Committer& committer = process_->engine->committer();
  process_->sessions = std::make_unique<session::SessionGate>(
      session::SessionTokens("simulated", ""),
      session::AppliedSource{[&committer] { return committer.epoch(); },
                             [&committer] { return committer.CommittedState().applied; }},
      process_->clock, session::SessionGateOptions{});
  process_->engine->committer().SetReport([this](const table::CommitReport& report) {
    const auto state = std::make_shared<const streams::RegionState>(process_->engine->State());
    process_->sessions->OnApplied(state->applied);
    for (const OnCommit& listener : on_commit_) listener(report, state);
  });
  process_->engine->StartBackfill(process_->executor);
  convergence::GuardOptions guard;
  guard.peers = options_.peers;
  guard.scrub_rows_per_second = 200;
  guard.page_rows = 3;
  process_->guard = std::make_unique<convergence::ConvergenceGuard>(
      *process_->engine, process_->clock, std::move(guard),
      [this](RegionId to, std::string letter) {
        if (send_mail_) send_mail_(to, std::move(letter));
      },
      [this](const convergence::Finding& finding, std::string_view what) {
        found_.push_back("at " + std::to_string(simulator_.now().micros) +
                         " us: the convergence guard of region " +
                         std::to_string(options_.id.value) + " raised an alarm: bucket " +
                         std::to_string(finding.bucket) + " of table " +
                         std::to_string(finding.table.value) + ", other region " +
                         std::to_string(finding.differs_from.value) + ": " + std::string(what));
      });
  process_->executor.PostAfter(kGuardMicros, [this] { GuardTick(); });
  process_->executor.PostAfter(kMaintenanceMicros, [this] { Maintain(); });
  process_->executor.PostAfter(kSweepMicros, [this] { Sweep(); });
  if (options_.lying_sync) LateSync();
  return true;
}

void SimRegion::FailDisk(Status error, bool applies) {
  store_.error = std::move(error);
  store_.applies = applies;
}

void SimRegion::MendDisk() { store_.error = {}; }

void SimRegion::LateSync() {
  CHECK(store_.SyncLog().ok());
  process_->executor.PostAfter(kLyingSyncMicros, [this] { LateSync(); });
}

void SimRegion::Crash(int64_t kept_percent) {
  CHECK(process_);
  compared_ += process_->guard->report().compared_equal;
  process_->executor.Kill();
  if (process_->turn_built && kept_percent >= 50) process_->engine->committer().EndTurn();
  process_.reset();
  store_.Crash((store_.unsynced_batches() * static_cast<size_t>(kept_percent) + 50) / 100);
}

void SimRegion::LoseDisk() {
  CHECK(!process_);
  store_.Wipe();
}

void SimRegion::BeginTurn() {
  if (!process_->engine->committer().BeginTurn()) {
    process_->turn_under_way = false;
    return;
  }
  process_->turn_built = true;
  const int64_t fsync = random_.Between(50, options_.fsync_micros_max);
  process_->executor.PostAfter(fsync, [this] { EndTurn(); });
}

void SimRegion::EndTurn() {
  process_->turn_built = false;
  process_->engine->committer().EndTurn();
  if (!process_->engine->committer().healthy()) return on_failure_();  // ends the process, and us
  BeginTurn();  // what has gathered meanwhile
}

void SimRegion::Maintain() {
  CHECK(process_->engine->maintenance().RunOnce(process_->executor).ok());
  CHECK(process_->engine->ledger_retention().RunOnce(process_->clock.PhysicalMillis()).ok());
  process_->executor.PostAfter(kMaintenanceMicros, [this] { Maintain(); });
}

void SimRegion::GuardTick() {
  process_->guard->Tick(process_->executor);
  process_->engine->TickAdmission(process_->executor);
  process_->executor.PostAfter(kGuardMicros, [this] { GuardTick(); });
}

void SimRegion::Sweep() {
  process_->engine->SweepExpired(process_->executor);
  process_->engine->SettleReplicas(process_->executor);
  process_->executor.PostAfter(kSweepMicros, [this] { Sweep(); });
}

}  // namespace everwrite::chaos
