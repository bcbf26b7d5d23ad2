#include "region/api/table_replicas.h"

#include <algorithm>

#include "base/log.h"
#include "region/api/table_schema.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::Replica;
using table::StreamView;
using table::TableDefinition;
using Kind = ReplicaUpdate::Kind;

constexpr std::string_view kClass = "class com.amazonaws.dynamodb.v20120810.";
constexpr std::string_view kModes = "[WAIT_FOR_REPLICATION]";
constexpr std::string_view kTableClasses = "[STANDARD, STANDARD_INFREQUENT_ACCESS]";

std::string ClassName(std::string_view name) { return std::string(kClass) + std::string(name); }

// --- reading -------------------------------------------------------------------------------------

bool ReadUnits(const Params& params, Param param, std::string_view type, Param member,
               std::optional<int64_t>& out, ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(param, ClassName(type), object, error)) return false;
  return !object || Params(*object).Integer(member, out, error);
}

bool ReadIndexes(const Params& params, const std::string& path, ReplicaUpdate& out,
                 Violations& violations, ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(Param::kGlobalSecondaryIndexes, array, error)) return false;
  if (!array) return true;
  size_t position = 0;
  for (const dom::element element : *array) {
    const std::string at =
        path + ".globalSecondaryIndexes." + std::to_string(++position) + ".member";
    dom::object object;
    std::string_view name;
    if (!ReadObject(element, ClassName("ReplicaGlobalSecondaryIndex"), object, error)) return false;
    const Params members(object);
    if (!members.Text(Param::kIndexName, name, error)) return false;
    violations.Required(name.data(), at + ".indexName");
    violations.Name(name, at + ".indexName");
    if (out.indexes.size() == table::kGlobalIndexesMax)
      return FailValidation(error, Invalid("Too many GlobalSecondaryIndexes"));
    if (!ReadUnits(members, Param::kProvisionedThroughputOverride, "ProvisionedThroughputOverride",
                   Param::kReadCapacityUnits, out.indexes[std::string(name)], error))
      return false;
  }
  return true;
}

bool ReadAction(const Params& params, const std::string& path, ReplicaUpdate& out,
                Violations& violations, ApiError& error) {
  std::string_view region, key, table_class;
  if (!params.Text(Param::kRegionName, region, error) ||
      !params.Text(Param::kKMSMasterKeyId, key, error) ||
      !params.Text(Param::kTableClassOverride, table_class, error))
    return false;
  violations.Required(region.data(), path + ".regionName");
  if (out.kind == Kind::kDisassociate) {
    std::string_view mode;
    if (!params.Text(Param::kDisassociationMode, mode, error)) return false;
    violations.Required(mode.data(), path + ".disassociationMode");
    violations.OneOf(mode, path + ".disassociationMode", kModes);
  }
  violations.OneOf(table_class, path + ".tableClassOverride", kTableClasses);
  out.region = region;
  if (key.data()) out.sse_key = key;
  if (table_class.data()) out.table_class = table_class;
  if (!ReadUnits(params, Param::kProvisionedThroughputOverride, "ProvisionedThroughputOverride",
                 Param::kReadCapacityUnits, out.read_units, error) ||
      !ReadUnits(params, Param::kOnDemandThroughputOverride, "OnDemandThroughputOverride",
                 Param::kMaxReadRequestUnits, out.on_demand_read, error))
    return false;
  violations.AtLeast(out.read_units, path + ".provisionedThroughputOverride.readCapacityUnits", 1);
  return ReadIndexes(params, path, out, violations, error);
}

struct ActionRow {
  Param param;
  Kind kind;
  std::string_view path;
  std::string_view type;
};
constexpr ActionRow kActions[] = {
    {Param::kCreate, Kind::kCreate, "create", "CreateReplicationGroupMemberAction"},
    {Param::kUpdate, Kind::kUpdate, "update", "UpdateReplicationGroupMemberAction"},
    {Param::kDelete, Kind::kDelete, "delete", "DeleteReplicationGroupMemberAction"},
    {Param::kDisassociate, Kind::kDisassociate, "disassociate",
     "DisassociateReplicationGroupMemberAction"}};

