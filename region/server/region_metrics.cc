#include "region/server/region_metrics.h"

#include <algorithm>

namespace everwrite::server {

RegionMetrics::RegionMetrics(Registry& registry, const table::RegionEngine& engine,
                             const LocalLink& link, const session::SessionGate& sessions)
    : commits_(registry.AddCounter("everwrite_commits_total",
                                   "Batches committed; when durable, each with one fsync.")),
      writes_(registry.AddCounter("everwrite_commit_units_total",
                                  "Writes, remote batches and the like in all commits.")),
      bytes_(registry.AddCounter("everwrite_commit_bytes_total", "Bytes in all commits.")),
      batch_units_(registry.AddHistogram("everwrite_commit_batch_units",
                                         "Units that shared one commit.", {}, /*scale=*/1)) {
  registry.AddCallback("everwrite_log_position",
                       "Number of the newest change of this region's log.", {}, [&engine] {
                         const table::RegionState state = engine.CommittedState();
                         return static_cast<double>(state.applied.At(state.log));
                       });
  registry.AddCallback("everwrite_conflicts_total", "Losing writes put in the ledger, ever.", {},
                       [&engine] { return static_cast<double>(engine.ConflictCount()); });
  registry.AddCallback("everwrite_ledger_entries", "Entries of the conflict ledger now.", {},
                       [&engine] { return static_cast<double>(engine.LedgerSize().items); });
  registry.AddCallback("everwrite_ledger_bytes", "Bytes of the conflict ledger now.", {},
                       [&engine] { return static_cast<double>(engine.LedgerSize().bytes); });
  registry.AddCallback("everwrite_expired_total",
                       "Items deleted here because their time to live was over.", {},
                       [&engine] { return static_cast<double>(engine.sweeper().deleted()); });
  registry.AddCallback("everwrite_commit_queue", "Units that wait for the committer.", {},
                       [&engine] { return static_cast<double>(engine.CommitQueue()); });
  registry.AddCallback("everwrite_replicator_connected", "1 while a replicator is attached.", {},
                       [&link] { return link.connected() ? 1.0 : 0.0; });
  registry.AddCallback("everwrite_serving",
                       "1 when clients are answered; 0 while the region is new or being filled.",
                       {}, [&engine] { return engine.Serving().ok() ? 1.0 : 0.0; });
  registry.AddCallback("everwrite_clock_correction_seconds",
                       "How far the majority of the regions has moved this one's clock.", {},
                       [&engine] { return engine.clock().correction_ms() / 1e3; });
  registry.AddCallback(
      "everwrite_stamps_ahead_seconds",
      "How far this region's stamps run ahead of its clock; others hold them beyond the bound.", {},
      [&engine] {
        const auto clock = static_cast<int64_t>(engine.CommittedState().clock.milliseconds());
        return static_cast<double>(std::max<int64_t>(
                   0, clock - static_cast<int64_t>(engine.clock().PhysicalMillis()))) /
               1e3;
      });
  const auto filling = [&engine](auto value) {
    return [&engine, value]() -> double {
      return engine.filling().IsComplete()
                 ? 0.0
                 : static_cast<double>(value(engine.filling().Progress()));
    };
  };
  registry.AddCallback("everwrite_bootstrap_items", "Items merged by the bootstrap under way.", {},
                       filling([](const auto& progress) { return progress.live_rows; }));
  registry.AddCallback("everwrite_bootstrap_items_expected", "Items that its source has.", {},
                       filling([](const auto& progress) { return progress.total_rows; }));
  registry.AddCallback("everwrite_bootstrap_bytes", "Bytes merged by the bootstrap under way.", {},
                       filling([](const auto& progress) { return progress.bytes; }));
  registry.AddCallback("everwrite_change_log_bytes", "About what the change log takes on disk.", {},
                       [&engine] { return static_cast<double>(engine.log_report().bytes); });
  registry.AddCallback("everwrite_change_log_bytes_max",
                       "Its bound: at it, regions that stay away are cut loose.", {},
                       [&engine] { return static_cast<double>(engine.log_report().bytes_max); });
  registry.AddCallback(
      "everwrite_change_log_cut_loose", "Regions that are cut loose from this one's log now.", {},
      [&engine] { return static_cast<double>(engine.log_report().cut_loose.size()); });
  registry.AddCallback("everwrite_session_waiting",
                       "Requests that wait until the region has caught up with their session.", {},
                       [&sessions] { return static_cast<double>(sessions.waiting()); });
  registry.AddCallback("everwrite_session_waits_total",
                       "Requests whose session was ahead of the region.", {},
                       [&sessions] { return static_cast<double>(sessions.waits()); });
  registry.AddCallback("everwrite_session_timeouts_total",
                       "Of those, refused because the region did not catch up in time.", {},
                       [&sessions] { return static_cast<double>(sessions.timeouts()); });
}

void RegionMetrics::OnCommit(const table::CommitReport& report) {
  if (report.units == 0) return;
  commits_.Add();
  writes_.Add(report.units);
  bytes_.Add(report.bytes);
  batch_units_.Record(report.units);
}

}  // namespace everwrite::server
