#include "region/server/admin.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/coding.h"
#include "base/log.h"
#include "region/api/item_json.h"
#include "region/item/item.h"
#include "region/metrics/metrics_exporter.h"
#include "region/server/admin_json.h"
#include "region/server/log_alarm.h"
#include "region/server/where_page.h"

namespace everwrite::server {
namespace {

using conflict::ConflictRecord;
using conflict::ConflictSide;
using http::HttpResponse;

constexpr size_t kItemsPerPage = 20000;
constexpr size_t kConflictsPerPage = 1000;
constexpr size_t kDigestsPerPage = 20000;

std::string VectorJson(const conflict::Vector& vector) {
  std::string out = "{";
  for (const Dot& dot : vector.entries()) AppendNumber(out, HexOf(dot.log.value), dot.number);
  return out + "}";
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

namespace {

std::string_view StageName(streams::Stage stage) {
  switch (stage) {
    case streams::Stage::kServing: return "serving";
    case streams::Stage::kNew: return "new";
    case streams::Stage::kFilling: return "filling";
    case streams::Stage::kCompleting: return "completing";
  }
  return "?";
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
  if (request.method == "POST" && path == "/test/damage" && context_.test_hooks)
    return Damage(query, *request.executor, std::move(responder));
  if (request.method == "POST" && path == "/test/clock" && context_.test_hooks)
    return responder.Send(SetClock(query));
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
  if (path == "/digests") return responder.Send(Digests(query));
  if (path == "/convergence") return responder.Send(Convergence());
  if (path == "/where") return responder.Send(WherePage(context_).Answer(query));
  responder.Send(Text(404, "no such page\n"));
}

HttpResponse Admin::Ready() const {
  if (const everwrite::Status health = context_.engine->committer().health(); !health.ok())
    return Text(503, "the region has stopped writing: " + health.message() + "\n");
  if (const everwrite::Status serving = context_.engine->Serving(); !serving.ok()) {
    const std::string waits = context_.link->Fill().waits;
    return Text(503, serving.message() + (waits.empty() ? "" : " It waits " + waits + ".") + "\n");
  }
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
  AppendRaw(out, "ready", health.ok() && context_.engine->Serving().ok() ? "true" : "false");
  AppendField(out, "stage", StageName(state.stage));
  if (state.stage != streams::Stage::kServing) AppendRaw(out, "filling", FillJson());
  std::string tables = "[";
  for (const auto& [id, fill] : context_.engine->fills().All()) {
    const auto table = context_.engine->FindTableById(id);
    if (!table) continue;
    if (tables.size() > 1) tables += ',';
    std::string one = "{";
    AppendField(one, "table", table->definition.name);
    AppendRaw(one, "serves", fill.serves ? "true" : "false");
    AppendNumber(one, "items", fill.progress.live_rows);
    AppendNumber(one, "items_expected", fill.progress.total_rows);
    tables += one + "}";
  }
  if (tables.size() > 1) AppendRaw(out, "filling_tables", tables + "]");
  if (!health.ok()) AppendField(out, "error", health.message());
  AppendField(out, "endpoint", context_.endpoint);
  AppendField(out, "admin", context_.admin);
  AppendNumber(out, "pid", getpid());
  AppendRaw(out, "applied", VectorJson(state.applied));
  AppendRaw(out, "durable", VectorJson(state.durable));
  AppendRaw(out, "change_log", LogJson());
  AppendNumber(out, "conflicts", context_.engine->ConflictCount());
  const convergence::GuardReport convergence = context_.guard->report();
  const auto ledger = context_.engine->LedgerSize();
  const uint64_t ledger_max = context_.engine->ledger_retention().bounds().bytes_max;
  AppendNumber(out, "ledger_entries", ledger.items);
  AppendNumber(out, "ledger_bytes", ledger.bytes);
  AppendRaw(out, "ledger_nearly_full",
            static_cast<uint64_t>(ledger.bytes) > ledger_max / 10 * 9 ? "true" : "false");
  AppendNumber(out, "diverged_buckets", convergence.open);
  AppendNumber(out, "repaired_rows", convergence.repaired_rows);
  AppendNumber(out, "clock_ms", state.physical_ms);
  AppendNumber(out, "clock_correction_ms", state.clock_correction_ms);
  AppendNumber(out, "stamps_ahead_ms",
               std::max<int64_t>(0, static_cast<int64_t>(state.clock.milliseconds()) -
                                        static_cast<int64_t>(state.physical_ms)));
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
    AppendNumber(one, "lag_p50_ms", link.lag_p50_ms);
    AppendNumber(one, "lag_p99_ms", link.lag_p99_ms);
    AppendNumber(one, "lag_max_ms", link.lag_max_ms);
    AppendNumber(one, "pending_bytes", link.pending_bytes);
    AppendNumber(one, "oldest_ms", link.oldest_ms);
    AppendNumber(one, "held_ahead_ms", link.held_ahead_ms);
    AppendNumber(one, "sent_bytes", link.sent_bytes);
    AppendNumber(one, "clock_offset_ms", link.clock_offset_ms);
    links += one + "}";
  }
  AppendRaw(out, "links", links + "]");
  return Json(200, out + "}");
}

std::string Admin::LogJson() const {
  const table::LogReport report = context_.engine->log_report();
  std::string out = "{";
  AppendNumber(out, "bytes", report.bytes);
  AppendNumber(out, "bytes_max", report.bytes_max);
  AppendNumber(out, "percent", LogPercent(report));
  std::string held = "{";
  for (const auto& holder : report.held_for)
    if (holder.changes > 0)
      AppendNumber(held, context_.topology->NameOf(holder.region), holder.changes);
  AppendRaw(out, "held_for", held + "}");
  std::string cut = "{";
  for (const auto& one : report.cut_loose)
    AppendField(cut, context_.topology->NameOf(one.region), FormatUtcMillis(one.at_ms));
  AppendRaw(out, "cut_loose", cut + "}");
  return out + "}";
}

std::string Admin::FillJson() const {
  const table::Filling& filling = context_.engine->filling();
  const streams::FillProgress progress = filling.Progress();
  const table::Filling::Estimate estimate = filling.Guess();
  const LocalLink::FillStatus link = context_.link->Fill();
  std::string out = "{";
  AppendField(out, "source", link.source);
  AppendField(out, "waits", link.waits);
  AppendNumber(out, "percent", estimate.percent);
  AppendNumber(out, "seconds_left", estimate.seconds_left);
  AppendNumber(out, "items", progress.live_rows);
  AppendNumber(out, "items_expected", progress.total_rows);
  AppendNumber(out, "rows", progress.rows);
  AppendNumber(out, "bytes", progress.bytes);
  AppendNumber(out, "begun_ms", progress.begun_ms);
  return out + "}";
}

HttpResponse Admin::List(std::string_view query) const {
  table::ConflictFilter filter;
  filter.limit = LimitOf(query, kConflictsPerPage);
  if (const auto name = QueryParameter(query, "table")) {
    const auto table = context_.engine->FindTable(*name);
    if (!table) return Error(NotFound("no table is named " + *name));
    filter.table = table->definition.id;
  }
  if (const auto key = QueryParameter(query, "key")) {
    const auto table = filter.table ? context_.engine->FindTableById(*filter.table) : nullptr;
    if (!table) return Error(InvalidArgument("a key is looked for in a table: name it"));
    auto encoded = KeyParameter(*table, *key);
    if (!encoded.ok()) return Error(encoded.status());
    filter.key = std::move(encoded).value();
  }
  if (const auto region = QueryParameter(query, "loser_of")) {
    uint16_t id = 0;
    std::from_chars(region->data(), region->data() + region->size(), id);
    for (const auto& [name, known] : context_.regions)
      if (name == *region) id = known.value;
    if (id == 0) return Error(NotFound("no region is named " + *region));
    filter.loser_of = RegionId{id};
  }
  const auto number = [&](std::string_view name, uint64_t& value) {
    if (const auto text = QueryParameter(query, name))
      std::from_chars(text->data(), text->data() + text->size(), value);
  };
  number("from_ms", filter.from_ms);
  number("until_ms", filter.until_ms);
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
  AppendField(out, "reason", conflict::ReasonName(record.reason));
  if (table && !record.is_table && !record.loser.image.empty()) {
    std::string key;
    api::AppendItemJson(key, item::ItemView(item::KeyAttributesOf(
                                 table->definition.key, item::ItemView(record.loser.image))));
    AppendRaw(out, "key", key);
  }
  AppendField(out, "decided", FormatUtcMillis(record.decided_ms));
  AppendRaw(out, "loser", SideJson(record.loser, record.is_table));
  if (conflict::NamesWinner(record.reason))
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
        // What this region has for itself is compared with nobody's.
        const auto table = context_.engine->FindTableById(table::TableOfItemKey(key));
        if (table && table->definition.apart.value != 0) return true;
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

HttpResponse Admin::Digests(std::string_view query) const {
  TableId table;
  uint32_t bucket = 0;
  if (const auto after = QueryParameter(query, "after")) {
    const size_t dot = after->find('.');
    const char* const text = after->data();
    const char* const end = text + after->size();
    if (dot == std::string::npos ||
        std::from_chars(text, text + dot, table.value, 16).ptr != text + dot ||
        std::from_chars(text + dot + 1, end, bucket).ptr != end)
      return Error(InvalidArgument("after is not TABLE.BUCKET"));
    ++bucket;
  }
  const auto entries = context_.engine->digests().List(table, bucket, kDigestsPerPage);
  // Digests are a turn ahead of the rows: who is told that they are equal must find them so.
  const conflict::Vector applied = context_.engine->committer().CommittedState().applied;
  std::string out, touched;
  for (const auto& entry : entries) {
    touched.clear();
    entry.digest.touched.EncodeTo(touched);
    const bool readable = applied.Covers(entry.digest.touched);
    out += HexOf(entry.table.value) + ' ' + std::to_string(entry.bucket) + ' ' +
           HexOf(entry.digest.sum) + ' ' + (readable ? ToHex(touched) : "moving") + '\n';
  }
  if (entries.size() == kDigestsPerPage) {
    out += "next " + HexOf(entries.back().table.value) + '.' +
           std::to_string(entries.back().bucket) + '\n';
  } else {
    int64_t items = 0;
    for (const std::string& name : context_.engine->ListTables("", SIZE_MAX))
      if (const auto known = context_.engine->FindTable(name))
        items += context_.engine->CountOf(*known).items;
    for (const auto& [id, fills] : context_.engine->NotWhole())
      out += (fills ? "filling " : "elsewhere ") + HexOf(id.value) + '\n';
    out += "end " + std::to_string(items) + '\n';
  }
  return Text(200, std::move(out));
}

HttpResponse Admin::Convergence() const {
  const convergence::GuardReport report = context_.guard->report();
  std::string out = "{";
  AppendNumber(out, "open", report.open);
  AppendNumber(out, "found", report.found);
  AppendNumber(out, "repaired_rows", report.repaired_rows);
  AppendNumber(out, "compared_equal", report.compared_equal);
  AppendNumber(out, "compared_moving", report.compared_moving);
  AppendNumber(out, "scrubbed_rows", report.scrubbed_rows);
  AppendNumber(out, "scrub_passes", report.scrub_passes);
  std::string tables = "[", findings = "[";
  for (const std::string& name : context_.engine->ListTables("", SIZE_MAX)) {
    const auto table = context_.engine->FindTable(name);
    if (!table) continue;
    if (tables.size() > 1) tables += ',';
    std::string one = "{";
    AppendField(one, "id", HexOf(table->definition.id.value));
    AppendField(one, "name", name);
    tables += one + "}";
  }
  for (const convergence::Finding& finding : report.findings) {
    if (findings.size() > 1) findings += ',';
    const auto table = context_.engine->FindTableById(finding.table);
    std::string one = "{";
    AppendField(one, "table_id", HexOf(finding.table.value));
    AppendField(one, "table", table ? table->definition.name : "");
    AppendNumber(one, "bucket", finding.bucket);
    AppendRaw(one, "open", finding.ended_ms == 0 ? "true" : "false");
    AppendField(one, "what",
                finding.damaged_here ? "rows do not add up to their digest"
                                     : "rows differ from those of region id " +
                                           std::to_string(finding.differs_from.value));
    AppendField(one, "found", FormatUtcMillis(finding.found_ms));
    if (finding.ended_ms != 0) AppendField(one, "ended", FormatUtcMillis(finding.ended_ms));
    AppendNumber(one, "repaired", finding.repaired);
    std::string keys = "[";
    for (const std::string& key : finding.keys) {
      if (keys.size() > 1) keys += ',';
      AppendJsonString(keys, ToHex(key));
    }
    AppendRaw(one, "keys", keys + "]");
    findings += one + "}";
  }
  AppendRaw(out, "tables", tables + "]");
  AppendRaw(out, "findings", findings + "]");
  return Json(200, out + "}");
}

namespace {

// Changes a bit of a row's content behind everybody's back.
class DamageUnit : public table::CommitUnit {
 public:
  DamageUnit(std::string store_key, std::string value, Executor& executor,
             std::function<void(const everwrite::Status&)> done)
      : store_key_(std::move(store_key)),
        value_(std::move(value)),
        executor_(executor),
        done_(std::move(done)) {}
  everwrite::Status AddTo(table::CommitTurn& turn) override {
    turn.batch().Put(ColumnFamily::kItems, store_key_, value_);
    return {};
  }
  void Finished(const everwrite::Status& status, table::Completions&) override {
    executor_.Post([done = std::move(done_), status] { done(status); });
  }

 private:
  const std::string store_key_, value_;
  Executor& executor_;
  std::function<void(const everwrite::Status&)> done_;
};

}  // namespace

HttpResponse Admin::SetClock(std::string_view query) const {
  constexpr int64_t kMost = 24LL * 3600 * 1000;
  SystemClock::Fault fault;
  const auto read = [query](const char* name, int64_t& millis) {
    const std::string text = QueryParameter(query, name).value_or("0");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), millis);
    return error == std::errc() && end == text.data() + text.size() && std::abs(millis) <= kMost;
  };
  if (!read("offset_ms", fault.offset_ms) || !read("grain_ms", fault.grain_ms) ||
      fault.grain_ms < 0)
    return Error(
        InvalidArgument("offset_ms and grain_ms are numbers of milliseconds, at most 24 hours"));
  fault.frozen = QueryParameter(query, "frozen") == "1";
  context_.set_clock(fault);
  return Json(200, "{\"offset_ms\":" + std::to_string(fault.offset_ms) +
                       ",\"grain_ms\":" + std::to_string(fault.grain_ms) +
                       ",\"frozen\":" + (fault.frozen ? "true" : "false") + "}");
}

void Admin::Damage(std::string_view query, Executor& executor, http::HttpResponder responder) {
  const auto table = context_.engine->FindTable(QueryParameter(query, "table").value_or(""));
  if (!table) return responder.Send(Error(NotFound("no such table")));
  std::string store_key, value;
  (void)context_.engine->ScanVersions(
      table::ItemKey(table->definition.id, ""),
      [&](std::string_view key, const table::StoredItem& row) {
        if (table::TableOfItemKey(key) != table->definition.id) return false;
        if (row.tombstone) return true;
        // A bit that leaves an item: damage that nothing but a comparison sees.
        for (size_t i = row.image.size(); i-- > 0;) {
          std::string image(row.image);
          image[i] = static_cast<char>(image[i] ^ 1);
          if (!item::IsWellFormedItem(image)) continue;
          store_key = key;
          table::EncodeStoredItem({row.version, false, image}, value);
          return false;
        }
        return true;
      });
  if (store_key.empty()) return responder.Send(Error(NotFound("the table has no item")));
  auto held = std::make_shared<http::HttpResponder>(std::move(responder));
  const std::string key = ToHex(table::KeyOfItemKey(store_key));
  context_.engine->committer().Submit(std::make_unique<DamageUnit>(
      store_key, value, executor, [held, key](const everwrite::Status& status) {
        held->Send(status.ok() ? Json(200, "{\"damaged\":\"" + key + "\"}") : Error(status));
      }));
}

}  // namespace everwrite::server
