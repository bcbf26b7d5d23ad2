#include "chaos/workload_item.h"

#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "region/table/ttl.h"

namespace everwrite::chaos {

std::string EncodeSimItem(const SimItem& item) {
  item::ItemBuilder builder;
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

std::optional<SimItem> DecodeSimItem(std::string_view bytes) {
  const item::ItemView view(bytes);
  const auto id = view.Find("id");
  const auto pk = view.Find("pk");
  if (!id || !pk) return std::nullopt;
  SimItem item;
  item.pk = pk->text();
  item.id = std::stoull(std::string(id->text()));
  item.expiry = table::ExpiryOf(view, kSimExpiry).value_or(0);
  if (const auto key = view.Find("cause_key")) {
    item.cause_key = key->text();
    CHECK(conflict::ParseConflictName(view.Find("cause")->text(), item.cause));
  }
  return item;
}

std::string EncodeSimKey(std::string_view pk) {
  const std::string key = EncodeSimKeyItem(pk);
  return item::EncodeKey(SimTable("").key, item::ItemView(key)).value();
}

table::TableDefinition SimTable(std::string name) {
  table::TableDefinition definition;
  definition.name = std::move(name);
  definition.key.partition = {"pk", item::KeyType::kString};
  return definition;
}

}  // namespace everwrite::chaos
