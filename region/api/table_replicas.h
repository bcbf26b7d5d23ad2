// Replicas of a table: ReplicaUpdates of UpdateTable, and what DescribeTable shows of them (global
// tables version 2019.11.21). Rules and texts are those that the service was seen to have
// (ack-api-quirks' measurements of October 2026): all refusals are ValidationExceptions, told apart
// by their texts alone.
//
// A new replica is CREATING until its region has been filled, and one that is deleted DELETING
// until its region has dropped the rows; each region says so of itself (region/table/region_engine:
// SettleReplicas).
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: pure functions over one request; requests own what they hold.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "region/api/call.h"
#include "region/api/request_json.h"
#include "region/table/schema.h"

namespace everwrite::api {

struct ReplicaUpdate {
  enum class Kind : uint8_t { kNone, kCreate, kUpdate, kDelete, kDisassociate };
  Kind kind = Kind::kNone;
  int kinds = 0;  // how many were given at once
  std::string region;
  std::optional<std::string> sse_key, table_class;
  std::optional<int64_t> read_units, on_demand_read;
  std::map<std::string, std::optional<int64_t>> indexes;  // read units by name

  bool changes() const {
    return sse_key || table_class || read_units || on_demand_read || !indexes.empty();
  }
};

struct ReplicaUpdates {
  std::vector<ReplicaUpdate> list;
  std::optional<bool> protection;  // of this region, against being disassociated
  bool empty() const { return list.empty() && !protection; }
  // The region of the request is to leave, and to keep what it has.
  bool disassociates() const {
    return !list.empty() && list.front().kind == ReplicaUpdate::Kind::kDisassociate;
  }
};

bool ReadReplicaUpdates(const Params& params, ReplicaUpdates& out, Violations& violations,
                        ApiError& error);
// What can be told without the table. `other_operations`: the request asks for something else too.
bool CheckReplicaUpdates(const ReplicaUpdates& updates, const ApiContext& context,
                         bool other_operations, ApiError& error);
// Edits the definition of a table that this region holds. Of one that this region is to leave: so
// that it names its regions (table::TableEngine::Disassociate).
bool ApplyReplicaUpdates(const ReplicaUpdates& updates, const ApiContext& context, uint64_t now_ms,
                         table::TableDefinition& definition, ApiError& error);

// The regions, beside this one, that hold the table or are about to; ascending by id. An empty
// list: it is no global table.
std::vector<std::pair<RegionId, table::Replica>> OtherReplicas(
    const ApiContext& context, const table::TableDefinition& definition);
// "CREATING", "ACTIVE" or "DELETING".
std::string_view ReplicaStatusName(table::Replica::State state);
// ",\"GlobalTableVersion\":…,\"Replicas\":[…]", or nothing.
// The region itself is named while it is being filled, with how far it is.
void AppendReplicas(std::string& out, const ApiContext& context, const table::Table& table);

}  // namespace everwrite::api
