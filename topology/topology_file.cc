#include "topology/topology_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "topology/config_tree.h"
#include "topology/topology_reader.h"
#include "topology/units.h"

namespace everwrite::topology {
namespace {

// Builds the tree from the parser's events rather than from its document type, which follows
// aliases, keeps duplicate keys and forgets where keys stood. The first refusal stays; later events
// are ignored.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(MakeNode(mark, ConfigNode::Kind::kNull), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(MakeNode(mark, ConfigNode::Kind::kNull),
           "aliases (*name) are not allowed; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node = MakeNode(mark, ConfigNode::Kind::kScalar);
    node.text = value;
    Add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(MakeNode(mark, ConfigNode::Kind::kList), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(MakeNode(mark, ConfigNode::Kind::kMap), anchor);
  }
  void OnMapEnd() override { Close(); }

  const Status& error() const { return error_; }
  ConfigNode TakeRoot() { return std::move(root_); }

 private:
  static ConfigNode MakeNode(const YAML::Mark& mark, ConfigNode::Kind kind) {
    ConfigNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void Refuse(const ConfigNode& at, std::string_view text) {
    if (error_.ok()) error_ = ConfigError(file_, at, text);
  }
  void Open(ConfigNode node, YAML::anchor_t anchor) {
    if (open_.size() >= static_cast<size_t>(kMaxConfigDepth))
      Refuse(node, "nested too deeply; nothing here is deeper than a few levels");
    if (anchor != 0) RefuseAnchor(node);
    if (!error_.ok()) return;
    open_.push_back(std::move(node));
  }
  void Close() {
    if (!error_.ok()) return;
    ConfigNode node = std::move(open_.back());
    open_.pop_back();
    Add(std::move(node), 0);
  }
  void Add(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != 0) RefuseAnchor(node);
    if (!error_.ok()) return;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    ConfigNode& parent = open_.back();
    const bool is_key =
        parent.kind == ConfigNode::Kind::kMap && parent.keys.size() == parent.items.size();
    if (!is_key) {
      // The parser places an absent value at the next word: its key is what to look at.
      if (node.kind == ConfigNode::Kind::kNull && parent.kind == ConfigNode::Kind::kMap) {
        node.line = parent.keys.back().line;
        node.column = parent.keys.back().column;
      }
      parent.items.push_back(std::move(node));
      return;
    }
    if (node.kind != ConfigNode::Kind::kScalar) return Refuse(node, "a key must be a single word");
    if (parent.Find(node.text) != nullptr)
      return Refuse(node, "\"" + node.text + "\" is given twice; remove one");
    parent.keys.push_back(std::move(node));
  }
  void RefuseAnchor(const ConfigNode& node) {
    Refuse(node, "anchors (&name) are not allowed; write the value out where it is needed");
  }

  std::string_view file_;
  std::vector<ConfigNode> open_;
  ConfigNode root_;
  Status error_;
};

// YAML forbids tabs in indentation; the parser finds the mistake later, somewhere else.
Status RefuseTabs(std::string_view text, std::string_view file) {
  ConfigNode at;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = std::min(text.find('\n', i), text.size());
    const size_t word = text.find_first_not_of(' ', i);
    if (word < end && text[word] == '\t') {
      at.column = static_cast<int>(word - i) + 1;
      return ConfigError(file, at, "a tab in the indentation; use spaces");
    }
    i = end;
    ++at.line;
  }
  return OkStatus();
}

// yaml-cpp reports errors by exception; they end here.
Result<ConfigNode> ParseYaml(std::string_view text, std::string_view file) {
  TreeBuilder builder(file);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder))
      return InvalidArgument(
          std::string(file) +
          ":1:1: the file is empty; see topology/examples for what one looks like");
    EW_RETURN_IF_ERROR(builder.error());
    ConfigNode root = builder.TakeRoot();
    TreeBuilder rest(file);
    if (parser.HandleNextDocument(rest)) {
      const ConfigNode second = rest.TakeRoot();
      return ConfigError(file, second, "a second document (---); a file has one");
    }
    return root;
  } catch (const YAML::Exception& exception) {
    if (!builder.error().ok()) return builder.error();
    ConfigNode at;
    at.line = exception.mark.line + 1;
    at.column = exception.mark.column + 1;
    return ConfigError(
        file, at,
        "not valid YAML: " + exception.msg + "; check the indentation and the brackets there");
  }
}

}  // namespace

