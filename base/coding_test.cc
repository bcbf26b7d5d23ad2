// Encodings: what is written is read back, order as bytes is order as values, and no cut or
// overlong input is taken for a good one.
#include "base/coding.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace everwrite {
namespace {

TEST(Coding, VarintsRoundTripAtEveryWidth) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t value = bits == 64 ? ~0ULL : (1ULL << bits) - 1;
    std::string bytes;
    PutVarint(bytes, value);
    EXPECT_EQ(coding::VarintSize(value), bytes.size());
    Reader reader(bytes);
    uint64_t back = 0;
    ASSERT_TRUE(reader.ReadVarint(back));
    EXPECT_EQ(back, value);
    EXPECT_TRUE(reader.done());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      Reader short_reader(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(short_reader.ReadVarint(back));
    }
  }
}

TEST(Coding, AnElevenByteVarintIsRefused) {
  uint64_t value = 0;
  const std::string bytes(11, '\x80');
  EXPECT_FALSE(Reader(bytes).ReadVarint(value));
  std::string too_big(9, '\xff');
  too_big.push_back('\x02');
  EXPECT_FALSE(Reader(too_big).ReadVarint(value));
}

TEST(Coding, ALengthBeyondTheInputIsRefusedBeforeItIsUsed) {
  std::string bytes;
  PutVarint(bytes, 1ULL << 60);
  bytes += "abc";
  std::string_view out;
  EXPECT_FALSE(Reader(bytes).ReadBytes(out));
}

TEST(Coding, OrderedBytesKeepOrderEvenWithMoreBehind) {
  Random random(1);
  const auto text = [&] {
    std::string s(random.Below(4), '\0');
    for (char& c : s)
      c = static_cast<char>(random.Chance(1, 2) ? random.Below(3) : 253 + random.Below(3));
    return s;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string a = text(), b = text();
    std::string ea, eb;
    PutOrderedBytes(ea, a);
    PutOrderedBytes(eb, b);
    if (a != b) {
      EXPECT_EQ(a < b, ea + text() < eb + text());
    }
    std::string_view in(ea);
    std::string back;
    ASSERT_TRUE(TakeOrderedBytes(in, back));
    EXPECT_EQ(back, a);
    EXPECT_TRUE(in.empty());
  }
}

TEST(Coding, PrefixEndIsTheFirstKeyBehindThePrefix) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
}

TEST(Coding, HexRoundTripsAndRefusesOddText) {
  std::string bytes;
  EXPECT_TRUE(FromHex(ToHex(std::string("\x00\xfe", 2)), bytes));
  EXPECT_EQ(bytes, std::string("\x00\xfe", 2));
  EXPECT_FALSE(FromHex("abc", bytes));
  EXPECT_FALSE(FromHex("zz", bytes));
}

}  // namespace
}  // namespace everwrite
