#include <array>

#include "base/coding.h"
#include "base/log.h"
#include "region/api/call.h"
#include "region/api/table_api.h"

namespace everwrite::api {
namespace {

using table::BillingMode;
using table::StreamView;
using table::TableDefinition;

std::string_view TypeName(item::KeyType type) {
  constexpr std::string_view kNames[] = {"S", "N", "B"};
  return kNames[static_cast<int>(type)];
}

std::string_view StreamViewName(StreamView view) {
  constexpr std::string_view kNames[] = {"", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE",
                                         "NEW_AND_OLD_IMAGES"};
  return kNames[static_cast<int>(view)];
}

// Seconds with milliseconds, as the service writes times.
void AppendTime(std::string& out, uint64_t millis) {
  out += std::to_string(millis / 1000);
  const std::string fraction = std::to_string(1000 + millis % 1000);
  out.append(".").append(fraction, 1);
}

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

void AppendKeys(std::string& out, const TableDefinition& d) {
  const auto definition = [&](const item::KeyAttribute& key) {
    out += "{\"AttributeName\":";
    AppendJsonString(out, key.name);
    out.append(",\"AttributeType\":\"").append(TypeName(key.type)).append("\"}");
  };
  const auto element = [&](const item::KeyAttribute& key, std::string_view type) {
    out += "{\"AttributeName\":";
    AppendJsonString(out, key.name);
    out.append(",\"KeyType\":\"").append(type).append("\"}");
  };
  out += "\"AttributeDefinitions\":[";
  definition(d.key.partition);
  if (d.key.sort) out += ',', definition(*d.key.sort);
  out += "],\"KeySchema\":[";
  element(d.key.partition, "HASH");
  if (d.key.sort) out += ',', element(*d.key.sort, "RANGE");
  out += "]";
}

void AppendStream(std::string& out, const ApiContext& context, const TableDefinition& d) {
  if (d.stream != StreamView::kNone) {
    out.append(",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"")
        .append(StreamViewName(d.stream))
        .append("\"}");
  }
  if (d.stream_enabled_ms == 0) return;
  std::string label = FormatUtcMillis(d.stream_enabled_ms);
  label.pop_back();  // the service's label has no Z
  out.append(",\"LatestStreamLabel\":\"").append(label).append("\",\"LatestStreamArn\":\"");
  out.append(TableArn(context, d)).append("/stream/").append(label).append("\"");
}

void AppendThroughput(std::string& out, const TableDefinition& d) {
  out.append(",\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":")
      .append(std::to_string(d.read_units))
      .append(",\"WriteCapacityUnits\":")
      .append(std::to_string(d.write_units))
      .append("}");
  if (d.billing != BillingMode::kPayPerRequest) return;
  out +=
      ",\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\","
      "\"LastUpdateToPayPerRequestDateTime\":";
  AppendTime(out, d.created_ms);
  out += "}";
}

}  // namespace

std::string TableArn(const ApiContext& context, const TableDefinition& definition) {
  return "arn:aws:dynamodb:" + context.region + ":000000000000:table/" + definition.name;
}

void AppendTableDescription(std::string& out, const ApiContext& context, const table::Table& table,
                            std::string_view status) {
  const TableDefinition& d = table.definition;
  const table::TableEngine::Count count = context.engine->CountOf(table);
  out += "{";
  AppendKeys(out, d);
  out.append(",\"TableName\":\"").append(d.name);
  out.append("\",\"TableStatus\":\"").append(status).append("\",\"CreationDateTime\":");
  AppendTime(out, d.created_ms);
  AppendThroughput(out, d);
  out.append(",\"TableSizeBytes\":").append(std::to_string(count.bytes));
  out.append(",\"ItemCount\":").append(std::to_string(count.items));
  out.append(",\"TableArn\":\"").append(TableArn(context, d));
  out.append("\",\"TableId\":\"").append(TableUuid(d.id)).append("\"");
  AppendStream(out, context, d);
  if (d.sse) out += ",\"SSEDescription\":{\"Status\":\"ENABLED\",\"SSEType\":\"KMS\"}";
  if (!d.table_class.empty())
    out.append(",\"TableClassSummary\":{\"TableClass\":\"").append(d.table_class).append("\"}");
  out.append(",\"DeletionProtectionEnabled\":").append(d.deletion_protection ? "true" : "false");
  out += "}";
}

}  // namespace everwrite::api
