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
#include "cli/up.h"

namespace everwrite::cli {

class ChaosWorld {
 public:
  // Starts what the scenario names, with its data below `folder`, and a table. `strokes` outlives
  // it. kAborted when `interrupted` says so.
  static Result<std::unique_ptr<ChaosWorld>> Start(const chaos::Scenario& scenario,
                                                   const std::vector<chaos::Stroke>& strokes,
                                                   const std::string& folder,
                                                   const std::function<bool()>& interrupted);
  ~ChaosWorld();

  // The network and clocks as the strokes have them at `now`; cheap when nothing changes.
  void Apply(int64_t now);
  void Begin(const chaos::Stroke& stroke);
  void End(const chaos::Stroke& stroke);
  // Nothing is cut, slow, paused or wrong from now on.
  void Heal();
  // All regions serve and have applied the same.
  bool IsConverged() const;
  // What has ended for good, and will not be started again, if anything: a line each.
  std::vector<std::string> Finished() const;
  void Stop() { up_->Stop(); }

  const ClusterPlan& plan() const { return plan_; }
  std::string Endpoint(const std::string& region) const;
  // The logs of a region whose disk was lost, as of then.
  const std::vector<uint64_t>& LostLogs(const std::string& region) { return lost_logs_[region]; }

 private:
  ChaosWorld() = default;
  const RegionPlan& PlanOf(const std::string& region) const;
  Status MakeTable(const std::function<bool()>& interrupted);
  std::vector<std::string> Struck(const chaos::Stroke& stroke) const;
  void SetClock(const std::string& region, int64_t offset_us);
  void LoseDisk(const std::string& region);
  void FillDisk(const std::string& region, bool full);
  void AddIndex(const std::string& region);

  const std::vector<chaos::Stroke>* strokes_ = nullptr;
  std::vector<std::string> names_;
  ClusterPlan plan_;
  std::unique_ptr<Up> up_;
  std::map<chaos::Direction, chaos::LinkCondition> quiet_;
  std::map<chaos::Direction, chaos::LinkCondition> current_;
  std::map<std::string, int64_t> clocks_;                // by region, as last set
  std::map<std::string, std::pair<int, pid_t>> paused_;  // by process: how often, and whom
  std::map<std::string, uint64_t> ids_;                  // of regions
  std::map<std::string, std::vector<uint64_t>> lost_logs_;
  uint64_t numbered_ = 0;  // indexes and lost folders
};

}  // namespace everwrite::cli
