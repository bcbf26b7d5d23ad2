// Somebody who adds a secondary index to the table while everybody writes, and removes it again,
// now in this region and now in that.
//
// The table has two indexes from the start (chaos/workload_item); the one that comes and goes is
// filled in every region while rows change, regions crash and definitions of it arrive out of step.
// Whenever it has come or gone, all indexes of the region are held against a rebuild.
//
// Thread-safety: none.
#pragma once

#include <memory>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

class IndexWorkload {
 public:
  // The table is made by Workload. `mean_micros` between two changes; 0: none. `history` outlives
  // this.
  IndexWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                int64_t mean_micros, History& history)
      : simulator_(simulator), regions_(regions), mean_micros_(mean_micros), history_(history) {}

  void Start() { Next(); }
  void Stop() { stopped_ = true; }

 private:
  void Next();
  void Change(SimRegion& region);
  void Check(const SimRegion& region);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const int64_t mean_micros_;
  History& history_;
  bool stopped_ = false;
  size_t next_check_ = 0;  // when so many writes have been sent
};

}  // namespace everwrite::chaos
