#include "chaos/sim/world.h"

#include <algorithm>
#include <memory>

#include "chaos/checkers/end_state.h"
#include "chaos/checkers/ledger_bound.h"
#include "chaos/sim/disk_account.h"
#include "chaos/sim/index_workload.h"
#include "chaos/sim/pair_workload.h"
#include "chaos/sim/placed_workload.h"
#include "chaos/sim/roaming_workload.h"
#include "chaos/sim/sim_daemon.h"
#include "chaos/sim/sim_network.h"
#include "chaos/sim/sim_region.h"
#include "chaos/sim/simulator.h"
#include "chaos/sim/stream_workload.h"
#include "chaos/sim/ttl_workload.h"
#include "chaos/sim/workload.h"

namespace everwrite::chaos {
namespace {

// Without any change being applied or row filled anywhere; and in all: small credits and long
// delays may be slow.
constexpr int64_t kConvergenceSeconds = 60;
constexpr int64_t kConvergenceMaxSeconds = 600;
constexpr size_t kViolationsMax = 20;
constexpr int64_t kRestartMicros = 500 * kMicrosPerMilli;  // of a process that ended by itself

WorkloadOptions WorkloadOf(const Settings& settings) {
  WorkloadOptions options;
  options.sessions_per_region = static_cast<size_t>(settings.sessions);
  options.think_micros = settings.think_ms * kMicrosPerMilli;
  options.hot_keys = static_cast<size_t>(settings.hot_keys);
  options.delete_percent = static_cast<uint64_t>(settings.delete_percent);
  options.streamed = settings.stream != 0;
  options.burst_micros = settings.burst_ms * kMicrosPerMilli;
  options.mortal_percent = static_cast<uint64_t>(settings.mortal_percent);
  return options;
}

PairOptions PairsOf(const Settings& settings) {
  PairOptions options;
  options.sessions_per_region = static_cast<size_t>(settings.pair_sessions);
  options.think_micros = settings.pair_think_ms * kMicrosPerMilli;
  options.pairs = static_cast<size_t>(settings.pairs);
  return options;
}

RoamingOptions RoamingOf(const Settings& settings) {
  RoamingOptions options;
  options.clients = static_cast<size_t>(settings.roaming_clients);
  options.think_micros = settings.roaming_think_ms * kMicrosPerMilli;
  return options;
}

TtlOptions TtlOf(const Settings& settings) {
  TtlOptions options;
  options.sessions_per_region = static_cast<size_t>(settings.ttl_sessions);
  options.think_micros = settings.ttl_think_ms * kMicrosPerMilli;
  options.keys = static_cast<size_t>(settings.ttl_keys);
  return options;
}

StreamOptions StreamReaderOf(const Settings& settings) {
  StreamOptions options;
  if (settings.stream != 0) options.think_micros = settings.stream_think_ms * kMicrosPerMilli;
  options.move_percent = static_cast<uint64_t>(settings.stream_move_percent);
  return options;
}

PlacedOptions PlacedOf(const Settings& settings) {
  PlacedOptions options;
  options.sessions_per_region = static_cast<size_t>(settings.placed_sessions);
  options.keys = static_cast<size_t>(settings.placed_keys);
  options.think_micros = settings.placed_think_ms * kMicrosPerMilli;
  return options;
}

SimRegionOptions RegionOf(const Settings& settings, const Plants& plants) {
  SimRegionOptions options;
  options.fsync_micros_max = settings.sync_ms_max * kMicrosPerMilli;
  options.ttl_takeover_ms = static_cast<uint64_t>(settings.ttl_takeover_ms);
  if (settings.log_bytes != 0) {
    options.change_log_bytes = static_cast<uint64_t>(settings.log_bytes);
    options.change_log_keep_ms = static_cast<uint64_t>(settings.log_keep_ms);
  }
  options.stream_shards.roll_ms = static_cast<uint64_t>(settings.stream_roll_ms);
  options.stream_shards.records_max = static_cast<uint64_t>(settings.stream_records_max);
  options.stream_shards.split_records_per_second =
      static_cast<uint64_t>(settings.stream_split_rate);
  options.stream_shards.open_max = static_cast<size_t>(settings.stream_open_max);
  options.stream_shards.entries_per_mark = static_cast<uint64_t>(settings.stream_mark_entries);
  options.ledger_bytes = static_cast<uint64_t>(settings.ledger_bytes);
  options.lying_sync = plants.lying_sync;
  options.forgets_index_deletes = plants.forgets_index_deletes;
  options.loses_stream_entries = plants.loses_stream_entries;
  return options;
}

Weather WeatherOf(const Settings& settings) {
  Weather weather;
  weather.delay_micros = settings.delay_ms * kMicrosPerMilli;
  weather.jitter_micros = settings.jitter_ms * kMicrosPerMilli;
  weather.loss_permille = static_cast<uint64_t>(settings.loss_permille);
  weather.repeat_permille = static_cast<uint64_t>(settings.repeat_permille);
  return weather;
}

bool Reached(Mark mark) { return mark_counts[static_cast<size_t>(mark)] != 0; }

class World {
 public:
  World(const Schedule& schedule, const Plants& plants)
      : schedule_(schedule),
        plants_(plants),
        simulator_(schedule.seed),
        network_(simulator_, schedule.regions),
        workload_(simulator_, regions_, WorkloadOf(schedule.settings)),
        pairs_(simulator_, regions_, PairsOf(schedule.settings), workload_.history()),
        roaming_(simulator_, regions_, RoamingOf(schedule.settings), workload_.history()),
        ttl_(simulator_, regions_, TtlOf(schedule.settings), workload_.history()),
        indexes_(simulator_, regions_, workload_.history()),
        stream_(simulator_, regions_, StreamReaderOf(schedule.settings), workload_.history()),
        placed_(simulator_, regions_, PlacedOf(schedule.settings)),
        disks_(simulator_, regions_, workload_.history()) {}

