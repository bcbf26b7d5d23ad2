#include "chaos/scenario/scenario_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "chaos/scenario/fault_reader.h"
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

class ScenarioReader : private topology::ConfigReader {
 public:
  ScenarioReader(std::string_view file, const TopologyLoader& load)
      : ConfigReader(file), file_(file), load_(load) {}

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
    EW_RETURN_IF_ERROR(CheckMap(node, "\"mix\"",
                                {"put", "condition", "count", "transaction", "remake", "read",
                                 "expire", "far_read", "scan"}));
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
    for (const ConfigNode& item : node.items) {
      EW_ASSIGN_OR_RETURN(Fault fault, ReadFault(item, file_, scenario_.region_names));
      scenario_.faults.push_back(std::move(fault));
    }
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

  const std::string_view file_;
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
