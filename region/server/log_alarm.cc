#include "region/server/log_alarm.h"

namespace everwrite::server {

int LogPercent(const table::LogReport& report) {
  if (report.bytes_max == 0) return 0;
  return static_cast<int>(static_cast<double>(report.bytes) * 100 /
                          static_cast<double>(report.bytes_max));
}

void LogAlarm::Check(const table::LogReport& report) {
  const int percent = LogPercent(report);
  if (percent < kLogAlarmPercent) full_ = false;
  if (percent >= kLogAlarmPercent && !full_) {
    full_ = true;
    std::string names;
    for (const auto& holder : report.held_for)
      if (holder.changes > 0)
        names += (names.empty() ? "" : ", ") + name_of_(holder.region) + " (" +
                 std::to_string(holder.changes) + " changes)";
    log_.Warning("the change log fills up; at its bound regions that stay away are cut loose",
                 {{"percent", percent},
                  {"bytes", report.bytes},
                  {"bytes_max", report.bytes_max},
                  {"held_for", names}});
  }
  std::set<RegionId> now;
  for (const auto& cut : report.cut_loose) {
    now.insert(cut.region);
    if (cut_loose_.count(cut.region) == 0)
      log_.Warning(
          "cut loose: the log no longer reaches back to what the region needs; it is "
          "filled anew when it comes back",
          {{"peer", name_of_(cut.region)}});
  }
  for (const RegionId region : cut_loose_)
    if (now.count(region) == 0)
      log_.Info("a region that was cut loose has caught up", {{"peer", name_of_(region)}});
  cut_loose_ = std::move(now);
}

}  // namespace everwrite::server
