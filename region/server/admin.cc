#include "region/server/admin.h"

#include <unistd.h>

#include <charconv>
#include <optional>

#include "base/coding.h"
#include "base/log.h"
#include "region/api/item_json.h"
#include "region/metrics/metrics_exporter.h"

namespace everwrite::server {
namespace {

using conflict::ConflictRecord;
using conflict::ConflictSide;
using http::HttpResponse;

constexpr size_t kItemsPerPage = 20000;
constexpr size_t kConflictsPerPage = 1000;

HttpResponse Json(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  response.body += '\n';
  return response;
}

HttpResponse Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse Error(const everwrite::Status& error) {
  const int status = error.code() == StatusCode::kNotFound             ? 404
                     : error.code() == StatusCode::kFailedPrecondition ? 409
                     : error.code() == StatusCode::kInvalidArgument    ? 400
                                                                       : 503;
  std::string body = "{\"error\":";
  AppendJsonString(body, error.message());
  body += '}';
  return Json(status, std::move(body));
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  AppendJsonString(out, name);
  out += ':';
  AppendJsonString(out, value);
}
void AppendRaw(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  AppendJsonString(out, name);
  out += ':';
  out += value;
}
template <typename Integer>
void AppendNumber(std::string& out, std::string_view name, Integer value) {
  AppendRaw(out, name, std::to_string(value));
}

std::string HexOf(uint64_t value) {
  std::string bytes;
  PutFixed64(bytes, value);
  return ToHex(bytes);
}

std::string VectorJson(const conflict::Vector& vector) {
  std::string out = "{";
  for (const Dot& dot : vector.entries()) AppendNumber(out, HexOf(dot.log.value), dot.number);
  return out + "}";
}

std::optional<std::string> QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
  }
  return std::nullopt;
}

size_t LimitOf(std::string_view query, size_t most) {
  const auto text = QueryParameter(query, "limit");
  size_t limit = most;
  if (text) std::from_chars(text->data(), text->data() + text->size(), limit);
  return std::min(limit, most);
}

std::string SideJson(const ConflictSide& side, bool is_table) {
  std::string out = "{";
  AppendField(out, "version", conflict::ConflictName(side.version));
  AppendNumber(out, "region_id", side.version.dot.log.region().value);
  AppendField(out, "time", FormatUtcMillis(side.version.stamp.milliseconds()));
  AppendRaw(out, "deleted", side.tombstone ? "true" : "false");
  if (!is_table && !side.image.empty()) {
    std::string item;
    api::AppendItemJson(item, item::ItemView(side.image));
    AppendRaw(out, side.tombstone ? "key" : "item", item);
  }
  return out + "}";
}

}  // namespace

void Admin::Handle(const http::HttpRequest& request, http::HttpResponder responder) {
  const size_t mark = request.target.find('?');
  const std::string_view path = request.target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : request.target.substr(mark + 1);
  constexpr std::string_view kConflict = "/conflicts/";
  constexpr std::string_view kRestore = "/restore";
  if (request.method == "POST" && path.starts_with(kConflict) && path.ends_with(kRestore)) {
    const std::string_view name =
        path.substr(kConflict.size(), path.size() - kConflict.size() - kRestore.size());
    return Restore(name, *request.executor, std::move(responder));
  }
  if (request.method != "GET") return responder.Send(Text(405, "only GET here\n"));
  if (path == "/healthz") return responder.Send(Text(200, "ok\n"));
  if (path == "/readyz") return responder.Send(Ready());
  if (path == "/status") return responder.Send(Status());
  if (path == "/metrics") {
    HttpResponse response = Text(200, metrics::ExportPrometheus(*context_.registry));
    response.content_type = metrics::kPrometheusContentType;
    return responder.Send(std::move(response));
  }
  if (path == "/conflicts") return responder.Send(List(query));
  if (path.starts_with(kConflict)) return responder.Send(Show(path.substr(kConflict.size())));
  if (path == "/items") return responder.Send(Items(query));
  responder.Send(Text(404, "no such page\n"));
}

HttpResponse Admin::Ready() const {
  if (const everwrite::Status health = context_.engine->committer().health(); !health.ok())
    return Text(503, "the region has stopped writing: " + health.message() + "\n");
  return Text(200, "ready\n");
}

