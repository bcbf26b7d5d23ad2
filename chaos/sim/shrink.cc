#include "chaos/sim/shrink.h"

#include <algorithm>

#include "base/clock.h"

namespace everwrite::chaos {
namespace {

class Shrinker {
 public:
  Shrinker(const Schedule& schedule, const std::string& kind, const WorldRunner& run,
           const ShrinkOptions& options)
      : best_(schedule), kind_(kind), run_(run), options_(options) {}

  Shrunk Shrink() {
    // Each makes the runs of the next ones shorter; until none of them gets any further.
    for (bool smaller = true; smaller && MayRun();) {
      const Schedule before = best_;
      ShortenTime();
      DropEvents();
      DropRegions();
      CalmSettings();
      CalmEvents();
      smaller = !(best_ == before);
    }
    return {std::move(best_), runs_};
  }

 private:
  bool MayRun() const { return runs_ < options_.runs_max && (!options_.go_on || options_.go_on()); }

  // Takes the candidate if it still fails in the same way.
  bool Try(Schedule candidate) {
    if (candidate == best_ || !MayRun()) return false;
    ++runs_;
    if (!HasKind(run_(candidate), kind_)) return false;
    best_ = std::move(candidate);
    std::string size = std::to_string(best_.events.size()) + " events, " +
                       std::to_string(best_.regions) + " regions, " +
                       std::to_string(best_.seconds) + " s";
    if (options_.progress && size != told_)
      options_.progress(size + " after " + std::to_string(runs_) + " runs");
    told_ = std::move(size);
    return true;
  }

  // Bisection, as if every longer time failed too.
  void ShortenTime() {
    int64_t works_not = 0;
    while (works_not + 1 < best_.seconds && MayRun()) {
      Schedule candidate = best_;
      candidate.seconds = (works_not + best_.seconds) / 2;
      std::erase_if(candidate.events, [&](const Event& event) {
        return event.at_micros >= candidate.seconds * kMicrosPerSecond;
      });
      const int64_t tried = candidate.seconds;
      if (!Try(std::move(candidate))) works_not = tried;
    }
  }

  // ddmin: leaves out one n-th of the events after the other, and makes the parts smaller when none
  // of them can be missed.
  void DropEvents() {
    for (size_t parts = 2; !best_.events.empty() && MayRun();) {
      const size_t size = (best_.events.size() + parts - 1) / parts;
      bool dropped = false;
      for (size_t begin = 0; begin < best_.events.size() && MayRun();) {
        Schedule candidate = best_;
        const auto from = candidate.events.begin() + static_cast<std::ptrdiff_t>(begin);
        candidate.events.erase(from, from + static_cast<std::ptrdiff_t>(
                                                std::min(size, candidate.events.size() - begin)));
        if (Try(std::move(candidate))) {
          dropped = true;  // what follows stands at `begin` now
        } else {
          begin += size;
        }
      }
      if (size == 1 && !dropped) return;
      if (!dropped) parts = std::min(parts * 2, best_.events.size());
      parts = std::max<size_t>(2, std::min(parts, best_.events.size()));
    }
  }

  void DropRegions() {
    for (size_t region = best_.regions; region-- > 0 && best_.regions > 1 && MayRun();) {
      Schedule candidate = best_;
      --candidate.regions;
      std::erase_if(candidate.events, [region](const Event& event) {
        const bool two = InfoOf(event.kind).subjects == 2;
        return event.a == region || (two && event.b == region);
      });
      for (Event& event : candidate.events) {
        event.a -= event.a > region ? 1 : 0;
        event.b -= event.b > region ? 1 : 0;
      }
      Try(std::move(candidate));
    }
  }

  void CalmSettings() {
    const Settings defaults;
    Schedule all = best_;
    all.settings = defaults;
    if (Try(std::move(all))) return;
    for (const SettingInfo& info : SettingInfos()) {
      const bool clients = info.name == "sessions" || info.name.ends_with("-sessions");
      for (const int64_t value : {clients ? 0 : defaults.*info.field, defaults.*info.field,
                                  clients ? int64_t{1} : defaults.*info.field}) {
        if (clients && best_.settings.*info.field <= value) continue;
        Schedule candidate = best_;
        candidate.settings.*info.field = value;
        if (Try(std::move(candidate))) break;
      }
    }
  }

  void CalmEvents() {
    for (size_t i = 0; i < best_.events.size() && MayRun(); ++i) {
      Schedule candidate = best_;
      candidate.events[i].amount = 0;
      Try(std::move(candidate));
    }
  }

  Schedule best_;
  const std::string kind_;
  const WorldRunner& run_;
  const ShrinkOptions& options_;
  size_t runs_ = 0;
  std::string told_;
};

}  // namespace

Shrunk Shrink(const Schedule& schedule, const std::string& kind, const WorldRunner& run,
              const ShrinkOptions& options) {
  return Shrinker(schedule, kind, run, options).Shrink();
}

}  // namespace everwrite::chaos
