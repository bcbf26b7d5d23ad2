#include "region/api/service_api.h"

#include "region/api/call.h"
#include "region/api/request_json.h"

namespace everwrite::api {
namespace {

// The service's default quotas of an account and a table; ours are not enforced.
constexpr std::string_view kLimits =
    "{\"AccountMaxReadCapacityUnits\":80000,\"AccountMaxWriteCapacityUnits\":80000,"
    "\"TableMaxReadCapacityUnits\":40000,\"TableMaxWriteCapacityUnits\":40000}";
constexpr std::string_view kBackupsDisabled =
    "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"DISABLED\","
    "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}}";
constexpr int kEndpointCacheMinutes = 1440;  // the service's

// False with the error when there is no such table.
bool NamesATable(const Params& params, const Call& call, ApiError& error) {
  std::string_view name;
  if (!params.Text(Param::kTableName, name, error)) return false;
  Violations violations;
  violations.Required(name.data(), "tableName");
  if (name.data()) name = TableNameOf(name);
  violations.TableName(name, "tableName");
  if (!violations.Ok(error)) return false;
  if (call.engine().FindTable(name)) return true;
  return Fail(error, ErrorType::kTableNotFound, "Table not found: " + std::string(name));
}

}  // namespace

void DescribeLimits(const Params&, Call call) { call.Reply(std::string(kLimits)); }

// The endpoint that was asked, so that a client with endpoint discovery stays where it is.
void DescribeEndpoints(const Params&, Call call) {
  std::string address(call.host());
  if (address.empty()) address = "dynamodb." + call.context().region + ".amazonaws.com";
  call.Reply("{\"Endpoints\":[{\"Address\":\"" + address +
             "\",\"CachePeriodInMinutes\":" + std::to_string(kEndpointCacheMinutes) + "}]}");
}

void DescribeContinuousBackups(const Params& params, Call call) {
  ApiError error;
  if (!NamesATable(params, call, error)) return call.Fail(error);
  call.Reply(std::string(kBackupsDisabled));
}

void UpdateContinuousBackups(const Params& params, Call call) {
  ApiError error;
  std::optional<simdjson::dom::object> specification;
  if (!NamesATable(params, call, error) ||
      !params.Object(Param::kPointInTimeRecoverySpecification,
                     "class com.amazonaws.dynamodb.v20120810.PointInTimeRecoverySpecification",
                     specification, error))
    return call.Fail(error);
  Violations violations;
  violations.Required(specification.has_value(), "pointInTimeRecoverySpecification");
  if (!violations.Ok(error)) return call.Fail(error);
  bool enable = false;
  const Params members(*specification);
  if (!members.Bool(Param::kPointInTimeRecoveryEnabled, enable, error)) return call.Fail(error);
  violations.Required(members.Has(Param::kPointInTimeRecoveryEnabled),
                      "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled");
  if (!violations.Ok(error)) return call.Fail(error);
  if (enable)
    return call.Fail(ApiError{ErrorType::kContinuousBackupsUnavailable,
                              "Continuous backups are not built into Everwrite yet", ""});
  call.Reply(std::string(kBackupsDisabled));
}

}  // namespace everwrite::api
