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

// In the first life of all.
Stability::Word Says(RegionId speaker, Vector durable) {
  Stability::Word word{LogId::Make(speaker, 1), std::move(durable), {}, {}};
  for (const LogId log : {kA, kB, kC})
    if (log.region() != speaker) word.lives.push_back(log);
  return word;
}

TEST(Stability, NothingIsStableBeforeEveryRegionHasSpoken) {
  Stability stability(RegionId{1}, {RegionId{2}, RegionId{3}});
  stability.OnApplied(kA, V(9, 9, 9));
  stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(5, 5, 5)));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnHeartbeat(RegionId{3}, Says(RegionId{3}, V(4, 6, 4)));
  EXPECT_EQ(stability.stable(), V(4, 5, 4));
}

TEST(Stability, AWordCountsOnlyWhenAllThatItsSpeakerWroteBeforeHasArrived) {
  Stability stability(RegionId{1}, {RegionId{2}});
  stability.OnApplied(kA, V(5, 3, 0));
  // B has applied our delete (A,5), but it wrote (B,4) before that, and (B,4) has not arrived: it
  // may be a put of the deleted item that does not know the delete.
  stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(5, 4, 0)));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnApplied(kA, V(5, 4, 0));
  EXPECT_EQ(stability.stable(), V(5, 4, 0));
}

TEST(Stability, AnotherRegionsLogInTheWordIsNotWaitedFor) {
  Stability stability(RegionId{1}, {RegionId{2}, RegionId{3}});
  stability.OnApplied(kA, V(5, 2, 1));
  stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(5, 2, 9)));
  stability.OnHeartbeat(RegionId{3}, Says(RegionId{3}, V(5, 2, 1)));
  EXPECT_EQ(stability.stable(), V(5, 2, 1));
}

TEST(Stability, WhatWeHaveReceivedOfAFormerLifeHoldsItsNewWordBackToo) {
  const LogId again = LogId::Make(RegionId{2}, 2);
  Stability stability(RegionId{1}, {RegionId{2}});
  Vector coming;
  coming.Set(kB, 7);
  stability.OnApplied(kA, V(5, 3, 0), coming);
  Stability::Word word{again, V(5, 0, 0), {kA}, {}};
  stability.OnHeartbeat(RegionId{2}, word);
  EXPECT_EQ(stability.stable(), Vector()) << "(B,4) to (B,7) wait here, and do not know (A,5)";
  stability.OnApplied(kA, V(5, 7, 0), coming);
  EXPECT_EQ(stability.stable().At(kA), 5U);
}

TEST(Stability, ANewLifeCountsOnlyWhenWhatAnybodyHoldsOfTheFormerOnesHasArrived) {
  const LogId again = LogId::Make(RegionId{2}, 2);
  Stability stability(RegionId{1}, {RegionId{2}, RegionId{3}});
  stability.OnApplied(kA, V(5, 2, 1));
  stability.OnHeartbeat(RegionId{3}, Says(RegionId{3}, V(5, 7, 1)));
  // B has lost its disk and was filled by us: it knows our delete (A,5) and (B,2), and not that C
  // holds (B,7), which may be a put that does not know the delete.
  stability.OnHeartbeat(RegionId{2}, {again, V(5, 2, 1), {kA, kC}, {}});
  EXPECT_EQ(stability.stable(), Vector());
  // C's word of before says nothing: it might get more from B's former life until it knows the new.
  stability.OnApplied(kA, V(5, 7, 1));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnHeartbeat(RegionId{3}, {kC, V(5, 8, 1), {kA, again}, {}});
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnApplied(kA, V(5, 8, 1));
  EXPECT_EQ(stability.stable(), V(5, 2, 1));
}

TEST(Stability, WhatSomebodyHasReceivedOfAFormerLifeIsWaitedFor) {
  const LogId again = LogId::Make(RegionId{2}, 2);
  Stability stability(RegionId{1}, {RegionId{2}, RegionId{3}});
  stability.OnApplied(kA, V(5, 2, 1));
  stability.OnHeartbeat(RegionId{2}, {again, V(5, 2, 1), {kA, kC}, {}});
  // C cannot apply (B,3) yet: it waits there for something else.
  stability.OnHeartbeat(RegionId{3}, {kC, V(5, 2, 1), {kA, again}, V(0, 3, 0)});
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnApplied(kA, V(5, 3, 1));
  EXPECT_EQ(stability.stable(), V(5, 2, 1));
}

TEST(Stability, OurOwnFormerLivesAreWaitedForToo) {
  const LogId again = LogId::Make(RegionId{1}, 2);
  Stability stability(RegionId{1}, {RegionId{2}});
  stability.OnApplied(again, V(3, 5, 0));
  stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(4, 5, 0)));
  EXPECT_EQ(stability.stable(), Vector()) << "it does not know of our new life";
  stability.OnHeartbeat(RegionId{2}, {kB, V(4, 5, 0), {again}, {}});
  EXPECT_EQ(stability.stable(), Vector()) << "it holds (A,4)";
  stability.OnApplied(again, V(4, 5, 0));
  EXPECT_EQ(stability.stable(), V(4, 5, 0));
}

TEST(Stability, WhenWeGoBackToAnOldCopyWhatHasCountedMustArriveAgain) {
  const LogId again = LogId::Make(RegionId{1}, 2);
  Stability stability(RegionId{1}, {RegionId{2}, RegionId{3}});
  stability.OnApplied(kA, V(1, 4, 7));
  stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(1, 4, 7)));
  stability.OnHeartbeat(RegionId{3}, Says(RegionId{3}, V(1, 4, 7)));
  EXPECT_EQ(stability.stable(), V(1, 4, 7));
  // The copy is of before the put (B,4) and the delete (C,7), which did not know of each other. The
  // delete comes first.
  stability.OnApplied(again, V(1, 3, 6));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnApplied(again, V(1, 3, 7));
  EXPECT_EQ(stability.stable(), Vector());
  stability.OnHeartbeat(RegionId{2}, {kB, V(1, 4, 7), {again, kC}, {}});
  stability.OnHeartbeat(RegionId{3}, {kC, V(1, 4, 7), {again, kB}, {}});
  EXPECT_EQ(stability.stable(), Vector()) << "(B,4) may be a put that does not know (C,7)";
  stability.OnApplied(again, V(1, 4, 7));
  EXPECT_EQ(stability.stable(), V(1, 4, 7));
}

TEST(Stability, AFloodOfHeartbeatsIsBounded) {
  Stability stability(RegionId{1}, {RegionId{2}});
  stability.OnApplied(kA, V(1000, 0, 0));
  for (uint64_t i = 1; i <= 1000; ++i)
    stability.OnHeartbeat(RegionId{2}, Says(RegionId{2}, V(i, i, 0)));
  stability.OnApplied(kA, V(1000, 1000, 0));
  EXPECT_EQ(stability.stable(), V(1000, 1000, 0));
}

TEST(Stability, ALoneRegionIsStableAtOnce) {
  Stability stability(RegionId{1}, {});
  stability.OnApplied(kA, V(3, 0, 0));
  EXPECT_EQ(stability.stable(), V(3, 0, 0));
}

}  // namespace
}  // namespace everwrite::conflict
