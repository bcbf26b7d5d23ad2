#include "region/api/table_api.h"

#include <memory>
#include <vector>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/request_json.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::StreamView;
using table::TableDefinition;
using table::TablePtr;

constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
constexpr int64_t kUnitsMax = 1000000000000;  // the service's bound on provisioned throughput
constexpr size_t kKeyNameMax = 255;
constexpr int64_t kListTablesMax = 100;

std::string Invalid(std::string_view what) { return std::string(kInvalid).append(what); }

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
  struct Throughput {
    uint64_t read = 0, write = 0;
  };
  std::optional<Throughput> throughput;
  std::optional<StreamView> stream;  // kNone: turn off
  std::optional<bool> deletion_protection;
  std::optional<std::string> table_class;
  std::optional<bool> sse;

  bool empty() const {
    return !billing && !throughput && !stream && !deletion_protection && !table_class && !sse;
  }
};

bool ReadThroughput(const Params& params, Settings& settings, Violations& violations,
                    ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kProvisionedThroughput,
                     "class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput", object, error))
    return false;
  if (!object) return true;
  const Params units(*object);
  std::optional<int64_t> read, write;
  if (!units.Integer(Param::kWriteCapacityUnits, write, error) ||
      !units.Integer(Param::kReadCapacityUnits, read, error))
    return false;
  violations.Required(write.has_value(), "provisionedThroughput.writeCapacityUnits");
  violations.AtLeast(write, "provisionedThroughput.writeCapacityUnits", 1);
  violations.Required(read.has_value(), "provisionedThroughput.readCapacityUnits");
  violations.AtLeast(read, "provisionedThroughput.readCapacityUnits", 1);
  if (read && write && *read > 0 && *write > 0)
    settings.throughput = {static_cast<uint64_t>(*read), static_cast<uint64_t>(*write)};
  return true;
}

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
  return ReadThroughput(params, settings, violations, error) &&
         ReadFlags(params, settings, violations, error);
}

bool CheckUnits(const Settings& settings, ApiError& error) {
  if (!settings.throughput) return true;
  const auto [read, write] = *settings.throughput;
  if (read > kUnitsMax)
    return FailValidation(
        error, "Given value " + std::to_string(read) + " for ReadCapacityUnits is out of bounds");
  if (write > kUnitsMax)
    return FailValidation(
        error, "Given value " + std::to_string(write) + " for WriteCapacityUnits is out of bounds");
  return true;
}

bool RefuseUnsupported(const Params& params, ApiError& error) {
  for (const Param param :
       {Param::kLocalSecondaryIndexes, Param::kGlobalSecondaryIndexes,
        Param::kGlobalSecondaryIndexUpdates, Param::kVectorIndexes, Param::kReplicaUpdates}) {
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

// One element of AttributeDefinitions or KeySchema: a name, and a word of a set.
struct NamedWord {
  std::string_view name, word;
};

bool ReadNamedWords(const Params& params, Param list, Param word, std::string_view path,
                    std::string_view word_path, std::string_view set, std::vector<NamedWord>& out,
                    Violations& violations, ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(list, array, error)) return false;
  violations.Required(array.has_value(), path);
  if (!array) return true;
  for (const dom::element element : *array) {
    dom::object object;
    if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.KeySchemaElement", object,
                    error))
      return false;
    const Params members(object);
    NamedWord read;
    if (!members.Text(Param::kAttributeName, read.name, error) ||
        !members.Text(word, read.word, error))
      return false;
    out.push_back(read);
    const std::string prefix = std::string(path) + "." + std::to_string(out.size()) + ".member.";
    violations.Required(read.name.data(), prefix + "attributeName");
    if (read.name.data() && read.name.empty())
      violations.Add(read.name, prefix + "attributeName",
                     "Member must have length greater than or equal to 1");
    if (read.name.size() > kKeyNameMax)
      violations.Add(read.name, prefix + "attributeName",
                     "Member must have length less than or equal to 255");
    violations.Required(read.word.data(), prefix + std::string(word_path));
    violations.OneOf(read.word, prefix + std::string(word_path), set);
  }
  return true;
}

void CheckKeySchemaLength(const std::vector<NamedWord>& keys, bool present,
                          Violations& violations) {
  if (!present || (keys.size() >= 1 && keys.size() <= 2)) return;
  std::string text = "[";
  for (const NamedWord& key : keys) {
    if (text.size() > 1) text += ", ";
    text.append("KeySchemaElement(attributeName=").append(key.name);
    text.append(", keyType=").append(key.word).append(")");
  }
  text += "]";
  violations.Add(text, "keySchema",
                 keys.empty() ? "Member must have length greater than or equal to 1"
                              : "Member must have length less than or equal to 2");
}