bool ReadOne(dom::element element, const std::string& path, ReplicaUpdate& out,
             Violations& violations, ApiError& error) {
  dom::object object;
  if (!ReadObject(element, ClassName("ReplicationGroupUpdate"), object, error)) return false;
  const Params members(object);
  for (const ActionRow& row : kActions) {
    std::optional<dom::object> action;
    if (!members.Object(row.param, ClassName(row.type), action, error)) return false;
    if (!action) continue;
    ++out.kinds;
    out.kind = row.kind;
    if (!ReadAction(Params(*action), path + "." + std::string(row.path), out, violations, error))
      return false;
  }
  return true;
}

// --- the regions ---------------------------------------------------------------------------------

// 0: there is none.
RegionId RegionOf(const ApiContext& context, std::string_view name) {
  for (const auto& [id, known] : context.region_names)
    if (known == name) return id;
  return {};
}

std::string NameOf(const ApiContext& context, RegionId region) {
  const auto at = context.region_names.find(region);
  return at == context.region_names.end() ? std::to_string(region.value) : at->second;
}

bool NoActions(ApiError& error) {
  return FailValidation(error,
                        "There are no actions specified in the Replica Update Action of the "
                        "request.");
}

// --- editing -------------------------------------------------------------------------------------

bool InUse(ApiError& error) {
  return Fail(error, ErrorType::kResourceInUse,
              "The resource which you are attempting to change is in use.");
}

bool NotPart(const std::string& region, ApiError& error) {
  return FailValidation(error,
                        "Update global table operation failed because one or more replicas were "
                        "not part of the global table. Please retry the request without these "
                        "replicas: [" +
                            region + "].");
}

// A table that is everywhere becomes one that says where it is: the regions may differ from now on.
void NameTheRegions(const ApiContext& context, TableDefinition& d) {
  if (!d.IsEverywhere()) return;
  for (const auto& [id, name] : context.region_names) d.replicas[id] = {};
}

bool SetOverrides(const ReplicaUpdate& update, const TableDefinition& d, Replica& replica,
                  ApiError& error) {
  if (update.kind == Kind::kUpdate && update.read_units && d.billing == BillingMode::kPayPerRequest)
    return FailValidation(
        error, Invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                       "BillingMode is PAY_PER_REQUEST"));
  // What equals the table's own is inherited again.
  const auto set = [](const std::optional<int64_t>& units, uint64_t own, uint64_t& kept) {
    if (units) kept = static_cast<uint64_t>(*units) == own ? 0 : static_cast<uint64_t>(*units);
  };
  if (update.sse_key) replica.sse_key = *update.sse_key;
  if (update.table_class) replica.table_class = *update.table_class;
  set(update.read_units, d.read_units, replica.read_units);
  if (update.on_demand_read && *update.on_demand_read < 0) {
    replica.on_demand_read = 0;
  } else {
    set(update.on_demand_read, d.on_demand_read, replica.on_demand_read);
  }
  for (const auto& [name, units] : update.indexes) {
    const table::IndexDefinition* index = d.FindIndex(name);
    if (!index || !units) continue;  // an unknown name is taken in silence
    uint64_t& kept = replica.index_read_units[name];
    set(units, index->read_units, kept);
    if (kept == 0) replica.index_read_units.erase(name);
  }
  return true;
}

bool Create(const ReplicaUpdate& update, const ApiContext& context, RegionId region,
            uint64_t now_ms, TableDefinition& d, ApiError& error) {
  if (d.IsEverywhere() || d.replicas.count(region) || d.apart.value != 0 ||
      context.engine->HasApart(d.name, region))
    return FailValidation(error, "Failed to create a the new replica of table with name: ‘" +
                                     d.name +
                                     "’ because one or more replicas already existed as tables.");
  for (const auto& [other, replica] : d.replicas)
    if (replica.state != Replica::State::kActive) return InUse(error);
  Replica& replica = d.replicas[region];
  replica.state = Replica::State::kCreating;
  // The service replicates by the stream, and turns it on; a stream that is on stays as it is.
  if (d.stream == StreamView::kNone) {
    d.stream = StreamView::kNewAndOldImages;
    d.stream_enabled_ms = std::max(now_ms, d.stream_enabled_ms + 1);
  }
  return SetOverrides(update, d, replica, error);
}

}  // namespace

