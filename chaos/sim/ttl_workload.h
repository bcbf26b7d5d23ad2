// Clients whose items expire: put with a time a few seconds from now, prolonged, or freed of it,
// while TTL is turned on, off and on again (by events of the schedule).
//
// What must hold is for the end (checkers/end_state: CheckTimeToLive): with TTL on and everything
// healed, every expired item goes, in all regions, and nothing was ever deleted for its time that
// had not come.
//
// Thread-safety: none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

struct TtlOptions {
  size_t sessions_per_region = 1;  // 0: nothing expires in this world
  int64_t think_micros = 60 * kMicrosPerMilli;
  size_t keys = 20;
};

class TtlWorkload {
 public:
  // The table is made by Workload. `history` outlives this.
  TtlWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
              TtlOptions options, History& history);

  void Start();
  // No new operations, and TTL on, for good.
  void Stop();
  // By way of a region, when it answers.
  void SetTtl(size_t region, bool on);
  // Nothing that expires is left anywhere.
  bool AllExpired() const;

 private:
  // Turns TTL on in region 0, again and again until it is.
  void TurnOn();
  void Next(size_t session);
  void Put(size_t session);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const TtlOptions options_;
  History& history_;
  struct Session {
    size_t region = 0;
    Random random;
  };
  std::vector<Session> sessions_;
  bool stopped_ = false;
};

}  // namespace everwrite::chaos
