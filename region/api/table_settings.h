// Settings of a table beside its keys and indexes: what CreateTable and UpdateTable take, which of
// them may go together, what they make of a definition, and what DescribeTable shows of it. Rules
// and texts are those that the service was seen to have (ack-api-quirks' measurements of October
// 2026, dynalite's tests). Throughput is kept and described, not enforced: neither are the
// service's limits on how often it may be lowered.
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: pure functions over one request; requests own what they hold.
#pragma once

#include <optional>
#include <string>

#include "region/api/call.h"
#include "region/api/table_schema.h"

namespace everwrite::api {

struct TableSettings {
  struct Encryption {
    bool enabled = false;
    std::string key;  // KMSMasterKeyId; empty: the service's own
  };
  struct Units {
    std::optional<int64_t> read, write;
  };
  std::optional<table::BillingMode> billing;
  std::optional<Throughput> throughput;
  std::optional<table::StreamView> stream;  // kNone: turn off
  std::optional<bool> deletion_protection;
  std::optional<std::string> table_class;
  std::optional<Encryption> encryption;
  std::optional<Units> on_demand;  // the most a second; -1: no bound
  std::optional<Units> warm;       // a second

  bool empty() const {
    return !billing && !throughput && !stream && !deletion_protection && !table_class &&
           !encryption && !on_demand && !warm;
  }
};

enum class SettingsFor : uint8_t { kCreate, kUpdate };

// Reads all of them; broken constraints are added to `violations`.
bool ReadTableSettings(const Params& params, TableSettings& settings, Violations& violations,
                       ApiError& error);
// What the settings say by themselves, once the constraints hold.
bool CheckTableSettings(const Params& params, SettingsFor purpose, TableSettings& settings,
                        ApiError& error);
// For CreateTable: with the billing mode and its throughput, and into the definition.
bool ApplyNewSettings(const TableSettings& settings, uint64_t now_ms,
                      table::TableDefinition& definition, ApiError& error);
// For UpdateTable: what may not go together. `changes_indexes`: some are created or deleted;
// `updates_indexes`: or otherwise mentioned.
bool CheckSettingsTogether(const TableSettings& settings, bool changes_indexes,
                           bool updates_indexes, ApiError& error);
// For UpdateTable: into the definition of the live table.
Status EditSettings(const TableSettings& settings, uint64_t now_ms,
                    table::TableDefinition& definition);

// ",\"ProvisionedThroughput\":{…},…": throughput and billing, and further on what else there is.
void AppendThroughputSettings(std::string& out, const ApiContext& context,
                              const table::TableDefinition& definition);
void AppendOtherSettings(std::string& out, const ApiContext& context,
                         const table::TableDefinition& definition);
// Seconds with milliseconds, as the service writes times.
void AppendTime(std::string& out, uint64_t millis);

// What a table on demand takes at once (Developer Guide, "Warm throughput").
constexpr uint64_t kWarmReadUnits = 12000;
constexpr uint64_t kWarmWriteUnits = 4000;

}  // namespace everwrite::api
