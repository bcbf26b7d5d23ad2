// The machine of one region of a chaos run: its disk with the shim in between, its processor and
// memory, and the version of the program that it runs.
//
// Some things can be done only while nothing of the region runs: those are planned, and done by the
// supervisor before the next start (chaos/live/supervisor.h); whoever plans then kills.
//
// Thread-safety: what is planned is under a mutex; the rest from the run's thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "chaos/disk_shim/shimmed_disk.h"
#include "chaos/live/supervisor.h"
#include "chaos/live/throttle.h"
#include "chaos/run/timeline.h"
#include "cli/plan.h"

namespace everwrite::cli {

class ChaosMachine {
 public:
  struct Options {
    RegionPlan region;
    std::string side;   // for the shim's book; used only if there is one
    std::string shim;   // the library; empty: none
    std::string other;  // the other version's program; empty: none
    bool lying_disk = false;
    std::function<pid_t()> region_pid;  // 0: it does not run
  };
  static Result<std::unique_ptr<ChaosMachine>> Make(Options options);

  // For the processes that are started on it.
  void Adjust(std::string_view role, chaos::ProcessSpec& spec);

  // From the next start on.
  void PlanPowerCut(uint64_t seed);
  void PlanDiskError(const chaos::Fault& fault);
  void PlanDamage(const chaos::Fault& fault, uint64_t seed);
  void PlanNewDisk();  // what it keeps is put aside
  void PlanUpgrade();

  // At once.
  void Begin(const chaos::Stroke& stroke);
  void End(const chaos::Stroke& stroke);
  void Heal();
  // Again and again while a run lasts.
  void Tick();

  // What was damaged last, until it is taken: the file.
  std::optional<std::string> TakeDamaged();

  struct Figures {
    uint64_t power_cuts = 0;
    chaos::PowerCutReport lost;
    uint64_t errors_given = 0;
    uint64_t holes = 0;
    std::vector<std::string> failures;  // of the machinery itself
  };
  Figures figures() const;

 private:
  explicit ChaosMachine(Options options) : options_(std::move(options)) {}
  void BeforeStart(std::string_view role, chaos::ProcessSpec& spec);
  void Arm(const chaos::Fault& fault);
  void Damage(const chaos::Fault& fault, uint64_t seed);
  void Note(const Status& status);

  const Options options_;
  std::unique_ptr<chaos::ShimmedDisk> disk_;
  std::unique_ptr<chaos::CpuShare> cpu_;
  std::optional<chaos::MemoryLimit> memory_;

  mutable std::mutex mutex_;  // for the rest
  std::vector<uint64_t> power_cuts_;
  std::optional<chaos::Fault> error_;
  std::optional<std::pair<chaos::Fault, uint64_t>> damage_;
  bool new_disk_ = false;
  bool upgraded_ = false;
  std::optional<std::string> damaged_;
  uint64_t put_aside_ = 0;
  Figures figures_;
};

}  // namespace everwrite::cli
