#include "chaos/run/timeline.h"

#include <algorithm>

#include "base/random.h"
#include "topology/units.h"

namespace everwrite::chaos {
namespace {

using topology::FormatDuration;

class Drawer {
 public:
  Drawer(const Scenario& scenario, uint64_t seed)
      : scenario_(scenario), names_(scenario.region_names), chance_(seed) {}

  std::vector<Stroke> Draw() {
    for (const Fault& fault : scenario_.faults) {
      uint64_t done = 0;
      for (int64_t at = fault.at; at <= scenario_.duration; at += fault.every) {
        DrawOnce(fault, at, done);
        ++done;
        if (fault.every == 0 || done == kMaxTimes || (fault.times != 0 && done == fault.times))
          break;
      }
    }
    std::stable_sort(strokes_.begin(), strokes_.end(),
                     [](const Stroke& a, const Stroke& b) { return a.at < b.at; });
    return std::move(strokes_);
  }

 private:
  // `before`: so often already.
  void DrawOnce(Fault fault, int64_t at, uint64_t before) {
    Stroke stroke;
    stroke.kind = fault.kind;
    stroke.at = at;
    stroke.until = fault.duration == 0 ? scenario_.duration
                                       : std::min(at + fault.duration, scenario_.duration);
    if (fault.rising && fault.fail_write != 0) fault.fail_write += before;
    if (fault.rising && fault.fail_sync != 0) fault.fail_sync += before;
    stroke.fault = fault;
    switch (fault.kind) {
      case FaultKind::kCut:
      case FaultKind::kSlow:
      case FaultKind::kPackets:
      case FaultKind::kBlackHole:
      case FaultKind::kReset: Pair(fault, stroke); break;
      case FaultKind::kIsolate: Isolate(fault, stroke); break;
      case FaultKind::kSplit: Split(fault, stroke); break;
      case FaultKind::kRing:
      case FaultKind::kChain: Order(fault, stroke); break;
      case FaultKind::kKill:
      case FaultKind::kPause: return Processes(fault, std::move(stroke));
      default: return Regions(fault, std::move(stroke));
    }
    Add(fault, std::move(stroke));
  }

  void Add(const Fault& fault, Stroke stroke) {
    if (IsInstant(stroke.kind)) stroke.until = stroke.at;
    if (fault.flap_off == 0) return strokes_.push_back(std::move(stroke));
    const int64_t end = stroke.until;
    for (int64_t at = stroke.at; at < end; at += fault.flap_off + fault.flap_on) {
      Stroke off = stroke;
      off.at = at;
      off.until = std::min(at + fault.flap_off, end);
      strokes_.push_back(std::move(off));
    }
  }

  size_t Place(const std::string& name) const {
    return static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  }

  const std::string& AnyRegion() { return names_[chance_.Below(names_.size())]; }

  std::vector<std::string> AnyOrder() {
    std::vector<std::string> order = names_;
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[chance_.Below(i)]);
    return order;
  }

  static void Both(Stroke& stroke, const std::string& a, const std::string& b) {
    stroke.directions.emplace_back(a, b);
    stroke.directions.emplace_back(b, a);
  }

  void Pair(const Fault& fault, Stroke& stroke) {
    const std::string verb = fault.kind == FaultKind::kCut         ? "cut "
                             : fault.kind == FaultKind::kSlow      ? "slow "
                             : fault.kind == FaultKind::kPackets   ? "packets of "
                             : fault.kind == FaultKind::kBlackHole ? "black hole "
                                                                   : "reset ";
    if (fault.choice == Choice::kAll) {
      for (size_t i = 0; i < names_.size(); ++i)
        for (size_t j = i + 1; j < names_.size(); ++j) Both(stroke, names_[i], names_[j]);
      stroke.text = verb + "all links";
    } else {
      auto pair = fault.choice == Choice::kAny ? AnyOrder() : fault.groups[0];
      // One link has one name, whoever was drawn first.
      if (fault.choice == Choice::kAny && !fault.one_way && Place(pair[1]) < Place(pair[0]))
        std::swap(pair[0], pair[1]);
      if (fault.one_way)
        stroke.directions.emplace_back(pair[0], pair[1]);
      else
        Both(stroke, pair[0], pair[1]);
      stroke.text = verb + pair[0] + (fault.one_way ? " -> " : " - ") + pair[1];
    }
    if (fault.delay_us) stroke.text += ", delay " + FormatDuration(*fault.delay_us);
    if (fault.jitter_us) stroke.text += ", jitter " + FormatDuration(*fault.jitter_us);
    if (fault.bytes_per_second)
      stroke.text += ", " + std::to_string(*fault.bytes_per_second / 1000) + " KB/s";
    if (fault.over_bytes != 0)
      stroke.text += ", packets over " + std::to_string(fault.over_bytes) + " bytes";
    if (fault.loss_percent > 0) stroke.text += ", lost " + Percent(fault.loss_percent);
    if (fault.duplicate_percent > 0) stroke.text += ", twice " + Percent(fault.duplicate_percent);
  }

