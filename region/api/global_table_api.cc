#include "region/api/global_table_api.h"

#include <map>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/request_json.h"
#include "region/api/table_replicas.h"
#include "region/api/table_schema.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;

ApiError OldVersion() {
  return {ErrorType::kValidation,
          Invalid("DynamoDB global tables version 2017.11.29 is not supported. We recommend using "
                  "DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 "
                  "(Legacy)."),
          ""};
}

ApiError NoGlobalTable(std::string_view name) {
  return {
      ErrorType::kGlobalTableNotFound,
      "Global table not found: Global table with name: '" + std::string(name) + "' does not exist.",
      ""};
}

bool ReadGlobalName(const Params& params, std::string_view& name, Violations& violations,
                    ApiError& error) {
  if (!params.Text(Param::kGlobalTableName, name, error)) return false;
  violations.Required(name.data(), "globalTableName");
  violations.TableName(name, "globalTableName");
  return true;
}

// The answer to all that asks for one of the old version.
void FindNone(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadGlobalName(params, name, violations, error) || !violations.Ok(error))
    return call.Fail(error);
  call.Fail(NoGlobalTable(name));
}

// Of a table that has replicas; else false with the error.
bool FindGlobalTable(const Params& params, const Call& call, table::TablePtr& table,
                     ApiError& error) {
  std::string_view name;
  Violations violations;
  if (!params.Text(Param::kTableName, name, error)) return false;
  violations.Required(name.data(), "tableName");
  if (name.data()) name = TableNameOf(name);
  violations.TableName(name, "tableName");
  if (!violations.Ok(error)) return false;
  table = call.engine().FindDescribed(name);
  if (table && !OtherReplicas(call.context(), table->definition).empty()) return true;
  return Fail(error, ErrorType::kResourceNotFound,
              "Global table with name: " + std::string(name) + " does not exist.");
}

void AppendDisabled(std::string& out, std::string_view which) {
  out.append(",\"ReplicaProvisioned").append(which);
  out += "CapacityAutoScalingSettings\":{\"AutoScalingDisabled\":true,\"ScalingPolicies\":[]}";
}

void ReplyWithAutoScaling(const table::Table& table, Call call) {
  const ApiContext& context = call.context();
  const bool whole = !call.engine().FilledPercent(table);
  std::map<std::string, std::string_view> replicas;  // by name, this region too
  replicas[context.region] = whole ? "ACTIVE" : "CREATING";
  for (const auto& [id, replica] : OtherReplicas(context, table.definition))
    if (const auto at = context.region_names.find(id); at != context.region_names.end())
      replicas[at->second] = ReplicaStatusName(replica.state);
  std::string body = "{\"TableAutoScalingDescription\":{\"TableName\":";
  AppendJsonString(body, table.definition.name);
  body.append(",\"TableStatus\":\"").append(whole ? "ACTIVE" : "CREATING");
  body += "\",\"Replicas\":[";
  for (const auto& [name, status] : replicas) {
    if (body.back() != '[') body += ',';
    body += "{\"RegionName\":";
    AppendJsonString(body, name);
    body += ",\"GlobalSecondaryIndexes\":[]";
    AppendDisabled(body, "Read");
    AppendDisabled(body, "Write");
    body.append(",\"ReplicaStatus\":\"").append(status).append("\"}");
  }
  body += "]}}";
  call.Reply(std::move(body));
}

// Whether anything in it asks for scaling: all but AutoScalingDisabled: true does.
bool AsksForScaling(dom::element element) {
  dom::object object;
  dom::array array;
  if (element.get_array().get(array) == simdjson::SUCCESS) {
    for (const dom::element member : array)
      if (AsksForScaling(member)) return true;
    return false;
  }
  if (element.get_object().get(object) != simdjson::SUCCESS) return false;
  for (const dom::key_value_pair pair : object) {
    if (pair.key == "MinimumUnits" || pair.key == "MaximumUnits" ||
        pair.key == "ScalingPolicyUpdate")
      return true;
    bool disabled = false;
    if (pair.key == "AutoScalingDisabled" &&
        pair.value.get_bool().get(disabled) == simdjson::SUCCESS && !disabled)
      return true;
    if (AsksForScaling(pair.value)) return true;
  }
  return false;
}

}  // namespace

void CreateGlobalTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  std::optional<dom::array> group;
  if (!ReadGlobalName(params, name, violations, error) ||
      !params.Array(Param::kReplicationGroup, group, error))
    return call.Fail(error);
  violations.Required(group.has_value(), "replicationGroup");
  if (!violations.Ok(error)) return call.Fail(error);
  call.Fail(OldVersion());
}

void UpdateGlobalTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  std::optional<dom::array> updates;
  if (!ReadGlobalName(params, name, violations, error) ||
      !params.Array(Param::kReplicaUpdates, updates, error))
    return call.Fail(error);
  violations.Required(updates.has_value(), "replicaUpdates");
  if (!violations.Ok(error)) return call.Fail(error);
  // That one is to be made is told of before that there is none.
  for (const dom::element element : *updates) {
    dom::object object;
    if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.ReplicaUpdate", object, error))
      return call.Fail(error);
    if (Params(object).Has(Param::kCreate)) return call.Fail(OldVersion());
  }
  call.Fail(NoGlobalTable(name));
}

void DescribeGlobalTable(const Params& params, Call call) { FindNone(params, std::move(call)); }
void DescribeGlobalTableSettings(const Params& params, Call call) {
  FindNone(params, std::move(call));
}
void UpdateGlobalTableSettings(const Params& params, Call call) {
  FindNone(params, std::move(call));
}

void ListGlobalTables(const Params& params, Call call) {
  ApiError error;
  std::optional<int64_t> limit;
  Violations violations;
  if (!params.Integer(Param::kLimit, limit, error)) return call.Fail(error);
  violations.AtLeast(limit, "limit", 1);
  if (!violations.Ok(error)) return call.Fail(error);
  call.Reply("{\"GlobalTables\":[]}");
}

void DescribeTableReplicaAutoScaling(const Params& params, Call call) {
  ApiError error;
  table::TablePtr table;
  if (!FindGlobalTable(params, call, table, error)) return call.Fail(error);
  ReplyWithAutoScaling(*table, std::move(call));
}

void UpdateTableReplicaAutoScaling(const Params& params, Call call) {
  ApiError error;
  table::TablePtr table;
  if (!FindGlobalTable(params, call, table, error)) return call.Fail(error);
  for (const Param param : {Param::kProvisionedWriteCapacityAutoScalingUpdate,
                            Param::kGlobalSecondaryIndexUpdates, Param::kReplicaUpdates})
    if (params.Has(param) && AsksForScaling(params.At(param)))
      return call.Fail(InvalidArgument(
          Invalid("Auto scaling is not supported: Everwrite does not enforce throughput, so there "
                  "is nothing to scale")));
  ReplyWithAutoScaling(*table, std::move(call));
}

}  // namespace everwrite::api
