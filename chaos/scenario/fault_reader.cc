#include "chaos/scenario/fault_reader.h"

#include <algorithm>
#include <charconv>

#include "topology/config_reader.h"
#include "topology/units.h"

namespace everwrite::chaos {
namespace {

using topology::ConfigNode;
using topology::Quoted;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMaxDelay = 10 * kSecond;
constexpr int64_t kMaxClock = 24LL * 3600 * kSecond;
constexpr int64_t kMaxSyncDelay = 10 * kSecond;
constexpr uint64_t kMaxCall = 1'000'000;

// What a fault strikes.
enum class Target : uint8_t { kPair, kGroups, kOrder, kProcess, kRegion, kRegionOrAll };

struct KindWord {
  FaultKind kind;
  std::string_view word;
  Target target;
};
constexpr KindWord kKinds[] = {{FaultKind::kCut, "cut", Target::kPair},
                               {FaultKind::kIsolate, "isolate", Target::kRegion},
                               {FaultKind::kSplit, "split", Target::kGroups},
                               {FaultKind::kRing, "ring", Target::kOrder},
                               {FaultKind::kChain, "chain", Target::kOrder},
                               {FaultKind::kSlow, "slow", Target::kPair},
                               {FaultKind::kPackets, "packets", Target::kPair},
                               {FaultKind::kBlackHole, "black_hole", Target::kPair},
                               {FaultKind::kReset, "reset", Target::kPair},
                               {FaultKind::kKill, "kill", Target::kProcess},
                               {FaultKind::kPause, "pause", Target::kProcess},
                               {FaultKind::kClock, "clock", Target::kRegion},
                               {FaultKind::kLoseDisk, "lose_disk", Target::kRegion},
                               {FaultKind::kDiskFull, "disk_full", Target::kRegion},
                               {FaultKind::kPowerCut, "power_cut", Target::kRegionOrAll},
                               {FaultKind::kDiskError, "disk_error", Target::kRegion},
                               {FaultKind::kDiskSlow, "disk_slow", Target::kRegionOrAll},
                               {FaultKind::kDiskHang, "disk_hang", Target::kRegion},
                               {FaultKind::kDamage, "damage", Target::kRegion},
                               {FaultKind::kCpu, "cpu", Target::kRegionOrAll},
                               {FaultKind::kMemory, "memory", Target::kRegion},
                               {FaultKind::kTopology, "topology", Target::kRegionOrAll},
                               {FaultKind::kUpgrade, "upgrade", Target::kRegionOrAll},
                               {FaultKind::kAddIndex, "add_index", Target::kRegion},
                               {FaultKind::kRemakeTable, "remake_table", Target::kRegion}};

std::string KindList() {
  std::string list;
  for (const KindWord& kind : kKinds) list += (list.empty() ? "" : ", ") + std::string(kind.word);
  return list;
}

class FaultReader : private topology::ConfigReader {
 public:
  FaultReader(std::string_view file, const std::vector<std::string>& region_names)
      : ConfigReader(file), region_names_(region_names) {}

  Result<Fault> Read(const ConfigNode& node) {
    Fault fault;
    EW_RETURN_IF_ERROR(ReadInto(node, fault));
    return fault;
  }

 private:
  Status ReadInto(const ConfigNode& node, Fault& fault) {
    fault.line = node.line;
    EW_RETURN_IF_ERROR(CheckMap(
        node, "a fault",
        {"at",         "for",       "every",      "times",      "flap",      "one_way",
         "of",         "delay",     "jitter",     "bandwidth",  "loss",      "duplicate",
         "over",       "jump",      "drift",      "grain",      "frozen",    "write",
         "sync",       "error",     "once",       "from_start", "rising",    "sync_delay",
         "file",       "how",       "share",      "limit",      "as",        "cut",
         "isolate",    "split",     "ring",       "chain",      "slow",      "packets",
         "black_hole", "reset",     "kill",       "pause",      "clock",     "lose_disk",
         "disk_full",  "power_cut", "disk_error", "disk_slow",  "disk_hang", "damage",
         "cpu",        "memory",    "topology",   "upgrade",    "add_index", "remake_table"}));
    const ConfigNode* what = nullptr;
    Target target = Target::kRegion;
    for (const auto& [kind, word, strikes] : kKinds) {
      const ConfigNode* value = node.Find(word);
      if (value == nullptr) continue;
      if (what != nullptr)
        return Error(*value, "two faults in one entry; start another one with \"- at: ...\"");
      what = value;
      fault.kind = kind;
      target = strikes;
    }
    if (what == nullptr) return Error(node, "the entry names no fault; add one of " + KindList());
    EW_RETURN_IF_ERROR(ReadTimes(node, fault));
    EW_RETURN_IF_ERROR(ReadTarget(node, *what, target, fault));
    EW_RETURN_IF_ERROR(ReadLinkDetails(node, *what, fault));
    EW_RETURN_IF_ERROR(ReadClock(node, *what, fault));
    EW_RETURN_IF_ERROR(ReadDisk(node, *what, fault));
    return ReadMachine(node, *what, fault);
  }

