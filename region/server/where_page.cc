#include "region/server/where_page.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "conflict/conflict_record.h"
#include "region/api/item_json.h"
#include "region/item/item.h"
#include "region/server/admin_json.h"
#include "region/session/session_gate.h"
#include "region/table/conflict_ledger.h"
#include "region/table/layout.h"
#include "region/table/row_change.h"

namespace everwrite::server {

using conflict::Version;
using http::HttpResponse;
using table::WriteFate;

namespace {

constexpr size_t kLosersMax = 20;

uint64_t MissingOf(const conflict::Vector& wanted, const conflict::Vector& applied) {
  uint64_t missing = 0;
  for (const Dot& dot : wanted.entries())
    if (dot.number > applied.At(dot.log)) missing += dot.number - applied.At(dot.log);
  return missing;
}

conflict::Vector UpTo(Dot dot) {
  conflict::Vector vector;
  vector.Set(dot.log, dot.number);
  return vector;
}

}  // namespace

HttpResponse WherePage::Answer(std::string_view query) const {
  if (const auto token = QueryParameter(query, "session")) return OfSession(*token);
  if (const auto receipt = QueryParameter(query, "write")) {
    Version write;
    if (!conflict::ParseConflictName(*receipt, write))
      return Error(InvalidArgument("not a write's receipt (x-everwrite-receipt): " + *receipt));
    return OfWrite(write);
  }
  const auto table = QueryParameter(query, "table");
  const auto key = QueryParameter(query, "key");
  if (table && key) return OfKey(*table, *key);
  return Error(InvalidArgument("say what of: session=, write=, or table= and key="));
}

std::string WherePage::NameOf(RegionId region) const {
  for (const auto& [name, id] : context_.regions)
    if (id == region) return name;
  return std::to_string(region.value);
}

std::string WherePage::Regions(const conflict::Vector& wanted) const {
  std::string out = "[";
  const auto add = [&](RegionId region, const conflict::Vector& applied, int64_t heard_ms) {
    const uint64_t missing = MissingOf(wanted, applied);
    std::string one = "{";
    AppendField(one, "region", NameOf(region));
    AppendField(one, "state", missing == 0 ? "applied" : heard_ms < 0 ? "unknown" : "pending");
    AppendNumber(one, "missing", missing);
    AppendNumber(one, "heard_ms", heard_ms);
    out += (out.size() > 1 ? "," : "") + one + "}";
  };
  const auto state = context_.engine->State();
  add(state.region, state.applied, 0);
  const auto peers = context_.link->Peers();
  for (const auto& [name, id] : context_.regions) {
    if (id == state.region) continue;
    const auto at = std::find_if(peers.begin(), peers.end(),
                                 [id = id](const auto& peer) { return peer.region == id; });
    if (at == peers.end()) {
      add(id, {}, -1);
    } else {
      add(id, at->applied, at->heard_ms);
    }
  }
  return out + "]";
}

std::string WherePage::VersionJson(const Version& version, bool deletes) const {
  std::string out = "{";
  AppendField(out, "write", conflict::ConflictName(version));
  AppendField(out, "region", NameOf(version.dot.log.region()));
  AppendField(out, "time", FormatUtcMillis(version.stamp.milliseconds()));
  AppendRaw(out, "deletes", deletes ? "true" : "false");
  return out + "}";
}

std::string WherePage::WriteJson(const Version& write, const WriteFate& fate) const {
  std::string out = "{";
  AppendField(out, "write", conflict::ConflictName(write));
  AppendField(out, "region", NameOf(write.dot.log.region()));
  AppendField(out, "time", FormatUtcMillis(write.stamp.milliseconds()));
  AppendField(out, "fate", table::FateName(fate.state));
  if (!fate.key.empty()) {
    const auto table = context_.engine->FindTableById(fate.table);
    AppendField(out, "table",
                fate.is_table ? fate.key
                : table       ? table->definition.name
                              : "(deleted)");
    if (table && !fate.is_table && !fate.image.empty()) {
      std::string key;
      api::AppendItemJson(key, item::ItemView(item::KeyAttributesOf(table->definition.key,
                                                                    item::ItemView(fate.image))));
      AppendRaw(out, "key", key);
    }
    AppendRaw(out, "deletes", fate.deletes ? "true" : "false");
  }
  if (fate.by) AppendRaw(out, "by", VersionJson(*fate.by, fate.by_deletes));
  if (fate.state == WriteFate::State::kLost)
    AppendField(out, "conflict", conflict::ConflictName(write));
  return out + "}";
}

HttpResponse WherePage::OfSession(std::string_view token) const {
  const auto vector = context_.sessions->Parse(token);
  if (!vector.ok()) return Error(vector.status());
  std::string out = "{";
  AppendField(out, "asked", context_.region_name);
  AppendRaw(out, "regions", Regions(*vector));
  return Json(200, out + "}");
}

HttpResponse WherePage::OfWrite(const Version& write) const {
  const auto fate =
      table::FindFate(context_.engine->store(), context_.engine->State().applied, write);
  if (!fate.ok()) return Error(fate.status());
  std::string out = "{";
  AppendField(out, "asked", context_.region_name);
  AppendRaw(out, "write", WriteJson(write, *fate));
  AppendRaw(out, "regions", Regions(UpTo(write.dot)));
  return Json(200, out + "}");
}

HttpResponse WherePage::OfKey(std::string_view name, std::string_view key_hex) const {
  const auto table = context_.engine->FindTable(name);
  if (!table) return Error(NotFound("no table is named " + std::string(name)));
  const auto key = KeyParameter(*table, key_hex);
  if (!key.ok()) return Error(key.status());
  std::string buffer;
  const auto stored = table::ReadStored(context_.engine->store(),
                                        table::ItemKey(table->definition.id, *key), &buffer);
  if (!stored.ok()) return Error(stored.status());
  table::ConflictFilter filter;
  filter.table = table->definition.id;
  filter.key = *key;
  filter.limit = kLosersMax;
  const auto losers = context_.engine->Conflicts(filter);
  if (!losers.ok()) return Error(losers.status());

  std::string out = "{";
  AppendField(out, "asked", context_.region_name);
  if (*stored) {
    AppendRaw(out, "stands", VersionJson((*stored)->version, (*stored)->tombstone));
    AppendRaw(out, "regions", Regions(UpTo((*stored)->version.dot)));
  }
  std::string lost = "[";
  for (const conflict::ConflictRecord& record : *losers) {
    std::string one = VersionJson(record.loser.version, record.loser.tombstone);
    one.pop_back();
    AppendRaw(one, "to", VersionJson(record.winner.version, record.winner.tombstone));
    lost += (lost.size() > 1 ? "," : "") + one + "}";
  }
  AppendRaw(out, "lost", lost + "]");
  return Json(200, out + "}");
}

}  // namespace everwrite::server
