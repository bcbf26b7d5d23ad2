#include "region/api/table_settings.h"

#include <algorithm>

#include "base/coding.h"
#include "base/log.h"
#include "region/api/stream_record.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::StreamView;
using table::TableDefinition;

constexpr int64_t kNoBound = -1;
constexpr uint64_t kDayMs = 24ULL * 3600 * 1000;

Status Refuse(std::string_view what) { return InvalidArgument(Invalid(what)); }

// --- reading -------------------------------------------------------------------------------------

bool ReadEncryption(const Params& params, TableSettings& settings, Violations& violations,
                    ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kSSESpecification,
                     "class com.amazonaws.dynamodb.v20120810.SSESpecification", object, error))
    return false;
  if (!object) return true;
  const Params members(*object);
  TableSettings::Encryption& encryption = settings.encryption.emplace();
  std::string_view type, key;
  if (!members.Bool(Param::kEnabled, encryption.enabled, error) ||
      !members.Text(Param::kSSEType, type, error) ||
      !members.Text(Param::kKMSMasterKeyId, key, error))
    return false;
  violations.OneOf(type, "sSESpecification.sSEType", "[AES256, KMS]");
  encryption.key = key;
  return true;
}

bool ReadUnits(const Params& params, Param param, std::string_view type, Param read, Param write,
               std::optional<TableSettings::Units>& out, ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(param, type, object, error)) return false;
  if (!object) return true;
  const Params members(*object);
  TableSettings::Units& units = out.emplace();
  return members.Integer(read, units.read, error) && members.Integer(write, units.write, error);
}

// A stream's view belongs to one that is turned on.
bool CheckStream(const Params& params, SettingsFor purpose, TableSettings& settings,
                 ApiError& error) {
  if (!settings.stream) return true;
  std::optional<dom::object> object;
  std::string_view view;
  bool enabled = false;
  if (!params.Object(Param::kStreamSpecification, "", object, error)) return false;
  const Params stream(*object);
  if (!stream.Bool(Param::kStreamEnabled, enabled, error) ||
      !stream.Text(Param::kStreamViewType, view, error))
    return false;
  if (enabled == (view.data() != nullptr)) return true;
  if (purpose == SettingsFor::kUpdate)
    return FailValidation(
        error, Invalid(enabled ? "If stream is being enabled then UpdateViewType is required"
                               : "If stream is being disabled, then UpdateViewType must not be "
                                 "specified"));
  return FailValidation(
      error,
      Invalid(enabled ? "Table is being created with a stream enabled, UpdateViewType is required"
                      : "Table is being created with a stream disabled, UpdateViewType should not "
                        "be specified"));
}

bool ReadStream(const Params& params, TableSettings& settings, Violations& violations,
                ApiError& error) {
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
  settings.stream = !enabled              ? StreamView::kNone
                    : view == "KEYS_ONLY" ? StreamView::kKeysOnly
                    : view == "NEW_IMAGE" ? StreamView::kNewImage
                    : view == "OLD_IMAGE" ? StreamView::kOldImage
                                          : StreamView::kNewAndOldImages;
  return true;
}

bool CheckTableClass(const TableSettings& settings, ApiError& error) {
  if (!settings.table_class || *settings.table_class == "STANDARD" ||
      *settings.table_class == "STANDARD_INFREQUENT_ACCESS")
    return true;
  return FailValidation(error,
                        "Invalid table-class parameter provided. Please try again with a valid "
                        "table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].");
}

bool CheckEncryption(const Params& params, const TableSettings& settings, ApiError& error) {
  if (!settings.encryption) return true;
  std::optional<dom::object> object;
  std::string_view type;
  if (!params.Object(Param::kSSESpecification, "", object, error) ||
      !Params(*object).Text(Param::kSSEType, type, error))
    return false;
  const TableSettings::Encryption& encryption = *settings.encryption;
  const auto refuse = [&error](const char* what) { return FailValidation(error, Invalid(what)); };
  if (!encryption.enabled && type.data())
    return refuse("SSEType can not be specified if Enabled is false");
  if (!encryption.enabled && !encryption.key.empty())
    return refuse("KMSMasterKeyId can not be specified if Enabled is false");
  if (type == "AES256") return refuse("SSEType AES256 is not supported");
  if (!encryption.key.empty() && type != "KMS")
    return refuse("SSEType KMS is required if KMSMasterKeyId is specified");
  return true;
}

