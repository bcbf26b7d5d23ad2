#include "chaos/scenario/scenario_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "topology/config_reader.h"
#include "topology/topology_file.h"
#include "topology/units.h"

namespace everwrite::chaos {
namespace {

using topology::ConfigNode;
using topology::Listed;
using topology::Quoted;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMaxDelay = 10 * kSecond;
constexpr int64_t kMaxClock = 24LL * 3600 * kSecond;

struct KindWord {
  FaultKind kind;
  std::string_view word;
};
constexpr KindWord kKinds[] = {{FaultKind::kCut, "cut"},
                               {FaultKind::kIsolate, "isolate"},
                               {FaultKind::kSplit, "split"},
                               {FaultKind::kRing, "ring"},
                               {FaultKind::kChain, "chain"},
                               {FaultKind::kSlow, "slow"},
                               {FaultKind::kReset, "reset"},
                               {FaultKind::kKill, "kill"},
                               {FaultKind::kPause, "pause"},
                               {FaultKind::kClock, "clock"},
                               {FaultKind::kLoseDisk, "lose_disk"},
                               {FaultKind::kDiskFull, "disk_full"},
                               {FaultKind::kAddIndex, "add_index"}};
constexpr std::string_view kKindList =
    "cut, isolate, split, ring, chain, slow, reset, kill, pause, clock, lose_disk, disk_full, "
    "add_index";

bool CutsLinks(FaultKind kind) { return kind <= FaultKind::kChain; }
// Over in an instant: what they do cannot last.
bool IsInstant(FaultKind kind) {
  return kind == FaultKind::kReset || kind == FaultKind::kKill || kind == FaultKind::kLoseDisk ||
         kind == FaultKind::kAddIndex;
}

class ScenarioReader : private topology::ConfigReader {
 public:
  ScenarioReader(std::string_view file, const TopologyLoader& load)
      : ConfigReader(file), load_(load) {}

  Result<Scenario> Read(const ConfigNode& root) {
    EW_RETURN_IF_ERROR(CheckMap(root, "the file",
                                {"name", "description", "topology", "warmup", "duration",
                                 "recovery", "workload", "faults", "checks", "expect"}));
    const ConfigNode* value = nullptr;
    EW_RETURN_IF_ERROR(Require(root, "the file", "name", value));
    EW_RETURN_IF_ERROR(ReadName(*value, "the scenario's name", scenario_.name));
    if ((value = root.Find("description")) != nullptr) {
      EW_RETURN_IF_ERROR(CheckScalar(*value, "a description"));
      scenario_.description = value->text;
    }
    EW_RETURN_IF_ERROR(ReadTopologyKey(root.Find("topology")));
    if ((value = root.Find("warmup")) != nullptr)
      EW_RETURN_IF_ERROR(ReadDuration(*value, kSecond, kMaxScenarioMicros, scenario_.warmup));
    if ((value = root.Find("recovery")) != nullptr)
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxScenarioMicros, scenario_.recovery));
    if ((value = root.Find("workload")) != nullptr) EW_RETURN_IF_ERROR(ReadWorkload(*value));
    if ((value = root.Find("faults")) != nullptr) EW_RETURN_IF_ERROR(ReadFaults(*value));
    EW_RETURN_IF_ERROR(ReadLength(root, root.Find("duration")));
    EW_RETURN_IF_ERROR(ReadChecks(root.Find("checks")));
    if ((value = root.Find("expect")) != nullptr) EW_RETURN_IF_ERROR(ReadExpectations(*value));
    return std::move(scenario_);
  }

