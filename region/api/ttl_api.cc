#include "region/api/ttl_api.h"

#include <memory>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/request_json.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::TableDefinition;
using table::TablePtr;

constexpr size_t kAttributeNameMax = 255;

// The table's name, with what is wrong with it among the violations.
bool ReadName(const Params& params, Violations& violations, std::string_view& name,
              ApiError& error) {
  if (!params.Text(Param::kTableName, name, error)) return false;
  violations.Required(name.data(), "tableName");
  if (name.data()) name = TableNameOf(name);
  violations.TableName(name, "tableName");
  return true;
}

struct Specification {
  bool enabled = false;
  std::string_view attribute;
};

bool ReadSpecification(const Params& params, Violations& violations, Specification& out,
                       ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kTimeToLiveSpecification,
                     "class com.amazonaws.dynamodb.v20120810.TimeToLiveSpecification", object,
                     error))
    return false;
  violations.Required(object.has_value(), "timeToLiveSpecification");
  if (!object) return true;
  const Params members(*object);
  if (!members.Bool(Param::kEnabled, out.enabled, error) ||
      !members.Text(Param::kAttributeName, out.attribute, error))
    return false;
  const std::string path = "timeToLiveSpecification.attributeName";
  violations.Required(out.attribute.data(), path);
  if (out.attribute.data() && out.attribute.empty())
    violations.Add(out.attribute, path, "Member must have length greater than or equal to 1");
  if (out.attribute.size() > kAttributeNameMax)
    violations.Add(out.attribute, path, "Member must have length less than or equal to 255");
  violations.Required(members.Has(Param::kEnabled), "timeToLiveSpecification.enabled");
  return true;
}

// DynamoDB allows a change an hour; `interval_ms` 0 allows any.
Status Edit(bool enable, const std::string& attribute, uint64_t now_ms, uint64_t interval_ms,
            TableDefinition& definition) {
  table::TimeToLive& ttl = definition.ttl;
  if (interval_ms != 0 && ttl.changed_ms != 0 && now_ms - ttl.changed_ms < interval_ms)
    return InvalidArgument("Time to live has been modified multiple times within a fixed interval");
  const bool active = !ttl.attribute.empty();
  if (active && ttl.attribute != attribute)
    return InvalidArgument(
        "TimeToLive is active on a different AttributeName: current AttributeName is " +
        ttl.attribute);
  if (active == enable)
    return InvalidArgument(enable ? "TimeToLive is already enabled"
                                  : "TimeToLive is already disabled");
  ttl = {enable ? attribute : "", {}, now_ms};
  return OkStatus();
}

}  // namespace

void DescribeTimeToLive(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadName(params, violations, name, error) || !violations.Ok(error)) return call.Fail(error);
  const TablePtr table = call.engine().FindTable(name);
  if (!table)
    return call.Fail(
        NotFound("Requested resource not found: Table: " + std::string(name) + " not found"));
  const std::string& attribute = table->definition.ttl.attribute;
  std::string body = "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":";
  if (attribute.empty()) {
    body += "\"DISABLED\"";
  } else {
    body += "\"ENABLED\",\"AttributeName\":";
    AppendJsonString(body, attribute);
  }
  body += "}}";
  call.Reply(std::move(body));
}

void UpdateTimeToLive(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Specification specification;
  Violations violations;
  if (!ReadName(params, violations, name, error) ||
      !ReadSpecification(params, violations, specification, error) || !violations.Ok(error))
    return call.Fail(error);
  const bool enable = specification.enabled;
  const std::string attribute(specification.attribute);
  const uint64_t now_ms = call.context().clock->PhysicalMillis();
  const uint64_t interval_ms = call.context().ttl_change_interval_ms;
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  const auto shared = std::make_shared<Call>(std::move(call));
  engine.UpdateTable(
      std::string(name),
      [enable, attribute, now_ms, interval_ms](TableDefinition& definition) {
        return Edit(enable, attribute, now_ms, interval_ms, definition);
      },
      executor,
      [shared, enable, attribute](const Result<TablePtr>& result) {
        if (!result.ok()) return shared->Fail(result.status());
        std::string body = "{\"TimeToLiveSpecification\":{\"Enabled\":";
        body.append(enable ? "true" : "false").append(",\"AttributeName\":");
        AppendJsonString(body, attribute);
        body += "}}";
        shared->Reply(std::move(body));
      });
}

}  // namespace everwrite::api