bool ReadReplicaUpdates(const Params& params, ReplicaUpdates& out, Violations& violations,
                        ApiError& error) {
  std::optional<dom::array> array;
  if (params.Has(Param::kDisassociationProtectionEnabled) &&
      !params.Bool(Param::kDisassociationProtectionEnabled, out.protection.emplace(), error))
    return false;
  if (!params.Array(Param::kReplicaUpdates, array, error)) return false;
  if (!array) return true;
  if (array->size() == 0)
    violations.Add("[]", "replicaUpdates", "Member must have length greater than or equal to 1");
  for (const dom::element element : *array) {
    const std::string path = "replicaUpdates." + std::to_string(out.list.size() + 1) + ".member";
    if (!ReadOne(element, path, out.list.emplace_back(), violations, error)) return false;
  }
  return true;
}

bool CheckReplicaUpdates(const ReplicaUpdates& updates, const ApiContext& context,
                         bool other_operations, ApiError& error) {
  if (updates.empty()) return true;
  if (other_operations || (updates.protection && !updates.list.empty()))
    return FailValidation(
        error, Invalid("Replica modification must be the only operation in the request"));
  int created_or_deleted = 0;
  for (const ReplicaUpdate& update : updates.list) {
    if (update.kinds > 1 || update.kind != updates.list.front().kind)
      return FailValidation(
          error, "Update table operation with more than one type of replica actions not allowed.");
    if (update.kind == Kind::kNone) return NoActions(error);
    if (update.kind == Kind::kUpdate && !update.changes()) return NoActions(error);
    const bool same = update.region == updates.list.front().region;
    if (update.kind != Kind::kUpdate && (created_or_deleted == 0 || !same)) ++created_or_deleted;
    if (created_or_deleted > 1)
      return FailValidation(
          error,
          "Update table operation with more than one create or delete replica actions not "
          "allowed");
    if (RegionOf(context, update.region).value == 0) {
      std::string names;
      for (const auto& [id, name] : context.region_names)
        names += (names.empty() ? "" : ", ") + name;
      return FailValidation(error, "Region " + update.region +
                                       " is not supported. The latest version of global tables are "
                                       "only supported in the following regions: [" +
                                       names + "]");
    }
    if (update.kind == Kind::kDisassociate) {
      if (updates.list.size() > 1)
        return FailValidation(error, Invalid("Disassociate must be the only replica update in the "
                                             "request"));
      if (update.region != context.region)
        return FailValidation(error, Invalid("Only the local replica can be disassociated. Send "
                                             "the request to the Region of the replica: " +
                                             update.region));
      continue;
    }
    if (update.kind != Kind::kUpdate && update.region == context.region)
      return FailValidation(error,
                            "Cannot add or delete the local region through ReplicaUpdates. Use "
                            "CreateTable, DeleteTable, or UpdateTable as required.");
  }
  return true;
}

bool ApplyReplicaUpdates(const ReplicaUpdates& updates, const ApiContext& context, uint64_t now_ms,
                         TableDefinition& d, ApiError& error) {
  if (updates.protection) {
    const RegionId self = RegionOf(context, context.region);
    if (OtherReplicas(context, d).empty()) return NotPart(context.region, error);
    if (*updates.protection) {
      d.may_part.erase(self);
    } else {
      d.may_part.insert(self);
    }
  }
  for (const ReplicaUpdate& update : updates.list) {
    const RegionId region = RegionOf(context, update.region);
    if (update.kind == Kind::kCreate) {
      if (&update != &updates.list.front()) continue;  // the same again
      if (!Create(update, context, region, now_ms, d, error)) return false;
      continue;
    }
    TableDefinition named = d;
    NameTheRegions(context, named);
    const auto at = named.replicas.find(region);
    if (at == named.replicas.end()) return NotPart(update.region, error);
    if (update.kind == Kind::kDisassociate) {
      if (named.replicas.size() < 2) return NotPart(update.region, error);
      if (!named.may_part.count(region))
        return FailValidation(error, Invalid("Replica cannot be disassociated while disassociation "
                                             "protection is enabled. Disable it first with "
                                             "DisassociationProtectionEnabled."));
      for (const auto& [other, replica] : named.replicas)
        if (replica.state != Replica::State::kActive) return InUse(error);
    } else if (update.kind == Kind::kUpdate) {
      if (!SetOverrides(update, named, at->second, error)) return false;
    } else {
      if (&update != &updates.list.front()) continue;
      for (const auto& [other, replica] : named.replicas)
        if (replica.state != Replica::State::kActive) return InUse(error);
      at->second.state = Replica::State::kDeleting;
    }
    d = std::move(named);
  }
  return true;
}

