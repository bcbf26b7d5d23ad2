#include "region/api/table_api.h"

#include <memory>
#include <vector>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/index_updates.h"
#include "region/api/request_json.h"
#include "region/api/table_replicas.h"
#include "region/api/table_schema.h"
#include "region/api/table_settings.h"
#include "region/api/tag_api.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::TableDefinition;
using table::TablePtr;

constexpr int64_t kListTablesMax = 100;

Status TableNotFound(std::string_view name) {
  return NotFound("Requested resource not found: Table: " + std::string(name) + " not found");
}

// Table operations check the name's presence and length before everything else.
bool ReadTableName(const Params& params, std::string_view& name, ApiError& error) {
  if (!params.Text(Param::kTableName, name, error)) return false;
  if (!name.data())
    return FailValidation(
        error, "The parameter 'TableName' is required but was not present in the request");
  name = TableNameOf(name);
  if (name.size() < 3 || name.size() > 255)
    return FailValidation(
        error, "TableName must be at least 3 characters long and at most 255 characters long");
  return true;
}

bool RefuseUnsupported(const Params& params, ApiError& error) {
  for (const Param param : {Param::kVectorIndexes, Param::kResourcePolicy}) {
    dom::array array;
    if (!params.Has(param)) continue;
    if (params.At(param).get_array().get(array) == simdjson::SUCCESS && array.size() == 0) continue;
    return FailValidation(
        error, Invalid(std::string(ParamName(param)) + " is not supported yet by Everwrite"));
  }
  return true;
}

bool CheckBilling(const TableSettings& settings, ApiError& error) {
  if (settings.billing == BillingMode::kPayPerRequest) {
    if (!settings.throughput) return true;
    return FailValidation(error, Invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                                         "specified when BillingMode is PAY_PER_REQUEST"));
  }
  if (settings.throughput) return true;
  return FailValidation(error, Invalid("ReadCapacityUnits and WriteCapacityUnits must both be "
                                       "specified when BillingMode is PROVISIONED"));
}

bool ReadCreateTable(const Params& params, uint64_t now_ms, TableDefinition& definition,
                     ApiError& error) {
  std::string_view name;
  if (!ReadTableName(params, name, error)) return false;
  SchemaRequest schema;
  Violations violations;
  TableSettings settings;
  if (!ReadAttributeDefinitions(params, schema.attributes, violations, error)) return false;
  violations.TableName(name, "tableName");
  if (!ReadTableSettings(params, settings, violations, error) ||
      !ReadKeySchema(params, "keySchema", /*plain=*/true, schema.keys, violations, error) ||
      !ReadIndexes(params, schema, violations, error))
    return false;
  const BillingMode billing = settings.billing.value_or(BillingMode::kProvisioned);
  definition.name = name;
  return violations.Ok(error) && CheckBilling(settings, error) &&
         RefuseUnsupported(params, error) && BuildSchema(schema, billing, definition, error) &&
         CheckTableSettings(params, SettingsFor::kCreate, settings, error) &&
         ApplyNewSettings(settings, now_ms, definition, error) &&
         ReadTags(params, definition.tags, error);
}

// Answers {"TableDescription":…} from the engine's callback, which must be copyable.
table::TableCallback ReplyWithDescription(Call call, std::string_view status) {
  auto shared = std::make_shared<Call>(std::move(call));
  return [shared, status](Result<TablePtr> result) {
    if (!result.ok()) return shared->Fail(result.status());
    std::string body = "{\"TableDescription\":";
    AppendTableDescription(body, shared->context(), **result, status);
    body += "}";
    shared->Reply(std::move(body));
  };
}

bool IsFillingIndexes(const table::TableEngine& engine, const table::Table& table) {
  for (const table::IndexDefinition& index : table.definition.indexes)
    if (!engine.StatusOf(table, index.id).complete) return true;
  return false;
}

// One UpdateTable, and what it comes to while the table is locked.
struct TableUpdate {
  TableSettings settings;
  IndexUpdates indexes;
  ReplicaUpdates replicas;
  uint64_t now_ms = 0;
  ApiError error;
  IndexStates states;
};

Status EditReplicas(TableUpdate& update, const ApiContext& context, TableDefinition& d) {
  if (ApplyReplicaUpdates(update.replicas, context, update.now_ms, d, update.error))
    return OkStatus();
  return InvalidArgument(update.error.message);  // the answer is update.error
}

Status EditTable(TableUpdate& update, const ApiContext& context, TableDefinition& d) {
  const table::TableEngine& engine = *context.engine;
  const TableDefinition before = d;
  // A stream that has been turned on for a table's replicas stays.
  const bool is_global = !d.IsEverywhere() && !OtherReplicas(context, d).empty();
  if (update.settings.stream == table::StreamView::kNone && is_global)
    return InvalidArgument(Invalid("Disabling Stream is not allowed for a Global Table replica."));
  EW_RETURN_IF_ERROR(EditReplicas(update, context, d));
  EW_RETURN_IF_ERROR(EditSettings(update.settings, update.now_ms, d));
  const TablePtr live = engine.FindTable(d.name);
  const auto is_complete = [&](IndexId id) { return live && engine.StatusOf(*live, id).complete; };
  if (ApplyIndexUpdates(update.indexes, before, is_complete, d, update.states, update.error))
    return OkStatus();
  return InvalidArgument(update.error.message);  // the answer is update.error
}

