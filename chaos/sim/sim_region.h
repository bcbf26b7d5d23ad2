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
#include "region/convergence/guard.h"
#include "region/session/session_gate.h"
#include "region/table/region_engine.h"

namespace everwrite::chaos {

struct SimRegionOptions {
  RegionId id;
  std::vector<RegionId> peers;
  int64_t fsync_micros_max = 2000;
  bool joins = false;  // there are other regions
  // A planted bug, to prove that the checkers see it: a sync answers before it is done, so a power
  // cut takes writes that were acknowledged.
  bool lying_sync = false;
  uint64_t ttl_takeover_ms = 60'000;
  uint64_t change_log_keep_ms = 24ULL * 3600 * 1000;
  uint64_t change_log_bytes = 64ULL << 30;
  uint64_t ledger_bytes = 0;  // bound of the conflict ledger; 0: none
  // Another: deletions of index entries are lost.
  bool forgets_index_deletes = false;
  // Another: one in twenty entries of a table's stream is lost.
  bool loses_stream_entries = false;
  streams::ShardPolicy stream_shards;
};

class SimRegion {
 public:
  // Told about every commit of the running engine, and what the region's state is since.
  using SharedState = std::shared_ptr<const streams::RegionState>;
  using OnCommit = std::function<void(const table::CommitReport&, const SharedState&)>;
  // Takes letters of the convergence guard to another region.
  using SendMail = std::function<void(RegionId to, std::string letter)>;

  SimRegion(Simulator& simulator, SimRegionOptions options);
  ~SimRegion();

  // False: the disk fails, and so the process has ended again.
  bool Start();
  // Power cut: unsynced writes are gone, but for the oldest of them, so many percent, which had
  // reached the disk. From 50 percent on a turn that is being synced is there afterwards, though
  // nobody was told.
  void Crash(int64_t kept_percent);
  // A new, empty disk. While it does not run.
  void LoseDisk();
  // A copy of the disk; and that put back in place, while it does not run. False: there is none.
  void KeepCopy() { store_.KeepCopy(); }
  bool PutBackCopy() { return store_.PutBackCopy(); }
  bool running() const { return process_ != nullptr; }
  // Clients are answered.
  bool serving() const { return process_ && !paused() && process_->engine->Serving().ok(); }
  // One that still gathers digests and ledger, or a table, serves, but may not have what only
  // another has.
  bool whole() const {
    return serving() && engine().filling().IsComplete() && engine().fills().empty();
  }

  // The process handles nothing until it is resumed.
  void Pause() { process_->executor.Pause(); }
  void Resume() { process_->executor.Resume(); }
  bool paused() const { return process_->executor.paused(); }

  // Every write fails from now on; the process ends at the first, and tells `OnFailure`. `applies`:
  // it fails, and yet is on the disk.
  void FailDisk(Status error, bool applies);
  void MendDisk();
  void SetOnFailure(std::function<void()> listener) { on_failure_ = std::move(listener); }
  // Told of a change record that came on the disk though its write failed.
  void SetOnTorn(std::function<void(std::string_view record)> listener) {
    store_.on_torn = std::move(listener);
  }
  // Told of the ledger's entries before they are deleted, by their keys, those of one batch
  // together; where the ledger has a bound.
  void SetOnLedgerForgets(std::function<void(const std::vector<std::string>& keys)> listener) {
    store_.on_ledger_forgets = std::move(listener);
  }

  RegionId id() const { return options_.id; }
  // Of the running process.
  table::RegionEngine& engine() { return *process_->engine; }
  const table::RegionEngine& engine() const { return *process_->engine; }
  ProcessExecutor& executor() { return process_->executor; }
  session::SessionGate& sessions() { return *process_->sessions; }
  void OnMail(RegionId from, const std::string& letter) {
    process_->guard->OnMail(from, letter, process_->executor);
  }
  // What its guards have found, a line each, and compared, over all its lives.
  const std::vector<std::string>& found() const { return found_; }
  uint64_t compared() const { return compared_; }
  // The process that runs now; a callback that finds another number belongs to a dead one.
  uint64_t incarnation() const { return incarnation_; }

  const KvStore& store() const { return store_; }
  WallClock& wall_clock() { return wall_clock_; }
  void SetSendMail(SendMail send) { send_mail_ = std::move(send); }
  // The running engine has been admitted, or has begun another log.
  void SetOnAdmission(std::function<void()> listener) { on_admission_ = std::move(listener); }
  void AddOnCommit(OnCommit on_commit) { on_commit_.push_back(std::move(on_commit)); }

 private:
  struct Process {
    Process(Simulator& simulator, const WallClock& wall)
        : clock(simulator, wall), executor(simulator) {}
    SimClock clock;
    ProcessExecutor executor;
    std::unique_ptr<table::RegionEngine> engine;
    std::unique_ptr<convergence::ConvergenceGuard> guard;
    std::unique_ptr<session::SessionGate> sessions;
    bool turn_under_way = false;
    bool turn_built = false;  // and is being synced
  };
  void BeginTurn();
  void EndTurn();
  void Maintain();
  void Sweep();
  void GuardTick();
  void LateSync();

  Simulator& simulator_;
  const SimRegionOptions options_;
  Random random_;
  // The disk: does what it says, unless a bug is planted.
  class Disk : public MemoryKvStore {
   public:
    explicit Disk(const SimRegionOptions& options)
        : MemoryKvStore(Threads::kOne), options_(options) {}
    Status Write(const KvBatch& batch, Sync sync) override;

    Status error;  // of every write
    bool applies = false;
    std::function<void(std::string_view record)> on_torn;
    std::function<void(const std::vector<std::string>& keys)> on_ledger_forgets;

   private:
    Status Store(const KvBatch& batch, Sync sync);
    void TellOfLedger(const KvBatch& batch);
    const SimRegionOptions options_;
  };

  Disk store_;
  WallClock wall_clock_;
  uint64_t incarnation_ = 0;
  std::unique_ptr<Process> process_;
  SendMail send_mail_;
  std::vector<std::string> found_;
  uint64_t compared_ = 0;
  std::vector<OnCommit> on_commit_;
  std::function<void()> on_admission_;
  std::function<void()> on_failure_;
};

}  // namespace everwrite::chaos
