#include "region/api/table_api.h"

#include <memory>
#include <vector>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/index_updates.h"
#include "region/api/request_json.h"
#include "region/api/table_schema.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::StreamView;
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

// What CreateTable and UpdateTable both take. Owns what it holds: UpdateTable applies it later.
struct Settings {
  std::optional<BillingMode> billing;
  std::optional<Throughput> throughput;
  std::optional<StreamView> stream;  // kNone: turn off
  std::optional<bool> deletion_protection;
  std::optional<std::string> table_class;
  std::optional<bool> sse;

  bool empty() const {
    return !billing && !throughput && !stream && !deletion_protection && !table_class && !sse;
  }
};

bool ReadStream(const Params& params, Settings& settings, Violations& violations, ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kStreamSpecification,
                     "class com.amazonaws.dynamodb.v20120810.StreamSpecification", object, error))
    return false;
  if (!object) return true;
  const Params stream(*object);
  bool enabled = false;
  std::string_view view;
  if (!stream.Bool(Param::kStreamEnabled, enabled, error) ||
      !stream.Text(Param::kStreamViewType, view, error))
    return false;
  violations.Required(stream.Has(Param::kStreamEnabled), "streamSpecification.streamEnabled");
  violations.OneOf(view, "streamSpecification.streamViewType",
                   "[NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]");
  if (!violations.Ok(error)) return false;
  if (enabled && !view.data())
    return FailValidation(error,
                          Invalid("Invalid StreamViewType: Stream ViewType must not be null or "
                                  "empty when enabling streams."));
  if (!enabled && view.data())
    return FailValidation(error,
                          Invalid("Invalid StreamViewType: Stream StreamEnabled was false but "
                                  "a StreamViewType was present."));
  settings.stream = !enabled              ? StreamView::kNone
                    : view == "KEYS_ONLY" ? StreamView::kKeysOnly
                    : view == "NEW_IMAGE" ? StreamView::kNewImage
                    : view == "OLD_IMAGE" ? StreamView::kOldImage
                                          : StreamView::kNewAndOldImages;
  return true;
}

bool ReadFlags(const Params& params, Settings& settings, Violations& violations, ApiError& error) {
  if (params.Has(Param::kDeletionProtectionEnabled)) {
    bool value = false;
    if (!params.Bool(Param::kDeletionProtectionEnabled, value, error)) return false;
    settings.deletion_protection = value;
  }
  std::string_view table_class;
  if (!params.Text(Param::kTableClass, table_class, error)) return false;
  violations.OneOf(table_class, "tableClass", "[STANDARD, STANDARD_INFREQUENT_ACCESS]");
  if (table_class.data()) settings.table_class = std::string(table_class);
  std::optional<dom::object> sse;
  if (!params.Object(Param::kSSESpecification,
                     "class com.amazonaws.dynamodb.v20120810.SSESpecification", sse, error))
    return false;
  if (!sse) return true;
  bool enabled = false;
  if (!Params(*sse).Bool(Param::kEnabled, enabled, error)) return false;
  settings.sse = enabled;
  return true;
}

// Reads all settings; constraint violations are added to those found before.
bool ReadSettings(const Params& params, Settings& settings, Violations& violations,
                  ApiError& error) {
  std::string_view billing;
  if (!params.Text(Param::kBillingMode, billing, error)) return false;
  violations.OneOf(billing, "billingMode", "[PROVISIONED, PAY_PER_REQUEST]");
  if (billing.data())
    settings.billing =
        billing == "PROVISIONED" ? BillingMode::kProvisioned : BillingMode::kPayPerRequest;
  return ReadThroughput(params, "provisionedThroughput", settings.throughput, violations, error) &&
         ReadFlags(params, settings, violations, error);
}