std::vector<std::pair<RegionId, Replica>> OtherReplicas(const ApiContext& context,
                                                        const TableDefinition& d) {
  std::vector<std::pair<RegionId, Replica>> others;
  if (d.IsEverywhere()) {
    for (const auto& [id, name] : context.region_names)
      if (name != context.region) others.emplace_back(id, Replica{});
    return others;
  }
  for (const auto& [id, replica] : d.replicas)
    if (NameOf(context, id) != context.region) others.emplace_back(id, replica);
  return others;
}

std::string_view ReplicaStatusName(Replica::State state) {
  switch (state) {
    case Replica::State::kCreating: return "CREATING";
    case Replica::State::kActive: return "ACTIVE";
    case Replica::State::kDeleting: return "DELETING";
  }
  return "";
}

namespace {

void AppendOverrides(std::string& out, const Replica& replica) {
  if (!replica.sse_key.empty()) {
    out += ",\"KMSMasterKeyId\":";
    AppendJsonString(out, replica.sse_key);
  }
  if (replica.read_units != 0)
    out.append(",\"ProvisionedThroughputOverride\":{\"ReadCapacityUnits\":")
        .append(std::to_string(replica.read_units))
        .append("}");
  if (replica.on_demand_read != 0)
    out.append(",\"OnDemandThroughputOverride\":{\"MaxReadRequestUnits\":")
        .append(std::to_string(replica.on_demand_read))
        .append("}");
  if (!replica.table_class.empty())
    out.append(",\"ReplicaTableClassSummary\":{\"TableClass\":\"")
        .append(replica.table_class)
        .append("\"}");
}

// Every global index is named, with what differs there.
void AppendIndexes(std::string& out, const TableDefinition& d, const Replica& replica) {
  bool any = false;
  for (const table::IndexDefinition& index : d.indexes) {
    if (index.local) continue;
    out.append(any ? "," : ",\"GlobalSecondaryIndexes\":[").append("{\"IndexName\":\"");
    any = true;
    out.append(index.name).append("\"");
    if (const auto units = replica.index_read_units.find(index.name);
        units != replica.index_read_units.end())
      out.append(",\"ProvisionedThroughputOverride\":{\"ReadCapacityUnits\":")
          .append(std::to_string(units->second))
          .append("}");
    out += "}";
  }
  if (any) out += "]";
}

}  // namespace

void AppendReplicas(std::string& out, const ApiContext& context, const table::Table& table) {
  const TableDefinition& d = table.definition;
  const auto others = OtherReplicas(context, d);
  if (others.empty()) return;
  out +=
      ",\"GlobalTableVersion\":\"2019.11.21\",\"GlobalTableSettingsReplicationMode\":"
      "\"ENABLED_WITH_OVERRIDES\",\"DisassociationProtectionEnabled\":";
  out += d.may_part.count(RegionOf(context, context.region)) ? "false" : "true";
  out += ",\"Replicas\":[";
  for (const auto& [id, replica] : others) {
    if (out.back() != '[') out += ',';
    out += "{\"RegionName\":";
    AppendJsonString(out, NameOf(context, id));
    out.append(",\"ReplicaStatus\":\"").append(ReplicaStatusName(replica.state)).append("\"");
    AppendOverrides(out, replica);
    AppendIndexes(out, d, replica);
    out += "}";
  }
  if (const auto percent = context.engine->FilledPercent(table)) {
    out += ",{\"RegionName\":";
    AppendJsonString(out, context.region);
    out.append(",\"ReplicaStatus\":\"CREATING\",\"ReplicaStatusPercentProgress\":\"")
        .append(std::to_string(*percent))
        .append("\"}");
  }
  out += "]";
}

}  // namespace everwrite::api
