#include "base/coding.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace everwrite {

void coding::PutLongVarint(std::string& out, uint64_t value) {
  char buffer[kVarintBytesMax];
  out.append(buffer, static_cast<size_t>(StoreVarint(buffer, value) - buffer));
}

coding::Varint coding::TakeLongVarint(std::string_view bytes) {
  uint64_t value = 0;
  const size_t longest = std::min(bytes.size(), kVarintBytesMax);
  for (size_t i = 0; i < longest; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) break;  // would not fit 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return {value, i + 1};
  }
  return {0, 0};
}

void PutOrderedBytes(std::string& out, std::string_view bytes) {
  for (;;) {
    const size_t zero = bytes.find('\0');
    if (zero == std::string_view::npos) break;
    out.append(bytes.substr(0, zero + 1));
    out.push_back('\xff');
    bytes.remove_prefix(zero + 1);
  }
  out.append(bytes);
  out.append("\x00\x01", 2);
}

bool TakeOrderedBytes(std::string_view& in, std::string& bytes) {
  bytes.clear();
  for (;;) {
    const size_t zero = in.find('\0');
    if (zero == std::string_view::npos || zero + 1 >= in.size()) return false;
    bytes.append(in.substr(0, zero));
    const char next = in[zero + 1];
    in.remove_prefix(zero + 2);
    if (next == '\x01') return true;
    if (next != '\xff') return false;
    bytes.push_back('\0');
  }
}

uint64_t Hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    text.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return text;
}

bool FromHex(std::string_view text, std::string& bytes) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  bytes.clear();
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

}  // namespace everwrite
