#include "streams/sequence.h"

#include <gtest/gtest.h>

namespace everwrite::streams {
namespace {

constexpr RegionId kHere{7};

TEST(Sequence, RisesWhateverTheClockSays) {
  Sequence last;
  for (const uint64_t now_ms : {1000, 1000, 5000, 3000, 0, 5001}) {
    const Sequence next = Sequence::After(last, now_ms);
    EXPECT_GT(next, last);
    last = next;
  }
  EXPECT_EQ(last.milliseconds(), 5001u);
}

TEST(Sequence, NumbersOrderAsTextAndAsNumbersAndAreReadBack) {
  std::string before;
  for (const uint64_t value : {uint64_t{1}, uint64_t{99}, uint64_t{1} << 40, ~uint64_t{0}}) {
    const std::string text = SequenceText({value}, kHere);
    EXPECT_EQ(text.size(), 26u);  // DynamoDB's are 21 to 40 digits
    EXPECT_EQ(text.find_first_not_of("0123456789"), std::string::npos);
    EXPECT_LT(before, text);
    before = text;
    Sequence read;
    ASSERT_TRUE(ParseSequence(text, kHere, read));
    EXPECT_EQ(read.value, value);
  }
}

TEST(Sequence, OfAnotherRegionIsRefused) {
  Sequence read;
  EXPECT_FALSE(ParseSequence(SequenceText({5}, RegionId{8}), kHere, read));
  for (const char* text : {"", "1", "000000000000000000001", "10000000000000000000x00007",
                           "19999999999999999999900007", "1 0000000000000000005 00007"})
    EXPECT_FALSE(ParseSequence(text, kHere, read)) << text;
}

TEST(ShardId, IsReadBackAndNothingElseIs) {
  const StreamId stream{42};
  const std::string text = ShardIdText(stream, kHere, {123456789});
  EXPECT_EQ(text.substr(0, 29), "shardId-00000000000123456789-");
  EXPECT_EQ(text.size(), 37u);  // DynamoDB's are 28 to 65 characters
  Sequence read;
  ASSERT_TRUE(ParseShardId(text, stream, kHere, read));
  EXPECT_EQ(read.value, 123456789u);
  EXPECT_FALSE(ParseShardId(text, StreamId{43}, kHere, read));
  EXPECT_FALSE(ParseShardId(text, stream, RegionId{8}, read));
  EXPECT_FALSE(ParseShardId(text + "0", stream, kHere, read));
  std::string other = text;
  other[27] = '8';
  EXPECT_FALSE(ParseShardId(other, stream, kHere, read));
}

TEST(EventId, NamesTheDot) {
  const Dot dot{LogId::Make(RegionId{2}, 0xabc), 77};
  const std::string text = EventId(dot);
  EXPECT_EQ(text, "0002000000000abc000000000000004d");
  Dot read;
  ASSERT_TRUE(ParseEventId(text, read));
  EXPECT_EQ(read, dot);
  for (const char* bad : {"", "0002000000000ABC000000000000004d",
                          "0002000000000abc0000000000000000", "0002000000000abc000000000000004"})
    EXPECT_FALSE(ParseEventId(bad, read)) << bad;
}

}  // namespace
}  // namespace everwrite::streams
