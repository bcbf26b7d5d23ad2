#include "region/api/item_request.h"

#include "region/api/item_json.h"

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
  violations.Name(out.table_name, "tableName");
  if (item == Param::kItem) violations.Required(params.Has(item), "item");
  if (item == Param::kKey) violations.Required(params.Has(item), "key");
  violations.OneOf(return_values, "returnValues",
                   "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]");
  violations.OneOf(metrics, "returnItemCollectionMetrics", "[SIZE, NONE]");
  violations.OneOf(on_failure, "returnValuesOnConditionCheckFailure", "[ALL_OLD, NONE]");
  out.capacity = CapacityReportOf(capacity);
  out.return_values = ReturnValuesOf(return_values);
  out.item_on_failure = on_failure == "ALL_OLD";
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

void AppendMember(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(name).append("\":");
}

}  // namespace everwrite::api
