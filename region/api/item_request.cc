#include "region/api/item_request.h"

#include "region/api/item_json.h"
#include "region/item/key.h"
#include "region/table/secondary_index.h"

namespace everwrite::api {
namespace {

ReturnValues ReturnValuesOf(std::string_view text) {
  return text == "ALL_OLD"       ? ReturnValues::kAllOld
         : text == "UPDATED_OLD" ? ReturnValues::kUpdatedOld
         : text == "ALL_NEW"     ? ReturnValues::kAllNew
         : text == "UPDATED_NEW" ? ReturnValues::kUpdatedNew
                                 : ReturnValues::kNone;
}

}  // namespace

bool ReadItemRequest(const Params& params, Param item, Violations& violations, ItemRequest& out,
                     ApiError& error) {
  std::string_view capacity, return_values, metrics, on_failure;
  if (!params.Text(Param::kReturnConsumedCapacity, capacity, error) ||
      !params.Text(Param::kTableName, out.table_name, error) ||
      !params.Text(Param::kReturnValues, return_values, error) ||
      !params.Text(Param::kReturnItemCollectionMetrics, metrics, error) ||
      !params.Text(Param::kReturnValuesOnConditionCheckFailure, on_failure, error) ||
      !params.Bool(Param::kConsistentRead, out.consistent, error))
    return false;
  violations.OneOf(capacity, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  violations.Required(out.table_name.data(), "tableName");
  if (out.table_name.data()) out.table_name = TableNameOf(out.table_name);
  violations.TableName(out.table_name, "tableName");
  if (item == Param::kItem) violations.Required(params.Has(item), "item");
  if (item == Param::kKey) violations.Required(params.Has(item), "key");
  violations.OneOf(return_values, "returnValues",
                   "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]");
  violations.OneOf(metrics, "returnItemCollectionMetrics", "[SIZE, NONE]");
  violations.OneOf(on_failure, "returnValuesOnConditionCheckFailure", "[ALL_OLD, NONE]");
  out.capacity = CapacityReportOf(capacity);
  out.return_values = ReturnValuesOf(return_values);
  out.item_on_failure = on_failure == "ALL_OLD";
  out.collection_metrics = metrics == "SIZE";
  return true;
}

bool ReadItemParam(const Params& params, Param param, std::string& out, ApiError& error) {
  const simdjson::dom::element json = params.At(param);
  simdjson::dom::object object;
  return ReadObject(json, kAttributeMap, object, error) && ReadItemJson(json, out, error);
}

bool FindTableOf(const Call& call, std::string_view name, table::TablePtr& table, ApiError& error) {
  table = call.engine().FindTable(name);
  if (table) return true;
  return Fail(error, ErrorType::kResourceNotFound, "Requested resource not found");
}

Result<std::string> EncodeKeyOfPut(const table::Table& table, item::ItemView item) {
  const table::TableDefinition& definition = table.definition;
  EW_ASSIGN_OR_RETURN(std::string key, item::EncodeKeyOfItem(definition.key, item));
  EW_RETURN_IF_ERROR(table::CheckIndexKeys(definition, item, item::KeyWrite::kPut));
  return key;
}

Status CheckUpdated(const table::Table& table, item::ItemView item) {
  return table::CheckIndexKeys(table.definition, item, item::KeyWrite::kUpdate);
}

bool AppendItemCollection(std::string& out, const table::TableEngine& engine,
                          const table::Table& table, item::ItemView item) {
  const table::TableDefinition& definition = table.definition;
  // A collection is at most all that the table and its local indexes hold. Closer would mean to
  // read it: the range is an estimate by its name.
  constexpr int64_t kGigabyte = 1 << 30;
  int64_t bytes = engine.CountOf(table).bytes;
  bool any = false;
  for (const table::IndexDefinition& index : definition.indexes) {
    if (!index.local) continue;
    any = true;
    bytes += engine.StatusOf(table, index.id).count.bytes;
  }
  if (!any) return false;
  item::ItemBuilder key;
  key.Add(definition.key.partition.name, *item.Find(definition.key.partition.name));
  out += "{\"ItemCollectionKey\":";
  AppendItemJson(out, item::ItemView(key.Finish()));
  out.append(",\"SizeEstimateRangeGB\":[0.0,").append(std::to_string(bytes / kGigabyte + 1));
  out += ".0]}";
  return true;
}

void AppendMember(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(name).append("\":");
}

}  // namespace everwrite::api