bool CheckOnDemand(const TableSettings& settings, SettingsFor purpose, ApiError& error) {
  if (!settings.on_demand) return true;
  const auto check = [&](const std::optional<int64_t>& units, const char* name) {
    const bool clears = purpose == SettingsFor::kUpdate && units == kNoBound;
    if (!units || *units > 0 || clears) return true;
    return FailValidation(error, Invalid(std::string("Requested ") + name +
                                         " for OnDemandThroughput for table is outside of valid "
                                         "range"));
  };
  return check(settings.on_demand->read, "MaxReadRequestUnits") &&
         check(settings.on_demand->write, "MaxWriteRequestUnits");
}

// --- editing -------------------------------------------------------------------------------------

Status EditOnDemand(const TableSettings& settings, TableDefinition& d) {
  if (!settings.on_demand) return OkStatus();
  const auto& [read, write] = *settings.on_demand;
  if (d.billing == BillingMode::kProvisioned)
    return Refuse(std::string(read ? "MaxReadRequestUnits" : "MaxWriteRequestUnits") +
                  " for OnDemandThroughput cannot be specified when the table BillingMode is "
                  "PROVISIONED");
  const auto set = [](const std::optional<int64_t>& units, uint64_t& kept) {
    if (units) kept = *units == kNoBound ? 0 : static_cast<uint64_t>(*units);
  };
  set(read, d.on_demand_read);
  set(write, d.on_demand_write);
  return OkStatus();
}

struct Warm {
  uint64_t read = 0, write = 0;
};

// What the table would take without a word about it.
Warm InitialWarm(const TableDefinition& d) {
  if (d.billing == BillingMode::kPayPerRequest) return {kWarmReadUnits, kWarmWriteUnits};
  return {d.read_units, d.write_units};
}

Warm WarmOf(const TableDefinition& d) {
  const Warm initial = InitialWarm(d);
  return {std::max(initial.read, d.warm_read), std::max(initial.write, d.warm_write)};
}

// `why` says what the requested units are below.
Status EditWarm(const TableSettings& settings, const Warm& least, const std::string& why_read,
                const std::string& why_write, TableDefinition& d) {
  if (!settings.warm) return OkStatus();
  const auto set = [](const std::optional<int64_t>& units, uint64_t least_units, const char* name,
                      const std::string& why, uint64_t& kept) {
    if (!units) return OkStatus();
    if (*units < 0 || static_cast<uint64_t>(*units) < least_units)
      return Refuse(std::string("Requested ") + name + " for WarmThroughput for table is lower " +
                    why);
    kept = static_cast<uint64_t>(*units);
    return OkStatus();
  };
  EW_RETURN_IF_ERROR(
      set(settings.warm->read, least.read, "ReadUnitsPerSecond", why_read, d.warm_read));
  return set(settings.warm->write, least.write, "WriteUnitsPerSecond", why_write, d.warm_write);
}

Status EditNewWarm(const TableSettings& settings, TableDefinition& d) {
  if (d.billing == BillingMode::kPayPerRequest) {
    const std::string why =
        "than initial throughput for OnDemand. See: "
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
        "on-demand-capacity-mode.html#on-demand-capacity-mode-initial";
    return EditWarm(settings, InitialWarm(d), why, why, d);
  }
  return EditWarm(settings, InitialWarm(d), "than ReadCapacityUnits of ProvisionedThroughput",
                  "than WriteCapacityUnits of ProvisionedThroughput", d);
}

// Remembers which way the throughput went.
void NoteThroughputChange(const Throughput& units, uint64_t now_ms, TableDefinition& d) {
  if (units.read > d.read_units || units.write > d.write_units) d.increased_ms = now_ms;
  if (units.read >= d.read_units && units.write >= d.write_units) return;
  const bool same_day = d.decreased_ms / kDayMs == now_ms / kDayMs;
  d.decreases = same_day ? d.decreases + 1 : 1;
  d.decreased_ms = now_ms;
}

