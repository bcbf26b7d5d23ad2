#include "region/convergence/mail.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace everwrite::convergence {
namespace {

conflict::Vector SomeVector(uint64_t number) {
  conflict::Vector vector;
  vector.Set(LogId::Make(RegionId{1}, 5), number);
  vector.Set(LogId::Make(RegionId{2}, 5), 1);
  return vector;
}

std::vector<Letter> Letters() {
  Digests digests;
  digests.entries.push_back({TableId{77}, 4095, {0x1234567812345678, SomeVector(9)}});
  digests.entries.push_back({TableId{78}, 0, {0, {}}});
  PageReply page;
  page.id = 3;
  page.table = TableId{77};
  page.bucket = 9;
  page.page.standing = {SomeVector(4), false};
  page.page.said = {5, SomeVector(3)};
  page.page.after = "a";
  page.page.through = "c";
  const conflict::Version version{1, Stamp::Make(1000, 2), {LogId::Make(RegionId{1}, 5), 4}};
  page.page.rows = {{"b", {version, false, 99}}, {"c", {version, true, 0}}};
  PageReply empty;
  empty.page.end = true;
  RowsReply rows{4, TableId{77}, {{"b", "value"}, {"c", ""}}};
  return {digests, AskPage{1, TableId{77}, 9, "key"},   page,
          empty,   AskRows{2, TableId{77}, {"b", "c"}}, rows};
}

TEST(Mail, ComesBackAsItWasSent) {
  for (const Letter& letter : Letters()) {
    const std::string bytes = EncodeLetter(letter);
    Letter decoded;
    ASSERT_TRUE(DecodeLetter(bytes, decoded)) << letter.index();
    EXPECT_EQ(decoded.index(), letter.index());
    EXPECT_EQ(EncodeLetter(decoded), bytes);
  }
}

TEST(Mail, WhatIsCutOrLongerIsRefused) {
  for (const Letter& letter : Letters()) {
    const std::string bytes = EncodeLetter(letter);
    Letter decoded;
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(DecodeLetter(bytes.substr(0, size), decoded)) << letter.index() << " " << size;
    EXPECT_FALSE(DecodeLetter(bytes + '\0', decoded));
  }
}

TEST(Mail, AnyBytesAreReadWithoutHarm) {
  Random random(1);
  const std::vector<Letter> letters = Letters();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = EncodeLetter(letters[random.Below(letters.size())]);
    for (uint64_t n = 1 + random.Below(4); n > 0; --n)
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    Letter decoded;
    if (DecodeLetter(bytes, decoded)) {
      // One form only, but for vectors' empty form.
      Letter again;
      EXPECT_TRUE(DecodeLetter(EncodeLetter(decoded), again));
    }
  }
}

}  // namespace
}  // namespace everwrite::convergence
