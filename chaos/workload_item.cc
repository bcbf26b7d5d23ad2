#include "chaos/workload_item.h"

#include <charconv>

#include "base/check.h"
#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "region/table/ttl.h"

namespace everwrite::chaos {

namespace {

using item::ValueType;

constexpr uint64_t kBuckets = 3;
constexpr std::string_view kPartition = "pk";
// Of an item at most, but for the keys in it.
constexpr size_t kSimItemBytes = 160;

item::KeySchema SimKey() {
  item::KeySchema key;
  key.partition = {std::string(kPartition), item::KeyType::kString};
  return key;
}

void Put(std::string& out, std::string_view name, item::ValueType type, std::string_view text) {
  item::PutName(out, name);
  item::PutScalar(out, type, text);
}

void PutBucket(std::string& out, uint64_t id) {
  if (id % 5 == 0) return;
  if (id % 7 == 0) return Put(out, "bucket", ValueType::kNumber, "7");
  Put(out, "bucket", ValueType::kString, "b" + std::to_string(id % kBuckets));
}

}  // namespace

// In the order of the names.
std::string EncodeSimItem(const SimItem& item) {
  std::string out;
  out.reserve(kSimItemBytes + item.pk.size() + item.cause_key.size());
  PutBucket(out, item.id);
  if (!item.cause_key.empty()) {
    Put(out, "cause", ValueType::kString, conflict::ConflictName(item.cause));
    Put(out, "cause_key", ValueType::kBinary, item.cause_key);
  }
  if (item.expiry != 0)  // at first some expire before the clock began
    Put(out, kSimExpiry, ValueType::kNumber, std::to_string(static_cast<int64_t>(item.expiry)));
  Put(out, "id", ValueType::kString, std::to_string(item.id));
  Put(out, kPartition, ValueType::kString, item.pk);
  return out;
}

std::string EncodeSimKeyItem(std::string_view pk) {
  std::string out;
  Put(out, kPartition, ValueType::kString, pk);
  return out;
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

// Of a key without a sort attribute the partition is all.
std::string EncodeSimKey(std::string_view pk) {
  std::string value;
  item::PutScalar(value, ValueType::kString, pk);
  return item::EncodePartition(SimKey(), item::ValueView(value)).value();
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