Status EditThroughput(const TableSettings& settings, uint64_t now_ms, TableDefinition& d) {
  const BillingMode mode = settings.billing.value_or(d.billing);
  if (mode == BillingMode::kPayPerRequest) {
    if (settings.throughput)
      return Refuse(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
          "PAY_PER_REQUEST");
    if (d.billing != mode) d.pay_per_request_ms = now_ms;
    d.billing = mode;
    d.read_units = d.write_units = 0;
    return OkStatus();
  }
  if (!settings.throughput) {
    if (d.billing == BillingMode::kPayPerRequest)
      return Refuse("ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
    return OkStatus();
  }
  const auto [read, write] = *settings.throughput;
  if (d.billing == mode && d.read_units == read && d.write_units == write)
    return InvalidArgument(
        "The provisioned throughput for the table will not change. The requested value equals the "
        "current value. Current ReadCapacityUnits provisioned for the table: " +
        std::to_string(read) + ". Requested ReadCapacityUnits: " + std::to_string(read) +
        ". Current WriteCapacityUnits provisioned for the table: " + std::to_string(write) +
        ". Requested WriteCapacityUnits: " + std::to_string(write) +
        ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
        "higher limits.");
  if (d.billing == mode) NoteThroughputChange(*settings.throughput, now_ms, d);
  d.billing = mode;
  d.read_units = read;
  d.write_units = write;
  return OkStatus();
}

Status EditStream(const TableSettings& settings, uint64_t now_ms, TableDefinition& d) {
  if (!settings.stream) return OkStatus();
  const bool on = *settings.stream != StreamView::kNone, was_on = d.stream != StreamView::kNone;
  if (on && was_on)
    return InvalidArgument("Table already has an enabled stream: TableName: " + d.name);
  if (!on && !was_on)
    return InvalidArgument("Table has no stream to disable: TableName: " + d.name);
  d.stream = *settings.stream;
  // Each has a label of its own, also of two within a millisecond.
  if (on) d.stream_enabled_ms = std::max(now_ms, d.stream_enabled_ms + 1);
  return OkStatus();
}

Status EditEncryption(const TableSettings& settings, TableDefinition& d) {
  if (!settings.encryption) return OkStatus();
  const auto& [enabled, key] = *settings.encryption;
  if (!enabled && !d.sse) return Refuse("Table is already encrypted by default");
  if (enabled && d.sse && key == d.sse_key)
    return Refuse(
        "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you "
        "want to change Master Key");
  d.sse = enabled;
  d.sse_key = key;
  return OkStatus();
}

bool Take(const Status& status, ApiError& error) {
  if (status.ok()) return true;
  error = ErrorOf(status);
  return false;
}

}  // namespace

bool ReadTableSettings(const Params& params, TableSettings& settings, Violations& violations,
                       ApiError& error) {
  std::string_view billing, table_class;
  if (!params.Text(Param::kBillingMode, billing, error) ||
      !params.Text(Param::kTableClass, table_class, error))
    return false;
  violations.OneOf(billing, "billingMode", "[PROVISIONED, PAY_PER_REQUEST]");
  if (billing.data())
    settings.billing =
        billing == "PROVISIONED" ? BillingMode::kProvisioned : BillingMode::kPayPerRequest;
  if (table_class.data()) settings.table_class = table_class;
  if (params.Has(Param::kDeletionProtectionEnabled)) {
    bool value = false;
    if (!params.Bool(Param::kDeletionProtectionEnabled, value, error)) return false;
    settings.deletion_protection = value;
  }
  return ReadThroughput(params, "provisionedThroughput", settings.throughput, violations, error) &&
         ReadStream(params, settings, violations, error) &&
         ReadEncryption(params, settings, violations, error) &&
         ReadUnits(params, Param::kOnDemandThroughput,
                   "class com.amazonaws.dynamodb.v20120810.OnDemandThroughput",
                   Param::kMaxReadRequestUnits, Param::kMaxWriteRequestUnits, settings.on_demand,
                   error) &&
         ReadUnits(params, Param::kWarmThroughput,
                   "class com.amazonaws.dynamodb.v20120810.WarmThroughput",
                   Param::kReadUnitsPerSecond, Param::kWriteUnitsPerSecond, settings.warm, error);
}

