// Byte encodings that every format of the project is made of.
//
// Fixed-width integers are big-endian where their order as bytes must be their order as numbers
// (keys), little-endian nowhere: one byte order for everything that is stored or sent.
// Varints are LEB128, as in Protobuf.
//
// A Reader never reads past its end and never allocates: on short or overlong input it returns
// false and stays failed.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace everwrite {

namespace coding {

template <typename Number>
Number Swapped(Number value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(Number) == 1) return value;
  if constexpr (sizeof(Number) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(Number) == 4) return __builtin_bswap32(value);
  return static_cast<Number>(__builtin_bswap64(value));
}

template <typename Number>
Number LoadBigEndian(const char* data) {
  Number value;
  std::memcpy(&value, data, sizeof value);
  return Swapped(value);
}

template <typename Number>
void PutBigEndian(std::string& out, Number value) {
  value = Swapped(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

constexpr size_t kVarintBytesMax = 10;

// At `at`, which has room for the longest; returns where it ends.
inline char* StoreVarint(char* at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}
// How many bytes StoreVarint writes.
inline size_t VarintSize(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}
void PutLongVarint(std::string& out, uint64_t value);

struct Varint {
  uint64_t value;
  size_t size;  // of its encoding; 0: there is none
};
Varint TakeLongVarint(std::string_view bytes);

}  // namespace coding

inline void PutFixed16(std::string& out, uint16_t value) { coding::PutBigEndian(out, value); }
inline void PutFixed32(std::string& out, uint32_t value) { coding::PutBigEndian(out, value); }
inline void PutFixed64(std::string& out, uint64_t value) { coding::PutBigEndian(out, value); }
inline void PutVarint(std::string& out, uint64_t value) {
  if (value >= 0x80) return coding::PutLongVarint(out, value);
  out.push_back(static_cast<char>(value));
}
// A varint length, then the bytes.
inline void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

// `data` must hold at least the width read.
inline uint64_t LoadFixed64(const char* data) { return coding::LoadBigEndian<uint64_t>(data); }
inline void StoreFixed16(char* data, uint16_t value) {
  value = coding::Swapped(value);
  std::memcpy(data, &value, sizeof value);
}
inline void StoreFixed64(char* data, uint64_t value) {
  value = coding::Swapped(value);
  std::memcpy(data, &value, sizeof value);
}

// What is read for each change, key and vector is here, so that it costs no call.
class Reader {
 public:
  explicit Reader(std::string_view input) : rest_(input) {}
  bool ReadByte(uint8_t& value) { return ReadBigEndian(value); }
  bool ReadFixed16(uint16_t& value) { return ReadBigEndian(value); }
  bool ReadFixed32(uint32_t& value) { return ReadBigEndian(value); }
  bool ReadFixed64(uint64_t& value) { return ReadBigEndian(value); }
  bool ReadVarint(uint64_t& value) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(rest_.data());
    if (rest_.size() >= 1 && bytes[0] < 0x80) return Took({bytes[0], 1}, value);
    if (rest_.size() >= 2 && bytes[1] < 0x80)
      return Took({(bytes[0] & 0x7fU) | uint64_t{bytes[1]} << 7, 2}, value);
    return Took(coding::TakeLongVarint(rest_), value);
  }
  bool ReadBytes(std::string_view& bytes) {  // a varint length, then that many bytes
    uint64_t size = 0;
    return ReadVarint(size) && ReadRaw(size, bytes);
  }
  bool ReadRaw(size_t size, std::string_view& bytes) {  // exactly `size` bytes
    if (size > rest_.size()) return false;
    bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  std::string_view rest() const { return rest_; }
  bool done() const { return rest_.empty(); }

 private:
  template <typename Number>
  bool ReadBigEndian(Number& value) {
    if (rest_.size() < sizeof value) return false;
    value = coding::LoadBigEndian<Number>(rest_.data());
    rest_.remove_prefix(sizeof value);
    return true;
  }
  bool Took(coding::Varint varint, uint64_t& value) {
    if (varint.size == 0) return false;
    value = varint.value;
    rest_.remove_prefix(varint.size);
    return true;
  }
  std::string_view rest_;
};

// Order-preserving, self-delimiting bytes: 0x00 becomes 0x00 0xff, and 0x00 0x01 ends. Comparing
// two encodings as bytes, even with more bytes behind them, gives the order of the originals.
void PutOrderedBytes(std::string& out, std::string_view bytes);
// Reads one such encoding from the front of `in`; false when it is malformed.
bool TakeOrderedBytes(std::string_view& in, std::string& bytes);

// 64-bit hash (XXH3) with a fixed seed: stored in keys, so it never changes.
uint64_t Hash64(std::string_view bytes);

// The smallest key that is greater than every key with this prefix; empty when there is none.
std::string PrefixEnd(std::string_view prefix);

// Lower-case hexadecimal, for logs and listings.
std::string ToHex(std::string_view bytes);
bool FromHex(std::string_view text, std::string& bytes);

}  // namespace everwrite
