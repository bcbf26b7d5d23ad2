#include "conflict/claims.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace everwrite::conflict {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 1);
const LogId kB = LogId::Make(RegionId{2}, 1);

Vector V(uint64_t a, uint64_t b) {
  Vector vector;
  vector.Set(kA, a);
  vector.Set(kB, b);
  return vector;
}

TEST(Claims, WithoutAnyTheRowsShowTheVector) {
  EXPECT_EQ(Claims().ShownOf(V(3, 4)), V(3, 4));
  Claims claims;
  claims.Claim(V(3, 4), V(2, 4));
  EXPECT_TRUE(claims.empty());
}

TEST(Claims, WhatIsClaimedIsNotShownAndOtherLogsGoOn) {
  Claims claims;
  claims.Claim(V(3, 4), V(9, 1));
  EXPECT_EQ(claims.ShownOf(V(9, 4)), V(3, 4));
  EXPECT_EQ(claims.ShownOf(V(12, 7)), V(3, 7));
  EXPECT_TRUE(claims.Want(V(4, 0)));
  EXPECT_FALSE(claims.Want(V(3, 100)));
}

TEST(Claims, WhenAllRowsShowTheClaimTheyShowWhatTheLogBroughtToo) {
  Claims claims;
  claims.Claim(V(3, 4), V(9, 4));
  claims.Show(V(5, 0));
  EXPECT_EQ(claims.ShownOf(V(12, 4)), V(5, 4));
  claims.Show(V(9, 0));
  EXPECT_TRUE(claims.empty());
  EXPECT_EQ(claims.ShownOf(V(12, 4)), V(12, 4));
}

TEST(Claims, AreWhatTheyWereWhenReadBack) {
  Claims claims;
  claims.Claim(V(3, 0), V(9, 2));
  EXPECT_EQ(Claims(claims.shown(), claims.claimed()), claims);
  EXPECT_EQ(Claims(V(9, 1), V(9, 1)), Claims());
}

// Against a model that keeps the set of changes which every row shows.
TEST(Claims, NeverSayMoreThanAllRowsShow) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    Claims claims;
    Vector applied;
    std::set<std::pair<uint64_t, uint64_t>> shows;  // (log, number)
    for (int step = 0; step < 40; ++step) {
      const Vector other = V(random.Below(30), random.Below(30));
      switch (random.Below(3)) {
        case 0:  // the next change comes by its log
          for (const LogId log : {kA, kB}) {
            if (random.Chance(1, 2)) continue;
            applied.Raise({log, applied.At(log) + 1});
            shows.insert({log.value, applied.At(log)});
          }
          break;
        case 1:
          claims.Claim(applied, other);
          applied.Merge(other);
          break;
        case 2: {  // a source whose rows show no more than we claim is gone through
          Vector seen = other;
          seen.Meet(applied);
          claims.Show(seen);
          for (const Dot& dot : seen.entries())
            for (uint64_t number = 1; number <= dot.number; ++number)
              shows.insert({dot.log.value, number});
          break;
        }
      }
      const Vector shown = claims.ShownOf(applied);
      ASSERT_TRUE(applied.Covers(shown));
      for (const Dot& dot : shown.entries())
        for (uint64_t number = 1; number <= dot.number; ++number)
          ASSERT_TRUE(shows.count({dot.log.value, number})) << seed;
      ASSERT_EQ(claims.empty(), shown == applied);
    }
  }
}

}  // namespace
}  // namespace everwrite::conflict