bool RefuseUnsupported(const Params& params, ApiError& error) {
  for (const Param param : {Param::kVectorIndexes, Param::kReplicaUpdates}) {
    dom::array array;
    if (!params.Has(param)) continue;
    if (params.At(param).get_array().get(array) == simdjson::SUCCESS && array.size() == 0) continue;
    const std::string name(ParamName(param));
    if (param == Param::kReplicaUpdates)
      return FailValidation(error,
                            Invalid(name + " is not supported: a table exists in all regions "
                                           "of its topology"));
    return FailValidation(error, Invalid(name + " is not supported yet by Everwrite"));
  }
  return true;
}

bool CheckBilling(const Settings& settings, ApiError& error) {
  if (settings.billing == BillingMode::kPayPerRequest) {
    if (!settings.throughput) return true;
    return FailValidation(error, Invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                                         "specified when BillingMode is PAY_PER_REQUEST"));
  }
  if (!settings.throughput)
    return FailValidation(error, Invalid("ReadCapacityUnits and WriteCapacityUnits must both be "
                                         "specified when BillingMode is PROVISIONED"));
  return CheckUnits(settings.throughput, "", error);
}

bool ReadCreateTable(const Params& params, uint64_t now_ms, TableDefinition& definition,
                     ApiError& error) {
  std::string_view name;
  if (!ReadTableName(params, name, error)) return false;
  SchemaRequest schema;
  Violations violations;
  Settings settings;
  if (!ReadAttributeDefinitions(params, schema.attributes, violations, error)) return false;
  violations.Name(name, "tableName");
  if (!ReadSettings(params, settings, violations, error) ||
      !ReadKeySchema(params, "keySchema", /*plain=*/true, schema.keys, violations, error) ||
      !ReadIndexes(params, schema, violations, error))
    return false;
  const BillingMode billing = settings.billing.value_or(BillingMode::kProvisioned);
  if (!violations.Ok(error) || !CheckBilling(settings, error) ||
      !RefuseUnsupported(params, error) || !BuildSchema(schema, billing, definition, error) ||
      !ReadStream(params, settings, violations, error))
    return false;
  definition.name = name;
  definition.billing = billing;
  if (settings.throughput) {
    definition.read_units = settings.throughput->read;
    definition.write_units = settings.throughput->write;
  }
  definition.created_ms = now_ms;
  definition.stream = settings.stream.value_or(StreamView::kNone);
  if (definition.stream != StreamView::kNone) definition.stream_enabled_ms = now_ms;
  definition.deletion_protection = settings.deletion_protection.value_or(false);
  definition.table_class = settings.table_class.value_or("");
  definition.sse = settings.sse.value_or(false);
  return true;
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

Status EditThroughput(const Settings& settings, TableDefinition& d) {
  const BillingMode mode = settings.billing.value_or(d.billing);
  if (mode == BillingMode::kPayPerRequest) {
    if (settings.throughput)
      return InvalidArgument(
          Invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                  "specified when BillingMode is PAY_PER_REQUEST"));
    d.billing = mode;
    d.read_units = d.write_units = 0;
    return OkStatus();
  }
  if (!settings.throughput) {
    if (d.billing == BillingMode::kPayPerRequest)
      return InvalidArgument(
          Invalid("ProvisionedThroughput must be specified when BillingMode is "
                  "PROVISIONED"));
    return OkStatus();
  }
  const auto [read, write] = *settings.throughput;
  if (d.billing == mode && d.read_units == read && d.write_units == write) {
    return InvalidArgument(
        "The provisioned throughput for the table will not change. The requested value equals the "
        "current value. Current ReadCapacityUnits provisioned for the table: " +
        std::to_string(read) + ". Requested ReadCapacityUnits: " + std::to_string(read) +
        ". Current WriteCapacityUnits provisioned for the table: " + std::to_string(write) +
        ". Requested WriteCapacityUnits: " + std::to_string(write) +
        ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
        "higher "
        "limits.");
  }
  d.billing = mode;
  d.read_units = read;
  d.write_units = write;
  return OkStatus();
}

