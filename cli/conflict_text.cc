#include "cli/conflict_text.h"

#include <charconv>
#include <chrono>
#include <map>

namespace everwrite::cli {
namespace {

// One version of a conflict on a line.
std::string SideText(const JsonValue& side) {
  if (!side.is_object()) return "-";
  std::string text = side["time"].AsString() + " region " + side["region_id"].AsString();
  if (side["deleted"].AsBool()) text += " deleted";
  if (side["item"].is_object()) text += " " + side["item"].Dump(/*indented=*/false);
  return text;
}

std::string SideLine(const JsonValue& side) {
  return side["time"].AsString() + " region " + side["region_id"].AsString() + "  " +
         side["version"].AsString() + (side["deleted"].AsBool() ? "  deleted" : "");
}

std::map<std::string, std::string> AttributesOf(const JsonValue& side) {
  std::map<std::string, std::string> attributes;
  for (const auto& [name, value] : side["item"].members())
    attributes[name] = value.Dump(/*indented=*/false);
  return attributes;
}

}  // namespace

std::string ConflictText(const JsonValue& conflict) {
  return conflict["name"].AsString() + "  " + conflict["table"].AsString() + "  " +
         conflict["reason"].AsString() + "  decided " + conflict["decided"].AsString() +
         "\n    lost  " + SideText(conflict["loser"]) + "\n    won   " +
         SideText(conflict["winner"]) + "\n";
}

std::string ConflictDiff(const JsonValue& conflict) {
  std::string text = conflict["name"].AsString() + "\n" + conflict["kind"].AsString() +
                     " of table " + conflict["table"].AsString();
  if (conflict["key"].is_object()) text += "  key " + conflict["key"].Dump(/*indented=*/false);
  text += "\n" + conflict["reason"].AsString() + ", decided " + conflict["decided"].AsString() +
          "\n--- lost  " + SideLine(conflict["loser"]) + "\n+++ won   " +
          (conflict["winner"].is_object() ? SideLine(conflict["winner"]) : "nobody") + "\n";
  const auto lost = AttributesOf(conflict["loser"]), won = AttributesOf(conflict["winner"]);
  std::map<std::string, bool> names;
  for (const auto& [name, value] : lost) names[name] = true;
  for (const auto& [name, value] : won) names[name] = true;
  for (const auto& [name, ignored] : names) {
    const auto before = lost.find(name), after = won.find(name);
    const bool same = before != lost.end() && after != won.end() && before->second == after->second;
    if (same) {
      text += "  " + name + ": " + before->second + "\n";
      continue;
    }
    if (before != lost.end()) text += "- " + name + ": " + before->second + "\n";
    if (after != won.end()) text += "+ " + name + ": " + after->second + "\n";
  }
  return text;
}

Result<uint64_t> ParseTime(std::string_view text) {
  const Status bad = InvalidArgument("'" + std::string(text) +
                                     "' is no time; write it as 2026-01-31T12:00:00Z (UTC)");
  const auto number = [](std::string_view digits, uint64_t& value) {
    const char* const end = digits.data() + digits.size();
    const auto [last, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc() && last == end;
  };
  uint64_t ms = 0;
  if (number(text, ms)) return ms;
  if (text.ends_with('Z')) text.remove_suffix(1);
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() < 10 || !number(text.substr(0, 4), year) || text[4] != '-' ||
      !number(text.substr(5, 2), month) || text[7] != '-' || !number(text.substr(8, 2), day))
    return bad;
  text.remove_prefix(10);
  if (!text.empty()) {
    if (text.size() < 6 || (text[0] != 'T' && text[0] != ' ') || text[3] != ':' ||
        !number(text.substr(1, 2), hour) || !number(text.substr(4, 2), minute))
      return bad;
    text.remove_prefix(6);
  }
  if (!text.empty() && (text.size() < 3 || text[0] != ':' || !number(text.substr(1, 2), second)))
    return bad;
  if (text.size() > 3 && text[3] != '.') return bad;  // fractions are left out
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60) return bad;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return (static_cast<uint64_t>(days) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
}

}  // namespace everwrite::cli