  // A key that says nothing about this kind of fault is a mistake.
  Status OnlyFor(const ConfigNode& node, std::string_view key, bool fits, std::string_view which) {
    const ConfigNode* value = node.Find(key);
    if (value == nullptr || fits) return OkStatus();
    return Error(*value, Quoted(key) + " goes with " + std::string(which) + " only; take it away");
  }

  Status ReadTimes(const ConfigNode& node, Fault& fault) {
    if (const ConfigNode* value = node.Find("at"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxScenarioMicros, fault.at));
    EW_RETURN_IF_ERROR(OnlyFor(node, "for", !IsInstant(fault.kind), "a fault that lasts"));
    if (const ConfigNode* value = node.Find("for"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 10'000, kMaxScenarioMicros, fault.duration));
    if (const ConfigNode* value = node.Find("every"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 50'000, kMaxScenarioMicros, fault.every));
    if (const ConfigNode* value = node.Find("times")) {
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, kMaxTimes, fault.times));
      if (fault.every == 0)
        return Error(*value, "\"times\" needs \"every\": how long from one to the next?");
    }
    if (fault.every != 0 && !IsInstant(fault.kind) && fault.duration == 0)
      return Error(node, "\"every\" needs \"for\": how long does one last?");
    EW_RETURN_IF_ERROR(
        OnlyFor(node, "flap", CutsLinks(fault.kind), "cut, isolate, split, ring and chain"));
    const ConfigNode* flap = node.Find("flap");
    if (flap == nullptr) return OkStatus();
    EW_RETURN_IF_ERROR(CheckMap(*flap, "\"flap\"", {"off", "on"}));
    const ConfigNode* value = nullptr;
    EW_RETURN_IF_ERROR(Require(*flap, "\"flap\"", "off", value));
    EW_RETURN_IF_ERROR(ReadDuration(*value, 50'000, kMaxScenarioMicros, fault.flap_off));
    EW_RETURN_IF_ERROR(Require(*flap, "\"flap\"", "on", value));
    return ReadDuration(*value, 50'000, kMaxScenarioMicros, fault.flap_on);
  }

  Status ReadTarget(const ConfigNode& node, const ConfigNode& what, Target target, Fault& fault) {
    EW_RETURN_IF_ERROR(OnlyFor(node, "of", target == Target::kProcess, "kill and pause"));
    switch (target) {
      case Target::kPair: return ReadPair(what, fault);
      case Target::kOrder: return ReadOrder(what, fault);
      case Target::kGroups: return ReadGroups(what, fault);
      case Target::kProcess: return ReadProcess(node, what, fault);
      case Target::kRegion: return ReadRegion(what, /*all=*/false, fault);
      default: return ReadRegion(what, /*all=*/true, fault);
    }
  }

  Status ReadRegionName(const ConfigNode& node, std::vector<std::string>& group) {
    EW_RETURN_IF_ERROR(CheckScalar(node, "a region's name"));
    const auto& names = region_names_;
    if (std::find(names.begin(), names.end(), node.text) == names.end()) {
      std::string list;
      for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
      return Error(node, "there is no region " + Quoted(node.text) + "; the regions are " + list);
    }
    if (std::find(group.begin(), group.end(), node.text) != group.end())
      return Error(node, Quoted(node.text) + " is named twice; remove one");
    group.push_back(node.text);
    return OkStatus();
  }

  // "any" and "all", where they may stand for names.
  bool ReadChoiceWord(const ConfigNode& node, bool any, bool all, Fault& fault) {
    if (node.kind != ConfigNode::Kind::kScalar) return false;
    if (any && node.text == "any") fault.choice = Choice::kAny;
    if (all && node.text == "all") fault.choice = Choice::kAll;
    return fault.choice != Choice::kNamed;
  }

  Status NeedRegions(const ConfigNode& node, size_t least, std::string_view what) {
    if (region_names_.size() >= least) return OkStatus();
    return Error(node, std::string(what) + " needs at least " + std::to_string(least) +
                           " regions; the topology has " + std::to_string(region_names_.size()));
  }

  Status ReadPair(const ConfigNode& what, Fault& fault) {
    EW_RETURN_IF_ERROR(NeedRegions(what, 2, "a fault of links"));
    if (ReadChoiceWord(what, true, true, fault)) return OkStatus();
    if (what.kind != ConfigNode::Kind::kList || what.items.size() != 2)
      return Error(what, "name the two regions, as [a, b]; or write any or all");
    auto& group = fault.groups.emplace_back();
    for (const ConfigNode& item : what.items) EW_RETURN_IF_ERROR(ReadRegionName(item, group));
    return OkStatus();
  }

  Status ReadRegion(const ConfigNode& what, bool all, Fault& fault) {
    if (fault.kind == FaultKind::kIsolate) EW_RETURN_IF_ERROR(NeedRegions(what, 2, "isolate"));
    if (fault.kind == FaultKind::kDamage) EW_RETURN_IF_ERROR(NeedRegions(what, 2, "damage"));
    if (ReadChoiceWord(what, true, all, fault)) return OkStatus();
    if (what.kind != ConfigNode::Kind::kScalar)
      return Error(what,
                   all ? "name one region, or write any or all" : "name one region, or write any");
    return ReadRegionName(what, fault.groups.emplace_back());
  }

  Status ReadOrder(const ConfigNode& what, Fault& fault) {
    const bool ring = fault.kind == FaultKind::kRing;
    EW_RETURN_IF_ERROR(NeedRegions(
        what, ring ? 4 : 3,
        ring ? "a ring that leaves a link out (with three regions take chain)" : "a chain"));
    if (ReadChoiceWord(what, true, true, fault)) return OkStatus();
    if (what.kind != ConfigNode::Kind::kList || what.items.size() < (ring ? 4U : 3U))
      return Error(what,
                   "name the regions in their order, as [a, b, c]; or write all, or any for "
                   "an order by chance");
    auto& group = fault.groups.emplace_back();
    for (const ConfigNode& item : what.items) EW_RETURN_IF_ERROR(ReadRegionName(item, group));
    return OkStatus();
  }

  Status ReadGroups(const ConfigNode& what, Fault& fault) {
    EW_RETURN_IF_ERROR(NeedRegions(what, 2, "split"));
    if (ReadChoiceWord(what, true, true, fault)) return OkStatus();
    if (what.kind != ConfigNode::Kind::kList || what.items.size() < 2)
      return Error(
          what, "name the groups, as [[a], [b, c]]; or write all for every region alone, or any");
    std::vector<std::string> seen;
    for (const ConfigNode& item : what.items) {
      if (item.kind != ConfigNode::Kind::kList)
        return Error(item, "a group is a list of regions; write for example [[a], [b, c]]");
      const size_t before = seen.size();
      for (const ConfigNode& name : item.items) EW_RETURN_IF_ERROR(ReadRegionName(name, seen));
      fault.groups.emplace_back(seen.begin() + static_cast<std::ptrdiff_t>(before), seen.end());
    }
    return OkStatus();
  }

  Status ReadProcess(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    EW_RETURN_IF_ERROR(CheckScalar(what, "what to kill"));
    constexpr std::pair<std::string_view, Role> kRoles[] = {{"region", Role::kRegion},
                                                            {"replicator", Role::kReplicator},
                                                            {"nats", Role::kNats},
                                                            {"any", Role::kAny},
                                                            {"everything", Role::kEverything}};
    const auto* const found =
        std::find_if(std::begin(kRoles), std::end(kRoles),
                     [&](const auto& role) { return role.first == what.text; });
    if (found == std::end(kRoles))
      return Error(what, Quoted(what.text) +
                             " is no process; use region, replicator, nats, any or everything");
    fault.role = found->second;
    const ConfigNode* of = node.Find("of");
    fault.choice = Choice::kAny;
    if (of == nullptr) return OkStatus();
    if (fault.role == Role::kEverything)
      return Error(*of, "everything is of all regions; take \"of\" away");
    fault.choice = Choice::kNamed;
    if (ReadChoiceWord(*of, true, true, fault)) return OkStatus();
    if (of->kind != ConfigNode::Kind::kScalar)
      return Error(*of, "name one region, or write any or all");
    return ReadRegionName(*of, fault.groups.emplace_back());
  }

  // "-10m": durations have no sign of their own.
  Status ReadSigned(const ConfigNode& node, int64_t& micros) {
    EW_RETURN_IF_ERROR(CheckScalar(node, "a duration"));
    std::string_view text = node.text;
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const auto parsed = topology::ParseDuration(text);
    if (!parsed.ok()) return Error(node, parsed.status().message());
    if (*parsed > kMaxClock || *parsed % 1000 != 0)
      return Error(node, Quoted(node.text) + " is out of range; use whole milliseconds up to 24h");
    micros = negative ? -*parsed : *parsed;
    return OkStatus();
  }

  Status ReadFlag(const ConfigNode& node, std::string_view key, bool& flag) {
    const ConfigNode* value = node.Find(key);
    return value == nullptr ? OkStatus() : ReadChoice(*value, "false", "true", flag);
  }

  // "2%"
  Status ReadPercent(const ConfigNode& node, std::string_view key, double most, double& percent) {
    const ConfigNode* value = node.Find(key);
    if (value == nullptr) return OkStatus();
    EW_RETURN_IF_ERROR(CheckScalar(*value, "a share"));
    const std::string& text = value->text;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (error == std::errc() && end + 1 == text.data() + text.size() && *end == '%' &&
        percent >= 0 && percent <= most)
      return OkStatus();
    return Error(*value, Quoted(text) + " is no share up to " +
                             std::to_string(static_cast<int>(most)) + "%; write for example 2%");
  }

  Status ReadLinkDetails(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    const bool slow = fault.kind == FaultKind::kSlow;
    const bool packets = fault.kind == FaultKind::kPackets;
    const bool hole = fault.kind == FaultKind::kBlackHole;
    for (const std::string_view key : {"delay", "jitter", "bandwidth"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, slow, "slow"));
    for (const std::string_view key : {"loss", "duplicate"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, packets, "packets"));
    EW_RETURN_IF_ERROR(OnlyFor(node, "over", hole, "black_hole"));
    EW_RETURN_IF_ERROR(OnlyFor(node, "one_way",
                               slow || packets || hole || fault.kind == FaultKind::kCut ||
                                   fault.kind == FaultKind::kIsolate,
                               "cut, isolate, slow, packets and black_hole"));
    EW_RETURN_IF_ERROR(ReadFlag(node, "one_way", fault.one_way));
    if (const ConfigNode* value = node.Find("delay"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxDelay, fault.delay_us.emplace()));
    if (const ConfigNode* value = node.Find("jitter"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxDelay, fault.jitter_us.emplace()));
    if (const ConfigNode* value = node.Find("bandwidth")) {
      EW_RETURN_IF_ERROR(CheckScalar(*value, "a bandwidth"));
      EW_RETURN_IF_ERROR(
          ReadRate(*value, "leave it out for no bound", fault.bytes_per_second.emplace()));
    }
    if (slow && !fault.delay_us && !fault.jitter_us && !fault.bytes_per_second)
      return Error(what, "slow needs delay, jitter or bandwidth; add for example \"delay: 80ms\"");
    EW_RETURN_IF_ERROR(ReadPercent(node, "loss", 100, fault.loss_percent));
    EW_RETURN_IF_ERROR(ReadPercent(node, "duplicate", 100, fault.duplicate_percent));
    if (packets && fault.loss_percent + fault.duplicate_percent <= 0)
      return Error(what, "packets needs loss or duplicate; add for example \"loss: 2%\"");
    if (const ConfigNode* value = node.Find("over"))
      return ReadBytes(*value, 100, 65'000, fault.over_bytes);
    if (hole) return Error(what, "black_hole needs over; add for example \"over: 600B\"");
    return OkStatus();
  }

  Status ReadClock(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    const bool clock = fault.kind == FaultKind::kClock;
    for (const std::string_view key : {"jump", "drift", "grain", "frozen"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, clock, "clock"));
    if (const ConfigNode* value = node.Find("jump"))
      EW_RETURN_IF_ERROR(ReadSigned(*value, fault.jump_us));
    if (const ConfigNode* value = node.Find("drift"))
      EW_RETURN_IF_ERROR(ReadSigned(*value, fault.drift_us_per_second));
    if (const ConfigNode* value = node.Find("grain"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 1000, 60 * kSecond, fault.grain_us));
    EW_RETURN_IF_ERROR(ReadFlag(node, "frozen", fault.frozen));
    if (clock && fault.jump_us == 0 && fault.drift_us_per_second == 0 && fault.grain_us == 0 &&
        !fault.frozen)
      return Error(what, "clock needs jump, drift, grain or frozen; add for example \"jump: 10m\"");
    return OkStatus();
  }

  Status ReadDisk(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    const bool error = fault.kind == FaultKind::kDiskError;
    const bool slow = fault.kind == FaultKind::kDiskSlow;
    const bool damage = fault.kind == FaultKind::kDamage;
    for (const std::string_view key : {"write", "sync", "error", "once", "from_start", "rising"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, error, "disk_error"));
    EW_RETURN_IF_ERROR(OnlyFor(node, "sync_delay", slow, "disk_slow"));
    for (const std::string_view key : {"file", "how"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, damage, "damage"));
    if (const ConfigNode* value = node.Find("write"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, kMaxCall, fault.fail_write));
    if (const ConfigNode* value = node.Find("sync"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, kMaxCall, fault.fail_sync));
    if (error && fault.fail_write == 0 && fault.fail_sync == 0)
      return Error(what,
                   "disk_error needs write or sync: the how manieth fails? Add for example "
                   "\"sync: 1\"");
    if (const ConfigNode* value = node.Find("error"))
      EW_RETURN_IF_ERROR(ReadChoice(*value, "io", "no_space", fault.no_space));
    EW_RETURN_IF_ERROR(ReadFlag(node, "once", fault.once));
    EW_RETURN_IF_ERROR(ReadFlag(node, "from_start", fault.from_start));
    EW_RETURN_IF_ERROR(ReadFlag(node, "rising", fault.rising));
    if (fault.rising && fault.every == 0)
      return Error(*node.Find("rising"),
                   "\"rising\" needs \"every\": how long from one to the next?");
    if (const ConfigNode* value = node.Find("sync_delay"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 1000, kMaxSyncDelay, fault.sync_delay_us));
    if (slow && fault.sync_delay_us == 0)
      return Error(what, "disk_slow needs sync_delay; add for example \"sync_delay: 50ms\"");
    if (fault.kind == FaultKind::kDiskHang && fault.duration == 0)
      return Error(what, "disk_hang needs for; add for example \"for: 10s\"");
    if (!damage) return OkStatus();
    EW_RETURN_IF_ERROR(ReadWord(node, "damage", "file", kDamagedFileNames, fault.file));
    return ReadWord(node, "damage", "how", kDamageHowNames, fault.how);
  }

  Status ReadMachine(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    const bool cpu = fault.kind == FaultKind::kCpu;
    const bool memory = fault.kind == FaultKind::kMemory;
    const bool topology = fault.kind == FaultKind::kTopology;
    EW_RETURN_IF_ERROR(OnlyFor(node, "share", cpu, "cpu"));
    EW_RETURN_IF_ERROR(OnlyFor(node, "limit", memory, "memory"));
    EW_RETURN_IF_ERROR(OnlyFor(node, "as", topology, "topology"));
    EW_RETURN_IF_ERROR(ReadPercent(node, "share", 100, fault.share_percent));
    if (cpu && fault.share_percent < 1)
      return Error(what, "cpu needs share, at least 1%; add for example \"share: 20%\"");
    if (const ConfigNode* value = node.Find("limit"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 1'000'000, 1ULL << 40, fault.limit_bytes));
    if (memory && fault.limit_bytes == 0)
      return Error(what, "memory needs limit; add for example \"limit: 100MB\"");
    if (!topology) return OkStatus();
    return ReadWord(node, "topology", "as", kBadTopologyNames, fault.bad_topology);
  }

  // One of some words, which must be there.
  template <typename Enum, size_t kCount>
  Status ReadWord(const ConfigNode& node, std::string_view what, std::string_view key,
                  const std::array<std::string_view, kCount>& words, Enum& value) {
    const ConfigNode* found = nullptr;
    EW_RETURN_IF_ERROR(Require(node, what, key, found));
    EW_RETURN_IF_ERROR(CheckScalar(*found, Quoted(key)));
    const auto* const at = std::find(words.begin(), words.end(), found->text);
    if (at != words.end()) {
      value = static_cast<Enum>(at - words.begin());
      return OkStatus();
    }
    std::string list;
    for (const std::string_view word : words)
      list += (list.empty() ? "" : ", ") + std::string(word);
    return Error(*found, Quoted(found->text) + " is not understood; use one of " + list);
  }

  const std::vector<std::string>& region_names_;
};

}  // namespace

Result<Fault> ReadFault(const ConfigNode& node, std::string_view file,
                        const std::vector<std::string>& region_names) {
  return FaultReader(file, region_names).Read(node);
}

}  // namespace everwrite::chaos
