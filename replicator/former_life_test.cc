// What a region's former life has sent, and comes after we have said how much we hold of its log.
//
// Hello and batches go over different servers (messages.h, IsFromReceiver): neither is before the
// other.
#include <gtest/gtest.h>

#include "base/random.h"
#include "replicator/replicator.h"
#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

const RegionId kA{1};
const RegionId kB{2};
const LogId kLogA = LogId::Make(kA, 1);
const LogId kLogB = LogId::Make(kB, 1);
constexpr uint64_t kMillis = 1'700'000'000'000;

Hello HelloOf(uint64_t life) { return {{life, kMillis, true, "a"}, false}; }

class FormerLife : public ::testing::Test {
 protected:
  FormerLife() : b_(MakeOptions(), random_, now_) {
    streams::RegionState state;
    state.region = kB;
    state.log = kLogB;
    state.physical_ms = kMillis;
    b_.OnRegionState(state, now_);
    b_.OnPeerUp(kA, now_);
    Heartbeat heartbeat;
    heartbeat.boot = 9;
    heartbeat.sequence = 1;
    heartbeat.serving = true;
    heartbeat.log = kLogA;
    heartbeat.applied.Set(kLogA, 3);
    heartbeat.durable = heartbeat.applied;
    Hear(HelloOf(7));
    Hear(heartbeat);
    EXPECT_NE(session_, 0u) << "it asks for what it lacks";
    Hear(Opened{session_, kLogA});
  }

  static Options MakeOptions() {
    Options options;
    options.self = kB;
    options.peers = {kA};
    return options;
  }

  // Carries out what comes of it: notes a session that is opened, and what is said to be held.
  void Hear(Message message) {
    b_.OnMessage(kA, std::move(message), now_);
    Ready ready = b_.TakeReady(now_);
    for (const streams::ApplyRequest& apply : ready.applies) {
      applied_from_ = apply.batch.first;
      applied_to_ = apply.batch.last();
    }
    for (const Outgoing& outgoing : ready.messages) {
      if (const Open* open = std::get_if<Open>(&outgoing.message)) session_ = open->session;
      if (const Heartbeat* heartbeat = std::get_if<Heartbeat>(&outgoing.message)) {
        words_.push_back(heartbeat->holds.At(kLogA));
        knows_ = heartbeat->sightings.size();
      }
    }
  }

  Batch BatchOf(uint64_t session, uint64_t number) const {
    conflict::Vector context;
    std::string context_bytes;
    context.EncodeTo(context_bytes);
    streams::ChangeRecord record;
    record.dot = {kLogA, number};
    record.stamp = Stamp::Make(kMillis, 1);
    record.context = context_bytes;
    record.key = "k";
    record.image = "x";
    std::string bytes;
    streams::EncodeChangeRecord(record, bytes);
    return {session, {kLogA, number, {std::make_shared<const std::string>(std::move(bytes))}}};
  }

  Random random_{42};
  Instant now_{0};
  Replicator b_;
  uint64_t session_ = 0;
  uint64_t applied_from_ = 0;  // in the last request
  uint64_t applied_to_ = 0;
  std::vector<uint64_t> words_;  // said to A: how much of its log is held
  size_t knows_ = 0;             // lives of A that were named in the last one
};

TEST_F(FormerLife, WhatCameBeforeTheWordIsInIt) {
  Hear(BatchOf(session_, 1));
  EXPECT_EQ(applied_to_, 1u);
  Hear(HelloOf(8));
  ASSERT_FALSE(words_.empty());
  EXPECT_EQ(words_.back(), 1u);
  EXPECT_EQ(knows_, 2u) << "the word is for the new process";
}

TEST_F(FormerLife, WhatComesAfterTheWordIsNotTaken) {
  const uint64_t former = session_;
  Hear(HelloOf(8));
  ASSERT_FALSE(words_.empty());
  EXPECT_EQ(words_.back(), 0u);
  Hear(BatchOf(former, 1));
  EXPECT_EQ(applied_to_, 0u) << "the region may give number 1 again";
}

TEST_F(FormerLife, TheNewLifeIsAskedAnewAndTakenFrom) {
  const uint64_t former = session_;
  Hear(HelloOf(8));
  ASSERT_NE(session_, former);
  Hear(Opened{session_, kLogA});
  Hear(BatchOf(session_, 1));
  EXPECT_EQ(applied_to_, 1u);
}

// It goes back to what we had when the session was opened.
TEST_F(FormerLife, OfABatchWhoseFirstChangesAreHereTheRestIsTaken) {
  Hear(BatchOf(session_, 1));
  ASSERT_EQ(applied_to_, 1u);
  Batch both = BatchOf(session_, 1);
  both.records.records.push_back(BatchOf(session_, 2).records.records[0]);
  Hear(both);
  EXPECT_EQ(applied_to_, 2u);
  EXPECT_EQ(applied_from_, 2u);
}

TEST_F(FormerLife, TheSameHelloAgainResetsNothing) {
  const uint64_t session = session_;
  Hear(HelloOf(7));
  EXPECT_EQ(session_, session);
  Hear(BatchOf(session, 1));
  EXPECT_EQ(applied_to_, 1u);
}

}  // namespace
}  // namespace everwrite::replicator
