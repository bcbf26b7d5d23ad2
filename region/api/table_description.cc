#include <array>

#include "base/coding.h"
#include "region/api/call.h"
#include "region/api/index_updates.h"
#include "region/api/item_json.h"
#include "region/api/stream_record.h"
#include "region/api/streams_api.h"
#include "region/api/table_api.h"
#include "region/api/table_replicas.h"
#include "region/api/table_schema.h"
#include "region/api/table_settings.h"

namespace everwrite::api {
namespace {

using table::BillingMode;
using table::IndexDefinition;
using table::TableDefinition;

// A UUID in every region the same for one incarnation: made from its id by hashing, with the
// version and variant bits of a random one.
std::string TableUuid(TableId id) {
  std::string bytes;
  PutFixed64(bytes, id.value);
  std::string raw;
  PutFixed64(raw, Hash64(bytes + "a"));
  PutFixed64(raw, Hash64(bytes + "b"));
  raw[6] = static_cast<char>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  std::string hex = ToHex(raw);
  for (const size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, "-");
  return hex;
}

void AppendAttributes(std::string& out, const TableDefinition& d) {
  out += "\"AttributeDefinitions\":[";
  for (const item::KeyAttribute& attribute : AttributesOf(d)) {
    if (out.back() != '[') out += ',';
    out += "{\"AttributeName\":";
    AppendJsonString(out, attribute.name);
    out.append(",\"AttributeType\":\"").append(TypeName(attribute.type)).append("\"}");
  }
  out += "]";
}

void AppendUnitsOf(std::string& out, uint64_t read, uint64_t write) {
  out.append(",\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":")
      .append(std::to_string(read))
      .append(",\"WriteCapacityUnits\":")
      .append(std::to_string(write))
      .append("}");
}

void AppendProjection(std::string& out, const IndexDefinition& index) {
  constexpr std::string_view kTypes[] = {"ALL", "KEYS_ONLY", "INCLUDE"};
  out.append(",\"Projection\":{\"ProjectionType\":\"")
      .append(kTypes[static_cast<size_t>(index.projection)])
      .append("\"");
  if (!index.included.empty()) {
    out += ",\"NonKeyAttributes\":[";
    for (const std::string& name : index.included) {
      if (out.back() != '[') out += ',';
      AppendJsonString(out, name);
    }
    out += "]";
  }
  out += "}";
}

// What only global indexes have: states and throughput. `backfilling` is shown only of an index
// that is being created on a live table.
void AppendGlobal(std::string& out, const TableDefinition& d, const IndexDefinition& index,
                  std::string_view status, std::string_view backfilling) {
  out.append(",\"IndexStatus\":\"").append(status).append("\"");
  if (!backfilling.empty()) out.append(",\"Backfilling\":").append(backfilling);
  AppendUnitsOf(out, index.read_units, index.write_units);
  // What a table on demand takes at once (Developer Guide, "Warm throughput"); a provisioned one
  // what was provisioned.
  const bool on_demand = d.billing == BillingMode::kPayPerRequest;
  out.append(",\"WarmThroughput\":{\"ReadUnitsPerSecond\":")
      .append(std::to_string(on_demand ? kWarmReadUnits : index.read_units))
      .append(",\"WriteUnitsPerSecond\":")
      .append(std::to_string(on_demand ? kWarmWriteUnits : index.write_units))
      .append(",\"Status\":\"ACTIVE\"}");
}

// One list of indexes.
class IndexLister {
 public:
  IndexLister(const ApiContext& context, const table::Table& table, std::string_view table_status,
              const IndexStates* states)
      : context_(context), table_(table), table_status_(table_status), states_(states) {}

  void Append(std::string& out, bool local) const {
    const auto& indexes = states_ ? states_->indexes : table_.definition.indexes;
    const std::string name = local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes";
    bool any = false;
    for (const IndexDefinition& index : indexes) {
      if (index.local != local) continue;
      out.append(any ? "," : ",\"" + name + "\":[");
      any = true;
      AppendIndex(out, index);
    }
    if (any) out += "]";
  }

 private:
  void AppendIndex(std::string& out, const IndexDefinition& index) const {
    const TableDefinition& d = table_.definition;
    // An index that is being added or removed in this very request is not what the table has now.
    const IndexDefinition* now = d.FindIndex(index.name);
    const auto status = context_.engine->StatusOf(table_, now ? now->id : index.id);
    out.append("{\"IndexName\":\"").append(index.name).append("\",");
    AppendKeySchema(out, index.key);
    AppendProjection(out, index);
    out.append(",\"IndexSizeBytes\":").append(std::to_string(status.count.bytes));
    out.append(",\"ItemCount\":").append(std::to_string(status.count.items));
    out.append(",\"IndexArn\":\"").append(TableArn(context_, d));
    out.append("/index/").append(index.name).append("\"");
    if (!index.local) AppendState(out, index, now && !status.complete);
    out += "}";
  }

  void AppendState(std::string& out, const IndexDefinition& index, bool filling) const {
    std::string_view status = table_status_ == "CREATING" || filling ? "CREATING" : "ACTIVE";
    std::string_view backfilling = filling ? "true" : "";
    if (states_ && states_->status.count(index.name)) {
      status = states_->status.at(index.name);
      backfilling = status == "CREATING" ? "false" : "";
    }
    AppendGlobal(out, table_.definition, index, status, backfilling);
  }

  const ApiContext& context_;
  const table::Table& table_;
  const std::string_view table_status_;
  const IndexStates* const states_;
};

// Of the newest stream, which may have been turned off since.
void AppendStream(std::string& out, const ApiContext& context, const TableDefinition& d) {
  if (d.stream_enabled_ms == 0) return;
  out.append(",\"LatestStreamLabel\":\"").append(StreamLabel(d.stream_enabled_ms));
  out.append("\",\"LatestStreamArn\":\"");
  out.append(StreamArn(context, d.name, d.stream_enabled_ms)).append("\"");
}

}  // namespace

std::string TableArn(const ApiContext& context, const TableDefinition& definition) {
  return "arn:aws:dynamodb:" + context.region + ":000000000000:table/" + definition.name;
}

void AppendTableDescription(std::string& out, const ApiContext& context, const table::Table& table,
                            std::string_view status, const IndexStates* states) {
  const TableDefinition& d = table.definition;
  const table::TableEngine::Count count = context.engine->CountOf(table);
  out += "{";
  AppendAttributes(out, d);
  out += ",";
  AppendKeySchema(out, table.key);
  out.append(",\"TableName\":\"").append(d.name);
  out.append("\",\"TableStatus\":\"").append(status).append("\",\"CreationDateTime\":");
  AppendTime(out, d.created_ms);
  AppendThroughputSettings(out, context, d);
  out.append(",\"TableSizeBytes\":").append(std::to_string(count.bytes));
  out.append(",\"ItemCount\":").append(std::to_string(count.items));
  out.append(",\"TableArn\":\"").append(TableArn(context, d));
  out.append("\",\"TableId\":\"").append(TableUuid(d.id)).append("\"");
  const IndexLister indexes(context, table, status, states);
  indexes.Append(out, /*local=*/true);
  indexes.Append(out, /*local=*/false);
  AppendStream(out, context, d);
  AppendOtherSettings(out, context, d);
  AppendReplicas(out, context, table);
  out += "}";
}

}  // namespace everwrite::api
