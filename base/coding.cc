#include "base/coding.h"

#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace everwrite {
namespace {

template <typename Number>
Number Swapped(Number value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Number) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(Number) == 4) return __builtin_bswap32(value);
  return static_cast<Number>(__builtin_bswap64(value));
}

template <typename Number>
void PutBigEndian(std::string& out, Number value) {
  value = Swapped(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename Number>
Number LoadBigEndian(const char* data) {
  Number value;
  std::memcpy(&value, data, sizeof value);
  return Swapped(value);
}

}  // namespace

void PutFixed16(std::string& out, uint16_t value) { PutBigEndian(out, value); }
void PutFixed32(std::string& out, uint32_t value) { PutBigEndian(out, value); }
void PutFixed64(std::string& out, uint64_t value) { PutBigEndian(out, value); }

void PutVarint(std::string& out, uint64_t value) {
  if (value < 0x80) return out.push_back(static_cast<char>(value));
  char buffer[10];
  int n = 0;
  while (value >= 0x80) {
    buffer[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[n++] = static_cast<char>(value);
  out.append(buffer, n);
}

void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

uint64_t LoadFixed64(const char* data) { return LoadBigEndian<uint64_t>(data); }

void StoreFixed64(char* data, uint64_t value) {
  value = Swapped(value);
  std::memcpy(data, &value, sizeof value);
}

bool Reader::ReadByte(uint8_t& value) {
  if (rest_.empty()) return false;
  value = static_cast<uint8_t>(rest_[0]);
  rest_.remove_prefix(1);
  return true;
}

bool Reader::ReadFixed16(uint16_t& value) {
  if (rest_.size() < 2) return false;
  value = LoadBigEndian<uint16_t>(rest_.data());
  rest_.remove_prefix(2);
  return true;
}

bool Reader::ReadFixed32(uint32_t& value) {
  if (rest_.size() < 4) return false;
  value = LoadBigEndian<uint32_t>(rest_.data());
  rest_.remove_prefix(4);
  return true;
}

bool Reader::ReadFixed64(uint64_t& value) {
  if (rest_.size() < 8) return false;
  value = LoadBigEndian<uint64_t>(rest_.data());
  rest_.remove_prefix(8);
  return true;
}

bool Reader::ReadVarint(uint64_t& value) {
  if (!rest_.empty() && static_cast<uint8_t>(rest_[0]) < 0x80) {  // mostly
    value = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }
  value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte = 0;
    if (!ReadByte(byte)) return false;
    if (shift == 63 && byte > 1) return false;  // would not fit 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool Reader::ReadBytes(std::string_view& bytes) {
  uint64_t size = 0;
  return ReadVarint(size) && ReadRaw(size, bytes);
}

bool Reader::ReadRaw(size_t size, std::string_view& bytes) {
  if (size > rest_.size()) return false;
  bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
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