bool CheckTableSettings(const Params& params, SettingsFor purpose, TableSettings& settings,
                        ApiError& error) {
  return CheckStream(params, purpose, settings, error) && CheckTableClass(settings, error) &&
         CheckEncryption(params, settings, error) && CheckOnDemand(settings, purpose, error) &&
         CheckUnits(settings.throughput, "", error);
}

bool ApplyNewSettings(const TableSettings& settings, uint64_t now_ms, TableDefinition& definition,
                      ApiError& error) {
  definition.billing = settings.billing.value_or(BillingMode::kProvisioned);
  definition.created_ms = now_ms;
  if (settings.throughput) {
    definition.read_units = settings.throughput->read;
    definition.write_units = settings.throughput->write;
  }
  if (definition.billing == BillingMode::kPayPerRequest) definition.pay_per_request_ms = now_ms;
  definition.stream = settings.stream.value_or(StreamView::kNone);
  if (definition.stream != StreamView::kNone) definition.stream_enabled_ms = now_ms;
  definition.deletion_protection = settings.deletion_protection.value_or(false);
  definition.table_class = settings.table_class.value_or("");
  if (settings.encryption) {
    definition.sse = settings.encryption->enabled;
    definition.sse_key = settings.encryption->key;
  }
  return Take(EditOnDemand(settings, definition), error) &&
         Take(EditNewWarm(settings, definition), error);
}

bool CheckSettingsTogether(const TableSettings& settings, bool changes_indexes,
                           bool updates_indexes, ApiError& error) {
  const bool capacity = settings.billing || settings.throughput;
  const int operations =
      capacity + settings.stream.has_value() + settings.deletion_protection.has_value() +
      settings.table_class.has_value() + settings.encryption.has_value() +
      settings.on_demand.has_value() + settings.warm.has_value() + updates_indexes;
  const auto refuse = [&error](const char* what) { return FailValidation(error, Invalid(what)); };
  if (operations > 1 && settings.encryption)
    return refuse("Server-Side Encryption modification must be the only operation in the request");
  if (operations > 1 && settings.table_class)
    return refuse("TableClass modification must be the only operation in the request");
  if (operations > 1 && settings.deletion_protection)
    return refuse("DeletionProtection modification must be the only operation in the request");
  if (settings.warm && changes_indexes)
    return refuse("Create global secondary index cannot be specified when updating WarmThroughput");
  if (operations > 1 && settings.warm)
    return refuse("WarmThroughput must be the only operation in the request");
  if (settings.on_demand && (settings.throughput || operations > (settings.billing ? 2 : 1)))
    return refuse(
        "OnDemandThroughput can only be combined with BillingMode in an UpdateTable "
        "request");
  if (changes_indexes && settings.throughput && !settings.billing)
    return refuse("You cannot create or delete index while updating table IOPS");
  if (changes_indexes && settings.stream)
    return refuse("You cannot create or delete index while changing stream status");
  if (settings.stream && settings.throughput)
    return refuse("You cannot modify stream status while updating table IOPS");
  return true;
}

Status EditSettings(const TableSettings& settings, uint64_t now_ms, TableDefinition& d) {
  if (settings.billing || settings.throughput)
    EW_RETURN_IF_ERROR(EditThroughput(settings, now_ms, d));
  EW_RETURN_IF_ERROR(EditStream(settings, now_ms, d));
  EW_RETURN_IF_ERROR(EditEncryption(settings, d));
  EW_RETURN_IF_ERROR(EditOnDemand(settings, d));
  const std::string why = "than current WarmThroughput, decreasing WarmThroughput is not supported";
  EW_RETURN_IF_ERROR(EditWarm(settings, WarmOf(d), why, why, d));
  if (settings.deletion_protection) d.deletion_protection = *settings.deletion_protection;
  if (settings.table_class) {
    d.table_class = *settings.table_class;
    d.table_class_ms = now_ms;
  }
  return OkStatus();
}