  void Isolate(const Fault& fault, Stroke& stroke) {
    const std::string region = fault.choice == Choice::kAny ? AnyRegion() : fault.groups[0][0];
    for (const std::string& other : names_) {
      if (other == region) continue;
      stroke.directions.emplace_back(region, other);
      if (!fault.one_way) stroke.directions.emplace_back(other, region);
    }
    stroke.text = "isolate " + region + (fault.one_way ? " (what it sends)" : "");
  }

  void Split(const Fault& fault, Stroke& stroke) {
    std::vector<std::vector<std::string>> groups = fault.groups;
    if (fault.choice == Choice::kAll)
      for (const std::string& name : names_) groups.push_back({name});
    if (fault.choice == Choice::kAny) {
      const auto order = AnyOrder();
      const auto middle =
          order.begin() + 1 + static_cast<std::ptrdiff_t>(chance_.Below(order.size() - 1));
      groups = {{order.begin(), middle}, {middle, order.end()}};
    }
    // Who is in no group forms the last one.
    std::vector<std::string> rest;
    for (const std::string& name : names_)
      if (std::none_of(groups.begin(), groups.end(), [&](const auto& group) {
            return std::find(group.begin(), group.end(), name) != group.end();
          }))
        rest.push_back(name);
    if (!rest.empty()) groups.push_back(std::move(rest));
    stroke.text = "split";
    for (size_t i = 0; i < groups.size(); ++i) {
      stroke.text += i == 0 ? " " : " | ";
      for (size_t n = 0; n < groups[i].size(); ++n)
        stroke.text += (n == 0 ? "" : ", ") + groups[i][n];
      for (size_t j = i + 1; j < groups.size(); ++j)
        for (const std::string& a : groups[i])
          for (const std::string& b : groups[j]) Both(stroke, a, b);
    }
  }

  void Order(const Fault& fault, Stroke& stroke) {
    const auto order = fault.choice == Choice::kAny   ? AnyOrder()
                       : fault.choice == Choice::kAll ? names_
                                                      : fault.groups[0];
    const bool ring = fault.kind == FaultKind::kRing;
    for (size_t i = 0; i < order.size(); ++i)
      for (size_t j = i + 2; j < order.size(); ++j)
        if (!ring || i != 0 || j + 1 != order.size()) Both(stroke, order[i], order[j]);
    stroke.text = ring ? "ring" : "chain";
    for (size_t i = 0; i < order.size(); ++i) stroke.text += (i == 0 ? " " : " - ") + order[i];
  }

  std::vector<std::string> Struck(const Fault& fault) {
    if (fault.choice == Choice::kAll) return names_;
    return {fault.choice == Choice::kAny ? AnyRegion() : fault.groups[0][0]};
  }

  void Processes(const Fault& fault, Stroke stroke) {
    const std::string verb = fault.kind == FaultKind::kKill ? "kill " : "pause ";
    if (fault.role == Role::kEverything) {
      stroke.role = Role::kEverything;
      stroke.text = verb + "everything";
      return Add(fault, std::move(stroke));
    }
    for (const std::string& region : Struck(fault)) {
      Stroke one = stroke;
      constexpr Role kRoles[] = {Role::kRegion, Role::kReplicator, Role::kNats};
      constexpr std::string_view kNames[] = {"region", "replicator", "nats"};
      one.role = fault.role == Role::kAny ? kRoles[chance_.Below(3)] : fault.role;
      one.region = region;
      one.text = verb + std::string(kNames[static_cast<size_t>(one.role)]) + " of " + region;
      Add(fault, std::move(one));
    }
  }

  // A stroke for each region that is struck.
  void Regions(const Fault& fault, const Stroke& stroke) {
    for (const std::string& region : Struck(fault)) {
      Stroke one = stroke;
      one.region = region;
      one.text = RegionText(fault, region);
      Add(fault, std::move(one));
    }
  }

  static std::string ClockText(const Fault& fault) {
    const auto with_sign = [](int64_t micros) {
      return (micros < 0 ? " -" : " +") + FormatDuration(micros < 0 ? -micros : micros);
    };
    std::string text;
    if (fault.jump_us != 0) text += with_sign(fault.jump_us);
    if (fault.drift_us_per_second != 0) text += with_sign(fault.drift_us_per_second) + " a second";
    if (fault.grain_us != 0) text += " in steps of " + FormatDuration(fault.grain_us);
    if (fault.frozen) text += " stands still";
    return text;
  }

