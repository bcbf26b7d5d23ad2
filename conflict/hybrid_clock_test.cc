#include "conflict/hybrid_clock.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace everwrite::conflict {
namespace {

TEST(HybridClock, FollowsPhysicalTimeWhenItMoves) {
  HybridClock clock;
  EXPECT_EQ(clock.Tick(1000), Stamp::Make(1000, 0));
  EXPECT_EQ(clock.Tick(1000), Stamp::Make(1000, 1));
  EXPECT_EQ(clock.Tick(1001), Stamp::Make(1001, 0));
}

TEST(HybridClock, NeverGoesBackWhateverThePhysicalClockDoes) {
  Random random(1);
  HybridClock clock;
  Stamp before{};
  for (int i = 0; i < 100000; ++i) {
    if (random.Chance(1, 3)) {
      const Stamp seen = Stamp::Make(random.Below(2000), static_cast<uint16_t>(random.Next()));
      clock.Observe(seen);
      before = std::max(before, seen);
    }
    const uint64_t physical = random.Below(2000);
    const Stamp stamp = clock.Tick(physical);
    ASSERT_GT(stamp, before);
    ASSERT_GE(stamp.milliseconds(), physical);
    before = stamp;
  }
}

TEST(HybridClock, AFullCounterCarriesIntoTheNextMillisecond) {
  HybridClock clock(Stamp::Make(1000, 0xffff));
  EXPECT_EQ(clock.Tick(1000), Stamp::Make(1001, 0));
}

TEST(HybridClock, ARestartGoesOnFromTheStoredMark) {
  HybridClock before;
  const Stamp last = before.Tick(5000);
  HybridClock after(last);
  EXPECT_GT(after.Tick(10), last) << "the wall clock was set back while the region was down";
}

}  // namespace
}  // namespace everwrite::conflict
