#include "streams/change_record.h"

#include "base/check.h"
#include "base/coding.h"
#include "base/future.h"

namespace everwrite::streams {
namespace {

constexpr int kLastField = 16;  // that this version writes

// Protobuf wire types (protobuf.dev/programming-guides/encoding).
enum Wire : uint8_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

void PutTag(std::string& out, int field, Wire wire) {
  PutVarint(out, static_cast<uint64_t>(field) << 3 | wire);
}
void PutVarintField(std::string& out, int field, uint64_t value) {
  if (value == 0) return;  // proto3: a default is not written
  PutTag(out, field, kVarint);
  PutVarint(out, value);
}
// Protobuf's fixed64 is little-endian, unlike everything of our own.
void PutFixed64Field(std::string& out, int field, uint64_t value) {
  if (value == 0) return;
  PutTag(out, field, kFixed64);
  PutFixed64(out, __builtin_bswap64(value));
}
void PutBytesField(std::string& out, int field, std::string_view bytes) {
  if (bytes.empty()) return;
  PutTag(out, field, kLengthDelimited);
  PutBytes(out, bytes);
}

inline bool TakeVarint(std::string_view& input, uint64_t& value) {
  Reader reader(input);
  if (!reader.ReadVarint(value)) return false;
  input = reader.rest();
  return true;
}

inline bool TakeBytes(std::string_view& input, uint64_t size, std::string_view& bytes) {
  if (input.size() < size) return false;
  bytes = {input.data(), size};
  input = {input.data() + size, input.size() - size};
  return true;
}

// Calls visit(field, number, bytes) for each field; unknown wire types end it with false.
template <typename Visitor>
bool ForEachField(std::string_view input, Visitor&& visit) {
  while (!input.empty()) {
    uint64_t tag = 0;
    if (!TakeVarint(input, tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
    uint64_t number = 0;
    std::string_view bytes;
    switch (tag & 7) {
      case kVarint:
        if (!TakeVarint(input, number)) return false;
        break;
      case kFixed64:
        if (!TakeBytes(input, 8, bytes)) return false;
        number = __builtin_bswap64(LoadFixed64(bytes.data()));
        break;
      case kLengthDelimited:
        if (!TakeVarint(input, number) || !TakeBytes(input, number, bytes)) return false;
        number = 0;
        break;
      case kFixed32:
        if (!TakeBytes(input, 4, bytes)) return false;
        break;
      default: return false;
    }
    visit(static_cast<int>(tag >> 3), number, bytes);
  }
  return true;
}

}  // namespace

void EncodeChangeRecord(const ChangeRecord& record, std::string& out) {
  out.reserve(out.size() + 64 + record.context.size() + record.key.size() + record.image.size());
  PutFixed64Field(out, 1, record.dot.log.value);
  PutVarintField(out, 2, record.dot.number);
  PutFixed64Field(out, 3, record.stamp.value);
  PutBytesField(out, 4, record.context);
  PutVarintField(out, 5, static_cast<uint64_t>(record.subject));
  PutVarintField(out, 6, static_cast<uint64_t>(record.actor));
  PutFixed64Field(out, 7, record.table.value);
  PutBytesField(out, 8, record.key);
  PutVarintField(out, 9, record.tombstone ? 1 : 0);
  PutBytesField(out, 10, record.image);
  PutVarintField(out, 11, record.rank);
  PutVarintField(out, 12, record.transaction);
  PutVarintField(out, 13, record.transaction_end ? 1 : 0);
  PutBytesField(out, 14, record.scope);
  PutVarintField(out, 15, record.bare ? 1 : 0);
  PutVarintField(out, 16, record.apart ? 1 : 0);
  if (kFuture) PutBytesField(out, kFutureField, "of a version to come");
}

bool HasUnknownField(std::string_view record) {
  bool unknown = false;
  (void)ForEachField(record,
                     [&](int field, uint64_t, std::string_view) { unknown |= field > kLastField; });
  return unknown;
}

std::string EncodeScope(const std::vector<RegionId>& regions) {
  std::string out;
  for (const RegionId region : regions) PutVarint(out, region.value);
  return out;
}

bool ScopeHolds(std::string_view scope, RegionId region) {
  if (scope.empty()) return true;
  Reader reader(scope);
  uint64_t id = 0;
  while (!reader.done() && reader.ReadVarint(id))
    if (id == region.value) return true;
  return false;
}

Share ShareOf(std::string_view record, RegionId receiver) {
  std::string_view scope;
  bool bare = false;
  (void)ForEachField(record, [&](int field, uint64_t number, std::string_view data) {
    if (field == 14) scope = data;
    if (field == 15) bare = number != 0;
  });
  if (scope.empty()) return Share::kAsItIs;
  if (ScopeHolds(scope, receiver)) return bare ? Share::kLacking : Share::kAsItIs;
  return bare ? Share::kAsItIs : Share::kBare;
}

std::string BareRecord(std::string_view bytes) {
  ChangeRecord record;
  CHECK(DecodeChangeRecord(bytes, record));
  record.key = {};
  record.image = {};
  record.actor = Actor::kClient;
  record.tombstone = false;
  record.bare = true;
  std::string out;
  EncodeChangeRecord(record, out);
  return out;
}

bool DecodeChangeRecord(std::string_view bytes, ChangeRecord& record) {
  ChangeRecord result;
  bool in_range = true;
  const bool well_formed =
      ForEachField(bytes, [&](int field, uint64_t number, std::string_view data) {
        switch (field) {
          case 1: result.dot.log.value = number; break;
          case 2: result.dot.number = number; break;
          case 3: result.stamp.value = number; break;
          case 4: result.context = data; break;
          case 5:
            in_range &= number <= 1;
            result.subject = static_cast<Subject>(number);
            break;
          case 6:
            in_range &= number <= 2;
            result.actor = static_cast<Actor>(number);
            break;
          case 7: result.table.value = number; break;
          case 8: result.key = data; break;
          case 9: result.tombstone = number != 0; break;
          case 10: result.image = data; break;
          case 11: result.rank = number; break;
          case 12: result.transaction = number; break;
          case 13: result.transaction_end = number != 0; break;
          case 14: result.scope = data; break;
          case 15: result.bare = number != 0; break;
          case 16: result.apart = number != 0; break;
          default: break;  // of a newer version
        }
      });
  if (!well_formed || !in_range) return false;
  if (result.dot.log.value == 0 || result.dot.number == 0 || result.stamp.value == 0) return false;
  // Definitions are everybody's.
  if ((result.bare || !result.scope.empty()) && result.subject != Subject::kItem) return false;
  if ((result.bare || result.apart) && result.scope.empty()) return false;
  if (!result.context.empty()) {
    uint64_t own = 0;
    if (!conflict::Vector::DecodeAt(result.context, result.dot.log, own) || own != 0) return false;
  }
  record = result;
  return true;
}

bool DecodeChangeContext(std::string_view bytes, Dot& dot, conflict::Vector& context) {
  ChangeRecord record;
  if (!DecodeChangeRecord(bytes, record)) return false;
  dot = record.dot;
  context = conflict::Vector();
  return record.context.empty() || conflict::Vector::Decode(record.context, context);
}

}  // namespace everwrite::streams