Result<ConfigNode> ParseConfig(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxTopologyFileBytes)
    return InvalidArgument(std::string(file_name) +
                           ":1:1: larger than 1 MiB; this is no such file");
  EW_RETURN_IF_ERROR(RefuseTabs(text, file_name));
  return ParseYaml(text, file_name);
}

Result<Topology> ParseTopology(std::string_view text, std::string_view file_name) {
  EW_ASSIGN_OR_RETURN(const ConfigNode root, ParseConfig(text, file_name));
  EW_ASSIGN_OR_RETURN(Topology topology, ReadTopology(root, file_name));
  const std::string parent = std::filesystem::path(file_name).parent_path().string();
  topology.directory = parent.empty() ? "." : parent;
  return topology;
}

Result<std::string> ReadConfigText(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return InvalidArgument(path + ": is a folder; name the file in it");
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (!std::filesystem::exists(path, error)) return NotFound(path + ": no such file");
    return Unavailable(path + ": cannot be read; check its permissions");
  }
  std::string text(kMaxTopologyFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Unavailable(path + ": cannot be read");
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

Result<Topology> LoadTopology(const std::string& path) {
  EW_ASSIGN_OR_RETURN(const std::string text, ReadConfigText(path));
  return ParseTopology(text, path);
}

// YAML's form without escapes: a quote is doubled, everything else stands for itself.
static std::string SingleQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

std::string WriteTopology(const Topology& topology) {
  std::ostringstream out;
  out << "cluster: " << topology.cluster << "\n";
  if (topology.version != 0) out << "version: " << topology.version << "\n";
  out << "regions:\n";
  for (const Region& region : topology.regions)
    out << "  - name: " << region.name << "\n    id: " << region.id.value << "\n    endpoint: \""
        << region.endpoint.ToString() << "\"\n    admin: \"" << region.admin.ToString()
        << "\"\n    nats: \"" << region.NatsUrl() << "\"\n    data: " << SingleQuoted(region.data)
        << "\n";
  if (!topology.links.empty()) out << "links:\n";
  for (const Link& link : topology.links) {
    out << "  - between: [" << topology.FindRegion(link.a)->name << ", "
        << topology.FindRegion(link.b)->name
        << "]\n    latency: " << FormatDuration(link.latency_us)
        << "\n    jitter: " << FormatDuration(link.jitter_us)
        << "\n    state: " << (link.state == LinkState::kUp ? "up" : "cut") << "\n";
    if (link.bytes_per_second != 0) out << "    bandwidth: " << link.bytes_per_second << "B/s\n";
  }
  const ReplicationSettings& replication = topology.replication;
  out << "replication:\n  batch_bytes: " << replication.batch_bytes
      << "B\n  credit_bytes: " << replication.credit_bytes
      << "B\n  heartbeat: " << FormatDuration(replication.heartbeat_us)
      << "\n  silence: " << FormatDuration(replication.silence_us)
      << "\n  max_clock_offset: " << FormatDuration(replication.max_clock_offset_us)
      << "\n  bootstrap_rate: "
      << (replication.bootstrap_bytes_per_second == 0
              ? "unlimited"
              : std::to_string(replication.bootstrap_bytes_per_second) + "B/s")
      << "\n  replicate: " << (replication.replicate == ReplicateScope::kAll ? "all" : "explicit")
      << "\ndurability: " << (topology.durability == Durability::kDurable ? "durable" : "relaxed")
      << "\nlimits:\n  connections: " << topology.limits.connections
      << "\n  threads: " << topology.limits.threads
      << "\n  cache_bytes: " << topology.limits.cache_bytes
      << "B\n  change_log_bytes: " << topology.limits.change_log_bytes
      << "B\n  change_log_hours: " << topology.limits.change_log_hours
      << "\n  ledger_days: " << topology.limits.ledger_days
      << "\n  ledger_bytes: " << topology.limits.ledger_bytes
      << "B\n  verify_rows_per_second: " << topology.limits.verify_rows_per_second
      << "\n  verify_bytes_per_second: " << topology.limits.verify_bytes_per_second
      << "B\n  ttl_change_interval: " << FormatDuration(topology.limits.ttl_change_interval_us)
      << "\nsessions:\n  wait: " << FormatDuration(topology.sessions.wait_us) << "\n";
  if (!topology.sessions.key.empty())
    out << "  key: " << SingleQuoted(topology.sessions.key) << "\n";
  return out.str();
}

}  // namespace everwrite::topology
