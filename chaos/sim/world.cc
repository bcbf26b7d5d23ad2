#include "chaos/sim/world.h"

#include <algorithm>
#include <memory>

#include "chaos/checkers/end_state.h"
#include "chaos/sim/index_workload.h"
#include "chaos/sim/pair_workload.h"
#include "chaos/sim/placed_workload.h"
#include "chaos/sim/sim_daemon.h"
#include "chaos/sim/sim_network.h"
#include "chaos/sim/sim_region.h"
#include "chaos/sim/simulator.h"
#include "chaos/sim/stream_workload.h"
#include "chaos/sim/ttl_workload.h"
#include "chaos/sim/workload.h"

namespace everwrite::chaos {
namespace {

// Without any change being applied anywhere; and in all: small credits and long delays may be slow.
constexpr int64_t kConvergenceSeconds = 60;
constexpr int64_t kConvergenceMaxSeconds = 600;
constexpr size_t kViolationsMax = 20;

// What a seed draws. A rate of 0 seconds means that the fault is off.
struct Swarm {
  int64_t region_crash_seconds = 0;  // mean time between two crashes
  int64_t lost_disk_seconds = 0;
  int64_t copy_seconds = 0;  // copies of disks are made, which are put back instead
  int64_t replicator_crash_seconds = 0;
  int64_t cut_seconds = 0;
  bool one_way_cuts = false;
  bool clock_jumps = false;
  size_t wrong_clock = SIZE_MAX;  // the region whose clock is wrong, by
  int64_t wrong_clock_ms = 0;
  int64_t clock_grain_ms = 1;
  Weather weather;
  WorkloadOptions workload;
  PairOptions pairs;
  TtlOptions ttl;
  uint64_t ttl_takeover_ms = 60'000;
  int64_t index_micros = 0;  // between two changes of an index
  StreamOptions stream;
  PlacedOptions placed;
  streams::ShardPolicy stream_shards;
  uint64_t change_log_bytes = 0;  // 0: nothing is trimmed
  uint64_t change_log_keep_ms = 0;
  int64_t fsync_micros_max = 2000;

  static Swarm Draw(Random& random, const WorldOptions& options) {
    Swarm swarm;
    const auto sometimes = [&random](int64_t low, int64_t high) -> int64_t {
      return random.Chance(2, 3) ? random.Between(low, high) : 0;
    };
    swarm.region_crash_seconds = sometimes(2, 10);
    swarm.replicator_crash_seconds = sometimes(2, 10);
    swarm.cut_seconds = sometimes(2, 8);
    swarm.one_way_cuts = random.Chance(1, 2);
    swarm.clock_jumps = random.Chance(1, 2);
    // With three regions and more the others correct it, with two its changes are held.
    if (random.Chance(1, 4)) {
      swarm.wrong_clock = random.Below(3);
      swarm.wrong_clock_ms = random.Between(-20'000, 20'000);
    }
    const int64_t grains[] = {1, 1, 20, 500};
    swarm.clock_grain_ms = grains[random.Below(4)];
    swarm.weather.delay_micros = random.Between(0, 100) * kMicrosPerMilli;
    swarm.weather.jitter_micros = random.Chance(1, 2) ? random.Between(0, 50) * kMicrosPerMilli : 0;
    swarm.weather.loss_permille = random.Chance(1, 2) ? random.Below(50) : 0;
    swarm.weather.repeat_permille = random.Chance(1, 2) ? random.Below(100) : 0;
    swarm.workload.hot_keys = random.Between(1, 12);
    swarm.workload.think_micros = random.Between(10, 60) * kMicrosPerMilli;
    swarm.workload.delete_percent = random.Below(25);
    swarm.workload.sessions_per_region = random.Between(1, 4);
    swarm.pairs.sessions_per_region = random.Below(3);
    swarm.pairs.pairs = random.Between(1, 6);
    swarm.pairs.think_micros = random.Between(10, 60) * kMicrosPerMilli;
    swarm.ttl.sessions_per_region = random.Below(2);
    swarm.ttl.keys = random.Between(2, 40);
    swarm.ttl.toggle_seconds = random.Chance(1, 3) ? random.Between(2, 6) : 0;
    if (random.Chance(1, 2)) swarm.ttl_takeover_ms = 1500;
    if (random.Chance(1, 2)) swarm.index_micros = random.Between(200, 4000) * kMicrosPerMilli;
    if (random.Chance(1, 3)) swarm.lost_disk_seconds = random.Between(3, 12);
    swarm.workload.streamed = random.Chance(1, 3);  // its checks cost as much as all others
    if (swarm.workload.streamed) {
      swarm.stream.think_micros = random.Between(20, 400) * kMicrosPerMilli;
      swarm.stream.move_percent = random.Between(0, 40);
      swarm.stream_shards.roll_ms = random.Between(1, 10) * 1000;
      swarm.stream_shards.records_max = random.Between(20, 2000);
      swarm.stream_shards.split_records_per_second = random.Between(5, 200);
      swarm.stream_shards.open_max = random.Between(1, 6);
      swarm.stream_shards.entries_per_mark = random.Between(1, 100);
    }
    // A stream goes on from where it was shown: what is put back has forgotten that.
    if (!swarm.workload.streamed && random.Chance(1, 2)) swarm.copy_seconds = random.Between(1, 6);
    // Streams are read from the log: there it is kept.
    const bool small_logs = !swarm.workload.streamed && random.Chance(1, 3);
    if (!swarm.workload.streamed && (small_logs || options.small_logs)) {
      swarm.change_log_bytes = random.Between(10, 150) * 1000;
      swarm.change_log_keep_ms = random.Between(0, 3000);
    }
    swarm.fsync_micros_max = random.Chance(1, 4) ? 60 * kMicrosPerMilli : 2 * kMicrosPerMilli;
    if (random.Chance(1, 2)) {
      swarm.placed.sessions_per_region = random.Between(1, 2);
      swarm.placed.keys = random.Between(2, 30);
      swarm.placed.think_micros = random.Between(20, 100) * kMicrosPerMilli;
      swarm.placed.move_micros = random.Between(100, 2000) * kMicrosPerMilli;
    }
    if (!options.placed_tables) swarm.placed = {};
    return swarm;
  }