 private:
  Status ReadTopologyKey(const ConfigNode* node) {
    if (node != nullptr && node->kind == ConfigNode::Kind::kScalar) {
      auto loaded = load_(node->text);
      if (!loaded.ok()) return Error(*node, "the topology: " + loaded.status().message());
      scenario_.topology_file = node->text;
      scenario_.regions = loaded->regions.size();
      for (const topology::Region& region : loaded->regions)
        scenario_.region_names.push_back(region.name);
      return OkStatus();
    }
    if (node != nullptr) {
      EW_RETURN_IF_ERROR(CheckMap(*node, "\"topology\"", {"regions", "delay", "jitter"}));
      if (const ConfigNode* value = node->Find("regions"))
        EW_RETURN_IF_ERROR(ReadInteger(*value, 1, kMaxShortRegions, scenario_.regions));
      if (const ConfigNode* value = node->Find("delay"))
        EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxDelay, scenario_.delay_us));
      if (const ConfigNode* value = node->Find("jitter"))
        EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxDelay, scenario_.jitter_us));
    }
    scenario_.region_names = ShortRegionNames(scenario_.regions);
    return OkStatus();
  }

  Status ReadWorkload(const ConfigNode& node) {
    WorkloadSpec& workload = scenario_.workload;
    EW_RETURN_IF_ERROR(
        CheckMap(node, "\"workload\"",
                 {"clients", "rate", "hot_percent", "hot_keys", "value_bytes", "timeout", "mix"}));
    if (const ConfigNode* value = node.Find("clients"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 64, workload.clients));
    if (const ConfigNode* value = node.Find("rate"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 10'000, workload.rate));
    if (const ConfigNode* value = node.Find("hot_percent"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 0, 100, workload.hot_percent));
    if (const ConfigNode* value = node.Find("hot_keys"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 10'000, workload.hot_keys));
    if (const ConfigNode* value = node.Find("timeout"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 100'000, 60 * kSecond, workload.timeout_us));
    if (const ConfigNode* value = node.Find("value_bytes"))
      EW_RETURN_IF_ERROR(ReadValueBytes(*value));
    if (const ConfigNode* value = node.Find("mix")) EW_RETURN_IF_ERROR(ReadMix(*value));
    return OkStatus();
  }

  Status ReadValueBytes(const ConfigNode& node) {
    constexpr uint64_t kMost = 380'000;  // an item has at most 400 KB
    WorkloadSpec& workload = scenario_.workload;
    if (node.kind != ConfigNode::Kind::kList) {
      EW_RETURN_IF_ERROR(ReadBytes(node, 0, kMost, workload.value_bytes_min));
      workload.value_bytes_max = workload.value_bytes_min;
      return OkStatus();
    }
    if (node.items.size() != 2)
      return Error(node, "\"value_bytes\" is one size or two; write for example [100B, 4KB]");
    EW_RETURN_IF_ERROR(ReadBytes(node.items[0], 0, kMost, workload.value_bytes_min));
    EW_RETURN_IF_ERROR(ReadBytes(node.items[1], 0, kMost, workload.value_bytes_max));
    if (workload.value_bytes_min > workload.value_bytes_max)
      return Error(node, "the first size is the smaller one; turn them round");
    return OkStatus();
  }

  Status ReadMix(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(
        CheckMap(node, "\"mix\"",
                 {"put", "condition", "count", "transaction", "remake", "read", "expire", "far_read"}));
    uint64_t sum = 0;
    for (size_t i = 0; i < kOperations; ++i) {
      uint64_t& weight = scenario_.workload.mix[i];
      weight = 0;
      if (const ConfigNode* value = node.Find(kOperationNames[i]))
        EW_RETURN_IF_ERROR(ReadInteger(*value, 0, 1000, weight));
      sum += weight;
    }
    return sum > 0 ? OkStatus() : Error(node, "the mix is empty; give some operation a weight");
  }

  Status ReadFaults(const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kList)
      return Error(node, "\"faults\" must be a list, not " + std::string(KindName(node.kind)) +
                             "; start each fault with \"- at: 5s\"");
    if (node.items.size() > kMaxFaults)
      return Error(node.items[kMaxFaults],
                   "more than 200 faults; use \"every\" for those that come again");
    for (const ConfigNode& item : node.items) EW_RETURN_IF_ERROR(ReadFault(item));
    return OkStatus();
  }

  Status ReadFault(const ConfigNode& node) {
    Fault fault;
    fault.line = node.line;
    EW_RETURN_IF_ERROR(
        CheckMap(node, "a fault",
                 {"at",    "for",       "every",     "times",    "flap",  "one_way", "of",
                  "delay", "jitter",    "bandwidth", "jump",     "drift", "cut",     "isolate",
                  "split", "ring",      "chain",     "slow",     "reset", "kill",    "pause",
                  "clock", "lose_disk", "disk_full", "add_index"}));
    const ConfigNode* what = nullptr;
    for (const auto& [kind, word] : kKinds) {
      const ConfigNode* value = node.Find(word);
      if (value == nullptr) continue;
      if (what != nullptr)
        return Error(*value, "two faults in one entry; start another one with \"- at: ...\"");
      what = value;
      fault.kind = kind;
    }
    if (what == nullptr)
      return Error(node, "the entry names no fault; add one of " + std::string(kKindList));
    EW_RETURN_IF_ERROR(ReadTimes(node, fault));
    EW_RETURN_IF_ERROR(ReadTarget(node, *what, fault));
    EW_RETURN_IF_ERROR(ReadDetails(node, *what, fault));
    scenario_.faults.push_back(std::move(fault));
    return OkStatus();
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

  Status ReadTarget(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    EW_RETURN_IF_ERROR(OnlyFor(node, "of",
                               fault.kind == FaultKind::kKill || fault.kind == FaultKind::kPause,
                               "kill and pause"));
    switch (fault.kind) {
      case FaultKind::kCut:
      case FaultKind::kSlow:
      case FaultKind::kReset: return ReadPair(what, fault);
      case FaultKind::kRing:
      case FaultKind::kChain: return ReadOrder(what, fault);
      case FaultKind::kSplit: return ReadGroups(what, fault);
      case FaultKind::kKill:
      case FaultKind::kPause: return ReadProcess(node, what, fault);
      default: return ReadRegion(what, fault);
    }
  }

  Status ReadRegionName(const ConfigNode& node, std::vector<std::string>& group) {
    EW_RETURN_IF_ERROR(CheckScalar(node, "a region's name"));
    const auto& names = scenario_.region_names;
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
    if (scenario_.region_names.size() >= least) return OkStatus();
    return Error(node, std::string(what) + " needs at least " + std::to_string(least) +
                           " regions; the topology has " +
                           std::to_string(scenario_.region_names.size()));
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

  Status ReadRegion(const ConfigNode& what, Fault& fault) {
    if (fault.kind == FaultKind::kIsolate) EW_RETURN_IF_ERROR(NeedRegions(what, 2, "isolate"));
    if (ReadChoiceWord(what, true, false, fault)) return OkStatus();
    if (what.kind != ConfigNode::Kind::kScalar) return Error(what, "name one region, or write any");
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

  Status ReadDetails(const ConfigNode& node, const ConfigNode& what, Fault& fault) {
    const bool slow = fault.kind == FaultKind::kSlow;
    const bool clock = fault.kind == FaultKind::kClock;
    for (const std::string_view key : {"delay", "jitter", "bandwidth"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, slow, "slow"));
    for (const std::string_view key : {"jump", "drift"})
      EW_RETURN_IF_ERROR(OnlyFor(node, key, clock, "clock"));
    EW_RETURN_IF_ERROR(OnlyFor(
        node, "one_way", slow || fault.kind == FaultKind::kCut || fault.kind == FaultKind::kIsolate,
        "cut, isolate and slow"));
    if (const ConfigNode* value = node.Find("one_way"))
      EW_RETURN_IF_ERROR(ReadChoice(*value, "false", "true", fault.one_way));
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
    if (const ConfigNode* value = node.Find("jump"))
      EW_RETURN_IF_ERROR(ReadSigned(*value, fault.jump_us));
    if (const ConfigNode* value = node.Find("drift"))
      EW_RETURN_IF_ERROR(ReadSigned(*value, fault.drift_us_per_second));
    if (clock && fault.jump_us == 0 && fault.drift_us_per_second == 0)
      return Error(what, "clock needs jump or drift; add for example \"jump: 10m\"");
    return OkStatus();
  }

  // Given, or until two seconds after the last fault.
  Status ReadLength(const ConfigNode& root, const ConfigNode* node) {
    int64_t needed = 0;
    for (const Fault& fault : scenario_.faults) {
      const int64_t repeats = fault.times > 0 ? static_cast<int64_t>(fault.times - 1) : 0;
      needed = std::max(needed, fault.at + repeats * fault.every + fault.duration);
    }
    if (needed > kMaxScenarioMicros) return Error(root, "the faults last longer than 24h");
    scenario_.duration = std::max<int64_t>(needed + 2 * kSecond, 10 * kSecond);
    if (node == nullptr) return OkStatus();
    EW_RETURN_IF_ERROR(ReadDuration(*node, kSecond, kMaxScenarioMicros, scenario_.duration));
    if (scenario_.duration < needed)
      return Error(*node, "the faults last " + topology::FormatDuration(needed) +
                              "; make \"duration\" at least so long, or leave it out");
    return OkStatus();
  }

  Status ReadChecks(const ConfigNode* node) {
    for (size_t i = 0; i < kChecks; ++i) scenario_.checks.insert(static_cast<Check>(i));
    if (node == nullptr) return OkStatus();
    if (node->kind == ConfigNode::Kind::kScalar && node->text == "all") return OkStatus();
    if (node->kind != ConfigNode::Kind::kList)
      return Error(*node, "\"checks\" is all or a list of names");
    scenario_.checks.clear();
    for (const ConfigNode& item : node->items) {
      EW_RETURN_IF_ERROR(CheckScalar(item, "a check's name"));
      const auto* const found = std::find(kCheckNames.begin(), kCheckNames.end(), item.text);
      if (found == kCheckNames.end()) {
        std::string list;
        for (const std::string_view name : kCheckNames)
          list += (list.empty() ? "" : ", ") + std::string(name);
        return Error(item,
                     "there is no check " + Quoted(item.text) + "; use all or some of " + list);
      }
      scenario_.checks.insert(static_cast<Check>(found - kCheckNames.begin()));
    }
    return OkStatus();
  }

  Status ReadExpectations(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(
        CheckMap(node, "\"expect\"", {"converged_within", "local_success", "local_p99"}));
    Expectations& expect = scenario_.expect;
    if (const ConfigNode* value = node.Find("converged_within"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, kSecond, 3600 * kSecond, expect.converged_within));
    if (const ConfigNode* value = node.Find("local_success"))
      EW_RETURN_IF_ERROR(ReadSuffixed(*value, '%', 100, expect.local_success_percent.emplace()));
    if (const ConfigNode* value = node.Find("local_p99"))
      EW_RETURN_IF_ERROR(ReadSuffixed(*value, 'x', 1000, expect.local_p99_times.emplace()));
    return OkStatus();
  }

  // "99.9%", "2x"
  Status ReadSuffixed(const ConfigNode& node, char suffix, double most, double& number) {
    EW_RETURN_IF_ERROR(CheckScalar(node, "this"));
    const std::string& text = node.text;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end + 1 == text.data() + text.size() && *end == suffix &&
        number >= 0 && number <= most)
      return OkStatus();
    return Error(node, Quoted(text) + " is not understood; write for example " +
                           (suffix == '%' ? "99.9%" : "2x"));
  }

  const TopologyLoader& load_;
  Scenario scenario_;
};

}  // namespace

Result<Scenario> ParseScenario(std::string_view text, std::string_view file,
                               const TopologyLoader& load) {
  EW_ASSIGN_OR_RETURN(const ConfigNode root, topology::ParseConfig(text, file));
  return ScenarioReader(file, load).Read(root);
}

Result<Scenario> LoadScenario(const std::string& path) {
  EW_ASSIGN_OR_RETURN(const std::string text, topology::ReadConfigText(path));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  EW_ASSIGN_OR_RETURN(Scenario scenario,
                      ParseScenario(text, path, [&folder](const std::string& file) {
                        return topology::LoadTopology((folder / file).string());
                      }));
  if (!scenario.topology_file.empty())
    scenario.topology_file = (folder / scenario.topology_file).string();
  return scenario;
}

}  // namespace everwrite::chaos