// --- describing ----------------------------------------------------------------------------------

void AppendTime(std::string& out, uint64_t millis) {
  out += std::to_string(millis / 1000);
  const std::string fraction = std::to_string(1000 + millis % 1000);
  out.append(".").append(fraction, 1);
}

void AppendThroughputSettings(std::string& out, const ApiContext& context,
                              const TableDefinition& d) {
  out += ",\"ProvisionedThroughput\":{";
  if (d.increased_ms != 0) {
    out += "\"LastIncreaseDateTime\":";
    AppendTime(out, d.increased_ms);
    out += ",";
  }
  if (d.decreased_ms != 0) {
    out += "\"LastDecreaseDateTime\":";
    AppendTime(out, d.decreased_ms);
    out += ",";
  }
  const bool today = d.decreased_ms / kDayMs == context.clock->PhysicalMillis() / kDayMs;
  out.append("\"NumberOfDecreasesToday\":").append(std::to_string(today ? d.decreases : 0));
  out.append(",\"ReadCapacityUnits\":").append(std::to_string(d.read_units));
  out.append(",\"WriteCapacityUnits\":").append(std::to_string(d.write_units)).append("}");
  // A table that was never on demand says nothing of it.
  const bool on_demand = d.billing == BillingMode::kPayPerRequest;
  const uint64_t since_ms = d.pay_per_request_ms != 0 ? d.pay_per_request_ms : d.created_ms;
  if (on_demand || d.pay_per_request_ms != 0) {
    out.append(",\"BillingModeSummary\":{\"BillingMode\":\"")
        .append(on_demand ? "PAY_PER_REQUEST" : "PROVISIONED")
        .append("\",\"LastUpdateToPayPerRequestDateTime\":");
    AppendTime(out, since_ms);
    out += "}";
  }
  const auto bound = [](uint64_t units) {
    return units == 0 ? std::to_string(kNoBound) : std::to_string(units);
  };
  if (on_demand && (d.on_demand_read != 0 || d.on_demand_write != 0))
    out.append(",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":")
        .append(bound(d.on_demand_read))
        .append(",\"MaxWriteRequestUnits\":")
        .append(bound(d.on_demand_write))
        .append("}");
  const Warm warm = WarmOf(d);
  out.append(",\"WarmThroughput\":{\"ReadUnitsPerSecond\":")
      .append(std::to_string(warm.read))
      .append(",\"WriteUnitsPerSecond\":")
      .append(std::to_string(warm.write))
      .append(",\"Status\":\"ACTIVE\"}");
}

void AppendOtherSettings(std::string& out, const ApiContext& context, const TableDefinition& d) {
  if (d.stream != StreamView::kNone) {
    out.append(",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"")
        .append(StreamViewName(d.stream))
        .append("\"}");
  }
  if (d.sse) {
    // What is named otherwise than by an ARN is a key of this region; nothing named, the service's.
    const std::string keys = "arn:aws:kms:" + context.region + ":000000000000:";
    const std::string arn = d.sse_key.starts_with("arn:")     ? d.sse_key
                            : d.sse_key.starts_with("alias/") ? keys + d.sse_key
                            : d.sse_key.empty()               ? keys + "alias/aws/dynamodb"
                                                              : keys + "key/" + d.sse_key;
    out += ",\"SSEDescription\":{\"Status\":\"ENABLED\",\"SSEType\":\"KMS\",\"KMSMasterKeyArn\":";
    AppendJsonString(out, arn);
    out += "}";
  }
  if (!d.table_class.empty()) {
    out.append(",\"TableClassSummary\":{\"TableClass\":\"").append(d.table_class).append("\"");
    if (d.table_class_ms != 0) {
      out += ",\"LastUpdateDateTime\":";
      AppendTime(out, d.table_class_ms);
    }
    out += "}";
  }
  out.append(",\"DeletionProtectionEnabled\":").append(d.deletion_protection ? "true" : "false");
}

}  // namespace everwrite::api
