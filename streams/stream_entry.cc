#include "streams/stream_entry.h"

#include "base/coding.h"

namespace everwrite::streams {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kEffectMask = 3;
constexpr uint8_t kExpiredFlag = 4;
constexpr uint8_t kKeyAttributesFlag = 8;
constexpr uint8_t kNewImageFlag = 16;
constexpr uint8_t kOldImageFlag = 32;
constexpr uint8_t kHiddenFlag = 64;
constexpr uint8_t kFlagsMax = 127;

void PutOptional(std::string& out, const std::optional<std::string_view>& bytes) {
  if (bytes) PutBytes(out, *bytes);
}

bool ReadOptional(Reader& reader, bool there, std::optional<std::string_view>& bytes) {
  return !there || reader.ReadBytes(bytes.emplace());
}

// What is of fixed width in one look: a consumer that comes from another region has the names of
// very many entries read.
bool ReadName(Reader& reader, uint8_t& flags, conflict::Version& version, std::string_view& key) {
  std::string_view fixed;
  if (!reader.ReadRaw(2 + 8 + 8, fixed) || static_cast<uint8_t>(fixed[0]) != kFormat) return false;
  flags = static_cast<uint8_t>(fixed[1]);
  version.stamp.value = LoadFixed64(fixed.data() + 2);
  version.dot.log.value = LoadFixed64(fixed.data() + 10);
  return flags <= kFlagsMax && reader.ReadVarint(version.dot.number) && reader.ReadBytes(key) &&
         key.size() >= 8;
}

}  // namespace

void EncodeStreamEntry(const StreamEntry& entry, std::string& out) {
  const uint8_t flags = static_cast<uint8_t>(
      static_cast<uint8_t>(entry.effect) | (entry.expired ? kExpiredFlag : 0) |
      (entry.key_attributes ? kKeyAttributesFlag : 0) | (entry.new_image ? kNewImageFlag : 0) |
      (entry.old_image ? kOldImageFlag : 0) | (entry.hidden ? kHiddenFlag : 0));
  out.push_back(static_cast<char>(kFormat));
  out.push_back(static_cast<char>(flags));
  PutFixed64(out, entry.version.stamp.value);
  PutFixed64(out, entry.version.dot.log.value);
  PutVarint(out, entry.version.dot.number);
  PutBytes(out, entry.key);
  PutOptional(out, entry.key_attributes);
  PutOptional(out, entry.new_image);
  PutOptional(out, entry.old_image);
}

bool DecodeStreamEntry(std::string_view bytes, StreamEntryName& entry) {
  Reader reader(bytes);
  uint8_t flags = 0;
  return ReadName(reader, flags, entry.version, entry.key);
}

bool DecodeStreamEntry(std::string_view bytes, StreamEntry& entry) {
  Reader reader(bytes);
  StreamEntry read;
  uint8_t flags = 0;
  if (!ReadName(reader, flags, read.version, read.key) ||
      !ReadOptional(reader, flags & kKeyAttributesFlag, read.key_attributes) ||
      !ReadOptional(reader, flags & kNewImageFlag, read.new_image) ||
      !ReadOptional(reader, flags & kOldImageFlag, read.old_image) || !reader.done())
    return false;
  read.effect = static_cast<Effect>(flags & kEffectMask);
  read.hidden = (flags & kHiddenFlag) != 0;
  read.expired = (flags & kExpiredFlag) != 0;
  entry = read;
  return true;
}

}  // namespace everwrite::streams
