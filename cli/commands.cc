#include "cli/commands.h"

#include <cstdio>

#include "base/coding.h"
#include "cli/cluster_view.h"
#include "cli/conflict_text.h"
#include "cli/demo.h"
#include "cli/http_client.h"
#include "cli/plan.h"
#include "cli/status.h"
#include "cli/verify.h"
#include "cli/verify_digests.h"
#include "cli/where_text.h"
#include "topology/topology_file.h"

namespace everwrite::cli {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr const char* kControlHeader = "X-Everwrite-Control: 1\r\n";

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

const RegionEndpoint* FindRegion(const ClusterView& view, const std::string& name) {
  for (const RegionEndpoint& region : view.regions) {
    if (region.name == name) return &region;
  }
  return nullptr;
}

Status UnknownRegion(const ClusterView& view, const std::string& name) {
  std::string known;
  for (const RegionEndpoint& region : view.regions) {
    known += (known.empty() ? "" : ", ") + region.name;
  }
  return InvalidArgument("there is no region '" + name + "'; there are: " + known);
}

// The answer's JSON, or its "error" as a Status.
Result<JsonValue> ParseReply(const Result<HttpReply>& reply) {
  if (!reply.ok()) return reply.status();
  auto json = JsonValue::Parse(reply->body);
  if (reply->status == 200) return json;
  const std::string message = json.ok() && !(*json)["error"].AsString().empty()
                                  ? (*json)["error"].AsString()
                                  : "answered " + std::to_string(reply->status);
  if (reply->status == 503) return Unavailable(message);
  return reply->status == 404 ? NotFound(message) : FailedPrecondition(message);
}

std::string VerifyText(const VerifyReport& report) {
  std::string text(VerdictName(report.verdict));
  switch (report.verdict) {
    case Verdict::kEqual:
      return text + ": " + std::to_string(report.regions.size()) + " regions hold the same " +
             std::to_string(report.comparison.items) + " items and versions\n";
    case Verdict::kBehind:
      return text +
             ": the regions have not applied the same changes, or are still being written to: " +
             report.detail + "\n";
    case Verdict::kDiverged: break;
  }
  text += ": the regions have applied the same changes, and " +
          std::to_string(report.comparison.differences) + " of " +
          std::to_string(report.comparison.items) + " items differ\n";
  for (const ItemDifference& difference : report.comparison.listed) {
    text += "  table " + difference.table + " key " + difference.key + "\n";
    for (size_t i = 0; i < report.regions.size(); ++i) {
      text += "    " + report.regions[i] + ": " + difference.held[i] + "\n";
    }
  }
  return text;
}

void AppendItems(std::string& text, const std::vector<std::string>& regions,
                 const ItemComparison& items) {
  for (const ItemDifference& difference : items.listed) {
    text += "    key " + difference.key + "\n";
    for (size_t i = 0; i < regions.size(); ++i)
      text += "      " + regions[i] + ": " + difference.held[i] + "\n";
  }
}

std::string DigestText(const DigestReport& report) {
  std::string text(VerdictName(report.verdict));
  const std::string regions = std::to_string(report.regions.size()) + " regions";
  switch (report.verdict) {
    case Verdict::kEqual:
      return text + ": " + regions + " hold the same " + std::to_string(report.items) +
             " items and versions (" + std::to_string(report.buckets) + " buckets proven)\n";
    case Verdict::kBehind:
      return text + ": " + std::to_string(report.buckets) + " buckets are proven equal, " +
             std::to_string(report.open) +
             " have not been decided on the same changes in time: " + report.detail + "\n";
    case Verdict::kDiverged: break;
  }
  text += ": " + std::to_string(report.differences.size()) + " of " +
          std::to_string(report.buckets + report.open + report.differences.size()) +
          " buckets differ\n";
  for (const BucketDifference& difference : report.differences) {
    text += "  table " + difference.table + " bucket " + std::to_string(difference.bucket) + ": " +
            difference.reason + "\n";
    AppendItems(text, report.regions, difference.items);
  }
  return text;
}

JsonValue DigestJson(const DigestReport& report) {
  const auto number = [](uint64_t value) { return JsonValue::Number(static_cast<int64_t>(value)); };
  JsonValue out = JsonValue::Object();
  out.Set("verdict", JsonValue::String(std::string(VerdictName(report.verdict))));
  out.Set("items", number(report.items));
  out.Set("buckets", number(report.buckets));
  out.Set("open", number(report.open));
  out.Set("detail", JsonValue::String(report.detail));
  JsonValue list = JsonValue::Array();
  for (const BucketDifference& difference : report.differences) {
    JsonValue bucket = JsonValue::Object();
    bucket.Set("table", JsonValue::String(difference.table));
    bucket.Set("bucket", number(difference.bucket));
    bucket.Set("reason", JsonValue::String(difference.reason));
    JsonValue keys = JsonValue::Array();
    for (const ItemDifference& item : difference.items.listed) {
      JsonValue held = JsonValue::Object();
      for (size_t i = 0; i < report.regions.size(); ++i)
        held.Set(report.regions[i], JsonValue::String(item.held[i]));
      JsonValue key = JsonValue::Object();
      key.Set("key", JsonValue::String(item.key));
      key.Set("held", std::move(held));
      keys.Add(std::move(key));
    }
    bucket.Set("keys", std::move(keys));
    list.Add(std::move(bucket));
  }
  out.Set("differences", std::move(list));
  return out;
}

JsonValue VerifyJson(const VerifyReport& report) {
  JsonValue out = JsonValue::Object();
  out.Set("verdict", JsonValue::String(std::string(VerdictName(report.verdict))));
  out.Set("items", JsonValue::Number(static_cast<int64_t>(report.comparison.items)));
  out.Set("differences", JsonValue::Number(static_cast<int64_t>(report.comparison.differences)));
  out.Set("detail", JsonValue::String(report.detail));
  JsonValue list = JsonValue::Array();
  for (const ItemDifference& difference : report.comparison.listed) {
    JsonValue item = JsonValue::Object();
    item.Set("table", JsonValue::String(difference.table));
    item.Set("key", JsonValue::String(difference.key));
    JsonValue held = JsonValue::Object();
    for (size_t i = 0; i < report.regions.size(); ++i) {
      held.Set(report.regions[i], JsonValue::String(difference.held[i]));
    }
    item.Set("held", std::move(held));
    list.Add(std::move(item));
  }
  out.Set("listed", std::move(list));
  return out;
}

}  // namespace

