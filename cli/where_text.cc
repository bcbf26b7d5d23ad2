#include "cli/where_text.h"

#include <vector>

#include "cli/status.h"

namespace everwrite::cli {
namespace {

std::string VersionText(const JsonValue& version) {
  return (version["deletes"].AsBool() ? "deletion " : "write ") + version["write"].AsString() +
         " of " + version["region"].AsString() + ", " + version["time"].AsString();
}

std::string FateText(const JsonValue& write) {
  const std::string fate = write["fate"].AsString();
  if (fate == "pending") return "has not come here yet";
  if (fate == "current") return "is what stands there";
  if (fate == "forgotten")
    return "was applied; the change log no longer says to which item (ask by --table and --key)";
  const std::string by =
      write["by"].members().empty() ? "a deletion that is forgotten" : VersionText(write["by"]);
  if (fate == "superseded") return "was overwritten, by one that knew it: " + by;
  return "lost to a concurrent one: " + by + "\n  it is kept: everwrite conflicts show " +
         write["conflict"].AsString();
}

}  // namespace

std::string WhereText(const JsonValue& where) {
  std::string text;
  if (const JsonValue& write = where["write"]; !write.members().empty()) {
    text += VersionText(write) + "\n";
    if (!write["table"].AsString().empty())
      text +=
          "  to " + write["table"].AsString() + " " + write["key"].Dump(/*indented=*/false) + "\n";
    text += "  " + FateText(write) + "\n";
  }
  if (const JsonValue& stands = where["stands"]; !stands.members().empty())
    text += "stands: " + VersionText(stands) + "\n";
  for (const JsonValue& lost : where["lost"].items())
    text += "lost: " + VersionText(lost) + "\n  to " + VersionText(lost["to"]) +
            "\n  everwrite conflicts show " + lost["write"].AsString() + "\n";
  if (where["regions"].items().empty())
    return text + "nothing was ever written there, or it is forgotten\n";
  std::vector<std::vector<std::string>> rows = {{"REGION", "STATE", "MISSING", "AS OF"}};
  for (const JsonValue& region : where["regions"].items()) {
    const int64_t heard_ms = region["heard_ms"].AsInt(-1);
    rows.push_back({region["region"].AsString(), region["state"].AsString(),
                    region["missing"].AsString(),
                    heard_ms < 0    ? "never heard"
                    : heard_ms == 0 ? "now"
                                    : std::to_string(heard_ms) + " ms ago"});
  }
  return text + FormatTable(rows) + "(as " + where["asked"].AsString() + " knows it)\n";
}

}  // namespace everwrite::cli
