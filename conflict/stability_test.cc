// A tombstone is forgotten only when no change can arrive that does not know it.
#include "conflict/stability.h"

#include <gtest/gtest.h>

namespace everwrite::conflict {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 1);
const LogId kB = LogId::Make(RegionId{2}, 1);
const LogId kC = LogId::Make(RegionId{3}, 1);

Vector V(uint64_t a, uint64_t b, uint64_t c) {
  Vector v;
  v.Set(kA, a);
  v.Set(kB, b);
  v.Set(kC, c);
  return v;
}

TEST(Stability, NothingIsStableBeforeEveryRegionHasSpoken) {
  Stability stability({RegionId{2}, RegionId{3}});
  stability.OnApplied(V(9, 9, 9));
  stability.OnHeartbeat(RegionId{2}, V(5, 5, 5));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnHeartbeat(RegionId{3}, V(4, 6, 4));
  EXPECT_EQ(stability.stable(), V(4, 5, 4));
}

TEST(Stability, AWordCountsOnlyWhenAllThatItsSpeakerWroteBeforeHasArrived) {
  Stability stability({RegionId{2}});
  stability.OnApplied(V(5, 3, 0));
  // B has applied our delete (A,5), but it wrote (B,4) before that, and (B,4) has not arrived: it
  // may be a put of the deleted item that does not know the delete.
  stability.OnHeartbeat(RegionId{2}, V(5, 4, 0));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnApplied(V(5, 4, 0));
  EXPECT_EQ(stability.stable(), V(5, 4, 0));
}

TEST(Stability, AnotherRegionsLogInTheWordIsNotWaitedFor) {
  Stability stability({RegionId{2}, RegionId{3}});
  stability.OnApplied(V(5, 2, 1));
  stability.OnHeartbeat(RegionId{2}, V(5, 2, 9));
  stability.OnHeartbeat(RegionId{3}, V(5, 2, 1));
  EXPECT_EQ(stability.stable(), V(5, 2, 1));
}

TEST(Stability, AFloodOfHeartbeatsIsBounded) {
  Stability stability({RegionId{2}});
  stability.OnApplied(V(1000, 0, 0));
  for (uint64_t i = 1; i <= 1000; ++i) stability.OnHeartbeat(RegionId{2}, V(i, i, 0));
  stability.OnApplied(V(1000, 1000, 0));
  EXPECT_EQ(stability.stable(), V(1000, 1000, 0));
}

TEST(Stability, ALoneRegionIsStableAtOnce) {
  Stability stability({});
  stability.OnApplied(V(3, 0, 0));
  EXPECT_EQ(stability.stable(), V(3, 0, 0));
}

}  // namespace
}  // namespace everwrite::conflict
