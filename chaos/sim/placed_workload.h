// A table that lives in some of the regions: region 0 makes it, and takes the others in and out,
// as the schedule says, while everybody who holds it writes.
//
// Replicas are changed in one region alone: definitions are last writer wins, and a change that
// lost would be no more than that. What the regions must have of it in the end:
// checkers/placed_tables.
//
// Thread-safety: none.
#pragma once

#include <memory>
#include <vector>

#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

struct PlacedOptions {
  size_t sessions_per_region = 0;  // 0: there is no such table in this world
  int64_t think_micros = 60 * kMicrosPerMilli;
  size_t keys = 20;
};

class PlacedWorkload {
 public:
  static constexpr const char* kTable = "placed";

  PlacedWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                 PlacedOptions options)
      : simulator_(simulator), regions_(regions), options_(options) {}

  void Start();
  void Stop() { stopped_ = true; }
  // Takes a region in, or out; by way of region 0, when it answers.
  void Move(size_t region);
  // Every replica is active or gone, and says so.
  bool IsSettled() const;
  size_t moves() const { return moves_; }  // replicas added or taken away

 private:
  void Create();
  void Next(size_t session);
  void Write(SimRegion& region, Random& random);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const PlacedOptions options_;
  struct Session {
    size_t region = 0;
    Random random;
  };
  std::vector<Session> sessions_;
  bool stopped_ = false;
  uint64_t written_ = 0;
  size_t moves_ = 0;
};

}  // namespace everwrite::chaos
