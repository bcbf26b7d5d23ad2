#include "region/api/stream_record.h"

#include "region/api/call.h"
#include "region/api/item_json.h"
#include "region/table/ledger_table.h"

namespace everwrite::api {
namespace {

using streams::Effect;
using streams::StreamEntry;

std::string RegionName(const ApiContext& context, RegionId region) {
  if (region == context.engine->Streams().self()) return context.region;
  const auto at = context.region_names.find(region);
  // One that has left the topology.
  return at == context.region_names.end() ? "region-" + std::to_string(region.value) : at->second;
}

size_t AppendImage(std::string& out, std::string_view name, std::string_view image) {
  const item::ItemView view(image);
  out.append("\"").append(name).append("\":");
  AppendItemJson(out, view);
  out += ",";
  return item::ItemSize(view);
}

// ApproximateCreationDateTime is when this region applied the change, in whole seconds.
void AppendDynamoDb(std::string& out, const table::StreamDefinition& stream, RegionId region,
                    streams::Sequence sequence, const StreamEntry& entry) {
  out.append("{\"ApproximateCreationDateTime\":")
      .append(std::to_string(sequence.milliseconds() / 1000))
      .append(",");
  std::string keys;
  if (!entry.key_attributes)
    keys = item::KeyAttributesOf(
        stream.key, item::ItemView(entry.new_image ? *entry.new_image : *entry.old_image));
  size_t size = AppendImage(out, "Keys", entry.key_attributes.value_or(keys));
  if (entry.new_image) size += AppendImage(out, "NewImage", *entry.new_image);
  if (entry.old_image) size += AppendImage(out, "OldImage", *entry.old_image);
  out.append("\"SequenceNumber\":\"").append(streams::SequenceText(sequence, region));
  out.append("\",\"SizeBytes\":").append(std::to_string(size));
  out.append(",\"StreamViewType\":\"").append(StreamViewName(stream.view)).append("\"}");
}

}  // namespace

std::string_view StreamViewName(table::StreamView view) {
  constexpr std::string_view kNames[] = {"", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE",
                                         "NEW_AND_OLD_IMAGES"};
  return kNames[static_cast<size_t>(view)];
}

void AppendKeySchema(std::string& out, const item::CompositeKeySchema& key) {
  out += "\"KeySchema\":[";
  for (const auto* attributes : {&key.partition, &key.sort}) {
    for (const item::KeyAttribute& attribute : *attributes) {
      if (out.back() != '[') out += ',';
      out += "{\"AttributeName\":";
      AppendJsonString(out, attribute.name);
      out.append(",\"KeyType\":\"")
          .append(attributes == &key.sort ? "RANGE" : "HASH")
          .append("\"}");
    }
  }
  out += "]";
}

bool AppendStreamRecord(std::string& out, const ApiContext& context,
                        const table::StreamDefinition& stream, const table::StreamRecord& record) {
  constexpr std::string_view kEffects[] = {"", "INSERT", "MODIFY", "REMOVE"};
  StreamEntry entry;
  if (!streams::DecodeStreamEntry(record.bytes, entry) || entry.effect == Effect::kNone ||
      !(entry.key_attributes || entry.new_image || entry.old_image))
    return false;
  std::string ledger_entry;
  if (stream.table == table::kLedgerTable) {
    const table::TablePtr ledger = context.engine->FindTable(table::kLedgerTableName);
    const auto found = context.engine->Get(*ledger, entry.key, &ledger_entry);
    if (!found.ok()) return false;
    if (*found) entry.new_image = ledger_entry;
  }
  const Dot dot = entry.version.dot;
  out.append("{\"eventID\":\"").append(streams::EventId(dot));
  out.append("\",\"eventName\":\"").append(kEffects[static_cast<size_t>(entry.effect)]);
  out.append("\",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"");
  out.append(RegionName(context, dot.log.region())).append("\",\"dynamodb\":");
  AppendDynamoDb(out, stream, context.engine->Streams().self(), record.sequence, entry);
  if (entry.expired)
    out += ",\"userIdentity\":{\"PrincipalId\":\"dynamodb.amazonaws.com\",\"Type\":\"Service\"}";
  out += "}";
  return true;
}

}  // namespace everwrite::api
