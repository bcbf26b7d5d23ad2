// A region of the simulated world: the product's engine over a store that can crash, driven by
// events instead of threads. Disk time is virtual: a turn of the committer is built when the
// committer wakes and written one fsync later; a crash in between loses it, and a crash any time
// loses what was not synced.
//
// The store and the wall clock are the machine; they survive. The engine is the process; it does
// not.
#pragma once

#include <functional>
#include <memory>

#include "base/memory_kv_store.h"
#include "chaos/sim/sim_clock.h"
#include "chaos/sim/simulator.h"
#include "region/table/region_engine.h"

namespace everwrite::chaos {

struct SimRegionOptions {
  RegionId id;
  int64_t fsync_micros_max = 2000;
  // A planted bug, to prove that the checkers see it: a sync answers before it is done, so a power
  // cut takes writes that were acknowledged.
  bool lying_sync = false;
  uint64_t ttl_takeover_ms = 60'000;
  // Another: deletions of index entries are lost.
  bool forgets_index_deletes = false;
};

class SimRegion {
 public:
  // Told about every commit of the running engine.
  using OnCommit = std::function<void(const table::CommitReport&)>;

  SimRegion(Simulator& simulator, SimRegionOptions options);
  ~SimRegion();

  void Start();
  // Power cut: unsynced writes are gone, but for a random prefix that had reached the disk.
  void Crash();
  bool running() const { return process_ != nullptr; }

  RegionId id() const { return options_.id; }
  // Of the running process.
  table::RegionEngine& engine() { return *process_->engine; }
  ProcessExecutor& executor() { return process_->executor; }
  // The process that runs now; a callback that finds another number belongs to a dead one.
  uint64_t incarnation() const { return incarnation_; }

  const KvStore& store() const { return store_; }
  WallClock& wall_clock() { return wall_clock_; }
  void SetOnCommit(OnCommit on_commit) { on_commit_ = std::move(on_commit); }

 private:
  struct Process {
    Process(Simulator& simulator, WallClock wall) : clock(simulator, wall), executor(simulator) {}
    SimClock clock;
    ProcessExecutor executor;
    std::unique_ptr<table::RegionEngine> engine;
    bool turn_under_way = false;
  };
  void BeginTurn();
  void EndTurn();
  void Maintain();
  void Sweep();
  void LateSync();

  Simulator& simulator_;
  const SimRegionOptions options_;
  // The disk: does what it says, unless a bug is planted.
  class Disk : public MemoryKvStore {
   public:
    explicit Disk(const SimRegionOptions& options) : options_(options) {}
    Status Write(const KvBatch& batch, Sync sync) override;

   private:
    const SimRegionOptions options_;
  };

  Disk store_;
  WallClock wall_clock_;
  uint64_t incarnation_ = 0;
  std::unique_ptr<Process> process_;
  OnCommit on_commit_;
};

}  // namespace everwrite::chaos
