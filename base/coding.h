// Byte encodings that every format of the project is made of.
//
// Fixed-width integers are big-endian where their order as bytes must be their order as numbers
// (keys), little-endian nowhere: one byte order for everything that is stored or sent.
// Varints are LEB128, as in Protobuf.
//
// A Reader never reads past its end and never allocates: on short or overlong input it returns
// false and stays failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace everwrite {

void PutFixed16(std::string& out, uint16_t value);
void PutFixed32(std::string& out, uint32_t value);
void PutFixed64(std::string& out, uint64_t value);
void PutVarint(std::string& out, uint64_t value);
// A varint length, then the bytes.
void PutBytes(std::string& out, std::string_view bytes);

// `data` must hold at least the width read.
uint64_t LoadFixed64(const char* data);
void StoreFixed64(char* data, uint64_t value);

class Reader {
 public:
  explicit Reader(std::string_view input) : rest_(input) {}
  bool ReadByte(uint8_t& value);
  bool ReadFixed16(uint16_t& value);
  bool ReadFixed32(uint32_t& value);
  bool ReadFixed64(uint64_t& value);
  bool ReadVarint(uint64_t& value);
  bool ReadBytes(std::string_view& bytes);             // a varint length, then that many bytes
  bool ReadRaw(size_t size, std::string_view& bytes);  // exactly `size` bytes
  std::string_view rest() const { return rest_; }
  bool done() const { return rest_.empty(); }

 private:
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
