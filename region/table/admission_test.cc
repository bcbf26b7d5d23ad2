#include "region/table/admission.h"

#include <gtest/gtest.h>

namespace everwrite::table {
namespace {

using streams::Life;
using streams::PeerWord;
using Decision = Admission::Decision;

constexpr RegionId kB{2}, kC{3};
constexpr Instant kStart{1'000'000'000};
const LogId kLog = LogId::Make(RegionId{1}, 77);

Instant At(int64_t ms) { return kStart + ms * kMicrosPerMilli; }
Life Us(uint64_t started_ms = 1000) { return {7, started_ms, false, "us"}; }

Admission Two(bool fresh = false) { return {{{kB, kC}}, Us(), fresh, kStart}; }

// A word of a peer that has heard of us `age_ms` ago.
PeerWord Word(RegionId peer, uint64_t holds, uint64_t age_ms = 0) {
  PeerWord word;
  word.peer = peer;
  if (holds > 0) word.holds.Set(kLog, holds);
  word.sightings.push_back({Us(), age_ms, 0});
  return word;
}
PeerWord With(PeerWord word, Life other, uint64_t first_age_ms, uint64_t last_age_ms) {
  word.sightings.push_back({std::move(other), first_age_ms, last_age_ms});
  return word;
}

TEST(Admission, WithoutPeersThereIsNothingToProve) {
  Admission lone({{}}, Us(), /*fresh=*/false, kStart);
  EXPECT_TRUE(lone.admitted());
  EXPECT_EQ(lone.Decide(kLog, 5, At(0)), Decision::kNothing);
}

TEST(Admission, TheLogGoesOnWhenEveryPeerHasSaidThatItHoldsNoMore) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(10)), Decision::kNothing);
  EXPECT_EQ(us.Waiting(), std::vector<RegionId>{kC});
  us.OnWord(Word(kC, 4), At(20));
  EXPECT_EQ(us.Decide(kLog, 5, At(20)), Decision::kAdmit);
  EXPECT_TRUE(us.admitted());
  EXPECT_EQ(us.Decide(kLog, 6, At(5000)), Decision::kNothing);
}

TEST(Admission, AWordFromBeforeOurStartProvesNothing) {
  Admission us = Two();
  PeerWord old = Word(kB, 5);
  old.sightings.clear();
  us.OnWord(old, At(10));
  us.OnWord(Word(kC, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(10)), Decision::kNothing);
}

TEST(Admission, APeerThatHoldsMoreMeansANewLogAtOnce) {
  Admission us = Two();
  PeerWord word = Word(kB, 6);
  word.sightings.clear();  // whenever it was said
  us.OnWord(word, At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(10)), Decision::kNewLog);
  EXPECT_EQ(us.Decide(kLog, 5, At(11)), Decision::kNothing) << "once";
  us.Began();
  EXPECT_TRUE(us.admitted());
  EXPECT_EQ(us.Decide(LogId::Make(RegionId{1}, 78), 0, At(12)), Decision::kNothing);
}

TEST(Admission, SoItDoesLater) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  us.OnWord(Word(kC, 5), At(10));
  ASSERT_EQ(us.Decide(kLog, 5, At(10)), Decision::kAdmit);
  us.OnWord(Word(kC, 9), At(60'000));
  EXPECT_EQ(us.Decide(kLog, 8, At(60'000)), Decision::kNewLog);
}

TEST(Admission, WhatCannotBeProvenInTimeMeansANewLog) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(2999)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kLog, 5, At(3000)), Decision::kNewLog);
}

TEST(Admission, ALogThatIsNewNeedsNoProof) {
  Admission us = Two(/*fresh=*/true);
  EXPECT_EQ(us.Decide(kLog, 0, At(2999)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kLog, 0, At(3000)), Decision::kAdmit);
}

TEST(Admission, AProcessThatIsHeardOnAndServesGoesFirst) {
  Admission us = Two();
  const Life other{9, 5000, true, "process 12 elsewhere"};
  us.OnWord(With(Word(kB, 5, 0), other, 9000, 100), At(10));
  us.OnWord(Word(kC, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(10)), Decision::kNothing) << "it may have ended";
  us.OnWord(With(Word(kB, 5, 1700), other, 10'700, 100), At(1710));
  EXPECT_EQ(us.Decide(kLog, 5, At(1710)), Decision::kRefuse);
  EXPECT_NE(us.reason().find("process 12 elsewhere"), std::string::npos);
}

TEST(Admission, OurOwnFormerProcessIsWaitedForUntilItIsSilent) {
  Admission us = Two();
  const Life former{9, 10, true, "us, before"};
  us.OnWord(Word(kC, 5), At(10));
  us.OnWord(With(Word(kB, 5, 0), former, 9000, 300), At(10));
  EXPECT_EQ(us.Decide(kLog, 5, At(10)), Decision::kNothing);
  us.OnWord(With(Word(kB, 5, 1700), former, 10'700, 2000), At(1710));
  EXPECT_EQ(us.Decide(kLog, 5, At(1710)), Decision::kAdmit);
}

TEST(Admission, OfTwoThatServeTheOneThatStartedFirstGoesOn) {
  for (const bool later : {false, true}) {
    Admission us = Two();
    us.OnWord(Word(kB, 5), At(10));
    us.OnWord(Word(kC, 5), At(10));
    ASSERT_EQ(us.Decide(kLog, 5, At(10)), Decision::kAdmit);
    const Life other{9, later ? 2000u : 500u, true, "the other"};
    us.OnWord(With(Word(kB, 5, 60'000), other, 3000, 100), At(60'000));
    if (later) {
      EXPECT_EQ(us.Decide(kLog, 5, At(60'000)), Decision::kNothing);
      ASSERT_TRUE(us.twin().has_value());
      EXPECT_EQ(us.twin()->who, "the other");
    } else {
      EXPECT_EQ(us.Decide(kLog, 5, At(60'000)), Decision::kRefuse);
    }
  }
}

}  // namespace
}  // namespace everwrite::table
