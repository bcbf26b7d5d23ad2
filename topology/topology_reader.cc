#include "topology/topology_reader.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "topology/config_reader.h"
#include "topology/units.h"

namespace everwrite::topology {
namespace {

bool IsHost(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

bool IsV6(std::string_view text) {
  return text.size() >= 2 && text.size() <= 45 && text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

// An IPv4 address that is not one, such as 127.0.0.300, would otherwise pass as a name.
bool IsBrokenV4(std::string_view text) {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  int parts = 0;
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    int value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value > 255) return true;
    ++parts;
    if (dot == std::string_view::npos) return parts != 4;
    text.remove_prefix(dot + 1);
  }
}

bool ParseHostPort(std::string_view text, Address& address) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!IsV6(host)) return false;
  } else if (!IsHost(host) || IsBrokenV4(host)) {
    return false;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (error != std::errc() || end != port.data() + port.size() || value == 0 || value > 65535)
    return false;
  address.host = host;
  address.port = static_cast<uint16_t>(value);
  return true;
}

constexpr uint64_t kMaxVersion = 1ULL << 53;

class TopologyReader : private ConfigReader {
 public:
  explicit TopologyReader(std::string_view file) : ConfigReader(file) {}

  Result<Topology> Read(const ConfigNode& root) {
    EW_RETURN_IF_ERROR(CheckMap(root, "the file",
                                {"cluster", "version", "regions", "links", "replication",
                                 "durability", "limits", "sessions"}));
    const ConfigNode* cluster = nullptr;
    EW_RETURN_IF_ERROR(Require(root, "the file", "cluster", cluster));
    EW_RETURN_IF_ERROR(ReadName(*cluster, "the cluster's name", topology_.cluster));
    if (const ConfigNode* node = root.Find("version"))
      EW_RETURN_IF_ERROR(ReadInteger(*node, 1, kMaxVersion, topology_.version));
    const ConfigNode* regions = nullptr;
    EW_RETURN_IF_ERROR(Require(root, "the file", "regions", regions));
    EW_RETURN_IF_ERROR(ReadRegions(*regions));
    EW_RETURN_IF_ERROR(ReadLinks(root.Find("links"), root));
    if (const ConfigNode* node = root.Find("replication"))
      EW_RETURN_IF_ERROR(ReadReplication(*node));
    if (const ConfigNode* node = root.Find("durability")) {
      bool relaxed = false;
      EW_RETURN_IF_ERROR(ReadChoice(*node, "durable", "relaxed", relaxed));
      topology_.durability = relaxed ? Durability::kRelaxed : Durability::kDurable;
    }
    if (const ConfigNode* node = root.Find("limits")) EW_RETURN_IF_ERROR(ReadLimits(*node));
    if (const ConfigNode* node = root.Find("sessions")) EW_RETURN_IF_ERROR(ReadSessions(*node));
    return std::move(topology_);
  }

 private:
  Status ReadAddress(const ConfigNode& node, std::string_view scheme, Address& address) {
    EW_RETURN_IF_ERROR(CheckScalar(node, "an address"));
    std::string_view text = node.text;
    const std::string example = std::string(scheme) + "127.0.0.1:8100";
    if (!text.starts_with(scheme))
      return Error(node, Quoted(text) + " does not start with " + std::string(scheme) +
                             "; write for example " + example);
    text.remove_prefix(scheme.size());
    if (!ParseHostPort(text, address))
      return Error(node, Quoted(node.text) + " is not host:port with a port from 1 to 65535; " +
                             "write for example " + example);
    return OkStatus();
  }

  // Refuses what is given twice, naming the line of the first.
  template <typename Value>
  Status Unique(std::map<Value, int>& seen, const Value& value, const ConfigNode& at,
                std::string_view what, std::string_view text, std::string_view mend) {
    const auto [first, is_new] = seen.emplace(value, at.line);
    if (is_new) return OkStatus();
    return Error(at, std::string(what) + " " + std::string(text) + " is used on line " +
                         std::to_string(first->second) + " already; " + std::string(mend));
  }

