#include "region/api/query_page.h"

#include <set>

#include <algorithm>

#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/item/key.h"

namespace everwrite::api {
namespace {

using item::ItemView;

constexpr size_t kPageBytesMax = 1024 * 1024;

}  // namespace

Status PageWriter::Run(const table::TableEngine& engine) {
  EW_RETURN_IF_ERROR(engine.Scan(
      *page_.table, page_.options,
      [&](std::string_view, std::string_view item) { return Visit(engine, ItemView(item)); }));
  return failure_;
}

bool PageWriter::Visit(const table::TableEngine& engine, ItemView item) {
  bytes_ += item::ItemSize(item);
  ++scanned_;
  if (page_.fetch) {
    failure_ = Fetch(engine, item);
    if (!failure_.ok()) return false;
  } else {
    Take(item);
  }
  // The item that reaches the megabyte is still in the page: the service's full pages cost 128.5
  // units.
  more_ = (page_.limit && scanned_ >= *page_.limit) || bytes_ >= kPageBytesMax;
  if (more_) {
    last_key_ = item::KeyAttributesOf(page_.table->definition.key, item,
                                      page_.index ? &page_.index->key : nullptr);
  }
  return !more_;
}

// Each item fetched is a read of its own.
Status PageWriter::Fetch(const table::TableEngine& engine, ItemView projected) {
  const item::KeySchema& schema = page_.table->definition.key;
  EW_ASSIGN_OR_RETURN(const std::string key, item::EncodeKeyOfItem(schema, projected));
  EW_ASSIGN_OR_RETURN(const bool found, engine.Get(*page_.table, key, &fetched_));
  const size_t size = found ? item::ItemSize(ItemView(fetched_)) : 0;
  fetched_half_units_ += ReadHalfUnits(size, page_.consistent);
  if (found) Take(ItemView(fetched_));  // else it was deleted a moment ago
  return {};
}

void PageWriter::Take(ItemView item) {
  if (expressions_.has_filter() && !expressions_.Filter(item)) return;
  ++count_;
  if (page_.count_only) return;
  if (body_.back() != '[') body_ += ',';
  if (expressions_.has_projection()) {
    AppendItemJson(body_, ItemView(expressions_.Project(item)));
  } else {
    AppendItemJson(body_, item);
  }
}

Consumed PageWriter::Cost() const {
  const uint64_t read = ReadHalfUnits(bytes_, page_.consistent);
  if (!page_.index) return TableCost(read);
  Consumed consumed = TableCost(fetched_half_units_);
  (page_.index->local ? consumed.local : consumed.global)[page_.index->name] = read;
  return consumed;
}

std::string PageWriter::Finish() {
  if (!page_.count_only) body_ += ']';
  AppendMember(body_, "Count");
  body_ += std::to_string(count_);
  AppendMember(body_, "ScannedCount");
  body_ += std::to_string(scanned_);
  if (more_) {
    AppendMember(body_, "LastEvaluatedKey");
    AppendItemJson(body_, ItemView(last_key_));
  }
  if (page_.capacity != CapacityReport::kNone) {
    AppendMember(body_, "ConsumedCapacity");
    AppendConsumedCapacity(body_, page_.table->definition.name, Cost(), page_.capacity);
  }
  body_ += '}';
  return std::move(body_);
}

bool IsProjected(const table::TableDefinition& table, const table::IndexDefinition& index,
                 std::string_view name) {
  return index.projection == table::Projection::kAll || index.key.Has(name) ||
         name == table.key.partition.name || (table.key.sort && name == table.key.sort->name) ||
         std::find(index.included.begin(), index.included.end(), name) != index.included.end();
}

std::optional<std::string> EncodeStartKey(const PageRequest& page, ItemView start, Status& status) {
  const item::KeySchema& schema = page.table->definition.key;
  // All key attributes of table and index, and nothing else.
  if (page.index) {
    std::set<std::string_view> names = {schema.partition.name};
    if (schema.sort) names.insert(schema.sort->name);
    for (const auto* keys : {&page.index->key.partition, &page.index->key.sort})
      for (const item::KeyAttribute& key : *keys) names.insert(key.name);
    size_t known = 0;
    for (const item::Attribute& attribute : start) known += names.count(attribute.name);
    if (known != names.size() || known != start.size()) return std::nullopt;
  }
  const std::string table_key =
      page.index ? item::KeyAttributesOf(schema, start) : std::string(start.bytes());
  Result<std::string> key = item::EncodeKey(schema, ItemView(table_key));
  if (!key.ok()) {
    status = key.status();
    return std::nullopt;
  }
  if (!page.index) return *key;
  std::string encoded;
  if (!item::AppendCompositeKey(page.index->key, start, encoded)) return std::nullopt;
  return encoded + *key;
}

}  // namespace everwrite::api