  std::string Describe() const {
    std::string text;
    const auto add = [&text](const std::string& part) {
      text += (text.empty() ? "" : ", ") + part;
    };
    if (region_crash_seconds) add("region crashes " + std::to_string(region_crash_seconds) + " s");
    if (lost_disk_seconds)
      add((copy_seconds ? "old disks " : "lost disks ") + std::to_string(lost_disk_seconds) + " s");
    if (change_log_bytes) add("logs of " + std::to_string(change_log_bytes / 1000) + " KB");
    if (replicator_crash_seconds)
      add("replicator crashes " + std::to_string(replicator_crash_seconds) + " s");
    if (cut_seconds)
      add(std::string(one_way_cuts ? "one-way " : "") + "cuts " + std::to_string(cut_seconds) +
          " s");
    if (clock_jumps) add("clock jumps");
    if (wrong_clock != SIZE_MAX)
      add("clock of region " + std::to_string(wrong_clock + 1) + " off by " +
          std::to_string(wrong_clock_ms) + " ms");
    if (clock_grain_ms > 1) add("clock grain " + std::to_string(clock_grain_ms) + " ms");
    if (weather.loss_permille) add("loss " + std::to_string(weather.loss_permille) + "/1000");
    if (weather.repeat_permille)
      add("repeats " + std::to_string(weather.repeat_permille) + "/1000");
    if (weather.jitter_micros) add("reordering");
    return text.empty() ? "none" : text;
  }
};

class World {
 public:
  explicit World(const WorldOptions& options)
      : options_(options),
        simulator_(options.seed),
        swarm_(Swarm::Draw(simulator_.random(), options)),
        network_(simulator_, options.regions),
        workload_(simulator_, regions_, swarm_.workload),
        pairs_(simulator_, regions_, swarm_.pairs, workload_.history()),
        ttl_(simulator_, regions_, swarm_.ttl, workload_.history()),
        indexes_(simulator_, regions_, swarm_.index_micros, workload_.history()),
        stream_(simulator_, regions_, swarm_.stream, workload_.history()),
        placed_(simulator_, regions_, swarm_.placed) {}

  WorldResult Run();

 private:
  void Build();
  void SetClock(size_t region, int64_t off_ms);
  void StartRegion(size_t region);
  void CrashRegion(size_t region);
  // A region loses its disk, when all others are whole: else there might be nobody left who is.
  void LoseDisk(size_t region);
  void StartNemesis();
  // Calls `strike` again and again, `mean_seconds` apart in the mean, while there is chaos.
  void Every(int64_t mean_seconds, std::function<void()> strike);
  void CutSomething();
  void Heal();
  std::string Where(size_t region) const;
  bool Converged() const;
  // Changes that are applied, all regions together.
  uint64_t Applied() const;

