// The threads that a run of chaos keeps going beside its faults: clients, each of which asks one
// thing after the other, and somebody who looks at lag and conflicts. All write to one recorder.
//
// Thread-safety: as said.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chaos/observed_history.h"
#include "chaos/run/client.h"
#include "chaos/run/report.h"
#include "chaos/scenario/scenario.h"
#include "cli/chaos_world.h"

namespace everwrite::cli {

// What all threads write to; its times are microseconds since it was made. Any thread.
class Recorder {
 public:
  Recorder();
  int64_t Now() const;
  uint64_t NextId() { return next_id_.fetch_add(1) + 1; }
  void Add(chaos::ObservedOp op);
  struct Counts {
    size_t operations = 0;
    size_t unknown = 0;  // of those from `first` on
  };
  Counts Since(size_t first) const;
  chaos::ObservedHistory Take();

 private:
  const int64_t begin_us_;
  std::atomic<uint64_t> next_id_{0};
  mutable std::mutex mutex_;
  chaos::ObservedHistory history_;  // guarded by mutex_
};

// One client's thread: asks at its pace until told to stop.
void RunClient(chaos::Client client, const ChaosWorld& world, const chaos::WorkloadSpec& workload,
               Recorder& recorder, const std::atomic<bool>& stop);

// Lag and conflicts, as the regions tell them, twice a second. World and recorder outlive it.
class Sampler {
 public:
  Sampler(const ChaosWorld& world, const Recorder& recorder);
  ~Sampler() { Stop(); }
  void Stop();
  std::map<std::string, std::vector<chaos::Sample>> lag_ms;     // after Stop
  std::map<std::string, std::vector<chaos::Sample>> conflicts;  // after Stop

 private:
  void Run(const ChaosWorld& world, const Recorder& recorder);
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace everwrite::cli
