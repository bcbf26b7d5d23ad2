#include "streams/position.h"

#include <array>

#include "base/coding.h"

namespace everwrite::streams {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kHashBytes = 8;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Base64 with the alphabet of URLs and without padding (RFC 4648, section 5).
std::string ToText(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) text.push_back(kAlphabet[bits >> (count - 6) & 63]);
  }
  if (count > 0) text.push_back(kAlphabet[bits << (6 - count) & 63]);
  return text;
}

// By character: its place in the alphabet, or kNoDigit.
constexpr uint8_t kNoDigit = 64;
constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits;
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < kNoDigit; ++i) digits[static_cast<uint8_t>(kAlphabet[i])] = i;
  return digits;
}();

bool FromText(std::string_view text, std::string& bytes) {
  bytes.reserve(text.size());
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kNoDigit) return false;
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count));
  }
  return count < 6 && (bits & ((1U << count) - 1)) == 0;
}

uint64_t HashOf(std::string_view bytes) { return Hash64(std::string("position").append(bytes)); }

void PutRange(std::string& out, const HashRange& range) {
  PutFixed64(out, range.first);
  out.push_back(static_cast<char>(range.depth));
}

bool ReadRange(Reader& reader, HashRange& range) {
  return reader.ReadFixed64(range.first) && reader.ReadByte(range.depth) && range.valid();
}

void PutVector(std::string& out, const conflict::Vector& vector) {
  std::string bytes;
  vector.EncodeTo(bytes);
  PutBytes(out, bytes);
}

bool ReadVector(Reader& reader, conflict::Vector& vector) {
  std::string_view bytes;
  return reader.ReadBytes(bytes) && conflict::Vector::Decode(bytes, vector);
}

bool ReadSeen(Reader& reader, const HashRange& within, SeenSet& set) {
  uint64_t count = 0;
  if (!reader.ReadVarint(count) || count > kSeenMax) return false;
  std::vector<Seen> seen(count);
  for (Seen& one : seen)
    if (!ReadRange(reader, one.range) || !ReadVector(reader, one.vector)) return false;
  set = SeenSet(seen, within);
  return set.seen() == seen;  // in its one form
}

}  // namespace

std::string EncodePosition(const Position& position) {
  std::string out(1, static_cast<char>(kFormat));
  PutFixed16(out, position.region.value);
  PutFixed64(out, position.stream.value);
  PutFixed64(out, position.shard.value);
  PutRange(out, position.range);
  PutFixed64(out, position.after.value);
  PutFixed64(out, position.until.value);
  PutVarint(out, position.created_ms);
  PutVector(out, position.place);
  PutVarint(out, position.seen.seen().size());
  for (const Seen& one : position.seen.seen()) {
    PutRange(out, one.range);
    PutVector(out, one.vector);
  }
  PutFixed64(out, HashOf(out));
  return ToText(out);
}

bool DecodePosition(std::string_view text, Position& position) {
  std::string bytes;
  if (text.size() > kPositionTextMax || !FromText(text, bytes) || bytes.size() <= kHashBytes)
    return false;
  const std::string_view body(bytes.data(), bytes.size() - kHashBytes);
  if (LoadFixed64(bytes.data() + body.size()) != HashOf(body)) return false;
  Reader reader(body);
  Position read;
  uint8_t format = 0;
  if (!reader.ReadByte(format) || format != kFormat || !reader.ReadFixed16(read.region.value) ||
      !reader.ReadFixed64(read.stream.value) || !reader.ReadFixed64(read.shard.value) ||
      !ReadRange(reader, read.range) || !reader.ReadFixed64(read.after.value) ||
      !reader.ReadFixed64(read.until.value) || !reader.ReadVarint(read.created_ms) ||
      !ReadVector(reader, read.place) || !ReadSeen(reader, read.range, read.seen) || !reader.done())
    return false;
  position = std::move(read);
  return true;
}

namespace {

// The next piece of `rest` up to the separator; the separator goes.
std::string_view TakePiece(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

}  // namespace

bool ParseSeen(std::string_view text, StreamId stream, std::vector<Seen>& seen) {
  if (text.size() > kPositionTextMax) return false;
  std::string_view rest = text;
  do {
    std::string_view words = TakePiece(rest, ',');
    Position position;
    if (!DecodePosition(TakePiece(words, '+'), position) || position.stream != stream) return false;
    Seen own{position.range, std::move(position.place)};
    while (!words.empty()) {
      Dot dot;
      if (!ParseEventId(TakePiece(words, '+'), dot)) return false;
      own.vector.Raise(dot);
    }
    seen.push_back(std::move(own));
    for (const Seen& one : position.seen.seen()) seen.push_back(one);
    if (seen.size() > kSeenMax) return false;
  } while (!rest.empty());
  return true;
}

}  // namespace everwrite::streams