std::string JoinNames(const std::vector<NamedWord>& list) {
  std::string text = "[";
  for (const NamedWord& one : list) {
    if (text.size() > 1) text += ", ";
    text += one.name;
  }
  return text + "]";
}

const NamedWord* FindNamed(const std::vector<NamedWord>& list, std::string_view name) {
  for (const NamedWord& one : list)
    if (one.name == name) return &one;
  return nullptr;
}

item::KeyAttribute KeyAttributeOf(const NamedWord& definition) {
  return {std::string(definition.name), definition.word == "S"   ? item::KeyType::kString
                                        : definition.word == "N" ? item::KeyType::kNumber
                                                                 : item::KeyType::kBinary};
}

bool BuildKeySchema(const std::vector<NamedWord>& definitions, const std::vector<NamedWord>& keys,
                    item::KeySchema& schema, ApiError& error) {
  if (keys.size() > definitions.size())
    return FailValidation(error, "Invalid KeySchema: Some index key attribute have no definition");
  for (const NamedWord& key : keys) {
    if (FindNamed(definitions, key.name)) continue;
    return FailValidation(
        error, Invalid("Some index key attributes are not defined in AttributeDefinitions. Keys: " +
                       JoinNames(keys) + ", AttributeDefinitions: " + JoinNames(definitions)));
  }
  if (keys.size() == 2 && keys[0].name == keys[1].name)
    return FailValidation(
        error, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
  if (keys[0].word != "HASH")
    return FailValidation(error,
                          "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (keys.size() == 2 && keys[1].word != "RANGE")
    return FailValidation(error,
                          "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  if (keys.size() != definitions.size())
    return FailValidation(error, Invalid("Number of attributes in KeySchema does not exactly match "
                                         "number of attributes defined in AttributeDefinitions"));
  schema.partition = KeyAttributeOf(*FindNamed(definitions, keys[0].name));
  if (keys.size() == 2) schema.sort = KeyAttributeOf(*FindNamed(definitions, keys[1].name));
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
  return CheckUnits(settings, error);
}

bool ReadCreateTable(const Params& params, uint64_t now_ms, TableDefinition& definition,
                     ApiError& error) {
  std::string_view name;
  if (!ReadTableName(params, name, error)) return false;
  std::vector<NamedWord> definitions, keys;
  Violations violations;
  Settings settings;
  if (!ReadNamedWords(params, Param::kAttributeDefinitions, Param::kAttributeType,
                      "attributeDefinitions", "attributeType", "[B, N, S]", definitions, violations,
                      error))
    return false;
  violations.Name(name, "tableName");
  if (!ReadSettings(params, settings, violations, error)) return false;
  if (!ReadNamedWords(params, Param::kKeySchema, Param::kKeyType, "keySchema", "keyType",
                      "[HASH, RANGE]", keys, violations, error))
    return false;
  CheckKeySchemaLength(keys, params.Has(Param::kKeySchema), violations);
  if (!violations.Ok(error) || !CheckBilling(settings, error) ||
      !RefuseUnsupported(params, error) ||
      !BuildKeySchema(definitions, keys, definition.key, error) ||
      !ReadStream(params, settings, violations, error))
    return false;
  definition.name = name;
  definition.billing = settings.billing.value_or(BillingMode::kProvisioned);
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
  Settings settings;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.Name(name, "tableName");
  if (!ReadSettings(params, settings, violations, error) || !violations.Ok(error) ||
      !ReadStream(params, settings, violations, error) || !RefuseUnsupported(params, error) ||
      !CheckUnits(settings, error))
    return call.Fail(error);
  if (settings.empty())
    return call.Fail(InvalidArgument(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"));
  if (settings.billing == BillingMode::kProvisioned && !settings.throughput)
    return call.Fail(InvalidArgument(
        Invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")));
  const uint64_t now_ms = call.context().clock->PhysicalMillis();
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.UpdateTable(
      std::string(name),
      [settings, now_ms](TableDefinition& d) { return EditDefinition(settings, now_ms, d); },
      executor, ReplyWithDescription(std::move(call), "UPDATING"));
}

void DeleteTable(const Params& params, Call call) {
  ApiError error;
  std::string_view name;
  Violations violations;
  if (!ReadTableName(params, name, error)) return call.Fail(error);
  violations.Name(name, "tableName");
  if (!violations.Ok(error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
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