  const WorldOptions options_;
  Simulator simulator_;
  const Swarm swarm_;
  std::vector<std::unique_ptr<SimRegion>> regions_;
  std::vector<std::unique_ptr<SimDaemon>> daemons_;
  SimNetwork network_;
  Workload workload_;
  PairWorkload pairs_;
  TtlWorkload ttl_;
  IndexWorkload indexes_;
  StreamWorkload stream_;
  PlacedWorkload placed_;
  bool chaos_ = true;
  size_t crashes_ = 0;
  size_t lost_disks_ = 0;
  std::map<size_t, bool> filling_;  // by region
  size_t fillings_ = 0;
  size_t cuts_ = 0;
};

void World::Build() {
  std::vector<RegionId> ids;
  for (size_t i = 0; i < options_.regions; ++i)
    ids.push_back(RegionId{static_cast<uint16_t>(i + 1)});
  for (size_t i = 0; i < options_.regions; ++i) {
    SimRegionOptions region_options;
    region_options.id = ids[i];
    for (const RegionId id : ids)
      if (id != ids[i]) region_options.peers.push_back(id);
    region_options.fsync_micros_max = swarm_.fsync_micros_max;
    region_options.lying_sync = options_.lying_sync;
    region_options.ttl_takeover_ms = swarm_.ttl_takeover_ms;
    region_options.joins = options_.regions > 1;
    if (swarm_.change_log_bytes != 0) {
      region_options.change_log_bytes = swarm_.change_log_bytes;
      region_options.change_log_keep_ms = swarm_.change_log_keep_ms;
    }
    region_options.forgets_index_deletes = options_.forgets_index_deletes;
    region_options.loses_stream_entries = options_.loses_stream_entries;
    region_options.stream_shards = swarm_.stream_shards;
    regions_.push_back(std::make_unique<SimRegion>(simulator_, region_options));
    regions_[i]->AddOnCommit([this, i](const table::CommitReport& report) {
      // Whether its filling has begun again since it last committed.
      const streams::RegionState state = regions_[i]->engine().State();
      const bool filling = state.stage == streams::Stage::kFilling;
      if (filling && !filling_[i]) ++fillings_;
      filling_[i] = filling;
      auto& records = workload_.history().records;
      for (size_t at = 0; at < report.own.records.size(); ++at)
        // A number may be given again by an old copy of a disk, when nobody has seen it.
        records[Dot{report.own.log, report.own.first + at}] = report.own.records[at];
    });
    regions_[i]->wall_clock().grain_ms = swarm_.clock_grain_ms;
    SetClock(i, 200);
    daemons_.push_back(
        std::make_unique<SimDaemon>(simulator_, i, ids, *regions_[i], network_,
                                    [this](size_t to) { return daemons_[to].get(); }));
    daemons_[i]->PlantSplitTransactions(options_.split_transactions);
    for (size_t to = 0; to < options_.regions; ++to) network_.SetWeather(i, to, swarm_.weather);
  }
  network_.SetWatcher(
      [this](size_t region, size_t peer, bool up) { daemons_[region]->OnLink(peer, up); });
  for (size_t i = 0; i < options_.regions; ++i) {
    StartRegion(i);
    daemons_[i]->Start();
  }
}

void World::SetClock(size_t region, int64_t off_ms) {
  const int64_t wrong_ms = region == swarm_.wrong_clock ? swarm_.wrong_clock_ms : 0;
  regions_[region]->wall_clock().offset_ms =
      wrong_ms + simulator_.random().Between(-off_ms, off_ms);
}

void World::StartRegion(size_t region) {
  regions_[region]->Start();
  daemons_[region]->OnRegionStarted();
}

void World::CrashRegion(size_t region) {
  if (!regions_[region]->running()) return;
  ++crashes_;
  simulator_.Trace("crash");
  daemons_[region]->OnRegionCrashed();
  regions_[region]->Crash();
  if (swarm_.clock_jumps) SetClock(region, 400);
  simulator_.After(simulator_.random().Between(50, 2000) * kMicrosPerMilli, [this, region] {
    if (!regions_[region]->running()) StartRegion(region);
  });
}

void World::LoseDisk(size_t region) {
  for (size_t i = 0; i < regions_.size(); ++i)
    // One that still gathers digests and ledger, or a table, serves, but may not have what only the
    // victim has.
    if (i != region && (!regions_[i]->serving() || !regions_[i]->engine().filling().IsComplete() ||
                        !regions_[i]->engine().fills().empty()))
      return;
  if (!regions_[region]->running()) return;
  ++lost_disks_;
  simulator_.Trace("lost disk");
  History& history = workload_.history();
  History::LostDisk& lost = history.lost_disks.emplace_back();
  lost.region = region;
  lost.last_write = history.writes.size();
  for (const auto& [dot, record] : history.records)
    if (dot.log.region() == regions_[region]->id()) lost.logs.insert(dot.log);
  workload_.ForgetRegion(region);
  CrashRegion(region);
  if (!regions_[region]->PutBackCopy()) regions_[region]->LoseDisk();
}

void World::Every(int64_t mean_seconds, std::function<void()> strike) {
  if (mean_seconds == 0) return;
  const int64_t pause = simulator_.random().Between(1, 2 * mean_seconds * kMicrosPerSecond);
  simulator_.After(pause, [this, mean_seconds, strike = std::move(strike)] {
    if (!chaos_) return;
    strike();
    Every(mean_seconds, strike);
  });
}

void World::CutSomething() {
  Random& random = simulator_.random();
  const size_t a = random.Below(options_.regions);
  const size_t b = (a + 1 + random.Below(options_.regions - 1)) % options_.regions;
  const bool both = !swarm_.one_way_cuts || random.Chance(1, 2);
  ++cuts_;
  simulator_.Trace("cut");
  network_.Cut(a, b);
  if (both) network_.Cut(b, a);
  simulator_.After(random.Between(200, 8000) * kMicrosPerMilli, [this, a, b] {
    network_.Heal(a, b);
    network_.Heal(b, a);
  });
}

void World::StartNemesis() {
  Random& random = simulator_.random();
  Every(swarm_.region_crash_seconds,
        [this, &random] { CrashRegion(random.Below(options_.regions)); });
  if (options_.regions > 1)
    Every(swarm_.lost_disk_seconds, [this, &random] { LoseDisk(random.Below(options_.regions)); });
  Every(swarm_.copy_seconds, [this, &random] {
    SimRegion& region = *regions_[random.Below(options_.regions)];
    if (region.running() && region.serving()) region.KeepCopy();
  });
  Every(swarm_.replicator_crash_seconds, [this, &random] {
    const size_t victim = random.Below(options_.regions);
    if (!daemons_[victim]->running()) return;
    ++crashes_;
    daemons_[victim]->Crash();
    simulator_.After(random.Between(20, 1000) * kMicrosPerMilli, [this, victim] {
      if (!daemons_[victim]->running()) daemons_[victim]->Start();
    });
  });
  if (options_.regions > 1) Every(swarm_.cut_seconds, [this] { CutSomething(); });
}

void World::Heal() {
  chaos_ = false;
  workload_.Stop();
  pairs_.Stop();
  ttl_.Stop();
  indexes_.Stop();
  placed_.Stop();
  network_.HealAll();
  network_.CalmDown();
  for (size_t i = 0; i < options_.regions; ++i) {
    if (!regions_[i]->running()) StartRegion(i);
    if (!daemons_[i]->running()) daemons_[i]->Start();
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
  }
  return applied;
}

WorldResult World::Run() {
  Build();
  workload_.Start();
  pairs_.Start();
  ttl_.Start();
  indexes_.Start();
  stream_.Start();
  placed_.Start();
  StartNemesis();
  simulator_.RunUntil(Instant{options_.chaos_seconds * kMicrosPerSecond});
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

  WorldResult result;
  History& history = workload_.history();
  if (Converged()) stream_.Finish();
  result.streamed = stream_.seen();
  result.moved = stream_.moved();
  result.placed = placed_.moves();
  result.violations = history.violations;
  if (!ttl_.AllExpired())
    result.violations.push_back("expired items are left " + std::to_string(kConvergenceSeconds) +
                                " s after everything was healed");
  history.expiry_by_writer_alone =
      static_cast<int64_t>(swarm_.ttl_takeover_ms) > simulator_.now().micros / kMicrosPerMilli;
  if (!Converged()) {
    result.violations.push_back("not converged " + std::to_string(kConvergenceSeconds) +
                                " s after everything was healed");
    for (size_t i = 0; i < regions_.size(); ++i) result.violations.push_back(Where(i));
  }
  for (const auto& region : regions_) {
    result.compared += region->compared();
    if (region->found() > 0)
      result.violations.push_back("the convergence guard of region " +
                                  std::to_string(region->id().value) + " raised an alarm");
  }
  std::vector<const KvStore*> stores;
  for (const auto& region : regions_) {
    stores.push_back(&region->store());
    if (region->running()) result.conflicts += region->engine().ConflictCount();
  }
  EndView end(stores, history);
  const ChangeCounts counts = CountChanges(end);
  result.transactions = counts.transactions;
  result.expired = counts.expired;
  for (std::string& line : CheckEndState(end))
    result.violations.push_back(std::move(line));
  if (result.violations.size() > kViolationsMax) result.violations.resize(kViolationsMax);
  result.trace_hash = simulator_.trace_hash();
  result.events = simulator_.events();
  result.simulated_micros = simulator_.now().micros;
  result.writes = history.writes.size();
  result.acknowledged =
      std::count_if(history.writes.begin(), history.writes.end(),
                    [](const auto& write) { return write.outcome == Outcome::kAcknowledged; });
  result.reads = history.reads;
  result.crashes = crashes_;
  result.lost_disks = lost_disks_;
  result.fillings = fillings_;
  result.lost_with_disk = counts.lost_with_disk;
  result.cuts = cuts_;
  result.faults = swarm_.Describe();
  return result;
}

}  // namespace

WorldResult RunWorld(const WorldOptions& options) { return World(options).Run(); }

}  // namespace everwrite::chaos
