#include "replicator/clock_guard.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"

namespace everwrite::replicator {
namespace {

constexpr int64_t kHour = 3'600'000;

std::optional<int64_t> Moved(std::vector<int64_t> offsets_ms, size_t regions, int64_t bound_ms) {
  return JudgeClock(std::move(offsets_ms), regions, bound_ms).move_ms;
}
bool IsJudged(std::vector<int64_t> offsets_ms, size_t regions) {
  return JudgeClock(std::move(offsets_ms), regions, 500).judged;
}

TEST(ClockGuardTest, OneOfThreeThatIsAnHourOffIsMovedToTheOthers) {
  EXPECT_EQ(Moved({-kHour, -kHour - 20}, 3, 500), -kHour);
  EXPECT_EQ(Moved({kHour, kHour + 20}, 3, 500), kHour + 20);
}

TEST(ClockGuardTest, TheMajorityStaysWhereItIs) {
  EXPECT_EQ(Moved({kHour, 20}, 3, 500), std::nullopt);
  EXPECT_EQ(Moved({-kHour, -20}, 3, 500), std::nullopt);
  EXPECT_EQ(Moved({400, -100}, 3, 500), std::nullopt);
}

TEST(ClockGuardTest, OfTwoNobodyKnowsWhoIsRight) {
  EXPECT_EQ(Moved({kHour}, 2, 500), std::nullopt);
  EXPECT_EQ(Moved({}, 1, 500), std::nullopt);
}

TEST(ClockGuardTest, ThoseWhoAreSilentCountAsRegions) {
  EXPECT_EQ(Moved({kHour}, 3, 500), std::nullopt);
  EXPECT_EQ(Moved({kHour, kHour}, 5, 500), std::nullopt);
  EXPECT_EQ(Moved({kHour, kHour, kHour}, 5, 500), kHour);
}

TEST(ClockGuardTest, ThreeThatAllDifferHaveNoMajority) {
  EXPECT_EQ(Moved({kHour, -kHour}, 3, 500), std::nullopt);
}

TEST(ClockGuardTest, ALittleBeyondTheirEdgeIsLeftAlone) {
  EXPECT_EQ(Moved({390, 410, 420}, 4, 400), 410);
  EXPECT_EQ(Moved({380, 390, 420}, 4, 400), std::nullopt);
}

TEST(ClockGuardTest, AClockIsJudgedOnceAMajorityIsHeardThatAgrees) {
  EXPECT_TRUE(IsJudged({}, 1));
  EXPECT_TRUE(IsJudged({20}, 2));
  EXPECT_FALSE(IsJudged({}, 2));
  EXPECT_FALSE(IsJudged({kHour}, 2));
  EXPECT_TRUE(IsJudged({20}, 3));
  EXPECT_FALSE(IsJudged({kHour}, 3)) << "ours may be the wrong one";
  EXPECT_TRUE(IsJudged({kHour, kHour}, 3)) << "it is moved to theirs";
  EXPECT_TRUE(IsJudged({kHour, 20}, 3));
  EXPECT_FALSE(IsJudged({kHour, -kHour}, 3));
}

// Whatever the clocks: one that is moved is with the majority afterwards, and the majority is never
// moved.
TEST(ClockGuardTest, OneMoveIsEnough) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    const size_t regions = 2 + random.Below(6);
    std::vector<int64_t> offsets;
    for (size_t i = 1; i < regions; ++i)
      if (random.Chance(9, 10)) offsets.push_back(random.Between(-4, 4) * 400);
    const auto moved = Moved(offsets, regions, 500);
    if (!moved) continue;
    EXPECT_GT(std::abs(*moved), 500);
    for (int64_t& offset : offsets) offset -= *moved;
    EXPECT_EQ(Moved(offsets, regions, 500), std::nullopt);
  }
}

}  // namespace
}  // namespace everwrite::replicator
