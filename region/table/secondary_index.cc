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

// The entry's value: what these attributes are of the item, and its size. Both are sorted by name.
std::string_view Project(const std::vector<std::string>& names, item::ItemView item,
                         int64_t& size) {
  thread_local std::string projected;  // at most an item
  projected.clear();
  size_t bytes = 0;
  auto name = names.begin();
  for (const item::Attribute& attribute : item) {
    int order = -1;
    while (name != names.end() && (order = name->compare(attribute.name)) < 0) ++name;
    if (name == names.end()) break;
    if (order > 0) continue;
    projected.append(attribute.encoded);
    bytes += attribute.name.size() + item::ValueSize(attribute.value);
  }
  size = static_cast<int64_t>(bytes);
  return projected;
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
  thread_local std::string key;  // put together here, so that memory is asked for once
  key = prefix_;
  const auto expiry = expiry_.empty() ? std::nullopt : ExpiryOf(item, expiry_);
  std::optional<IndexEntry> entry;
  if (expiry) {
    PutFixed64(key, *expiry);
    entry.emplace().whole = false;
  } else if (expiry_.empty() && item::AppendCompositeKey(key_, item, key)) {
    entry.emplace().whole = whole_;
    if (!whole_) {
      entry->projected = Project(projected_, item, entry->bytes);
    } else {
      entry->bytes = image_size ? *image_size : static_cast<int64_t>(item::ItemSize(item));
    }
  } else {
    return std::nullopt;
  }
  key.append(KeyOfItemKey(store_key));
  entry->key = key;
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
