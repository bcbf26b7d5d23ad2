#include "streams/position.h"

#include <gtest/gtest.h>

namespace everwrite::streams {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 10);
const LogId kB = LogId::Make(RegionId{2}, 20);

conflict::Vector VectorOf(uint64_t a, uint64_t b) {
  conflict::Vector vector;
  vector.Set(kA, a);
  vector.Set(kB, b);
  return vector;
}

Position Sample() {
  Position position;
  position.region = {1};
  position.stream = {0xfeedULL};
  position.shard = {1000};
  position.range = HashRange().Half(1);
  position.after = {2000};
  position.place = VectorOf(5, 7);
  position.created_ms = 1'700'000'000'123;
  position.seen = SeenSet({{HashRange().Half(1).Half(0), VectorOf(9, 1)}}, position.range);
  position.until = {2500};
  return position;
}

TEST(Position, IsReadBack) {
  const std::string text = EncodePosition(Sample());
  Position read;
  ASSERT_TRUE(DecodePosition(text, read));
  EXPECT_EQ(EncodePosition(read), text);
  EXPECT_EQ(read.region, RegionId{1});
  EXPECT_EQ(read.after, Sequence{2000});
  EXPECT_EQ(read.place, VectorOf(5, 7));
  EXPECT_EQ(read.seen.seen().size(), 1u);
}

TEST(Position, OfThreeRegionsFitsWhereSdksKeepIterators) {
  Position position = Sample();
  position.place.Set(LogId::Make(RegionId{3}, 30), 1'000'000'000);
  EXPECT_LT(EncodePosition(position).size(), 250u);
}

TEST(Position, WhatNoRegionWroteIsRefused) {
  const std::string text = EncodePosition(Sample());
  Position read;
  EXPECT_FALSE(DecodePosition("", read));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(DecodePosition(other, read)) << i;
    EXPECT_FALSE(DecodePosition(text.substr(0, i), read)) << i;
  }
  EXPECT_FALSE(DecodePosition(text + "A", read));
  EXPECT_FALSE(DecodePosition(std::string(kPositionTextMax + 1, 'A'), read));
}

TEST(Position, PositionsOfSeveralShardsAndEventsAreOneSet) {
  Position low = Sample();
  low.range = HashRange().Half(0);
  low.seen = {};
  low.place = VectorOf(1, 2);
  const std::string text = EncodePosition(Sample()) + "+" + EventId({kB, 8}) + "+" +
                           EventId({kA, 3}) + "," + EncodePosition(low);
  std::vector<Seen> seen;
  ASSERT_TRUE(ParseSeen(text, StreamId{0xfeedULL}, seen));
  const SeenSet set(seen, {});
  const uint64_t high_hash = ~uint64_t{0}, low_hash = 0, finer_hash = uint64_t{1} << 63;
  EXPECT_TRUE(set.Covers(high_hash, {kB, 8}));
  EXPECT_FALSE(set.Covers(high_hash, {kB, 9}));
  EXPECT_FALSE(set.Covers(high_hash, {kA, 6}));
  EXPECT_TRUE(set.Covers(finer_hash, {kA, 9}));
  EXPECT_TRUE(set.Covers(low_hash, {kB, 2}));
  EXPECT_FALSE(set.Covers(low_hash, {kB, 3}));
}

// The longest place that is to be expected: five regions that have begun their logs anew four times
// each, a stream with as many shards as there may be, and in each what was seen elsewhere, too.
TEST(Position, APlaceOfThirtyTwoShardsAndTwentyLogsIsTaken) {
  conflict::Vector many;
  for (uint16_t region = 1; region <= 5; ++region)
    for (uint64_t life = 1; life <= 4; ++life)
      many.Set(LogId::Make(RegionId{region}, 100 * life), 1'000'000'000);
  std::string text;
  for (uint64_t i = 0; i < 32; ++i) {
    Position position = Sample();
    position.range = {i << 59, 5};
    position.place = many;
    position.seen = SeenSet({{position.range, many}}, position.range);
    text += (i == 0 ? "" : ",") + EncodePosition(position);
    for (const Dot& dot : many.entries()) text += "+" + EventId(dot);
  }
  std::vector<Seen> seen;
  ASSERT_TRUE(ParseSeen(text, StreamId{0xfeedULL}, seen)) << text.size();
  EXPECT_TRUE(SeenSet(seen, {}).CoversAll({}, many));
}

TEST(Position, ThoseOfAnotherStreamAndOtherTextAreNoPositions) {
  std::vector<Seen> seen;
  const std::string text = EncodePosition(Sample());
  EXPECT_FALSE(ParseSeen(text, StreamId{1}, seen));
  for (const std::string& bad :
       {std::string(), text + "+", text + "+12", text + ",x", "," + text, text + "+" + text}) {
    seen.clear();
    EXPECT_EQ(ParseSeen(bad, StreamId{0xfeedULL}, seen), bad == text + "+") << bad;
  }
}

}  // namespace
}  // namespace everwrite::streams