int ReportError(const Status& status) {
  std::fprintf(stderr, "everwrite: %s\n", status.message().c_str());
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition: return kExitConfiguration;
    case StatusCode::kNotFound:
    case StatusCode::kUnavailable:
    case StatusCode::kAborted:
    case StatusCode::kDeadlineExceeded: return kExitUnreachable;
    default: return kExitSoftware;
  }
}

int RunStatus(const StatusCommand& command) {
  const auto view = FindCluster(command.topology_file);
  if (!view.ok()) return ReportError(view.status());
  const JsonValue status = CollectStatus(*view);
  Print(command.json ? status.Dump(/*indented=*/true) + "\n" : FormatStatus(status));
  bool any = false;
  for (const JsonValue& region : status["regions"].items()) {
    any |= region["state"].AsString() != "unreachable";
  }
  if (!any) return kExitUnreachable;
  return command.check && status["verdict"].AsString() != "healthy" ? kExitNo : 0;
}

int RunVerify(const VerifyCommand& command) {
  const auto view = FindCluster(command.topology_file);
  if (!view.ok()) return ReportError(view.status());
  if (!command.full) {
    const auto report = VerifyDigests(view->regions, command.wait_seconds * 1000);
    if (!report.ok()) return ReportError(report.status());
    Print(command.json ? DigestJson(*report).Dump(/*indented=*/true) + "\n" : DigestText(*report));
    return report->verdict == Verdict::kEqual ? 0 : kExitNo;
  }
  const auto report = Verify(view->regions, command.wait_seconds * 1000);
  if (!report.ok()) return ReportError(report.status());
  Print(command.json ? VerifyJson(*report).Dump(/*indented=*/true) + "\n" : VerifyText(*report));
  return report->verdict == Verdict::kEqual ? 0 : kExitNo;
}

