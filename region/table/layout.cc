#include "region/table/layout.h"

#include "base/coding.h"

namespace everwrite::table {
namespace {

constexpr uint8_t kTombstoneFlag = 1;
constexpr uint8_t kRankFlag = 2;
constexpr uint8_t kStateFormat = 2;

}  // namespace

std::string ItemKey(TableId table, std::string_view key) {
  std::string out;
  out.reserve(8 + key.size());
  PutFixed64(out, table.value);
  out.append(key);
  return out;
}

TableId TableOfItemKey(std::string_view store_key) {
  return TableId{LoadFixed64(store_key.data())};
}

void EncodeStoredItem(const StoredItem& item, std::string& out) {
  const uint8_t flags = (item.tombstone ? kTombstoneFlag : 0) | (item.version.rank ? kRankFlag : 0);
  out.reserve(out.size() + 26 + item.image.size());
  out.push_back(static_cast<char>(flags));
  PutFixed64(out, item.version.stamp.value);
  PutFixed64(out, item.version.dot.log.value);
  PutFixed64(out, item.version.dot.number);
  if (item.version.rank) PutVarint(out, item.version.rank);
  out.append(item.image);
}

bool DecodeStoredItem(std::string_view bytes, StoredItem& item) {
  Reader reader(bytes);
  uint8_t flags = 0;
  StoredItem result;
  if (!reader.ReadByte(flags) || flags > (kTombstoneFlag | kRankFlag)) return false;
  if (!reader.ReadFixed64(result.version.stamp.value) ||
      !reader.ReadFixed64(result.version.dot.log.value) ||
      !reader.ReadFixed64(result.version.dot.number))
    return false;
  if ((flags & kRankFlag) && !reader.ReadVarint(result.version.rank)) return false;
  result.tombstone = (flags & kTombstoneFlag) != 0;
  result.image = reader.rest();
  item = result;
  return true;
}

std::string EncodeRegionState(const RegionState& state) {
  std::string out;
  out.reserve(48 + 18 * state.applied.entries().size());
  out.push_back(static_cast<char>(kStateFormat));
  PutFixed64(out, state.log.value);
  PutFixed64(out, state.clock.value);
  PutVarint(out, state.conflicts);
  PutFixed64(out, state.sequence.value);
  state.applied.EncodeTo(out);
  return out;
}

bool DecodeForgotten(std::string_view value, Stamp& forgotten) {
  Reader reader(value);
  return reader.ReadFixed64(forgotten.value) && reader.done();
}

std::string EncodeClockNote(int64_t ahead_ms, int64_t raw_ms) {
  std::string out;
  PutFixed64(out, static_cast<uint64_t>(ahead_ms));
  PutFixed64(out, static_cast<uint64_t>(raw_ms));
  return out;
}

bool DecodeClockNote(std::string_view value, int64_t& ahead_ms, int64_t& raw_ms) {
  Reader reader(value);
  uint64_t ahead = 0, raw = 0;
  if (!reader.ReadFixed64(ahead) || !reader.ReadFixed64(raw) || !reader.done()) return false;
  ahead_ms = static_cast<int64_t>(ahead);
  raw_ms = static_cast<int64_t>(raw);
  return true;
}

bool DecodeRegionState(std::string_view bytes, RegionState& state) {
  Reader reader(bytes);
  uint8_t format = 0;
  RegionState result;
  if (!reader.ReadByte(format) || format != kStateFormat || !reader.ReadFixed64(result.log.value) ||
      !reader.ReadFixed64(result.clock.value) || !reader.ReadVarint(result.conflicts) ||
      !reader.ReadFixed64(result.sequence.value) ||
      !conflict::Vector::Decode(reader.rest(), result.applied))
    return false;
  state = std::move(result);
  return true;
}

std::string IndexPrefix(TableId table, IndexId index) {
  std::string key;
  key.reserve(16);
  PutFixed64(key, table.value);
  PutFixed64(key, index.value);
  return key;
}

std::string BackfillKey(TableId table, IndexId index) { return "b" + IndexPrefix(table, index); }
std::string IndexCountKey(TableId table, IndexId index) { return "n" + IndexPrefix(table, index); }

std::string TableFillKey(TableId table) {
  std::string key(1, kTableFillPrefix);
  PutFixed64(key, table.value);
  return key;
}

std::string CountKey(TableId table) {
  std::string key(1, 'c');
  PutFixed64(key, table.value);
  return key;
}

std::string EncodeCount(int64_t items, int64_t bytes) {
  std::string value;
  value.reserve(16);
  PutFixed64(value, static_cast<uint64_t>(items));
  PutFixed64(value, static_cast<uint64_t>(bytes));
  return value;
}

bool DecodeCount(std::string_view value, int64_t& items, int64_t& bytes) {
  if (value.size() != 16) return false;
  items = static_cast<int64_t>(LoadFixed64(value.data()));
  bytes = static_cast<int64_t>(LoadFixed64(value.data() + 8));
  return true;
}

std::string TombstoneKey(Dot dot) {
  std::string key;
  key.reserve(17);
  key.push_back('d');
  PutFixed64(key, dot.log.value);
  PutFixed64(key, dot.number);
  return key;
}

}  // namespace everwrite::table
