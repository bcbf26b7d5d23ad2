#include "topology/config_reader.h"

#include <algorithm>
#include <charconv>

#include "topology/topology.h"
#include "topology/units.h"

namespace everwrite::topology {
namespace {

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameLength) return false;
  if (text.front() < 'a' || text.front() > 'z' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string Quoted(std::string_view text) {
  // Somebody's whole file may stand in one value.
  return "\"" + std::string(text.substr(0, 80)) + (text.size() > 80 ? "...\"" : "\"");
}

std::string Listed(Words words) {
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  return list;
}

Status ConfigReader::Error(const ConfigNode& at, std::string_view text) const {
  return ConfigError(file_, at, text);
}

Status ConfigReader::CheckMap(const ConfigNode& node, std::string_view what, Words known) const {
  if (node.kind != ConfigNode::Kind::kMap)
    return Error(node, std::string(what) + " must be a map of " + Listed(known) + ", not " +
                           std::string(KindName(node.kind)) + "; indent its keys below it");
  for (const ConfigNode& key : node.keys) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    const std::string_view nearest = NearestWord(key.text, known);
    return Error(key, "unknown key " + Quoted(key.text) + " in " + std::string(what) + "; " +
                          (nearest.empty() ? "known are " + Listed(known)
                                           : "did you mean \"" + std::string(nearest) + "\"?"));
  }
  return OkStatus();
}

Status ConfigReader::Require(const ConfigNode& map, std::string_view what, std::string_view key,
                             const ConfigNode*& value) const {
  value = map.Find(key);
  if (value != nullptr) return OkStatus();
  return Error(map, std::string(what) + " has no \"" + std::string(key) + "\"; add it");
}

Status ConfigReader::CheckScalar(const ConfigNode& node, std::string_view what) const {
  if (node.kind == ConfigNode::Kind::kScalar) return OkStatus();
  return Error(node, std::string(what) + " must be a single value, not " +
                         std::string(KindName(node.kind)) + "; write it behind the colon");
}

Status ConfigReader::ReadName(const ConfigNode& node, std::string_view what,
                              std::string& name) const {
  EW_RETURN_IF_ERROR(CheckScalar(node, what));
  if (!IsName(node.text))
    return Error(node, Quoted(node.text) + " cannot be " + std::string(what) +
                           "; use a lower-case letter, then letters, digits and \"-\", at most 32");
  name = node.text;
  return OkStatus();
}

Status ConfigReader::ReadInteger(const ConfigNode& node, uint64_t low, uint64_t high,
                                 uint64_t& value) const {
  EW_RETURN_IF_ERROR(CheckScalar(node, "this"));
  const std::string_view text = node.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
    return OkStatus();
  return Error(node, Quoted(text) + " must be a whole number from " + std::to_string(low) + " to " +
                         std::to_string(high) + "; write it without unit or quotes");
}

Status ConfigReader::ReadDuration(const ConfigNode& node, int64_t low, int64_t high,
                                  int64_t& micros) const {
  EW_RETURN_IF_ERROR(CheckScalar(node, "a duration"));
  const auto parsed = ParseDuration(node.text);
  if (!parsed.ok()) return Error(node, parsed.status().message());
  if (*parsed < low || *parsed > high)
    return Error(node, Quoted(node.text) + " is out of range; use " + FormatDuration(low) + " to " +
                           FormatDuration(high));
  micros = *parsed;
  return OkStatus();
}

Status ConfigReader::ReadBytes(const ConfigNode& node, uint64_t low, uint64_t high,
                               uint64_t& bytes) const {
  EW_RETURN_IF_ERROR(CheckScalar(node, "a size"));
  const auto parsed = ParseBytes(node.text);
  if (!parsed.ok()) return Error(node, parsed.status().message());
  if (*parsed < low || *parsed > high)
    return Error(node, Quoted(node.text) + " is out of range; use " + std::to_string(low) +
                           "B to " + std::to_string(high) + "B");
  bytes = *parsed;
  return OkStatus();
}

Status ConfigReader::ReadChoice(const ConfigNode& node, std::string_view first,
                                std::string_view second, bool& is_second) const {
  EW_RETURN_IF_ERROR(CheckScalar(node, "this"));
  if (node.text != first && node.text != second)
    return Error(node, Quoted(node.text) + " is not known; use " + std::string(first) + " or " +
                           std::string(second));
  is_second = node.text == second;
  return OkStatus();
}

Status ConfigReader::ReadRate(const ConfigNode& value, const std::string& otherwise,
                              uint64_t& bytes) const {
  const auto rate = ParseRate(value.text);
  if (!rate.ok()) return Error(value, rate.status().message());
  if (*rate < 1000 || *rate > 1'000'000'000'000ULL)
    return Error(value,
                 Quoted(value.text) + " is out of range; use 1KB/s to 1TB/s, or " + otherwise);
  bytes = *rate;
  return OkStatus();
}

}  // namespace everwrite::topology
