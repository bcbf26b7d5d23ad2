#include "chaos/workload_item.h"

#include <charconv>

#include "base/check.h"
#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "region/table/ttl.h"

namespace everwrite::chaos {

namespace {

constexpr uint64_t kBuckets = 3;

item::KeySchema SimKey() {
  item::KeySchema key;
  key.partition = {"pk", item::KeyType::kString};
  return key;
}

void AddBucket(item::ItemBuilder& builder, uint64_t id) {
  if (id % 5 == 0) return;
  if (id % 7 == 0) return builder.AddInteger("bucket", 7);
  builder.AddString("bucket", "b" + std::to_string(id % kBuckets));
}

}  // namespace

std::string EncodeSimItem(const SimItem& item) {
  item::ItemBuilder builder;
  AddBucket(builder, item.id);
  if (!item.cause_key.empty()) {
    builder.AddString("cause", conflict::ConflictName(item.cause));
    builder.AddBinary("cause_key", item.cause_key);
  }
  if (item.expiry != 0) builder.AddInteger(kSimExpiry, static_cast<int64_t>(item.expiry));
  builder.AddString("id", std::to_string(item.id));
  builder.AddString("pk", item.pk);
  return builder.Finish();
}

std::string EncodeSimKeyItem(std::string_view pk) {
  item::ItemBuilder builder;
  builder.AddString("pk", pk);
  return builder.Finish();
}

std::optional<uint64_t> SimIdOf(std::string_view bytes) {
  const item::ItemView view(bytes);
  const auto text = view.Find("id");
  if (!text || !view.Find("pk")) return std::nullopt;
  uint64_t id = 0;
  const std::string_view digits = text->text();
  CHECK(std::from_chars(digits.data(), digits.data() + digits.size(), id).ec == std::errc());
  return id;
}

std::optional<SimItem> DecodeSimItem(std::string_view bytes) {
  const auto id = SimIdOf(bytes);
  if (!id) return std::nullopt;
  const item::ItemView view(bytes);
  SimItem item;
  item.pk = view.Find("pk")->text();
  item.id = *id;
  item.expiry = table::ExpiryOf(view, kSimExpiry).value_or(0);
  if (const auto key = view.Find("cause_key")) {
    item.cause_key = key->text();
    CHECK(conflict::ParseConflictName(view.Find("cause")->text(), item.cause));
  }
  return item;
}

std::string EncodeSimKey(std::string_view pk) {
  const std::string key = EncodeSimKeyItem(pk);
  return item::EncodeKey(SimKey(), item::ItemView(key)).value();
}

table::TableDefinition SimTable(std::string name, bool streamed) {
  table::TableDefinition definition;
  definition.name = std::move(name);
  definition.key = SimKey();
  if (streamed) {
    definition.stream = table::StreamView::kNewAndOldImages;
    definition.stream_enabled_ms = kSimStreamMs;
  }
  table::IndexDefinition& local = definition.indexes.emplace_back();
  local.name = "by-id";
  local.local = true;
  local.key.partition = {definition.key.partition};
  local.key.sort = {{"id", item::KeyType::kString}};
  local.projection = table::Projection::kKeysOnly;
  table::IndexDefinition& global = definition.indexes.emplace_back();
  global.name = "by-bucket";
  global.key.partition = {{"bucket", item::KeyType::kString}};
  global.key.sort = {{"cause", item::KeyType::kString}};
  return definition;
}

table::IndexDefinition SimIndexThatComesAndGoes() {
  table::IndexDefinition index;
  index.name = "comes-and-goes";
  index.key.partition = {{"bucket", item::KeyType::kString}, {"pk", item::KeyType::kString}};
  index.projection = table::Projection::kInclude;
  index.included = {"id"};
  return index;
}

}  // namespace everwrite::chaos