Status EditDefinition(const Settings& settings, uint64_t now_ms, TableDefinition& d) {
  if (settings.billing || settings.throughput) EW_RETURN_IF_ERROR(EditThroughput(settings, d));
  if (settings.stream) {
    const bool on = *settings.stream != StreamView::kNone, was_on = d.stream != StreamView::kNone;
    if (on && was_on)
      return InvalidArgument("Table already has an enabled stream: TableName: " + d.name);
    if (!on && !was_on)
      return InvalidArgument("Table has no stream to disable: TableName: " + d.name);
    d.stream = *settings.stream;
    if (on) d.stream_enabled_ms = now_ms;
  }
  if (settings.deletion_protection) d.deletion_protection = *settings.deletion_protection;
  if (settings.table_class) d.table_class = *settings.table_class;
  if (settings.sse) d.sse = *settings.sse;
  return OkStatus();
}

bool IsFillingIndexes(const table::TableEngine& engine, const table::Table& table) {
  for (const table::IndexDefinition& index : table.definition.indexes)
    if (!engine.StatusOf(table, index.id).complete) return true;
  return false;
}

// One UpdateTable, and what it comes to while the table is locked.
struct TableUpdate {
  Settings settings;
  IndexUpdates indexes;
  uint64_t now_ms = 0;
  ApiError error;
  IndexStates states;
};

// What may not go with the creation or deletion of an index.
bool CheckCombination(const TableUpdate& update, ApiError& error) {
  const Settings& settings = update.settings;
  if (!update.indexes.Changes()) return true;
  const auto alone = [&](const char* what) {
    return FailValidation(
        error,
        Invalid(std::string(what) + " modification must be the only operation in the request"));
  };
  if (settings.deletion_protection) return alone("DeletionProtection");
  if (settings.sse) return alone("Server-Side Encryption");
  if (settings.table_class) return alone("TableClass");
  if (settings.throughput && !settings.billing)
    return FailValidation(error,
                          Invalid("You cannot create or delete index while updating table IOPS"));
  if (settings.stream)
    return FailValidation(
        error, Invalid("You cannot create or delete index while changing stream status"));
  return true;
}

Status EditTable(TableUpdate& update, const table::TableEngine& engine, TableDefinition& d) {
  const TableDefinition before = d;
  EW_RETURN_IF_ERROR(EditDefinition(update.settings, update.now_ms, d));
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
    const bool of_table = !update->settings.empty() || update->indexes.Changes();
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
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.CreateTable(std::move(definition), executor,
                     ReplyWithDescription(std::move(call), "CREATING"));
}

void UpdateTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  auto update = std::make_shared<TableUpdate>();
  Settings& settings = update->settings;
  IndexUpdates& indexes = update->indexes;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.Name(name, "tableName");
  if (!ReadSettings(params, settings, violations, error) ||
      !ReadIndexUpdates(params, indexes, violations, error) || !violations.Ok(error) ||
      !ReadStream(params, settings, violations, error) || !RefuseUnsupported(params, error) ||
      !CheckUnits(settings.throughput, "", error))
    return call.Fail(error);
  if (settings.empty() && indexes.empty())
    return call.Fail(InvalidArgument(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"));
  if (!CheckIndexUpdates(indexes, error) || !CheckCombination(*update, error))
    return call.Fail(error);
  if (settings.billing == BillingMode::kProvisioned && !settings.throughput)
    return call.Fail(InvalidArgument(
        Invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")));
  update->now_ms = call.context().clock->PhysicalMillis();
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.UpdateTable(
      std::string(name),
      [update, &engine](TableDefinition& d) { return EditTable(*update, engine, d); }, executor,
      ReplyWithUpdate(std::move(call), update));
}

void DeleteTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.Name(name, "tableName");
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
  violations.Name(name, "tableName");
  if (!violations.Ok(error)) return call.Fail(error);
  const TablePtr table = call.engine().FindTable(name);
  if (!table) return call.Fail(TableNotFound(name));
  std::string body = "{\"Table\":";
  AppendTableDescription(body, call.context(), *table, "ACTIVE");
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
