// LogAlarm: tells operators that the change log fills up for a region that stays away, before that
// region is cut loose; and when it is, and when it is back (region/table/log_keeper.h).
//
// Thread-safety: none; one thread calls Check now and then.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/log.h"
#include "region/table/log_keeper.h"

namespace everwrite::server {

// From so much of the bound on.
inline constexpr int kLogAlarmPercent = 80;

// Of the bound, in percent.
int LogPercent(const table::LogReport& report);

class LogAlarm {
 public:
  using NameOf = std::function<std::string(RegionId)>;
  LogAlarm(NameOf name_of, Logger log) : name_of_(std::move(name_of)), log_(std::move(log)) {}
  void Check(const table::LogReport& report);

 private:
  const NameOf name_of_;
  const Logger log_;
  bool full_ = false;  // said
  std::set<RegionId> cut_loose_;
};

}  // namespace everwrite::server
