// What a replicator says of its region, and as of when.
#include <gtest/gtest.h>

#include "base/random.h"
#include "replicator/replicator.h"

namespace everwrite::replicator {
namespace {

const RegionId kA{1};
const RegionId kB{2};
const LogId kLogA = LogId::Make(kA, 1);
const LogId kLogB = LogId::Make(kB, 1);

conflict::Vector Of(uint64_t a, uint64_t b) {
  conflict::Vector vector;
  vector.Set(kLogA, a);
  vector.Set(kLogB, b);
  return vector;
}

streams::RegionState StateAt(conflict::Vector vector) {
  streams::RegionState state;
  state.region = kB;
  state.log = kLogB;
  state.physical_ms = 1'700'000'000'000;
  state.applied = vector;
  state.durable = std::move(vector);
  return state;
}

Heartbeat Said(Replicator& core, Instant now) {
  Heartbeat last;
  for (const Outgoing& outgoing : core.TakeReady(now).messages)
    if (const auto* heartbeat = std::get_if<Heartbeat>(&outgoing.message)) last = *heartbeat;
  return last;
}

// The reply to an apply tells of the vector at once, and not that what it counts came as a number
// alone. Whoever leaves a table drops its rows on this word.
TEST(HeartbeatWord, WhatIsWholeIsAsOfTheLastState) {
  Options options;
  options.self = kB;
  options.peers = {kA};
  Random random(42);
  Instant now{0};
  Replicator core(options, random, now);
  core.OnRegionState(StateAt(Of(3, 5)), now);
  core.OnPeerUp(kA, now);
  Heartbeat said = Said(core, now);
  EXPECT_EQ(said.durable, Of(3, 5));
  EXPECT_EQ(said.whole_at, Of(3, 5));

  streams::ApplyReply reply;
  reply.applied = reply.durable = Of(4, 5);
  core.OnApplyReply(reply, now);
  said = Said(core, now = now + options.heartbeat_us);
  EXPECT_EQ(said.durable, Of(4, 5));
  EXPECT_EQ(said.whole_at, Of(3, 5));

  streams::RegionState mends = StateAt(Of(4, 5));
  mends.fill.table = TableId{7};
  core.OnRegionState(mends, now);
  said = Said(core, now = now + options.heartbeat_us);
  EXPECT_EQ(said.durable, Of(4, 5));
  EXPECT_EQ(said.whole_at, conflict::Vector());

  core.OnRegionState(StateAt(Of(4, 6)), now);
  EXPECT_EQ(Said(core, now = now + options.heartbeat_us).whole_at, Of(4, 6));
}

}  // namespace
}  // namespace everwrite::replicator