  Status ReadRegions(const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kList)
      return Error(node, "\"regions\" must be a list, not " + std::string(KindName(node.kind)) +
                             "; start each region with \"- name: ...\"");
    if (node.items.empty()) return Error(node, "there are no regions; add at least one");
    if (node.items.size() > kMaxRegions)
      return Error(node.items[kMaxRegions], "more than 32 regions; remove some");
    for (const ConfigNode& item : node.items) EW_RETURN_IF_ERROR(ReadRegion(item));
    return OkStatus();
  }

  Status ReadRegion(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(
        CheckMap(node, "a region", {"name", "id", "endpoint", "admin", "data", "nats"}));
    Region region;
    const ConfigNode* value = nullptr;
    EW_RETURN_IF_ERROR(Require(node, "the region", "name", value));
    EW_RETURN_IF_ERROR(ReadName(*value, "a region's name", region.name));
    EW_RETURN_IF_ERROR(Unique(names_, region.name, *value, "the name", Quoted(region.name),
                              "give each region its own"));
    const std::string what = "region " + region.name;
    EW_RETURN_IF_ERROR(Require(node, what, "id", value));
    uint64_t id = 0;
    EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 65535, id));
    region.id.value = static_cast<uint16_t>(id);
    EW_RETURN_IF_ERROR(Unique(ids_, id, *value, "the id", std::to_string(id),
                              "give each region its own, and never change it"));
    const std::tuple<std::string_view, std::string_view, Address*> addresses[] = {
        {"endpoint", "", &region.endpoint},
        {"admin", "", &region.admin},
        {"nats", "nats://", &region.nats}};
    for (const auto& [key, scheme, address] : addresses) {
      EW_RETURN_IF_ERROR(Require(node, what, key, value));
      EW_RETURN_IF_ERROR(ReadAddress(*value, scheme, *address));
      EW_RETURN_IF_ERROR(Unique(addresses_, address->ToString(), *value, "the address",
                                address->ToString(), "give each endpoint its own port"));
    }
    EW_RETURN_IF_ERROR(Require(node, what, "data", value));
    EW_RETURN_IF_ERROR(CheckScalar(*value, "a data folder"));
    if (value->text.empty() || value->text.find('\0') != std::string::npos)
      return Error(*value, "the data folder is empty; write for example data/" + region.name);
    region.data = value->text;
    EW_RETURN_IF_ERROR(Unique(folders_, region.data, *value, "the folder", Quoted(region.data),
                              "give each region its own"));
    topology_.regions.push_back(std::move(region));
    return OkStatus();
  }

  Status ReadLinks(const ConfigNode* node, const ConfigNode& root) {
    const ConfigNode* others = nullptr;
    if (node != nullptr) {
      if (node->kind != ConfigNode::Kind::kList)
        return Error(*node, "\"links\" must be a list, not " + std::string(KindName(node->kind)) +
                                "; start each link with \"- between: [a, b]\"");
      for (const ConfigNode& item : node->items) EW_RETURN_IF_ERROR(ReadLink(item, others));
    }
    const ConfigNode& where = node != nullptr ? *node : root;
    for (size_t i = 0; i < topology_.regions.size(); ++i) {
      for (size_t j = i + 1; j < topology_.regions.size(); ++j) {
        const Region& x = topology_.regions[i];
        const Region& y = topology_.regions[j];
        if (topology_.FindLink(x.id, y.id) != nullptr) continue;
        if (others == nullptr)
          return Error(where, "the link between " + x.name + " and " + y.name +
                                  " is missing; add \"- {between: [" + x.name + ", " + y.name +
                                  "], latency: 40ms}\" or \"- {between: others, latency: 40ms}\"");
        Link link = others_;
        std::tie(link.a, link.b) = std::minmax(x.id, y.id);
        topology_.links.push_back(link);
      }
    }
    return OkStatus();
  }

  Status ReadLink(const ConfigNode& node, const ConfigNode*& others) {
    EW_RETURN_IF_ERROR(
        CheckMap(node, "a link", {"between", "latency", "jitter", "bandwidth", "state"}));
    const ConfigNode* between = nullptr;
    EW_RETURN_IF_ERROR(Require(node, "the link", "between", between));
    Link link;
    if (const ConfigNode* value = node.Find("latency"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxLatency, link.latency_us));
    if (const ConfigNode* value = node.Find("jitter"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, kMaxLatency, link.jitter_us));
    if (const ConfigNode* value = node.Find("bandwidth")) {
      EW_RETURN_IF_ERROR(CheckScalar(*value, "a bandwidth"));
      EW_RETURN_IF_ERROR(ReadRate(*value, "leave it out for no bound", link.bytes_per_second));
    }
    if (const ConfigNode* value = node.Find("state")) {
      bool cut = false;
      EW_RETURN_IF_ERROR(ReadChoice(*value, "up", "cut", cut));
      link.state = cut ? LinkState::kCut : LinkState::kUp;
    }
    if (between->kind == ConfigNode::Kind::kScalar && between->text == "others") {
      if (others != nullptr)
        return Error(*between, "\"between: others\" is given twice; remove one");
      others = &node;
      others_ = link;
      return OkStatus();
    }
    EW_RETURN_IF_ERROR(ReadPair(*between, link));
    topology_.links.push_back(link);
    return OkStatus();
  }

  Status ReadPair(const ConfigNode& between, Link& link) {
    if (between.kind != ConfigNode::Kind::kList || between.items.size() != 2)
      return Error(between,
                   "\"between\" must name two regions, as [a, b]; or write \"others\" for " +
                       std::string("all pairs that are not named"));
    RegionId ends[2];
    for (int i = 0; i < 2; ++i) {
      const ConfigNode& end = between.items[static_cast<size_t>(i)];
      EW_RETURN_IF_ERROR(CheckScalar(end, "a region's name"));
      const Region* region = topology_.FindRegion(end.text);
      if (region == nullptr)
        return Error(end, "there is no region " + Quoted(end.text) + "; the regions are " +
                              topology_.RegionNames());
      ends[i] = region->id;
    }
    if (ends[0] == ends[1])
      return Error(between, "a link joins two different regions; name another one");
    std::tie(link.a, link.b) = std::minmax(ends[0], ends[1]);
    return Unique(pairs_, std::pair(link.a, link.b), between, "the link between",
                  between.items[0].text + " and " + between.items[1].text, "remove one");
  }

  Status ReadReplication(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(CheckMap(node, "\"replication\"",
                                {"batch_bytes", "credit_bytes", "heartbeat", "silence",
                                 "max_clock_offset", "bootstrap_rate", "replicate"}));
    ReplicationSettings& settings = topology_.replication;
    if (const ConfigNode* value = node.Find("batch_bytes"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 1000, 1'000'000, settings.batch_bytes));
    const ConfigNode* credit = node.Find("credit_bytes");
    if (credit != nullptr)
      EW_RETURN_IF_ERROR(ReadBytes(*credit, 64'000, kMaxCreditBytes, settings.credit_bytes));
    if (settings.credit_bytes < 4 * settings.batch_bytes)
      return Error(
          credit != nullptr ? *credit : node,
          "credit_bytes must be at least 4 times batch_bytes; raise it or lower batch_bytes");
    if (const ConfigNode* value = node.Find("heartbeat"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 50'000, 1'000'000, settings.heartbeat_us));
    const ConfigNode* silence = node.Find("silence");
    if (silence != nullptr)
      EW_RETURN_IF_ERROR(ReadDuration(*silence, 200'000, 6'000'000, settings.silence_us));
    if (settings.silence_us < 3 * settings.heartbeat_us)
      return Error(silence != nullptr ? *silence : node,
                   "silence must be at least 3 times heartbeat; raise it or lower heartbeat");
    if (const ConfigNode* value = node.Find("max_clock_offset"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 1'000, 60'000'000, settings.max_clock_offset_us));
    if (const ConfigNode* value = node.Find("bootstrap_rate")) {
      EW_RETURN_IF_ERROR(CheckScalar(*value, "a rate"));
      settings.bootstrap_bytes_per_second = 0;
      if (value->text != "unlimited")
        EW_RETURN_IF_ERROR(ReadRate(*value, "unlimited", settings.bootstrap_bytes_per_second));
    }
    if (const ConfigNode* value = node.Find("replicate")) {
      bool is_explicit = false;
      EW_RETURN_IF_ERROR(ReadChoice(*value, "all", "explicit", is_explicit));
      settings.replicate = is_explicit ? ReplicateScope::kExplicit : ReplicateScope::kAll;
    }
    return OkStatus();
  }

  Status ReadLimits(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(
        CheckMap(node, "\"limits\"",
                 {"connections", "threads", "cache_bytes", "change_log_bytes", "change_log_hours",
                  "ledger_days", "ledger_bytes", "verify_rows_per_second",
                  "verify_bytes_per_second", "ttl_change_interval"}));
    Limits& limits = topology_.limits;
    if (const ConfigNode* value = node.Find("connections"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 1'000'000, limits.connections));
    if (const ConfigNode* value = node.Find("threads"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 0, 1024, limits.threads));
    if (const ConfigNode* value = node.Find("cache_bytes"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 1 << 20, 1ULL << 40, limits.cache_bytes));
    if (const ConfigNode* value = node.Find("change_log_bytes"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 1 << 20, 1ULL << 50, limits.change_log_bytes));
    if (const ConfigNode* value = node.Find("change_log_hours"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 0, 24 * 366, limits.change_log_hours));
    if (const ConfigNode* value = node.Find("ledger_days"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 1, 36600, limits.ledger_days));
    if (const ConfigNode* value = node.Find("ledger_bytes"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 1 << 20, 1ULL << 50, limits.ledger_bytes));
    if (const ConfigNode* value = node.Find("verify_rows_per_second"))
      EW_RETURN_IF_ERROR(ReadInteger(*value, 0, 10'000'000, limits.verify_rows_per_second));
    if (const ConfigNode* value = node.Find("verify_bytes_per_second"))
      EW_RETURN_IF_ERROR(ReadBytes(*value, 0, 1ULL << 40, limits.verify_bytes_per_second));
    if (const ConfigNode* value = node.Find("ttl_change_interval"))
      EW_RETURN_IF_ERROR(
          ReadDuration(*value, 0, 24LL * 3600 * 1'000'000, limits.ttl_change_interval_us));
    return OkStatus();
  }

  Status ReadSessions(const ConfigNode& node) {
    EW_RETURN_IF_ERROR(CheckMap(node, "\"sessions\"", {"key", "wait"}));
    if (const ConfigNode* value = node.Find("key")) {
      EW_RETURN_IF_ERROR(CheckScalar(*value, "a key"));
      constexpr size_t kShortest = 16, kLongest = 256;
      if (value->text.size() < kShortest || value->text.size() > kLongest)
        return Error(*value, "a key has 16 to 256 characters; \"openssl rand -hex 32\" makes one");
      topology_.sessions.key = value->text;
    }
    if (const ConfigNode* value = node.Find("wait"))
      EW_RETURN_IF_ERROR(ReadDuration(*value, 0, 30'000'000, topology_.sessions.wait_us));
    return OkStatus();
  }

  static constexpr int64_t kMaxLatency = 10'000'000;

  Topology topology_;
  Link others_;
  // Value -> line where it was given first.
  std::map<std::string, int> names_;
  std::map<uint64_t, int> ids_;
  std::map<std::string, int> addresses_;
  std::map<std::string, int> folders_;
  std::map<std::pair<RegionId, RegionId>, int> pairs_;
};

}  // namespace

Result<Topology> ReadTopology(const ConfigNode& root, std::string_view file) {
  return TopologyReader(file).Read(root);
}

}  // namespace everwrite::topology