  WorldResult Run();

 private:
  void Build();
  void StartRegion(size_t region);
  void CrashRegion(size_t region, int64_t for_micros, int64_t kept_percent);
  // A region loses its disk, when the others are whole, or one is: else there might be nobody left
  // who is.
  void LoseDisk(const Event& event);
  void StopReplicator(const Event& event);
  // A process that runs, for a while.
  template <typename Process>
  void Pause(Process& process, int64_t for_micros) {
    if (!process.running() || process.paused()) return;
    ++counts_.pauses;
    simulator_.Trace("pause");
    process.Pause();
    simulator_.After(for_micros, [&process] {
      if (process.running() && process.paused()) process.Resume();
    });
  }
  void FailDisk(const Event& event);
  void Cut(const Event& event);
  void Execute(const Event& event);
  void Heal();
  std::string Where(size_t region) const;
  bool Converged() const;
  // Changes that are applied and rows that came by filling, all regions together.
  uint64_t Applied() const;

  const Schedule schedule_;
  const Plants plants_;
  Simulator simulator_;
  std::vector<std::unique_ptr<SimRegion>> regions_;
  std::vector<std::unique_ptr<SimDaemon>> daemons_;
  SimNetwork network_;
  Workload workload_;
  PairWorkload pairs_;
  RoamingWorkload roaming_;
  TtlWorkload ttl_;
  IndexWorkload indexes_;
  StreamWorkload stream_;
  PlacedWorkload placed_;
  DiskAccount disks_;
  bool chaos_ = true;
  WorldCounts counts_;
  std::map<size_t, bool> filling_;  // by region
};

void World::Build() {
  std::vector<RegionId> ids;
  for (size_t i = 0; i < schedule_.regions; ++i)
    ids.push_back(RegionId{static_cast<uint16_t>(i + 1)});
  for (size_t i = 0; i < schedule_.regions; ++i) {
    SimRegionOptions region_options = RegionOf(schedule_.settings, plants_);
    region_options.id = ids[i];
    for (const RegionId id : ids)
      if (id != ids[i]) region_options.peers.push_back(id);
    region_options.joins = schedule_.regions > 1;
    regions_.push_back(std::make_unique<SimRegion>(simulator_, region_options));
    regions_[i]->AddOnCommit(
        [this, i](const table::CommitReport& report, const SimRegion::SharedState& state) {
          // Whether its filling has begun again since it last committed.
          const bool filling = state->stage == streams::Stage::kFilling;
          if (filling && !filling_[i]) ++counts_.fillings;
          if (filling) workload_.history().filled.insert(i);
          filling_[i] = filling;
          disks_.OnCommit(i, report, *state);
        });
    regions_[i]->SetOnLedgerForgets([this, i](const std::vector<std::string>& keys) {
      // One that the proof of convergence takes back goes too.
      const auto bound = static_cast<uint64_t>(schedule_.settings.ledger_bytes);
      CheckLedgerForgets(regions_[i]->store(), keys,
                         Reached(Mark::kChangeAfterForgetting) ? 0 : bound, i, workload_.history());
    });
    regions_[i]->SetOnTorn([this, i](std::string_view record) { disks_.OnTorn(i, record); });
    regions_[i]->SetOnFailure([this, i] {
      ++counts_.disk_failures;
      CrashRegion(i, kRestartMicros, 0);
    });
    regions_[i]->wall_clock().grain_ms = schedule_.settings.clock_grain_ms;
    daemons_.push_back(
        std::make_unique<SimDaemon>(simulator_, i, ids, *regions_[i], network_,
                                    [this](size_t to) { return daemons_[to].get(); }));
    daemons_[i]->PlantSplitTransactions(plants_.split_transactions);
    daemons_[i]->SetCruelty(schedule_.settings.cruel_percent);
    daemons_[i]->SetFrames(schedule_.settings.frame_bytes, schedule_.settings.loss_permille);
    for (size_t to = 0; to < schedule_.regions; ++to)
      network_.SetWeather(i, to, WeatherOf(schedule_.settings));
  }
  network_.SetWatcher(
      [this](size_t region, size_t peer, bool up) { daemons_[region]->OnLink(peer, up); });
  // What is so from the beginning, before anything runs; the rest when its time comes.
  for (const Event& event : schedule_.events) {
    if (event.at_micros == 0) {
      Execute(event);
    } else if (event.at_micros < schedule_.seconds * kMicrosPerSecond) {
      simulator_.At(Instant{event.at_micros}, [this, &event] {
        if (chaos_) Execute(event);
      });
    }
  }
  for (size_t i = 0; i < schedule_.regions; ++i) {
    StartRegion(i);
    daemons_[i]->Start();
  }
}

void World::StartRegion(size_t region) {
  if (regions_[region]->Start()) return daemons_[region]->OnRegionStarted();
  simulator_.After(kRestartMicros, [this, region] {
    if (!regions_[region]->running()) StartRegion(region);
  });
}

void World::CrashRegion(size_t region, int64_t for_micros, int64_t kept_percent) {
  if (!regions_[region]->running()) return;
  ++counts_.crashes;
  simulator_.Trace("crash");
  daemons_[region]->OnRegionCrashed();
  regions_[region]->Crash(kept_percent);
  simulator_.After(for_micros, [this, region] {
    if (!regions_[region]->running()) StartRegion(region);
  });
}

void World::LoseDisk(const Event& event) {
  const size_t region = event.a;
  size_t whole = 0;
  for (size_t i = 0; i < regions_.size(); ++i) whole += i != region && regions_[i]->whole() ? 1 : 0;
  if (whole < (schedule_.settings.losses_overlap != 0 ? 1 : regions_.size() - 1)) return;
  if (!regions_[region]->running() || regions_.size() < 2) return;
  ++counts_.lost_disks;
  simulator_.Trace("lost disk");
  workload_.ForgetRegion(region);
  CrashRegion(region, event.for_micros, 0);
  const bool old = event.kind == EventKind::kOldDisk && regions_[region]->PutBackCopy();
  if (!old) regions_[region]->LoseDisk();
  disks_.OnLost(region, old);
}

void World::StopReplicator(const Event& event) {
  const size_t region = event.a;
  if (!daemons_[region]->running()) return;
  ++counts_.crashes;
  daemons_[region]->Crash();
  simulator_.After(event.for_micros, [this, region] {
    if (!daemons_[region]->running()) daemons_[region]->Start();
  });
}

void World::Cut(const Event& event) {
  ++counts_.cuts;
  simulator_.Trace("cut");
  network_.Cut(event.a, event.b);
  if (event.kind == EventKind::kCut) network_.Cut(event.b, event.a);
  simulator_.After(event.for_micros, [this, a = event.a, b = event.b] {
    network_.Heal(a, b);
    network_.Heal(b, a);
  });
}

void World::FailDisk(const Event& event) {
  simulator_.Trace("disk fails");
  SimRegion& region = *regions_[event.a];
  const bool full = event.kind == EventKind::kDiskFull;
  region.FailDisk(
      full ? ResourceExhausted("no space left on device") : Internal("input/output error"),
      !full && event.amount >= 50);
  simulator_.After(event.for_micros, [&region] { region.MendDisk(); });
}

void World::Execute(const Event& event) {
  if (event.a >= regions_.size() || event.b >= regions_.size()) return;
  SimRegion& region = *regions_[event.a];
  switch (event.kind) {
    case EventKind::kCrash: return CrashRegion(event.a, event.for_micros, event.amount);
    case EventKind::kLoseDisk:
    case EventKind::kOldDisk: return LoseDisk(event);
    case EventKind::kKeepCopy:
      if (!region.serving()) return;
      region.KeepCopy();
      disks_.OnCopyKept(event.a);
      return;
    case EventKind::kStopReplicator: return StopReplicator(event);
    case EventKind::kCut:
    case EventKind::kCutOneWay: return Cut(event);
    case EventKind::kPause: return Pause(region, event.for_micros);
    case EventKind::kPauseReplicator: return Pause(*daemons_[event.a], event.for_micros);
    case EventKind::kDiskError:
    case EventKind::kDiskFull: return FailDisk(event);
    case EventKind::kDrift: region.wall_clock().drift_ppm = event.amount; return;
    case EventKind::kFreezeClock:
      region.wall_clock().frozen = simulator_.now();
      simulator_.After(event.for_micros, [&region] { region.wall_clock().frozen.reset(); });
      return;
    case EventKind::kClock: region.wall_clock().offset_ms = event.amount; return;
    case EventKind::kIndex: return indexes_.Change(event.a);
    case EventKind::kPlace: return placed_.Move(event.a);
    case EventKind::kTtlOn:
    case EventKind::kTtlOff: return ttl_.SetTtl(event.a, event.kind == EventKind::kTtlOn);
  }
}

void World::Heal() {
  chaos_ = false;
  workload_.Stop();
  pairs_.Stop();
  roaming_.Stop();
  ttl_.Stop();
  placed_.Stop();
  network_.HealAll();
  network_.CalmDown();
  for (size_t i = 0; i < schedule_.regions; ++i) {
    regions_[i]->MendDisk();
    regions_[i]->wall_clock().frozen.reset();
    if (!regions_[i]->running()) StartRegion(i);
    if (regions_[i]->paused()) regions_[i]->Resume();
    daemons_[i]->CalmDown();
    if (!daemons_[i]->running()) daemons_[i]->Start();
    if (daemons_[i]->paused()) daemons_[i]->Resume();
  }
}

// For a world that does not converge.
std::string World::Where(size_t region) const {
  std::string text = "  region " + std::to_string(regions_[region]->id().value);
  if (!regions_[region]->running()) return text + " does not run";
  const streams::RegionState state = regions_[region]->engine().State();
  text += ": " + state.applied.ToString();
  const streams::ReplicationStatus status = daemons_[region]->status();
  if (status.gate_records > 0)
    text += ", holds " + std::to_string(status.gate_records) + " records";
  for (const auto& link : status.links) {
    if (link.to != regions_[region]->id()) continue;
    if (link.held_ahead_ms > 0)
      text += ", of " + std::to_string(link.from.value) + " stamped " +
              std::to_string(link.held_ahead_ms) + " ms ahead";
    if (link.source != link.from && link.pending > 0)
      text += ", what " + std::to_string(link.from.value) + " wrote from " +
              std::to_string(link.source.value);
  }
  if (state.stage == streams::Stage::kServing && state.fill.table.value == 0) return text;
  const streams::ReplicationStatus::Fill fill = daemons_[region]->status().fill;
  if (state.fill.table.value != 0) {
    text += ", of a table from";
    for (const RegionId source : state.fill.sources) text += " " + std::to_string(source.value);
  }
  text += ", stage " + std::to_string(static_cast<int>(state.stage)) + " part " +
          std::to_string(static_cast<int>(state.fill.part)) + " floor " +
          state.fill.floor.ToString() + " shown " + state.fill.claims.shown().ToString() + " of " +
          state.fill.claims.claimed().ToString() + ", source " + std::to_string(fill.source.value) +
          ", rows " + std::to_string(state.fill.rows) + ", bytes " +
          std::to_string(state.fill.bytes) + ", waits " +
          std::to_string(static_cast<int>(fill.waits));
  for (const RegionId other : fill.waits_for) text += " " + std::to_string(other.value);
  return text;
}

bool World::Converged() const {
  for (const auto& region : regions_) {
    if (!region->serving() || !region->engine().filling().IsComplete() ||
        region->engine().CommitQueue() > 0 || region->engine().IsFillingIndexes())
      return false;
    if (region->engine().State().applied != regions_[0]->engine().State().applied) return false;
  }
  return placed_.IsSettled();
}

uint64_t World::Applied() const {
  uint64_t applied = 0;
  for (const auto& region : regions_) {
    const streams::RegionState state = region->engine().State();
    for (const Dot& dot : state.applied.entries()) applied += dot.number;
    applied += state.fill.rows;
  }
  return applied;
}

WorldResult World::Run() {
  Build();
  workload_.Start();
  pairs_.Start();
  roaming_.Start();
  ttl_.Start();
  stream_.Start();
  placed_.Start();
  simulator_.RunUntil(Instant{schedule_.seconds * kMicrosPerSecond});
  Heal();
  // Writes that wait for a lock or a sync end first; then equality must come, and stay.
  simulator_.RunUntil(simulator_.now() + kMicrosPerSecond);
  const Instant healed = simulator_.now();
  Instant moved = healed;
  uint64_t applied = 0;
  while (!(Converged() && ttl_.AllExpired()) &&
         simulator_.now() - moved < kConvergenceSeconds * kMicrosPerSecond &&
         simulator_.now() - healed < kConvergenceMaxSeconds * kMicrosPerSecond) {
    simulator_.RunUntil(simulator_.now() + 100 * kMicrosPerMilli);
    if (const uint64_t now_applied = Applied(); now_applied != applied) {
      applied = now_applied;
      moved = simulator_.now();
    }
  }

  // What was not deleted and came too late is brought by the proof of convergence.
  if (Reached(Mark::kChangeAfterForgetting))
    simulator_.RunUntil(simulator_.now() + kConvergenceSeconds * kMicrosPerSecond);
  WorldResult result;
  History& history = workload_.history();
  if (Converged()) {
    stream_.Finish();
    roaming_.Finish();
  }
  result.violations = history.violations;
  if (Reached(Mark::kChangeAfterForgetting) && !disks_.old_copies())
    result.violations.push_back("a change came that a forgotten deletion may have been above");
  if (!ttl_.AllExpired())
    result.violations.push_back("expired items are left " + std::to_string(kConvergenceSeconds) +
                                " s after everything was healed");
  history.expiry_by_writer_alone = static_cast<int64_t>(schedule_.settings.ttl_takeover_ms) >
                                   simulator_.now().micros / kMicrosPerMilli;
  if (!Converged()) {
    result.violations.push_back("not converged " + std::to_string(kConvergenceSeconds) +
                                " s after everything was healed");
    for (size_t i = 0; i < regions_.size(); ++i) result.violations.push_back(Where(i));
  }
  for (const auto& region : regions_) {
    counts_.compared += region->compared();
    // What nobody shows any more was given up: who had seen a part of it may differ, until just
    // this alarm makes them equal. The same where what was gone came back with an old copy too late
    // to be taken.
    if (!Reached(Mark::kFillingForsakes) && !Reached(Mark::kChangeAfterForgetting))
      result.violations.insert(result.violations.end(), region->found().begin(),
                               region->found().end());
  }
  std::vector<const KvStore*> stores;
  for (const auto& region : regions_) {
    stores.push_back(&region->store());
    if (region->running()) counts_.conflicts += region->engine().ConflictCount();
  }
  disks_.Close(stores, Reached(Mark::kFillingForsakes));
  EndView end(stores, history);
  for (std::string& line : CheckEndState(end)) result.violations.push_back(std::move(line));
  if (result.violations.size() > kViolationsMax) result.violations.resize(kViolationsMax);
  const ChangeCounts changes = CountChanges(end);
  counts_.transactions = changes.transactions;
  counts_.expired = changes.expired;
  counts_.saved_by_peers = disks_.saved_by_peers();
  counts_.lost_with_disk = changes.lost_with_disk;
  counts_.streamed = stream_.seen();
  counts_.moved = stream_.moved();
  counts_.roamed = roaming_.answers();
  counts_.placed = placed_.moves();
  counts_.events = simulator_.events();
  counts_.simulated_micros = simulator_.now().micros;
  counts_.writes = history.writes.size();
  counts_.acknowledged = static_cast<uint64_t>(
      std::count_if(history.writes.begin(), history.writes.end(),
                    [](const auto& write) { return write.outcome == Outcome::kAcknowledged; }));
  counts_.reads = history.reads;
  result.counts = counts_;
  result.trace_hash = simulator_.trace_hash();
  return result;
}

}  // namespace

WorldCounts& WorldCounts::operator+=(const WorldCounts& other) {
  events += other.events;
  simulated_micros += other.simulated_micros;
  writes += other.writes;
  acknowledged += other.acknowledged;
  reads += other.reads;
  conflicts += other.conflicts;
  compared += other.compared;
  transactions += other.transactions;
  expired += other.expired;
  streamed += other.streamed;
  moved += other.moved;
  roamed += other.roamed;
  placed += other.placed;
  crashes += other.crashes;
  lost_disks += other.lost_disks;
  fillings += other.fillings;
  saved_by_peers += other.saved_by_peers;
  lost_with_disk += other.lost_with_disk;
  cuts += other.cuts;
  pauses += other.pauses;
  disk_failures += other.disk_failures;
  for (size_t i = 0; i < kMarkCount; ++i) marks[i] += other.marks[i];
  return *this;
}

WorldResult RunWorld(const Schedule& schedule, const Plants& plants) {
  for (auto& count : mark_counts) count = 0;
  World world(schedule, plants);
  WorldResult result = world.Run();
  std::copy(mark_counts.begin(), mark_counts.end(), result.counts.marks.begin());
  return result;
}

}  // namespace everwrite::chaos