HttpResponse Admin::Status() const {
  const streams::RegionState state = context_.engine->State();
  const everwrite::Status health = context_.engine->committer().health();
  std::string out = "{";
  AppendField(out, "region", context_.region_name);
  AppendNumber(out, "id", state.region.value);
  AppendField(out, "cluster", context_.cluster);
  AppendField(out, "log", HexOf(state.log.value));
  AppendRaw(out, "ready", health.ok() ? "true" : "false");
  if (!health.ok()) AppendField(out, "error", health.message());
  AppendField(out, "endpoint", context_.endpoint);
  AppendField(out, "admin", context_.admin);
  AppendNumber(out, "pid", getpid());
  AppendRaw(out, "applied", VectorJson(state.applied));
  AppendRaw(out, "durable", VectorJson(state.durable));
  AppendNumber(out, "conflicts", context_.engine->ConflictCount());
  AppendNumber(out, "clock_ms", state.physical_ms);
  AppendRaw(out, "replicator_connected", context_.link->connected() ? "true" : "false");
  std::string links = "[";
  for (const LinkStatus& link : context_.link->Links()) {
    if (links.size() > 1) links += ',';
    std::string one = "{";
    AppendField(one, "from", link.from);
    AppendField(one, "to", link.to);
    AppendField(one, "state", link.state);
    AppendNumber(one, "lag_ms", link.lag_ms);
    AppendNumber(one, "pending", link.pending);
    AppendNumber(one, "clock_offset_ms", link.clock_offset_ms);
    links += one + "}";
  }
  AppendRaw(out, "links", links + "]");
  return Json(200, out + "}");
}

HttpResponse Admin::List(std::string_view query) const {
  table::ConflictFilter filter;
  filter.limit = LimitOf(query, kConflictsPerPage);
  if (const auto name = QueryParameter(query, "table")) {
    const auto table = context_.engine->FindTable(*name);
    if (!table) return Error(NotFound("no table is named " + *name));
    filter.table = table->definition.id;
  }
  if (const auto after = QueryParameter(query, "after")) {
    conflict::Version version;
    if (!conflict::ParseConflictName(*after, version))
      return Error(InvalidArgument("not the name of a conflict: " + *after));
    filter.after = conflict::LedgerKey(version);
  }
  const auto records = context_.engine->Conflicts(filter);
  if (!records.ok()) return Error(records.status());
  std::string out = "{\"conflicts\":[";
  for (const ConflictRecord& record : *records) {
    if (out.back() != '[') out += ',';
    out += ConflictJson(record);
  }
  return Json(200, out + "]}");
}

std::string Admin::ConflictJson(const ConflictRecord& record) const {
  const auto table = context_.engine->FindTableById(record.table);
  std::string out = "{";
  AppendField(out, "name", conflict::ConflictName(record.loser.version));
  AppendField(out, "table",
              record.is_table ? record.key
              : table         ? table->definition.name
                              : "(deleted)");
  AppendField(out, "kind", record.is_table ? "table" : "item");
  AppendField(out, "reason",
              record.reason == conflict::Reason::kConcurrentWrite ? "concurrent write"
              : record.reason == conflict::Reason::kTableDeleted  ? "the table was deleted"
                                                                  : "repaired");
  AppendField(out, "decided", FormatUtcMillis(record.decided_ms));
  AppendRaw(out, "loser", SideJson(record.loser, record.is_table));
  if (record.reason != conflict::Reason::kTableDeleted)
    AppendRaw(out, "winner", SideJson(record.winner, record.is_table));
  return out + "}";
}

HttpResponse Admin::Show(std::string_view name) const {
  conflict::Version loser;
  if (!conflict::ParseConflictName(name, loser))
    return Error(InvalidArgument("not the name of a conflict: " + std::string(name)));
  const auto record = context_.engine->Conflict(loser);
  if (!record.ok()) return Error(record.status());
  return Json(200, ConflictJson(*record));
}

void Admin::Restore(std::string_view name, Executor& executor, http::HttpResponder responder) {
  conflict::Version loser;
  if (!conflict::ParseConflictName(name, loser))
    return responder.Send(
        Error(InvalidArgument("not the name of a conflict: " + std::string(name))));
  auto held = std::make_shared<http::HttpResponder>(std::move(responder));
  context_.engine->RestoreConflict(loser, executor, [held](const everwrite::Status& status) {
    held->Send(status.ok() ? Json(200, "{\"restored\":true}") : Error(status));
  });
}

HttpResponse Admin::Items(std::string_view query) const {
  const size_t limit = LimitOf(query, kItemsPerPage);
  std::string after;
  if (const auto text = QueryParameter(query, "after"); text && !FromHex(*text, after))
    return Error(InvalidArgument("after is not hexadecimal"));
  std::string out;
  size_t count = 0;
  std::string last;
  bool more = false;
  const everwrite::Status status = context_.engine->ScanVersions(
      after, [&](std::string_view key, const table::StoredItem& stored) {
        if (count == limit) {
          more = true;
          return false;
        }
        ++count;
        last = key;
        out += ToHex(key.substr(0, 8)) + ' ' + ToHex(key.substr(8)) + ' ' +
               conflict::ConflictName(stored.version) + ' ' + HexOf(Hash64(stored.image)) +
               (stored.tombstone ? " 1\n" : " 0\n");
        return true;
      });
  if (!status.ok()) return Error(status);
  out += more ? "next " + ToHex(last) + "\n" : "end\n";
  return Text(200, std::move(out));
}

}  // namespace everwrite::server
