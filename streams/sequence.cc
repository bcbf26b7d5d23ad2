#include "streams/sequence.h"

#include <algorithm>
#include <charconv>

#include "base/coding.h"

namespace everwrite::streams {
namespace {

constexpr size_t kSequenceDigits = 20;
constexpr size_t kRegionDigits = 5;
constexpr std::string_view kShardPrefix = "shardId-";
constexpr size_t kShardHashDigits = 8;

void AppendDigits(std::string& out, uint64_t value, size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

bool ReadDigits(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string ShardHash(StreamId stream, RegionId region, Sequence shard) {
  std::string bytes = "shard";
  PutFixed64(bytes, stream.value);
  PutFixed64(bytes, shard.value);
  PutFixed16(bytes, region.value);
  std::string hash;
  PutFixed64(hash, Hash64(bytes));
  return ToHex(hash).substr(0, kShardHashDigits);
}

bool ReadHex(std::string_view text, uint64_t& value) {
  std::string bytes;
  // In its one form: EventId writes lower-case digits.
  if (!FromHex(text, bytes) || bytes.size() != 8 || ToHex(bytes) != text) return false;
  value = LoadFixed64(bytes.data());
  return true;
}

}  // namespace

Sequence Sequence::After(Sequence last, uint64_t now_ms) {
  return std::max(Sequence{last.value + 1}, At(now_ms));
}

std::string SequenceText(Sequence sequence, RegionId region) {
  std::string text = "1";
  AppendDigits(text, sequence.value, kSequenceDigits);
  AppendDigits(text, region.value, kRegionDigits);
  return text;
}

bool ParseSequence(std::string_view text, RegionId region, Sequence& sequence) {
  uint64_t number = 0, id = 0;
  if (text.size() != 1 + kSequenceDigits + kRegionDigits || text[0] != '1' ||
      !ReadDigits(text.substr(1, kSequenceDigits), number) ||
      !ReadDigits(text.substr(1 + kSequenceDigits), id) || id != region.value)
    return false;
  sequence.value = number;
  return true;
}

std::string ShardIdText(StreamId stream, RegionId region, Sequence shard) {
  std::string text(kShardPrefix);
  AppendDigits(text, shard.value, kSequenceDigits);
  return text.append("-").append(ShardHash(stream, region, shard));
}

bool ParseShardId(std::string_view text, StreamId stream, RegionId region, Sequence& shard) {
  Sequence read;
  if (text.size() != kShardPrefix.size() + kSequenceDigits + 1 + kShardHashDigits ||
      !ReadDigits(text.substr(kShardPrefix.size(), kSequenceDigits), read.value) ||
      ShardIdText(stream, region, read) != text)
    return false;
  shard = read;
  return true;
}

std::string EventId(Dot dot) {
  std::string bytes;
  PutFixed64(bytes, dot.log.value);
  PutFixed64(bytes, dot.number);
  return ToHex(bytes);
}

bool ParseEventId(std::string_view text, Dot& dot) {
  return text.size() == kEventIdSize && ReadHex(text.substr(0, 16), dot.log.value) &&
         ReadHex(text.substr(16), dot.number) && dot.log.value != 0 && dot.number != 0;
}

}  // namespace everwrite::streams
