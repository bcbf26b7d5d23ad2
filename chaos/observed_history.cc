#include "chaos/observed_history.h"

#include <array>
#include <charconv>

namespace everwrite::chaos {
namespace {

constexpr std::array<std::string_view, 9> kActNames = {
    "put", "delete", "count", "get", "transact", "snapshot", "found", "lost", "scan"};
constexpr std::array<std::string_view, 3> kOutcomeNames = {"unknown", "ok", "refused"};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// "key:id" or "key:id:order", from the right: keys may have anything but spaces.
bool ParseItem(std::string_view text, ObservedItem& item) {
  const size_t last = text.rfind(':');
  if (last == std::string_view::npos) return false;
  uint64_t right = 0;
  if (!ParseNumber(text.substr(last + 1), right)) return false;
  const std::string_view rest = text.substr(0, last);
  const size_t before = rest.rfind(':');
  if (before != std::string_view::npos && ParseNumber(rest.substr(before + 1), item.id)) {
    item.key = rest.substr(0, before);
    item.order = right;
    return true;
  }
  item.key = rest;
  item.id = right;
  return true;
}

bool ParseFlag(std::string_view word, ObservedOp& op) {
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    if (word != kOutcomeNames[i]) continue;
    op.outcome = static_cast<Outcome>(i);
    return true;
  }
  bool* const flag = word == "far"    ? &op.far
                     : word == "torn" ? &op.torn
                     : word == "last" ? &op.last
                                      : nullptr;
  if (flag != nullptr) *flag = true;
  return flag != nullptr;
}

bool ParseField(std::string_view name, std::string_view value, ObservedOp& op,
                ObservedItem& single) {
  if (name == "s") return ParseNumber(value, op.session);
  if (name == "b") return ParseNumber(value, op.begin_us);
  if (name == "e") return ParseNumber(value, op.end_us);
  if (name == "id" || name == "saw") return ParseNumber(value, single.id);
  if (name == "order") return ParseNumber(value, single.order);
  if (name == "n") return ParseNumber(value, op.number.emplace());
  if (name == "i") return ParseItem(value, op.items.emplace_back());
  if (name == "log") return ParseNumber(value, op.logs.emplace_back());
  if (name == "receipt") op.receipt = value;
  if (name == "from") op.from = value;
  if (name == "next") op.next = value;
  if (name == "r") op.region = value;
  if (name == "k") single.key = value;
  if (name == "r" || name == "k" || name == "receipt" || name == "from" || name == "next")
    return !value.empty();
  if (name == "if") {
    op.expected = 0;
    return value == "absent" || ParseNumber(value, *op.expected);
  }
  if (name == "after") {
    ObservedItem cause;
    if (!ParseItem(value, cause)) return false;
    op.after_key = cause.key;
    op.after_id = cause.id;
    return true;
  }
  return false;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (space > 0) words.emplace_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return words;
}

bool ParseLine(std::string_view line, ObservedOp& op) {
  ObservedItem single;
  bool first = true;
  while (!line.empty()) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
    if (word.empty()) continue;
    if (first) {
      size_t act = 0;
      while (act < kActNames.size() && kActNames[act] != word) ++act;
      if (act == kActNames.size()) return false;
      op.act = static_cast<Act>(act);
      first = false;
      continue;
    }
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos
            ? !ParseFlag(word, op)
            : !ParseField(word.substr(0, equals), word.substr(equals + 1), op, single))
      return false;
  }
  if (!single.key.empty()) op.items.push_back(std::move(single));
  const bool needs_item = op.act != Act::kLost && op.act != Act::kScan;
  const bool needs_region = op.act != Act::kFound;
  return (!needs_item || !op.items.empty()) && (!needs_region || !op.region.empty());
}

void AppendItems(const ObservedOp& op, std::string& out) {
  if (!op.from.empty()) out += " from=" + op.from;
  if (!op.next.empty()) out += " next=" + op.next;
  if (op.act == Act::kTransact || op.act == Act::kSnapshot || op.act == Act::kScan) {
    for (const ObservedItem& item : op.items) {
      out += " i=" + item.key + ":" + std::to_string(item.id);
      if (op.IsWrite()) out += ":" + std::to_string(item.order);
    }
    return;
  }
  for (const ObservedItem& item : op.items) {
    out += " k=" + item.key;
    if (op.act != Act::kFound) out += (op.IsRead() ? " saw=" : " id=") + std::to_string(item.id);
    if (!op.IsRead()) out += " order=" + std::to_string(item.order);
  }
}

}  // namespace

std::string WriteObservedHistory(const ObservedHistory& history) {
  std::string out(kObservedHistoryHead);
  for (const std::string& region : history.regions) out += " " + region;
  out += "\n";
  for (const ObservedOp& op : history.ops) {
    out += kActNames[static_cast<size_t>(op.act)];
    if (op.session != 0) out += " s=" + std::to_string(op.session);
    if (!op.region.empty()) out += " r=" + op.region;
    AppendItems(op, out);
    if (op.act != Act::kFound) out += " b=" + std::to_string(op.begin_us);
    if (op.IsRead() || op.IsWrite()) {
      out += " e=" + std::to_string(op.end_us) + " ";
      out += kOutcomeNames[static_cast<size_t>(op.outcome)];
    }
    if (op.expected)
      out += *op.expected == 0 ? " if=absent" : " if=" + std::to_string(*op.expected);
    if (op.number) out += " n=" + std::to_string(*op.number);
    if (!op.after_key.empty()) out += " after=" + op.after_key + ":" + std::to_string(op.after_id);
    if (!op.receipt.empty()) out += " receipt=" + op.receipt;
    for (const uint64_t log : op.logs) out += " log=" + std::to_string(log);
    if (op.far) out += " far";
    if (op.torn) out += " torn";
    if (op.last) out += " last";
    out += "\n";
  }
  return out;
}

Result<ObservedHistory> ParseObservedHistory(std::string_view text, std::string_view file) {
  ObservedHistory history;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (number == 1 && line.starts_with(kObservedHistoryHead)) {
      history.regions = Words(line.substr(kObservedHistoryHead.size()));
      continue;
    }
    if (line.empty() || line.front() == '#') continue;
    if (!ParseLine(line, history.ops.emplace_back()))
      return InvalidArgument(std::string(file) + ":" + std::to_string(number) +
                             ": not a line of a history; docs/chaos.md shows what one looks like");
  }
  return history;
}

}  // namespace everwrite::chaos
