#include "region/table/schema.h"

#include <algorithm>

#include "base/coding.h"

namespace everwrite::table {
namespace {

// Format 1: the fields in this order, then any number of sections: a tag byte and a length, then
// the section's own fields. What is added later is a new tag, or fields at a section's end; readers
// skip the sections that they do not know.
constexpr uint8_t kFormat = 1;
constexpr uint8_t kIndexTag = 1;
constexpr uint8_t kTimeToLiveTag = 2;
constexpr uint8_t kTagsTag = 3;
constexpr uint8_t kSettingsTag = 4;
constexpr uint8_t kReplicaTag = 5;
constexpr uint8_t kPartingTag = 6;

void PutAttribute(std::string& out, const item::KeyAttribute& attribute) {
  PutBytes(out, attribute.name);
  out.push_back(static_cast<char>(attribute.type));
}

bool ReadAttribute(Reader& reader, item::KeyAttribute& attribute) {
  std::string_view name;
  uint8_t type = 0;
  if (!reader.ReadBytes(name) || !reader.ReadByte(type) || type > 2) return false;
  attribute.name = name;
  attribute.type = static_cast<item::KeyType>(type);
  return true;
}

void PutAttributes(std::string& out, const std::vector<item::KeyAttribute>& attributes) {
  PutVarint(out, attributes.size());
  for (const item::KeyAttribute& attribute : attributes) PutAttribute(out, attribute);
}

bool ReadAttributes(Reader& reader, size_t low, std::vector<item::KeyAttribute>& attributes) {
  uint64_t count = 0;
  if (!reader.ReadVarint(count) || count < low || count > item::kCompositeAttributesMax)
    return false;
  attributes.resize(count);
  for (item::KeyAttribute& attribute : attributes)
    if (!ReadAttribute(reader, attribute)) return false;
  return true;
}

void PutSection(std::string& out, uint8_t tag, std::string_view bytes) {
  out.push_back(static_cast<char>(tag));
  PutBytes(out, bytes);
}

std::string EncodeIndex(const IndexDefinition& index) {
  std::string out;
  PutBytes(out, index.name);
  PutFixed64(out, index.id.value);
  out.push_back(index.local ? 1 : 0);
  PutAttributes(out, index.key.partition);
  PutAttributes(out, index.key.sort);
  out.push_back(static_cast<char>(index.projection));
  PutVarint(out, index.included.size());
  for (const std::string& name : index.included) PutBytes(out, name);
  PutVarint(out, index.read_units);
  PutVarint(out, index.write_units);
  return out;
}

bool DecodeIndex(std::string_view bytes, IndexDefinition& index) {
  Reader reader(bytes);
  std::string_view name;
  uint8_t local = 0, projection = 0;
  uint64_t included = 0;
  if (!reader.ReadBytes(name) || !reader.ReadFixed64(index.id.value) || !reader.ReadByte(local) ||
      !ReadAttributes(reader, 1, index.key.partition) ||
      !ReadAttributes(reader, 0, index.key.sort) || !reader.ReadByte(projection) ||
      projection > 2 || !reader.ReadVarint(included) || included > kIncludedAttributesMax)
    return false;
  for (uint64_t i = 0; i < included; ++i) {
    std::string_view attribute;
    if (!reader.ReadBytes(attribute)) return false;
    index.included.emplace_back(attribute);
  }
  index.name = name;
  index.local = local != 0;
  index.projection = static_cast<Projection>(projection);
  return reader.ReadVarint(index.read_units) && reader.ReadVarint(index.write_units);
}

std::string EncodeTimeToLive(const TimeToLive& ttl) {
  std::string out;
  PutBytes(out, ttl.attribute);
  PutFixed64(out, ttl.id.value);
  PutVarint(out, ttl.changed_ms);
  return out;
}

bool DecodeTimeToLive(std::string_view bytes, TimeToLive& ttl) {
  Reader reader(bytes);
  std::string_view attribute;
  if (!reader.ReadBytes(attribute) || !reader.ReadFixed64(ttl.id.value)) return false;
  ttl.attribute = attribute;
  return reader.ReadVarint(ttl.changed_ms);
}

std::string EncodeTags(const Tags& tags) {
  std::string out;
  for (const auto& [key, value] : tags) {
    PutBytes(out, key);
    PutBytes(out, value);
  }
  return out;
}

bool DecodeTags(std::string_view bytes, Tags& tags) {
  Reader reader(bytes);
  while (!reader.done()) {
    std::string_view key, value;
    if (tags.size() == kTagsMax || !reader.ReadBytes(key) || !reader.ReadBytes(value)) return false;
    tags.emplace(key, value);
  }
  return true;
}

std::string EncodeSettings(const TableDefinition& d) {
  std::string out;
  PutBytes(out, d.sse_key);
  for (const uint64_t value :
       {d.pay_per_request_ms, d.table_class_ms, d.increased_ms, d.decreased_ms, d.decreases,
        d.on_demand_read, d.on_demand_write, d.warm_read, d.warm_write})
    PutVarint(out, value);
  return out;
}

bool DecodeSettings(std::string_view bytes, TableDefinition& d) {
  Reader reader(bytes);
  std::string_view key;
  if (!reader.ReadBytes(key)) return false;
  d.sse_key = key;
  for (uint64_t* value :
       {&d.pay_per_request_ms, &d.table_class_ms, &d.increased_ms, &d.decreased_ms, &d.decreases,
        &d.on_demand_read, &d.on_demand_write, &d.warm_read, &d.warm_write})
    if (!reader.ReadVarint(*value)) return false;
  return true;
}

std::string EncodeReplica(RegionId region, const Replica& replica) {
  std::string out;
  PutVarint(out, region.value);
  out.push_back(static_cast<char>(replica.state));
  PutBytes(out, replica.sse_key);
  PutBytes(out, replica.table_class);
  PutVarint(out, replica.read_units);
  PutVarint(out, replica.on_demand_read);
  PutVarint(out, replica.index_read_units.size());
  for (const auto& [index, units] : replica.index_read_units) {
    PutBytes(out, index);
    PutVarint(out, units);
  }
  return out;
}

bool AddReplica(std::string_view bytes, Replicas& replicas) {
  Reader reader(bytes);
  uint64_t region = 0, indexes = 0;
  uint8_t state = 0;
  std::string_view sse_key, table_class;
  Replica replica;
  if (!reader.ReadVarint(region) || region == 0 || region > UINT16_MAX || !reader.ReadByte(state) ||
      state > 2 || !reader.ReadBytes(sse_key) || !reader.ReadBytes(table_class) ||
      !reader.ReadVarint(replica.read_units) || !reader.ReadVarint(replica.on_demand_read) ||
      !reader.ReadVarint(indexes) || indexes > kGlobalIndexesMax)
    return false;
  for (uint64_t i = 0; i < indexes; ++i) {
    std::string_view index;
    uint64_t units = 0;
    if (!reader.ReadBytes(index) || !reader.ReadVarint(units)) return false;
    replica.index_read_units.emplace(index, units);
  }
  replica.state = static_cast<Replica::State>(state);
  replica.sse_key = sse_key;
  replica.table_class = table_class;
  return replicas.emplace(RegionId{static_cast<uint16_t>(region)}, std::move(replica)).second;
}

std::string EncodeParting(const TableDefinition& d) {
  std::string out;
  PutVarint(out, d.apart.value);
  for (const RegionId region : d.may_part) PutVarint(out, region.value);
  return out;
}

bool DecodeParting(std::string_view bytes, TableDefinition& d) {
  Reader reader(bytes);
  uint64_t region = 0;
  if (!reader.ReadVarint(region) || region > UINT16_MAX) return false;
  d.apart = RegionId{static_cast<uint16_t>(region)};
  while (!reader.done()) {
    if (!reader.ReadVarint(region) || region > UINT16_MAX) return false;
    d.may_part.insert(RegionId{static_cast<uint16_t>(region)});
  }
  return true;
}

bool AddIndex(std::string_view section, std::vector<IndexDefinition>& indexes) {
  IndexDefinition index;
  if (indexes.size() == kLocalIndexesMax + kGlobalIndexesMax || !DecodeIndex(section, index))
    return false;
  for (const IndexDefinition& other : indexes)
    if (other.id == index.id || other.name == index.name) return false;
  indexes.push_back(std::move(index));
  return true;
}

}  // namespace

namespace {

// Below every character that a table's name may have.
constexpr char kApartMark = '!';

}  // namespace

std::string ApartKey(std::string_view name, RegionId region) {
  return std::string(name) + kApartMark + std::to_string(region.value);
}

std::string_view NameOfCatalogKey(std::string_view key) {
  return key.substr(0, key.find(kApartMark));
}

const IndexDefinition* TableDefinition::FindIndex(std::string_view index) const {
  for (const IndexDefinition& definition : indexes)
    if (definition.name == index) return &definition;
  return nullptr;
}

bool TableDefinition::Holds(RegionId region) const {
  if (replicas.empty()) return true;
  return replicas.count(region) != 0;
}

bool TableDefinition::IsLeaving(RegionId region) const {
  const auto at = replicas.find(region);
  return at != replicas.end() && at->second.state == Replica::State::kDeleting;
}

std::vector<RegionId> TableDefinition::Members() const {
  std::vector<RegionId> members;
  for (const auto& [region, replica] : replicas) members.push_back(region);
  return members;
}

std::vector<IndexDefinition> KeptIndexes(const TableDefinition& definition) {
  std::vector<IndexDefinition> kept = definition.indexes;
  if (definition.ttl.attribute.empty()) return kept;
  IndexDefinition& expiry = kept.emplace_back();
  expiry.name = "(expiry)";  // no user's index may be called so
  expiry.id = definition.ttl.id;
  expiry.projection = Projection::kInclude;
  expiry.expiry = definition.ttl.attribute;
  return kept;
}

void GiveIndexIds(TableDefinition& definition, const conflict::Version& follows) {
  if (!definition.ttl.attribute.empty() && definition.ttl.id.value == 0) {
    std::string bytes = "ttl " + definition.ttl.attribute;
    PutFixed64(bytes, definition.id.value);
    PutFixed64(bytes, follows.dot.log.value);
    PutFixed64(bytes, follows.dot.number);
    definition.ttl.id.value = std::max<uint64_t>(Hash64(bytes), 1);
  }
  for (IndexDefinition& index : definition.indexes) {
    if (index.id.value != 0) continue;
    std::string bytes = EncodeIndex(index);
    PutFixed64(bytes, follows.dot.log.value);
    PutFixed64(bytes, follows.dot.number);
    const uint64_t hash = Hash64(bytes);
    index.id.value = hash != 0 ? hash : 1;
  }
}

std::string EncodeTableDefinition(const TableDefinition& d) {
  std::string out(1, static_cast<char>(kFormat));
  PutBytes(out, d.name);
  PutFixed64(out, d.id.value);
  PutVarint(out, d.generation);
  PutAttribute(out, d.key.partition);
  out.push_back(d.key.sort ? 1 : 0);
  if (d.key.sort) PutAttribute(out, *d.key.sort);
  out.push_back(static_cast<char>(d.billing));
  PutVarint(out, d.read_units);
  PutVarint(out, d.write_units);
  out.push_back(static_cast<char>(d.stream));
  PutVarint(out, d.stream_enabled_ms);
  PutVarint(out, d.created_ms);
  out.push_back(d.deletion_protection ? 1 : 0);
  PutBytes(out, d.table_class);
  out.push_back(d.sse ? 1 : 0);
  for (const IndexDefinition& index : d.indexes) PutSection(out, kIndexTag, EncodeIndex(index));
  if (d.ttl != TimeToLive()) PutSection(out, kTimeToLiveTag, EncodeTimeToLive(d.ttl));
  if (!d.tags.empty()) PutSection(out, kTagsTag, EncodeTags(d.tags));
  static const std::string kNoSettings = EncodeSettings({});
  if (const std::string settings = EncodeSettings(d); settings != kNoSettings)
    PutSection(out, kSettingsTag, settings);
  for (const auto& [region, replica] : d.replicas)
    PutSection(out, kReplicaTag, EncodeReplica(region, replica));
  if (d.apart.value != 0 || !d.may_part.empty()) PutSection(out, kPartingTag, EncodeParting(d));
  return out;
}

bool DecodeTableDefinition(std::string_view bytes, TableDefinition& definition) {
  Reader reader(bytes);
  TableDefinition d;
  uint8_t format = 0, has_sort = 0, billing = 0, stream = 0, protection = 0, sse = 0;
  std::string_view name, table_class;
  if (!reader.ReadByte(format) || format < kFormat || !reader.ReadBytes(name) ||
      !reader.ReadFixed64(d.id.value) || !reader.ReadVarint(d.generation) ||
      !ReadAttribute(reader, d.key.partition) || !reader.ReadByte(has_sort) || has_sort > 1)
    return false;
  if (has_sort && !ReadAttribute(reader, d.key.sort.emplace())) return false;
  if (!reader.ReadByte(billing) || billing > 1 || !reader.ReadVarint(d.read_units) ||
      !reader.ReadVarint(d.write_units) || !reader.ReadByte(stream) || stream > 4 ||
      !reader.ReadVarint(d.stream_enabled_ms) || !reader.ReadVarint(d.created_ms) ||
      !reader.ReadByte(protection) || !reader.ReadBytes(table_class) || !reader.ReadByte(sse))
    return false;
  while (!reader.done()) {
    uint8_t tag = 0;
    std::string_view section;
    if (!reader.ReadByte(tag) || !reader.ReadBytes(section)) return false;
    if (tag == kIndexTag && !AddIndex(section, d.indexes)) return false;
    if (tag == kTimeToLiveTag && !DecodeTimeToLive(section, d.ttl)) return false;
    if (tag == kSettingsTag && !DecodeSettings(section, d)) return false;
    if (tag == kTagsTag && !DecodeTags(section, d.tags)) return false;
    if (tag == kReplicaTag && !AddReplica(section, d.replicas)) return false;
    if (tag == kPartingTag && !DecodeParting(section, d)) return false;
  }
  d.name = name;
  d.billing = static_cast<BillingMode>(billing);
  d.stream = static_cast<StreamView>(stream);
  d.deletion_protection = protection != 0;
  d.table_class = table_class;
  d.sse = sse != 0;
  definition = std::move(d);
  return true;
}

}  // namespace everwrite::table