// A change of throughput alone leaves the table as it is.
table::TableCallback ReplyWithUpdate(Call call, std::shared_ptr<TableUpdate> update) {
  auto shared = std::make_shared<Call>(std::move(call));
  return [shared, update](Result<TablePtr> result) {
    if (!update->error.ok()) return shared->Fail(update->error);
    if (!result.ok()) return shared->Fail(result.status());
    const bool of_table =
        !update->settings.empty() || update->indexes.Changes() || !update->replicas.empty();
    std::string body = "{\"TableDescription\":";
    AppendTableDescription(body, shared->context(), **result, of_table ? "UPDATING" : "ACTIVE",
                           &update->states);
    body += "}";
    shared->Reply(std::move(body));
  };
}

}  // namespace

void CreateTable(const Params& params, Call call) {
  ApiError error;
  TableDefinition definition;
  if (!ReadCreateTable(params, call.context().clock->PhysicalMillis(), definition, error))
    return call.Fail(error);
  const ApiContext& context = call.context();
  if (!context.new_tables_everywhere)
    for (const auto& [id, region] : context.region_names)
      if (region == context.region) definition.replicas[id] = {};
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.CreateTable(std::move(definition), executor,
                     ReplyWithDescription(std::move(call), "CREATING"));
}

void UpdateTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  auto update = std::make_shared<TableUpdate>();
  TableSettings& settings = update->settings;
  IndexUpdates& indexes = update->indexes;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.TableName(name, "tableName");
  if (!ReadTableSettings(params, settings, violations, error) ||
      !ReadIndexUpdates(params, indexes, violations, error) ||
      !ReadReplicaUpdates(params, update->replicas, violations, error) || !violations.Ok(error) ||
      !RefuseUnsupported(params, error) ||
      !CheckTableSettings(params, SettingsFor::kUpdate, settings, error))
    return call.Fail(error);
  if (!CheckReplicaUpdates(update->replicas, call.context(), !settings.empty() || !indexes.empty(),
                           error))
    return call.Fail(error);
  if (settings.empty() && indexes.empty() && update->replicas.empty())
    return call.Fail(InvalidArgument(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
        "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
        "OnDemandThroughput, WarmThroughput or TableClass is required"));
  if (!CheckIndexUpdates(indexes, error) ||
      !CheckSettingsTogether(settings, indexes.Changes(), !indexes.empty(), error))
    return call.Fail(error);
  if (settings.billing == BillingMode::kProvisioned && !settings.throughput)
    return call.Fail(InvalidArgument(
        Invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")));
  update->now_ms = call.context().clock->PhysicalMillis();
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  if (update->replicas.disassociates()) {
    return engine.Disassociate(
        std::string(name),
        [update, context = &call.context()](TableDefinition& d) {
          return EditReplicas(*update, *context, d);
        },
        executor, ReplyWithUpdate(std::move(call), update));
  }
  engine.UpdateTable(
      std::string(name),
      [update, context = &call.context()](TableDefinition& d) {
        return EditTable(*update, *context, d);
      },
      executor, ReplyWithUpdate(std::move(call), update));
}

void DeleteTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.TableName(name, "tableName");
  if (!violations.Ok(error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
  if (const TablePtr table = engine.FindTable(name); table && IsFillingIndexes(engine, *table))
    return call.Fail(ApiError{ErrorType::kResourceInUse,
                              "Attempt to change a resource which is still in use: Cannot delete "
                              "table while indexes are being created, updated, or deleted.",
                              ""});
  Executor& executor = call.executor();
  engine.DeleteTable(std::string(name), executor,
                     ReplyWithDescription(std::move(call), "DELETING"));
}

void DescribeTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.TableName(name, "tableName");
  if (!violations.Ok(error)) return call.Fail(error);
  const TablePtr table = call.engine().FindDescribed(name);
  if (!table) return call.Fail(TableNotFound(name));
  const bool whole = !call.engine().FilledPercent(*table);
  std::string body = "{\"Table\":";
  AppendTableDescription(body, call.context(), *table, whole ? "ACTIVE" : "CREATING");
  body += "}";
  call.Reply(std::move(body));
}

void ListTables(const Params& params, Call call) {
  ApiError error;
  std::string_view after;
  std::optional<int64_t> limit;
  Violations violations;
  if (!params.Integer(Param::kLimit, limit, error) ||
      !params.Text(Param::kExclusiveStartTableName, after, error))
    return call.Fail(error);
  violations.AtLeast(limit, "limit", 1);
  violations.AtMost(limit, "limit", kListTablesMax);
  violations.Name(after, "exclusiveStartTableName");
  if (!violations.Ok(error)) return call.Fail(error);
  const size_t count = static_cast<size_t>(limit.value_or(kListTablesMax));
  std::vector<std::string> names = call.engine().ListTables(after, count + 1);
  const bool more = names.size() > count;
  if (more) names.resize(count);
  std::string body = "{\"TableNames\":[";
  for (const std::string& name : names) {
    if (&name != &names.front()) body += ',';
    AppendJsonString(body, name);
  }
  body += "]";
  if (more) {
    body += ",\"LastEvaluatedTableName\":";
    AppendJsonString(body, names.back());
  }
  body += "}";
  call.Reply(std::move(body));
}

}  // namespace everwrite::api