int RunConflicts(const ConflictsCommand& command) {
  const auto view = FindCluster(command.topology_file);
  if (!view.ok()) return ReportError(view.status());
  const RegionEndpoint* const region = FindRegion(*view, command.region);
  if (region == nullptr) return ReportError(UnknownRegion(*view, command.region));
  const bool list = command.action == ConflictsCommand::Action::kList;
  const bool restore = command.action == ConflictsCommand::Action::kRestore;
  std::string target = "/conflicts";
  if (list) {
    target += "?limit=" + std::to_string(command.limit);
    if (!command.table.empty()) target += "&table=" + UrlEncode(command.table);
    if (!command.key.empty()) target += "&key=" + ToHex(command.key);
    if (!command.lost_by.empty()) target += "&loser_of=" + UrlEncode(command.lost_by);
    for (const auto& [name, text] :
         {std::pair("from_ms", &command.since), std::pair("until_ms", &command.until)}) {
      if (text->empty()) continue;
      const auto ms = ParseTime(*text);
      if (!ms.ok()) return ReportError(ms.status());
      target += "&" + std::string(name) + "=" + std::to_string(*ms);
    }
  } else {
    target += "/" + UrlEncode(command.name) + (restore ? "/restore" : "");
  }
  const auto reply = ParseReply(HttpCall(restore ? "POST" : "GET", region->admin, target));
  if (!reply.ok()) return ReportError(reply.status());
  if (command.json) {
    Print(reply->Dump(/*indented=*/true) + "\n");
  } else if (command.action == ConflictsCommand::Action::kShow) {
    Print(ConflictDiff(*reply));
  } else if (restore) {
    Print("restored: the lost version was written again in " + region->name + "\n");
  } else {
    const auto& conflicts = (*reply)["conflicts"].items();
    if (conflicts.empty()) Print("no conflicts in " + region->name + "\n");
    for (const JsonValue& conflict : conflicts) Print(ConflictText(conflict));
  }
  return 0;
}

int RunWhere(const WhereCommand& command) {
  const auto view = FindCluster(command.topology_file);
  if (!view.ok()) return ReportError(view.status());
  std::string target = "/where?";
  if (!command.write.empty()) {
    target += "write=" + UrlEncode(command.write);
  } else if (!command.session.empty()) {
    target += "session=" + UrlEncode(command.session);
  } else {
    target += "table=" + UrlEncode(command.table) + "&key=" + ToHex(command.key);
  }
  std::vector<const RegionEndpoint*> asked;
  for (const RegionEndpoint& region : view->regions)
    if (command.region.empty() || region.name == command.region) asked.push_back(&region);
  if (asked.empty()) return ReportError(UnknownRegion(*view, command.region));
  Result<JsonValue> reply = Unavailable("nobody was asked");
  for (const RegionEndpoint* region : asked) {
    reply = ParseReply(HttpCall("GET", region->admin, target));
    if (reply.ok() || reply.status().code() != StatusCode::kUnavailable) break;
  }
  if (!reply.ok()) return ReportError(reply.status());
  Print(command.json ? reply->Dump(/*indented=*/true) + "\n" : WhereText(*reply));
  return 0;
}

int RunLink(const LinkCommand& command) {
  const auto view = FindRunning();
  if (!view.ok()) return ReportError(view.status());
  std::string target = "/links?action=" + UrlEncode(command.action);
  if (!command.from.empty()) target += "&from=" + UrlEncode(command.from);
  if (!command.to.empty()) target += "&to=" + UrlEncode(command.to);
  if (command.one_way) target += "&one_way=1";
  if (command.action == "delay") {
    target += "&delay_ms=" + std::to_string(command.delay_ms) +
              "&jitter_ms=" + std::to_string(command.jitter_ms);
  }
  const auto reply = HttpCall("POST", view->control, target, {.headers = kControlHeader});
  if (!reply.ok()) return ReportError(reply.status());
  if (reply->status == 200) {
    std::vector<std::vector<std::string>> rows = {{"FROM", "TO", "STATE", "DELAY MS", "JITTER MS"}};
    const auto links = JsonValue::Parse(reply->body);
    if (!links.ok()) return ReportError(DataLoss(links.status().message()));
    for (const JsonValue& link : links->items()) {
      rows.push_back({link["from"].AsString(), link["to"].AsString(),
                      link["cut"].AsBool() ? "cut" : "up", link["delay_ms"].AsString(),
                      link["jitter_ms"].AsString()});
    }
    Print(FormatTable(rows));
    return 0;
  }
  const auto json = JsonValue::Parse(reply->body);
  std::fprintf(stderr, "everwrite: %s\n",
               json.ok() ? (*json)["error"].AsString().c_str() : "the request was refused");
  return kExitUsage;
}

int RunTopologyCheck(const std::string& file) {
  const auto topology = topology::LoadTopology(file);
  if (!topology.ok()) {
    std::fprintf(stderr, "%s\n", topology.status().message().c_str());
    return kExitConfiguration;
  }
  Print(file + ": ok: cluster " + topology->cluster + ", " +
        std::to_string(topology->regions.size()) + " regions (" + topology->RegionNames() + "), " +
        std::to_string(topology->links.size()) + " links\n");
  return 0;
}

int RunEnv(const std::string& topology_file) {
  const auto view = FindCluster(topology_file);
  if (!view.ok()) return ReportError(view.status());
  Print(EnvironmentLines(*view));
  return 0;
}

int RunVersion() {
  Print(std::string("everwrite ") + kVersion + "\n");
  return 0;
}

}  // namespace everwrite::cli
