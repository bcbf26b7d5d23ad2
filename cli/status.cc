#include "cli/status.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "cli/http_client.h"

namespace everwrite::cli {
namespace {

constexpr int64_t kTimeoutMs = 2000;
constexpr int64_t kMaxHealthyLagMs = 5000;
constexpr int64_t kMaxHealthyOffsetMs = 500;

using LinkKey = std::pair<std::string, std::string>;

void AddReason(JsonValue& reasons, const std::string& reason) {
  reasons.Add(JsonValue::String(reason));
}

// "is being filled from us-east-1: 43 % of 1000000 items, about 20 s left"
std::string FillText(const JsonValue& filling) {
  std::string text = "is being filled";
  if (!filling["source"].AsString().empty()) text += " from " + filling["source"].AsString();
  if (filling["items_expected"].AsInt() > 0)
    text += ": " + filling["percent"].AsString() + " % of " + filling["items_expected"].AsString() +
            " items";
  if (filling["seconds_left"].AsInt(-1) >= 0)
    text += ", about " + filling["seconds_left"].AsString() + " s left";
  if (!filling["waits"].AsString().empty()) text += "; it waits " + filling["waits"].AsString();
  return text;
}

JsonValue DescribeRegion(const RegionEndpoint& region, const Result<JsonValue>& status,
                         const JsonValue& control, JsonValue& reasons) {
  JsonValue out = JsonValue::Object();
  out.Set("name", JsonValue::String(region.name));
  out.Set("endpoint", JsonValue::String(region.endpoint));
  out.Set("admin", JsonValue::String(region.admin));
  JsonValue pids = JsonValue::Object();
  for (const JsonValue& process : control["processes"].items()) {
    if (process["region"].AsString() == region.name) {
      pids.Set(process["role"].AsString(), process["pid"]);
    }
  }
  std::string state = "unreachable";
  if (status.ok()) {
    state = (*status)["ready"].AsBool() ? "serving" : "starting";
    if (const std::string stage = (*status)["stage"].AsString();
        stage == "new" || stage == "filling")
      state = stage;
    if (state == "new" || state == "filling") out.Set("filling", (*status)["filling"]);
    if (pids.members().empty()) pids.Set("region", (*status)["pid"]);
    out.Set("id", (*status)["id"]);
    out.Set("log", (*status)["log"]);
  }
  if (status.ok() && (*status)["replicator_connected"].kind() == JsonValue::Kind::kBool &&
      !(*status)["replicator_connected"].AsBool()) {
    AddReason(reasons, region.name + " has no replicator");
  }
  if (state == "filling") {
    AddReason(reasons, region.name + " " + FillText((*status)["filling"]));
  } else if (state == "new") {
    AddReason(reasons,
              region.name + " is empty and waits " + (*status)["filling"]["waits"].AsString());
  } else if (state != "serving") {
    AddReason(reasons, region.name + " is " + state +
                           (status.ok() ? "" : " (" + status.status().message() + ")"));
  }
  if (status.ok()) {
    for (const JsonValue& table : (*status)["filling_tables"].items()) {
      const bool serves = table["serves"].AsBool();
      AddReason(reasons, region.name +
                             (serves ? " fetches rows of table " : " is being filled with table ") +
                             table["table"].AsString() + ": " + table["items"].AsString() +
                             (table["items_expected"].AsInt() > 0
                                  ? " of about " + table["items_expected"].AsString() + " items"
                                  : " items"));
    }
  }
  if (status.ok() && (*status)["ledger_nearly_full"].AsBool())
    AddReason(reasons, region.name +
                           "'s conflict ledger is nearly full: its oldest entries go next "
                           "(limits.ledger_bytes)");
  const JsonValue log = status.ok() ? (*status)["change_log"] : JsonValue();
  for (const auto& [peer, since] : log["cut_loose"].members()) {
    AddReason(reasons, region.name + " has cut " + peer + " loose (" + since.AsString() +
                           "): it will be filled anew when it is back");
  }
  constexpr int64_t kLogAlarmPercent = 80;
  if (log["percent"].AsInt() >= kLogAlarmPercent) {
    std::string held;
    for (const auto& [peer, changes] : log["held_for"].members())
      held += (held.empty() ? " for " : ", ") + peer + " (" + changes.AsString() + " changes)";
    AddReason(reasons, region.name + "'s change log is at " + log["percent"].AsString() +
                           " % of its bound; it is kept" + held);
  }
  if (status.ok() && (*status)["diverged_buckets"].AsInt() > 0) {
    AddReason(reasons,
              region.name + " has " + (*status)["diverged_buckets"].AsString() +
                  " buckets of keys that may differ from other regions': everwrite verify");
  }
  if (status.ok() && (*status)["clock_correction_ms"].AsInt() != 0) {
    AddReason(reasons, "the clock of " + region.name + " is off; the others correct it by " +
                           (*status)["clock_correction_ms"].AsString() + " ms: mend it");
  }
  if (status.ok() && (*status)["stamps_ahead_ms"].AsInt() > kMaxHealthyOffsetMs) {
    AddReason(reasons, "stamps of " + region.name + " run " +
                           (*status)["stamps_ahead_ms"].AsString() +
                           " ms ahead of its clock; others hold its changes until then");
  }
  out.Set("state", JsonValue::String(state));
  out.Set("pids", std::move(pids));
  out.Set("vector", status.ok() ? (*status)["applied"] : JsonValue::Object());
  out.Set("durable", status.ok() ? (*status)["durable"] : JsonValue::Object());
  if (status.ok()) {
    out.Set("conflicts", (*status)["conflicts"]);
    out.Set("diverged_buckets", (*status)["diverged_buckets"]);
    out.Set("repaired_rows", (*status)["repaired_rows"]);
    out.Set("clock_ms", (*status)["clock_ms"]);
    out.Set("clock_correction_ms", (*status)["clock_correction_ms"]);
    out.Set("stamps_ahead_ms", (*status)["stamps_ahead_ms"]);
    out.Set("replicator_connected", (*status)["replicator_connected"]);
  }
  return out;
}

// `reported`: by who receives, if that one answers; `sent`: by who sends.
JsonValue DescribeLink(const LinkKey& key, const JsonValue* reported, const JsonValue* sent,
                       const JsonValue* simulated, JsonValue& reasons) {
  JsonValue out = JsonValue::Object();
  out.Set("from", JsonValue::String(key.first));
  out.Set("to", JsonValue::String(key.second));
  std::string state = reported != nullptr ? (*reported)["state"].AsString() : "unknown";
  const bool cut = simulated != nullptr && (*simulated)["cut"].AsBool();
  if (cut) state = "cut";
  out.Set("state", JsonValue::String(state));
  const bool has_lag = reported != nullptr && (*reported)["lag_ms"].AsInt(-1) >= 0;
  out.Set("lag_ms", has_lag ? (*reported)["lag_ms"] : JsonValue());  // null: nothing came yet
  const auto known = [](const JsonValue* told, const char* name) {
    return told != nullptr && (*told)[name].AsInt(-1) >= 0 ? (*told)[name] : JsonValue();
  };
  out.Set("lag_p50_ms", known(reported, "lag_p50_ms"));
  out.Set("lag_p99_ms", known(reported, "lag_p99_ms"));
  out.Set("lag_max_ms", known(reported, "lag_max_ms"));
  // Who sends knows what it has written; a receiver that is cut off does not.
  const JsonValue* knows = sent != nullptr ? sent : reported;
  out.Set("pending", knows != nullptr ? (*knows)["pending"] : JsonValue());
  out.Set("pending_bytes", known(sent, "pending_bytes"));
  out.Set("oldest_ms", known(sent, "oldest_ms"));
  out.Set("sent_bytes", known(sent, "sent_bytes"));
  out.Set("held_ahead_ms", known(reported, "held_ahead_ms"));
  out.Set("clock_offset_ms", reported != nullptr ? (*reported)["clock_offset_ms"] : JsonValue());
  if (simulated != nullptr) {
    out.Set("delay_ms", (*simulated)["delay_ms"]);
    out.Set("cut", JsonValue::Bool(cut));
  }
  const std::string name = "link " + key.first + " -> " + key.second;
  if (out["held_ahead_ms"].AsInt() > 0) {
    AddReason(reasons, name + " holds changes that are stamped " + out["held_ahead_ms"].AsString() +
                           " ms ahead of " + key.second + "'s clock");
  }
  if (state != "up") {
    AddReason(reasons, name + " is " + state);
  } else if (out["lag_ms"].AsInt() > kMaxHealthyLagMs) {
    AddReason(reasons, name + " lags " + out["lag_ms"].AsString() + " ms");
  }
  if (std::abs(out["clock_offset_ms"].AsInt()) > kMaxHealthyOffsetMs) {
    AddReason(reasons, "the clocks of " + key.first + " and " + key.second + " differ by " +
                           out["clock_offset_ms"].AsString() + " ms");
  }
  return out;
}

std::string Cell(const JsonValue& value) {
  return value.kind() == JsonValue::Kind::kNull ? "-" : value.AsString();
}

std::string PidsText(const JsonValue& pids) {
  std::string text;
  for (const auto& [role, pid] : pids.members()) {
    text += (text.empty() ? "" : " ") + role + "=" + (pid.AsInt() == 0 ? "-" : pid.AsString());
  }
  return text.empty() ? "-" : text;
}

}  // namespace

JsonValue CollectStatus(const ClusterView& view) {
  std::vector<Result<JsonValue>> statuses(view.regions.size(), Unavailable("not asked"));
  std::vector<std::thread> askers;
  for (size_t i = 0; i < view.regions.size(); ++i) {
    askers.emplace_back(
        [&, i] { statuses[i] = FetchRegionStatus(view.regions[i].admin, kTimeoutMs); });
  }
  JsonValue control;
  if (!view.control.empty()) {
    const auto reply = HttpCall("GET", view.control, "/status", {.timeout_ms = kTimeoutMs});
    if (reply.ok() && reply->status == 200) {
      auto parsed = JsonValue::Parse(reply->body);
      if (parsed.ok()) control = std::move(parsed).value();
    }
  }
  for (std::thread& asker : askers) asker.join();

  JsonValue reasons = JsonValue::Array();
  JsonValue regions = JsonValue::Array();
  std::map<LinkKey, const JsonValue*> reported, sent, simulated;
  for (size_t i = 0; i < view.regions.size(); ++i) {
    regions.Add(DescribeRegion(view.regions[i], statuses[i], control, reasons));
    if (!statuses[i].ok()) continue;
    for (const JsonValue& link : (*statuses[i])["links"].items()) {
      const LinkKey key{link["from"].AsString(), link["to"].AsString()};
      // Both ends speak of a direction; who receives knows best how it goes.
      if (key.first == view.regions[i].name) sent[key] = &link;
      if (key.second == view.regions[i].name || reported.count(key) == 0) reported[key] = &link;
    }
  }
  for (const JsonValue& link : control["links"].items()) {
    simulated[{link["from"].AsString(), link["to"].AsString()}] = &link;
  }
  JsonValue links = JsonValue::Array();
  for (const RegionEndpoint& from : view.regions) {
    for (const RegionEndpoint& to : view.regions) {
      const LinkKey key{from.name, to.name};
      const auto a = reported.find(key);
      const auto b = simulated.find(key);
      const auto c = sent.find(key);
      if (from.name == to.name) continue;
      links.Add(DescribeLink(key, a == reported.end() ? nullptr : a->second,
                             c == sent.end() ? nullptr : c->second,
                             b == simulated.end() ? nullptr : b->second, reasons));
    }
  }
  JsonValue out = JsonValue::Object();
  out.Set("verdict", JsonValue::String(reasons.items().empty() ? "healthy" : "degraded"));
  out.Set("reasons", std::move(reasons));
  out.Set("cluster", JsonValue::String(view.cluster));
  if (!view.gateway.empty()) out.Set("gateway", JsonValue::String(view.gateway));
  if (!view.control.empty()) out.Set("control", JsonValue::String(view.control));
  out.Set("regions", std::move(regions));
  out.Set("links", std::move(links));
  return out;
}

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string FormatStatus(const JsonValue& status) {
  std::string text = status["verdict"].AsString();
  std::string separator = ": ";
  for (const JsonValue& reason : status["reasons"].items()) {
    text += separator + reason.AsString();
    separator = "; ";
  }
  text += "\n\n";
  std::vector<std::vector<std::string>> rows = {
      {"REGION", "STATE", "ENDPOINT", "ADMIN", "CONFLICTS", "PIDS"}};
  for (const JsonValue& region : status["regions"].items()) {
    std::string state = region["state"].AsString();
    if (state == "filling") state += " " + region["filling"]["percent"].AsString() + "%";
    rows.push_back({region["name"].AsString(), std::move(state), region["endpoint"].AsString(),
                    region["admin"].AsString(), Cell(region["conflicts"]),
                    PidsText(region["pids"])});
  }
  text += FormatTable(rows) + "\n";
  rows = {{"REGION", "VECTOR (log:number)"}};
  for (const JsonValue& region : status["regions"].items()) {
    rows.push_back({region["name"].AsString(), VectorText(region["vector"])});
  }
  text += FormatTable(rows);
  if (status["links"].items().empty()) return text;
  rows = {{"FROM", "TO", "STATE", "LAG MS", "P50", "P99", "MAX", "PENDING", "BYTES", "OLDEST MS",
           "DELAY MS"}};
  for (const JsonValue& link : status["links"].items()) {
    rows.push_back({link["from"].AsString(), link["to"].AsString(), link["state"].AsString(),
                    Cell(link["lag_ms"]), Cell(link["lag_p50_ms"]), Cell(link["lag_p99_ms"]),
                    Cell(link["lag_max_ms"]), Cell(link["pending"]), Cell(link["pending_bytes"]),
                    Cell(link["oldest_ms"]), Cell(link["delay_ms"])});
  }
  return text + "\n" + FormatTable(rows);
}

}  // namespace everwrite::cli
