// The regions of a chaos run: an `Up` of its own, and how faults are done to it.
//
// Threads: use from one thread; Endpoint and IsConverged from any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "chaos/run/timeline.h"
#include "cli/chaos_machine.h"
#include "cli/up.h"

namespace everwrite::cli {

struct ChaosWorldOptions {
  std::string folder;
  std::string other;  // another version's program; empty: none
  bool lying_disk = false;
  uint64_t seed = 1;
};

// A file that was damaged, and what became of it.
struct DamageReport {
  std::string region;
  std::string file;
  // kUnneeded: the store had no use for the file (a table or a log) any more, and has removed it.
  // (What names those is made anew by every start that reads it.)
  enum class Noticed : uint8_t { kNo, kAtStart, kLater, kUnneeded } noticed = Noticed::kNo;
};

class ChaosWorld {
 public:
  // Starts what the scenario names, with its data below the folder, and a table. `strokes` outlives
  // it. kAborted when `interrupted` says so.
  static Result<std::unique_ptr<ChaosWorld>> Start(const chaos::Scenario& scenario,
                                                   const std::vector<chaos::Stroke>& strokes,
                                                   ChaosWorldOptions options,
                                                   const std::function<bool()>& interrupted);
  ~ChaosWorld();

  // The network and clocks as the strokes have them at `now`; cheap when nothing changes.
  void Apply(int64_t now);
  void Begin(const chaos::Stroke& stroke);
  void End(const chaos::Stroke& stroke);
  // Nothing is cut, slow, paused or wrong from now on.
  void Heal();
  // Again and again, until the end: sees to regions that were damaged. Gives those whose disk was
  // replaced meanwhile.
  std::vector<std::string> Tick();
  // No damaged region waits for its new disk.
  bool IsSettled() const { return damaged_.empty(); }
  // All regions serve and have applied the same, and nothing is damaged.
  bool IsConverged() const;
  // What has ended for good, and will not be started again, if anything: a line each.
  std::vector<std::string> Finished() const;
  void Stop() { up_->Stop(); }

  const ClusterPlan& plan() const { return plan_; }
  std::string Endpoint(const std::string& region) const;
  const std::vector<DamageReport>& damages() const { return damages_; }
  // Of bad topology files: a line for each process that took one, or did not say that it did not.
  std::vector<std::string> TopologiesTaken() const;
  size_t topologies_pushed() const { return topologies_.size(); }
  // Of all machines; no machine of which is unable to do what it was told, if `failures` is empty.
  ChaosMachine::Figures MachineFigures() const;
  // Whether power cuts and failing disks are possible.
  bool has_shim() const { return !shim_.empty(); }
  // The logs of a region whose disk was lost, as of then.
  const std::vector<uint64_t>& LostLogs(const std::string& region) { return lost_logs_[region]; }

 private:
  ChaosWorld() = default;
  const RegionPlan& PlanOf(const std::string& region) const;
  Status MakeTable(const std::function<bool()>& interrupted);
  std::vector<std::string> Struck(const chaos::Stroke& stroke) const;
  Status MakeMachines(const chaos::Scenario& scenario, const ChaosWorldOptions& options);
  pid_t RegionPid(const std::string& region) const;
  void SetClock(const std::string& region, const chaos::ClockCondition& clock);
  void KillMachine(const std::string& region);
  void CollectLostLogs(const std::string& region);
  void LoseDisk(const std::string& region);
  void FillDisk(const std::string& region, bool full);
  void AddIndex(const std::string& region);
  void PushTopology(const chaos::Stroke& stroke);
  void ApplyPacketFaults();
  // The region's log since its file was damaged says so.
  bool LogTellsOfDamage(const std::string& region) const;

  const std::vector<chaos::Stroke>* strokes_ = nullptr;
  std::vector<std::string> names_;
  ClusterPlan plan_;
  std::string shim_;  // its library; empty: it is not needed
  std::map<std::string, std::unique_ptr<ChaosMachine>> machines_;  // by region; outlive up_
  std::unique_ptr<Up> up_;
  std::map<chaos::Direction, chaos::LinkCondition> quiet_;
  std::map<chaos::Direction, chaos::LinkCondition> current_;
  std::map<std::string, chaos::ClockCondition> clocks_;  // by region, as last set
  std::map<std::string, std::pair<int, pid_t>> paused_;  // by process: how often, and whom
  std::map<std::string, uint64_t> ids_;                  // of regions
  std::map<std::string, std::vector<uint64_t>> lost_logs_;
  // A region with a damaged file, until its disk was replaced.
  struct Damaged {
    size_t report;  // in damages_
    int64_t since_us;
    uint64_t log_bytes;  // of its log, by then
  };
  std::map<std::string, Damaged> damaged_;
  std::vector<DamageReport> damages_;
  uint64_t seed_ = 1;
  std::string topology_text_;            // the right one
  std::vector<std::string> topologies_;  // regions that a bad one was pushed to
  uint64_t numbered_ = 0;                // indexes, power cuts and damages
};

}  // namespace everwrite::cli
