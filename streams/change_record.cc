#include "streams/change_record.h"

#include <array>

#include "base/check.h"
#include "base/coding.h"
#include "base/future.h"

namespace everwrite::streams {
namespace {

constexpr int kSubject = 5, kActor = 6;
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

// The fields in the order of their numbers, each at most once: as EncodeChangeRecord writes them,
// and so what comes but for records of a newer version. Half the cost of ForEachField.
class InOrder {
 public:
  explicit InOrder(std::string_view input) : at_(input.data()), end_(input.data() + input.size()) {}

  void Varint(int field, uint64_t& value) {
    if (Is(field, kVarint)) TakeNumber(value);
  }
  void Fixed64(int field, uint64_t& value) {
    if (!Is(field, kFixed64)) return;
    ok_ = end_ - at_ >= 8;
    if (!ok_) return;
    value = __builtin_bswap64(LoadFixed64(at_));
    at_ += 8;
  }
  void Bytes(int field, std::string_view& bytes) {
    uint64_t size = 0;
    if (!Is(field, kLengthDelimited) || !TakeNumber(size)) return;
    ok_ = size <= static_cast<size_t>(end_ - at_);
    if (!ok_) return;
    bytes = {at_, size};
    at_ += size;
  }
  // All was read; else something else stands there, or nothing that is well formed.
  bool done() const { return ok_ && at_ == end_; }

 private:
  bool Is(int field, Wire wire) {
    std::array<char, 2> tag = {static_cast<char>(field << 3 | wire), 0};
    size_t size = 1;
    if (field >= 16) {
      tag = {static_cast<char>((field << 3 | wire) | 0x80), static_cast<char>(field >> 4)};
      size = 2;
    }
    if (!ok_ || static_cast<size_t>(end_ - at_) < size) return false;
    if (at_[0] != tag[0] || (size == 2 && at_[1] != tag[1])) return false;
    at_ += size;
    return true;
  }
  bool TakeNumber(uint64_t& value) {
    Reader reader({at_, static_cast<size_t>(end_ - at_)});
    ok_ = reader.ReadVarint(value);
    at_ = end_ - reader.rest().size();
    return ok_;
  }

  const char* at_;
  const char* const end_;
  bool ok_ = true;
};

// The fields in whatever order and however often they stand: of each the last one.
class InAnyOrder {
 public:
  explicit InAnyOrder(std::string_view input)
      : well_formed_(ForEachField(input, [this](int field, uint64_t number, std::string_view data) {
          if (field > kLastField) return;  // of a newer version
          numbers_[field] = number;
          bytes_[field] = data;
          in_range_ &= IsInRange(field, number);
        })) {}

  void Varint(int field, uint64_t& value) const { value = numbers_[field]; }
  void Fixed64(int field, uint64_t& value) const { value = numbers_[field]; }
  void Bytes(int field, std::string_view& bytes) const { bytes = bytes_[field]; }
  bool done() const { return well_formed_; }
  // Each of them, not the last alone.
  bool in_range() const { return in_range_; }

  // Not every number is a subject or an actor.
  static bool IsInRange(int field, uint64_t number) {
    return (field != kSubject || number <= 1) && (field != kActor || number <= 2);
  }

 private:
  std::array<uint64_t, kLastField + 1> numbers_{};
  std::array<std::string_view, kLastField + 1> bytes_;
  bool in_range_ = true;
  const bool well_formed_;
};

// False: not all was read.
template <typename Fields>
bool ReadFrom(Fields&& fields, ChangeRecord& record, bool& in_range) {
  uint64_t subject = 0, actor = 0, tombstone = 0, transaction_end = 0, bare = 0, apart = 0;
  fields.Fixed64(1, record.dot.log.value);
  fields.Varint(2, record.dot.number);
  fields.Fixed64(3, record.stamp.value);
  fields.Bytes(4, record.context);
  fields.Varint(kSubject, subject);
  fields.Varint(kActor, actor);
  fields.Fixed64(7, record.table.value);
  fields.Bytes(8, record.key);
  fields.Varint(9, tombstone);
  fields.Bytes(10, record.image);
  fields.Varint(11, record.rank);
  fields.Varint(12, record.transaction);
  fields.Varint(13, transaction_end);
  fields.Bytes(14, record.scope);
  fields.Varint(15, bare);
  fields.Varint(16, apart);
  in_range = InAnyOrder::IsInRange(kSubject, subject) && InAnyOrder::IsInRange(kActor, actor);
  record.subject = static_cast<Subject>(subject);
  record.actor = static_cast<Actor>(actor);
  record.tombstone = tombstone != 0;
  record.transaction_end = transaction_end != 0;
  record.bare = bare != 0;
  record.apart = apart != 0;
  return fields.done();
}

bool ReadFields(std::string_view bytes, ChangeRecord& record, bool& in_range) {
  if (ReadFrom(InOrder(bytes), record, in_range)) return true;
  record = {};
  const InAnyOrder fields(bytes);
  const bool read = ReadFrom(fields, record, in_range);
  in_range &= fields.in_range();
  return read;
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
  ChangeRecord fields;
  bool in_range = false;
  (void)ReadFields(record, fields, in_range);
  if (fields.scope.empty()) return Share::kAsItIs;
  if (ScopeHolds(fields.scope, receiver)) return fields.bare ? Share::kLacking : Share::kAsItIs;
  return fields.bare ? Share::kAsItIs : Share::kBare;
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
  bool in_range = false;
  if (!ReadFields(bytes, result, in_range) || !in_range) return false;
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
