#include "replicator/clock_guard.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"

namespace everwrite::replicator {
namespace {

constexpr int64_t kHour = 3'600'000;

TEST(ClockGuardTest, OneOfThreeThatIsAnHourOffIsMovedToTheOthers) {
  EXPECT_EQ(ClockCorrection({-kHour, -kHour - 20}, 3, 500), -kHour);
  EXPECT_EQ(ClockCorrection({kHour, kHour + 20}, 3, 500), kHour + 20);
}

TEST(ClockGuardTest, TheMajorityStaysWhereItIs) {
  EXPECT_EQ(ClockCorrection({kHour, 20}, 3, 500), std::nullopt);
  EXPECT_EQ(ClockCorrection({-kHour, -20}, 3, 500), std::nullopt);
  EXPECT_EQ(ClockCorrection({400, -100}, 3, 500), std::nullopt);
}

TEST(ClockGuardTest, OfTwoNobodyKnowsWhoIsRight) {
  EXPECT_EQ(ClockCorrection({kHour}, 2, 500), std::nullopt);
  EXPECT_EQ(ClockCorrection({}, 1, 500), std::nullopt);
}

TEST(ClockGuardTest, ThoseWhoAreSilentCountAsRegions) {
  EXPECT_EQ(ClockCorrection({kHour}, 3, 500), std::nullopt);
  EXPECT_EQ(ClockCorrection({kHour, kHour}, 5, 500), std::nullopt);
  EXPECT_EQ(ClockCorrection({kHour, kHour, kHour}, 5, 500), kHour);
}

TEST(ClockGuardTest, ThreeThatAllDifferHaveNoMajority) {
  EXPECT_EQ(ClockCorrection({kHour, -kHour}, 3, 500), std::nullopt);
}

TEST(ClockGuardTest, ALittleBeyondTheirEdgeIsLeftAlone) {
  EXPECT_EQ(ClockCorrection({390, 410, 420}, 4, 400), 410);
  EXPECT_EQ(ClockCorrection({380, 390, 420}, 4, 400), std::nullopt);
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
    const auto moved = ClockCorrection(offsets, regions, 500);
    if (!moved) continue;
    EXPECT_GT(std::abs(*moved), 500);
    for (int64_t& offset : offsets) offset -= *moved;
    EXPECT_EQ(ClockCorrection(offsets, regions, 500), std::nullopt);
  }
}

}  // namespace
}  // namespace everwrite::replicator
