// What a region counts: commits, syncs, sizes, log position, conflicts, queues. Requests are
// counted by the API layer's observer (request_metrics.h).
//
// Thread-safety: OnCommit on the commit thread; the rest once, at the start.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "region/server/local_link.h"
#include "region/session/session_gate.h"
#include "region/table/region_engine.h"

namespace everwrite::server {

class RegionMetrics {
 public:
  // All must outlive the registry's snapshots.
  RegionMetrics(Registry& registry, const table::RegionEngine& engine, const LocalLink& link,
                const session::SessionGate& sessions);

  void OnCommit(const table::CommitReport& report);

 private:
  Counter& commits_;
  Counter& writes_;
  Counter& bytes_;
  Histogram& batch_units_;
};

}  // namespace everwrite::server
