#include "region/api/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/random.h"

namespace everwrite::api {
namespace {

ContentCoding Choose(std::initializer_list<std::string_view> fields) {
  CodingChoice choice;
  for (const std::string_view field : fields) choice.Add(field);
  return choice.Best();
}

// zlib's own word, so that we are not compared with ourselves. `window` 31: gzip, 15: zlib.
std::string Deflate(std::string_view text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Inflate(std::string_view bytes, size_t size, int window) {
  z_stream stream{};
  inflateInit2(&stream, window);
  std::string out(size + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(ContentCodingTest, TheClientsWishIsKept) {
  using enum ContentCoding;
  EXPECT_EQ(Choose({}), kIdentity);
  EXPECT_EQ(Choose({""}), kIdentity);
  EXPECT_EQ(Choose({"identity"}), kIdentity);
  EXPECT_EQ(Choose({"br"}), kIdentity);
  EXPECT_EQ(Choose({"x-gzip"}), kIdentity);
  EXPECT_EQ(Choose({"gzip"}), kGzip);
  EXPECT_EQ(Choose({"gzip, deflate"}), kGzip);
  EXPECT_EQ(Choose({"br, identity, deflate, gzip"}), kDeflate);
  EXPECT_EQ(Choose({"GZIP, identity"}), kGzip);
  EXPECT_EQ(Choose({"dog, gzip ,, cat"}), kGzip);
  EXPECT_EQ(Choose({"gzip;q=0.8, deflate;q=0.5"}), kGzip);
  EXPECT_EQ(Choose({"gzip;q=0.499, deflate;q=0.5"}), kDeflate);
  EXPECT_EQ(Choose({"br, gzip;q=0, deflate; q = 0.5 , identity;q=0"}), kDeflate);
  EXPECT_EQ(Choose({"*"}), kGzip);
  EXPECT_EQ(Choose({"*, deflate;q=0.5"}), kGzip);
  EXPECT_EQ(Choose({"*, deflate"}), kDeflate);
  EXPECT_EQ(Choose({"*, identity"}), kGzip);
  EXPECT_EQ(Choose({"*, gzip;q=0.5"}), kDeflate);
  EXPECT_EQ(Choose({"*;q=0"}), kIdentity);
  EXPECT_EQ(Choose({"gzip ;q=0"}), kIdentity);
  EXPECT_EQ(Choose({"gzip;q=2"}), kIdentity);
  EXPECT_EQ(Choose({"br", "deflate", "gzip"}), kDeflate);
}

TEST(ContentCodingTest, AnswersAreReadByOtherImplementations) {
  Random random(7);
  for (const size_t size : {size_t{1}, kEncodeFrom, size_t{300000}}) {
    std::string body;
    while (body.size() < size) body += "{\"S\":\"" + std::to_string(random.Below(1000)) + "\"},";
    EXPECT_EQ(Inflate(EncodeContent(ContentCoding::kGzip, body), body.size(), 31), body);
    EXPECT_EQ(Inflate(EncodeContent(ContentCoding::kDeflate, body), body.size(), 15), body);
  }
}

TEST(ContentCodingTest, RequestsOfOneOrMoreMembersAreRead) {
  const std::string half(100000, 'x'), rest = "and the rest";
  std::string out;
  EXPECT_EQ(DecodeGzip(Deflate(half, 31), 100000, 64, out), DecodeResult::kDone);
  EXPECT_EQ(out, half);
  EXPECT_GE(out.capacity(), out.size() + 64);
  EXPECT_EQ(DecodeGzip(Deflate(half, 31) + Deflate(rest, 31), 1 << 20, 64, out),
            DecodeResult::kDone);
  EXPECT_EQ(out, half + rest);
  EXPECT_EQ(DecodeGzip(Deflate("", 31), 1 << 20, 64, out), DecodeResult::kDone);
  EXPECT_EQ(out, "");
}

TEST(ContentCodingTest, DamagedRequestsAreRefused) {
  const std::string good = Deflate("{\"TableName\":\"t\"}", 31);
  std::string out;
  EXPECT_EQ(DecodeGzip("", 1 << 20, 64, out), DecodeResult::kDamaged);
  EXPECT_EQ(DecodeGzip("{}", 1 << 20, 64, out), DecodeResult::kDamaged);
  EXPECT_EQ(DecodeGzip(good + "junk", 1 << 20, 64, out), DecodeResult::kDamaged);
  for (size_t i = 0; i < good.size(); ++i)
    EXPECT_EQ(DecodeGzip(good.substr(0, i), 1 << 20, 64, out), DecodeResult::kDamaged) << i;
}

TEST(ContentCodingTest, WhatGrowsBeyondTheLimitIsRefusedWithoutTheMemory) {
  const std::string bomb = Deflate(std::string(64 << 20, ' '), 31);
  std::string out;
  EXPECT_EQ(DecodeGzip(bomb, 1 << 20, 64, out), DecodeResult::kTooLarge);
  EXPECT_LT(out.capacity(), size_t{4} << 20);
  const std::string exact(1 << 20, ' ');
  EXPECT_EQ(DecodeGzip(Deflate(exact, 31), 1 << 20, 64, out), DecodeResult::kDone);
  EXPECT_EQ(DecodeGzip(Deflate(exact + " ", 31), 1 << 20, 64, out), DecodeResult::kTooLarge);
  // A member that fits behind others that leave no room.
  EXPECT_EQ(DecodeGzip(Deflate(exact, 31) + Deflate("x", 31), 1 << 20, 64, out),
            DecodeResult::kTooLarge);
}

}  // namespace
}  // namespace everwrite::api
