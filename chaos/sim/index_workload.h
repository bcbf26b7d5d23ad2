// Somebody who adds a secondary index to the table while everybody writes, and removes it again,
// now in this region and now in that: whenever the schedule says so.
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
  // The table is made by Workload. `history` outlives this.
  IndexWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                History& history)
      : simulator_(simulator), regions_(regions), history_(history) {}

  // By way of a region, when it answers.
  void Change(size_t region);

 private:
  void Check(const SimRegion& region);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  History& history_;
  size_t next_check_ = 0;  // when so many writes have been sent
};

}  // namespace everwrite::chaos
