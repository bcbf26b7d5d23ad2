// IsWellFormedItem and its kin: everything that the views take for granted, checked on bytes that
// may come from anywhere.
#include <cstring>

#include "base/coding.h"
#include "region/item/attribute_value.h"
#include "region/item/item.h"
#include "region/item/number.h"

namespace everwrite::item {
namespace {

// A length in its shortest form, and that many bytes.
bool TakeSized(std::string_view& in, std::string_view& bytes) {
  uint64_t size = 0;
  for (int shift = 0;; shift += 7) {
    if (in.empty() || shift > 28) return false;
    uint8_t byte = static_cast<uint8_t>(in[0]);
    in.remove_prefix(1);
    size |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) return false;  // a longer form of a shorter length
      break;
    }
  }
  if (size > in.size()) return false;
  bytes = in.substr(0, static_cast<size_t>(size));
  in.remove_prefix(static_cast<size_t>(size));
  return true;
}

bool IsWellFormedElement(ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::kString: return IsValidUtf8(bytes);
    case ValueType::kNumber: return IsCanonicalNumber(bytes);
    case ValueType::kBinary: return true;
    case ValueType::kBool: return bytes.size() == 1 && (bytes[0] == 0 || bytes[0] == 1);
    case ValueType::kNull: return bytes.empty();
    default: return false;
  }
}

bool IsWellFormedSet(ValueType type, std::string_view payload) {
  if (payload.empty()) return false;
  std::string_view previous, element;
  for (bool first = true; !payload.empty(); first = false, previous = element) {
    if (!TakeSized(payload, element)) return false;
    if (!IsWellFormedElement(ElementType(type), element)) return false;
    if (!first && !SetElementLess(type, previous, element)) return false;
  }
  return true;
}

bool AreEntries(std::string_view in, int depth);

// Takes one value off the front of `in`.
bool TakeValue(std::string_view& in, int depth) {
  if (in.empty() || depth > kNestingLevelsMax) return false;
  uint8_t tag = static_cast<uint8_t>(in[0]);
  if (tag < static_cast<uint8_t>(ValueType::kString) ||
      tag > static_cast<uint8_t>(ValueType::kBinarySet)) {
    return false;
  }
  ValueType type = static_cast<ValueType>(tag);
  in.remove_prefix(1);
  std::string_view payload;
  if (!IsContainer(type)) return TakeSized(in, payload) && IsWellFormedElement(type, payload);
  Reader reader(in);
  uint32_t size = 0;
  if (!reader.ReadFixed32(size) || !reader.ReadRaw(size, payload)) return false;
  in = reader.rest();
  if (IsSet(type)) return IsWellFormedSet(type, payload);
  if (type == ValueType::kMap) return AreEntries(payload, depth + 1);
  while (!payload.empty()) {
    if (!TakeValue(payload, depth + 1)) return false;
  }
  return true;
}

bool AreEntries(std::string_view in, int depth) {
  std::string_view previous, name;
  for (bool first = true; !in.empty(); first = false, previous = name) {
    if (!TakeSized(in, name) || name.size() > kAttributeNameBytesMax) return false;
    if (!first && name <= previous) return false;
    if (!IsValidUtf8(name) || !TakeValue(in, depth)) return false;
  }
  return true;
}

}  // namespace

bool IsWellFormedItem(std::string_view bytes) { return AreEntries(bytes, 1); }

bool IsWellFormedValue(std::string_view bytes) { return TakeValue(bytes, 1) && bytes.empty(); }

bool IsValidUtf8(std::string_view bytes) {
  const uint8_t* at = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* const end = at + bytes.size();
  while (at < end) {
    uint64_t block;
    if (end - at >= 8) {
      std::memcpy(&block, at, 8);
      if ((block & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    uint8_t lead = *at;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    // Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF.
    int trailing;
    uint8_t low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      trailing = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      trailing = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      trailing = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (end - at <= trailing || at[1] < low || at[1] > high) return false;
    for (int i = 2; i <= trailing; ++i) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
    at += trailing + 1;
  }
  return true;
}

}  // namespace everwrite::item
