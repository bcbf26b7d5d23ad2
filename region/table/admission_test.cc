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

const LogId kNext = LogId::Make(RegionId{1}, 78);

conflict::Vector Has(uint64_t number) {
  conflict::Vector applied;
  if (number > 0) applied.Set(kLog, number);
  return applied;
}
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
  EXPECT_EQ(lone.Decide(kLog, Has(5), At(0)), Decision::kNothing);
}

TEST(Admission, TheLogGoesOnWhenEveryPeerHasSaidThatItHoldsNoMore) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNothing);
  EXPECT_EQ(us.Waiting(), std::vector<RegionId>{kC});
  us.OnWord(Word(kC, 4), At(20));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(20)), Decision::kAdmit);
  EXPECT_TRUE(us.admitted());
  EXPECT_TRUE(us.whole()) << "at once: nothing is missing";
  EXPECT_EQ(us.Decide(kLog, Has(6), At(5000)), Decision::kNothing);
}

TEST(Admission, AWordFromBeforeOurStartProvesNothing) {
  Admission us = Two();
  PeerWord old = Word(kB, 5);
  old.sightings.clear();
  us.OnWord(old, At(10));
  us.OnWord(Word(kC, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNothing);
}

TEST(Admission, APeerThatHoldsMoreMeansANewLogAtOnce) {
  Admission us = Two();
  PeerWord word = Word(kB, 6);
  word.sightings.clear();  // whenever it was said
  us.OnWord(word, At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNewLog);
  EXPECT_EQ(us.Decide(kLog, Has(5), At(11)), Decision::kNothing) << "once";
  us.Began();
  EXPECT_TRUE(us.admitted());
  EXPECT_EQ(us.Decide(kNext, Has(5), At(12)), Decision::kNothing);
}

TEST(Admission, ClientsAreServedOnceTheLostTailIsHereAndEveryPeerHasSpoken) {
  Admission us = Two();
  us.OnWord(Word(kB, 7), At(10));
  ASSERT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNewLog);
  us.Began();
  EXPECT_FALSE(us.whole());
  EXPECT_EQ(us.Decide(kNext, Has(6), At(20)), Decision::kNothing);
  EXPECT_EQ(us.missing(), 1u);
  EXPECT_EQ(us.Decide(kNext, Has(7), At(30)), Decision::kNothing) << "C may hold more";
  us.OnWord(Word(kC, 8), At(40));
  EXPECT_EQ(us.Decide(kNext, Has(7), At(40)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kNext, Has(8), At(50)), Decision::kWhole);
  EXPECT_TRUE(us.whole());
  EXPECT_EQ(us.reason(), "");
  EXPECT_EQ(us.Decide(kNext, Has(8), At(60)), Decision::kNothing) << "once";
}

TEST(Admission, APeerThatDoesNotSpeakIsWaitedForAsLongAsForTheLog) {
  Admission us = Two();
  us.OnWord(Word(kB, 7), At(10));
  ASSERT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNewLog);
  us.Began();
  EXPECT_EQ(us.Decide(kNext, Has(7), At(2999)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kNext, Has(7), At(3000)), Decision::kWhole);
}

TEST(Admission, WhenNothingMoreComesClientsAreServedWithoutIt) {
  Admission us = Two();
  us.OnWord(Word(kB, 9), At(10));
  us.OnWord(Word(kC, 5), At(10));
  ASSERT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNewLog);
  us.Began();
  EXPECT_EQ(us.Decide(kNext, Has(5), At(20)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kNext, Has(6), At(9000)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kNext, Has(6), At(18'999)), Decision::kNothing) << "some came meanwhile";
  EXPECT_EQ(us.Decide(kNext, Has(6), At(19'000)), Decision::kWhole);
  EXPECT_NE(us.reason().find("3 changes"), std::string::npos) << us.reason();
}

TEST(Admission, WhoseLogGoesOnMayLackMoreOfAFormerOne) {
  Admission us = Two();
  PeerWord word = Word(kB, 7);
  word.holds.Set(kNext, 2);
  us.OnWord(word, At(10));
  us.OnWord(Word(kC, 5), At(10));
  conflict::Vector applied = Has(6);
  applied.Set(kNext, 2);
  EXPECT_EQ(us.Decide(kNext, applied, At(10)), Decision::kAdmit) << "it crashed while it caught up";
  EXPECT_FALSE(us.whole());
  applied.Set(kLog, 7);
  EXPECT_EQ(us.Decide(kNext, applied, At(20)), Decision::kWhole);
}

TEST(Admission, SoItDoesLater) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  us.OnWord(Word(kC, 5), At(10));
  ASSERT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kAdmit);
  us.OnWord(Word(kC, 9), At(60'000));
  EXPECT_EQ(us.Decide(kLog, Has(8), At(60'000)), Decision::kNewLog);
  EXPECT_FALSE(us.whole());
}

TEST(Admission, WhatCannotBeProvenInTimeMeansANewLog) {
  Admission us = Two();
  us.OnWord(Word(kB, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(2999)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kLog, Has(5), At(3000)), Decision::kNewLog);
}

TEST(Admission, ALogThatIsNewNeedsNoProof) {
  Admission us = Two(/*fresh=*/true);
  EXPECT_EQ(us.Decide(kLog, Has(0), At(2999)), Decision::kNothing);
  EXPECT_EQ(us.Decide(kLog, Has(0), At(3000)), Decision::kAdmit);
}

TEST(Admission, AProcessThatIsHeardOnAndServesGoesFirst) {
  Admission us = Two();
  const Life other{9, 5000, true, "process 12 elsewhere"};
  us.OnWord(With(Word(kB, 5, 0), other, 9000, 100), At(10));
  us.OnWord(Word(kC, 5), At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNothing) << "it may have ended";
  us.OnWord(With(Word(kB, 5, 1700), other, 10'700, 100), At(1710));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(1710)), Decision::kRefuse);
  EXPECT_NE(us.reason().find("process 12 elsewhere"), std::string::npos);
}

TEST(Admission, OurOwnFormerProcessIsWaitedForUntilItIsSilent) {
  Admission us = Two();
  const Life former{9, 10, true, "us, before"};
  us.OnWord(Word(kC, 5), At(10));
  us.OnWord(With(Word(kB, 5, 0), former, 9000, 300), At(10));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kNothing);
  us.OnWord(With(Word(kB, 5, 1700), former, 10'700, 2000), At(1710));
  EXPECT_EQ(us.Decide(kLog, Has(5), At(1710)), Decision::kAdmit);
}

TEST(Admission, OfTwoThatServeTheOneThatStartedFirstGoesOn) {
  for (const bool later : {false, true}) {
    Admission us = Two();
    us.OnWord(Word(kB, 5), At(10));
    us.OnWord(Word(kC, 5), At(10));
    ASSERT_EQ(us.Decide(kLog, Has(5), At(10)), Decision::kAdmit);
    const Life other{9, later ? 2000u : 500u, true, "the other"};
    us.OnWord(With(Word(kB, 5, 60'000), other, 3000, 100), At(60'000));
    if (later) {
      EXPECT_EQ(us.Decide(kLog, Has(5), At(60'000)), Decision::kNothing);
      ASSERT_TRUE(us.twin().has_value());
      EXPECT_EQ(us.twin()->who, "the other");
    } else {
      EXPECT_EQ(us.Decide(kLog, Has(5), At(60'000)), Decision::kRefuse);
    }
  }
}

}  // namespace
}  // namespace everwrite::table