  static std::string ErrorText(const Fault& fault) {
    std::string text;
    const auto call = [&](uint64_t n, const char* what) {
      if (n == 0) return;
      text += text.empty() ? "" : " and ";
      text += (fault.once ? "write " : "writes from ") + std::to_string(n);
      text.replace(text.rfind("write"), 5, what);
    };
    call(fault.fail_write, "write");
    call(fault.fail_sync, "sync");
    return text + (fault.no_space ? " for want of space" : "") +
           (fault.from_start ? " of a new start" : "");
  }

  static std::string RegionText(const Fault& fault, const std::string& region) {
    const std::string disk = "disk of " + region;
    switch (fault.kind) {
      case FaultKind::kClock: return "clock of " + region + ClockText(fault);
      case FaultKind::kLoseDisk: return "lose " + disk;
      case FaultKind::kDiskFull: return disk + " full";
      case FaultKind::kPowerCut: return "power cut of " + region;
      case FaultKind::kDiskError: return disk + " fails " + ErrorText(fault);
      case FaultKind::kDiskSlow:
        return disk + " slow, each sync " + FormatDuration(fault.sync_delay_us);
      case FaultKind::kDiskHang: return disk + " hangs";
      case FaultKind::kDamage:
        return std::string(kDamageHowNames[static_cast<size_t>(fault.how)]) + " " +
               std::string(kDamagedFileNames[static_cast<size_t>(fault.file)]) + " of " + region;
      case FaultKind::kCpu: return "processor of " + region + " " + Percent(fault.share_percent);
      case FaultKind::kMemory:
        return "memory of " + region + " " + std::to_string(fault.limit_bytes / 1'000'000) + " MB";
      case FaultKind::kTopology:
        return std::string(kBadTopologyNames[static_cast<size_t>(fault.bad_topology)]) +
               " topology for " + region;
      case FaultKind::kUpgrade: return "another version of " + region;
      case FaultKind::kRemakeTable: return "delete a table and make it again in " + region;
      default: return "add an index in " + region;
    }
  }

  static std::string Percent(double percent) {
    std::string text = std::to_string(percent);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text + "%";
  }

  const Scenario& scenario_;
  const std::vector<std::string>& names_;
  Random chance_;
  std::vector<Stroke> strokes_;
};

bool Holds(const Stroke& stroke, int64_t now) { return stroke.at <= now && now < stroke.until; }

}  // namespace

std::vector<Stroke> DrawTimeline(const Scenario& scenario, uint64_t seed) {
  return Drawer(scenario, seed).Draw();
}

LinkCondition ConditionAt(const std::vector<Stroke>& strokes, const Direction& direction,
                          const LinkCondition& quiet, int64_t now) {
  LinkCondition condition = quiet;
  for (const Stroke& stroke : strokes) {
    if (!Holds(stroke, now)) continue;
    if (std::find(stroke.directions.begin(), stroke.directions.end(), direction) ==
        stroke.directions.end())
      continue;
    const Fault& fault = stroke.fault;
    condition.cut |= CutsLinks(stroke.kind);
    if (stroke.kind == FaultKind::kBlackHole) condition.over_bytes = fault.over_bytes;
    if (stroke.kind == FaultKind::kPackets) {
      condition.loss_percent = fault.loss_percent;
      condition.duplicate_percent = fault.duplicate_percent;
    }
    if (stroke.kind != FaultKind::kSlow) continue;
    condition.delay_us = fault.delay_us.value_or(condition.delay_us);
    condition.jitter_us = fault.jitter_us.value_or(condition.jitter_us);
    condition.bytes_per_second = fault.bytes_per_second.value_or(condition.bytes_per_second);
  }
  return condition;
}

ClockCondition ClockAt(const std::vector<Stroke>& strokes, std::string_view region, int64_t now) {
  ClockCondition clock;
  for (const Stroke& stroke : strokes) {
    if (stroke.kind != FaultKind::kClock || stroke.region != region || !Holds(stroke, now))
      continue;
    const Fault& fault = stroke.fault;
    clock.offset_us +=
        fault.jump_us + fault.drift_us_per_second * ((now - stroke.at) / 1000) / 1000;
    clock.grain_us = std::max(clock.grain_us, fault.grain_us);
    clock.frozen |= fault.frozen;
  }
  return clock;
}

}  // namespace everwrite::chaos
