#include "region/table/secondary_index.h"

#include <algorithm>

#include "base/coding.h"
#include "region/table/layout.h"
#include "region/table/ttl.h"

namespace everwrite::table {
namespace {

std::vector<std::string> ProjectedNames(const TableDefinition& table,
                                        const IndexDefinition& index) {
  std::vector<std::string> names = index.included;
  names.push_back(table.key.partition.name);
  if (table.key.sort) names.push_back(table.key.sort->name);
  for (const auto* attributes : {&index.key.partition, &index.key.sort})
    for (const item::KeyAttribute& attribute : *attributes) names.push_back(attribute.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// Sets the entry's value to what these attributes are of the item, and its size. Both are sorted by
// name.
void Project(const std::vector<std::string>& names, item::ItemView item, IndexEntry& entry) {
  entry.projected.reserve(item.bytes().size());
  size_t bytes = 0;
  auto name = names.begin();
  for (const item::Attribute& attribute : item) {
    int order = -1;
    while (name != names.end() && (order = name->compare(attribute.name)) < 0) ++name;
    if (name == names.end()) break;
    if (order > 0) continue;
    entry.projected.append(attribute.encoded);
    bytes += attribute.name.size() + item::ValueSize(attribute.value);
  }
  entry.bytes = static_cast<int64_t>(bytes);
}

}  // namespace

SecondaryIndex::SecondaryIndex(const TableDefinition& table, const IndexDefinition& index)
    : count(IndexCountKey(table.id, index.id)),
      id_(index.id),
      prefix_(IndexPrefix(table.id, index.id)),
      backfill_key_(BackfillKey(table.id, index.id)),
      key_(index.key),
      expiry_(index.expiry),
      whole_(index.projection == Projection::kAll) {
  if (!whole_ && expiry_.empty()) projected_ = ProjectedNames(table, index);
}

std::optional<IndexEntry> SecondaryIndex::EntryOf(std::string_view store_key,
                                                  std::string_view image,
                                                  std::optional<int64_t> image_size) const {
  const item::ItemView item(image);
  IndexEntry entry;
  entry.key.reserve(prefix_.size() + store_key.size() + 48);
  entry.key = prefix_;
  if (!expiry_.empty()) {
    const auto expiry = ExpiryOf(item, expiry_);
    if (!expiry) return std::nullopt;
    PutFixed64(entry.key, *expiry);
    entry.key.append(KeyOfItemKey(store_key));
    entry.whole = false;
    return entry;
  }
  if (!item::AppendCompositeKey(key_, item, entry.key)) return std::nullopt;
  entry.key.append(KeyOfItemKey(store_key));
  entry.whole = whole_;
  if (!whole_) {
    Project(projected_, item, entry);
  } else {
    entry.bytes = image_size ? *image_size : static_cast<int64_t>(item::ItemSize(item));
  }
  return entry;
}

Status CheckIndexKeys(const TableDefinition& table, item::ItemView item, item::KeyWrite write) {
  for (const bool local : {false, true}) {
    for (const IndexDefinition& index : table.indexes)
      if (index.local == local)
        EW_RETURN_IF_ERROR(item::CheckCompositeKey(index.key, index.name, item, write));
  }
  return OkStatus();
}

}  // namespace everwrite::table
