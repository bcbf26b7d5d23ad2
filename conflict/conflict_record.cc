#include "conflict/conflict_record.h"

#include <array>
#include <charconv>

#include "base/coding.h"

namespace everwrite::conflict {
namespace {

constexpr uint8_t kFormat = 1;

void PutVersion(std::string& out, const Version& version) {
  PutVarint(out, version.rank);
  PutFixed64(out, version.stamp.value);
  PutFixed64(out, version.dot.log.value);
  PutVarint(out, version.dot.number);
}

bool ReadVersion(Reader& reader, Version& version) {
  return reader.ReadVarint(version.rank) && reader.ReadFixed64(version.stamp.value) &&
         reader.ReadFixed64(version.dot.log.value) && reader.ReadVarint(version.dot.number);
}

void PutSide(std::string& out, const ConflictSide& side) {
  PutVersion(out, side.version);
  out.push_back(side.tombstone ? 1 : 0);
  PutBytes(out, side.image);
}

template <typename Text>
bool ReadSide(Reader& reader, ConflictSideOf<Text>& side) {
  uint8_t tombstone = 0;
  std::string_view image;
  if (!ReadVersion(reader, side.version) || !reader.ReadByte(tombstone) || !reader.ReadBytes(image))
    return false;
  side.tombstone = tombstone != 0;
  side.image = image;
  return true;
}

template <typename Text>
bool Decode(std::string_view bytes, ConflictRecordOf<Text>& record) {
  Reader reader(bytes);
  ConflictRecordOf<Text> result;
  uint8_t format = 0, reason = 0, is_table = 0;
  std::string_view key;
  if (!reader.ReadByte(format) || format != kFormat || !reader.ReadByte(reason) || reason > 3 ||
      !reader.ReadByte(is_table) || !reader.ReadFixed64(result.table.value) ||
      !reader.ReadBytes(key) || !ReadSide(reader, result.loser) ||
      !ReadSide(reader, result.winner) || !reader.ReadVarint(result.decided_ms) || !reader.done())
    return false;
  result.reason = static_cast<Reason>(reason);
  result.is_table = is_table != 0;
  result.key = key;
  record = std::move(result);
  return true;
}

template <typename Integer>
bool TakeInteger(std::string_view& text, int base, Integer& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return false;
  text.remove_prefix(end - text.data());
  return true;
}

}  // namespace

std::string LedgerKey(const Version& loser) {
  std::string key;
  PutFixed64(key, loser.stamp.value);
  PutFixed64(key, loser.dot.log.value);
  PutFixed64(key, loser.dot.number);
  return key;
}

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kConcurrentWrite: return "concurrent write";
    case Reason::kTableDeleted: return "the table was deleted";
    case Reason::kRepaired: return "repaired";
    case Reason::kDeletionForgotten: return "came after a deletion that is forgotten";
  }
  return "unknown";
}

std::string ConflictName(const Version& loser) {
  constexpr size_t kDigits = 16;
  const std::array numbers{loser.stamp.value, loser.dot.log.value, loser.dot.number};
  std::string name(numbers.size() * (kDigits + 1) - 1, '-');
  char* text = name.data();
  for (uint64_t number : numbers) {
    for (size_t i = kDigits; i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
    text += kDigits + 1;
  }
  return name;
}

bool ParseConflictName(std::string_view name, Version& loser) {
  Version result;
  const auto dash = [&name] {
    if (name.empty() || name[0] != '-') return false;
    name.remove_prefix(1);
    return true;
  };
  if (!TakeInteger(name, 16, result.stamp.value) || !dash() ||
      !TakeInteger(name, 16, result.dot.log.value) || !dash() ||
      !TakeInteger(name, 16, result.dot.number) || !name.empty())
    return false;
  loser = result;
  return true;
}

std::string EncodeConflictRecord(const ConflictRecord& record) {
  std::string out;
  out.reserve(96 + record.key.size() + record.loser.image.size() + record.winner.image.size());
  out.push_back(kFormat);
  out.push_back(static_cast<char>(record.reason));
  out.push_back(record.is_table ? 1 : 0);
  PutFixed64(out, record.table.value);
  PutBytes(out, record.key);
  PutSide(out, record.loser);
  PutSide(out, record.winner);
  PutVarint(out, record.decided_ms);
  return out;
}

bool DecodeConflictRecord(std::string_view bytes, ConflictRecord& record) {
  return Decode(bytes, record);
}

bool DecodeConflictRecord(std::string_view bytes, ConflictRecordView& record) {
  return Decode(bytes, record);
}

}  // namespace everwrite::conflict
