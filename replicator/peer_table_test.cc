// What is concluded from heartbeats: reachability, clocks, what everyone holds.
#include "replicator/peer_table.h"

#include <gtest/gtest.h>

namespace everwrite::replicator {
namespace {

const RegionId kSelf{1};
const RegionId kB{2};
const RegionId kC{3};
const LogId kOurs = LogId::Make(kSelf, 1);
const LogId kLogB = LogId::Make(kB, 1);
const LogId kLogC = LogId::Make(kC, 1);

Options MakeOptions() {
  Options options;
  options.self = kSelf;
  options.peers = {kB, kC};
  return options;
}

conflict::Vector V(std::initializer_list<Dot> dots) {
  conflict::Vector vector;
  for (const Dot& dot : dots) vector.Set(dot.log, dot.number);
  return vector;
}

Heartbeat Beat(LogId log, uint64_t boot, uint64_t sequence, conflict::Vector durable) {
  Heartbeat heartbeat;
  heartbeat.boot = boot;
  heartbeat.sequence = sequence;
  heartbeat.serving = true;
  heartbeat.log = log;
  heartbeat.lives = {kOurs, kLogB, kLogC};
  heartbeat.applied = durable;
  heartbeat.durable = std::move(durable);
  return heartbeat;
}

TEST(PeerTable, NothingIsEverywhereUntilAllHaveSpoken) {
  PeerTable table(MakeOptions());
  table.OnOwnDurable(kOurs, V({{kOurs, 10}}), {});
  table.OnHeartbeat(kB, Beat(kLogB, 1, 1, V({{kOurs, 8}})), Instant{0}, 0);
  EXPECT_TRUE(table.DurableEverywhere().empty());
  EXPECT_TRUE(table.stable().empty());
  table.OnHeartbeat(kC, Beat(kLogC, 1, 1, V({{kOurs, 9}})), Instant{0}, 0);
  EXPECT_EQ(table.DurableEverywhere(), V({{kOurs, 8}}));
}

// They are received, and wait for something.
TEST(PeerTable, AWordOfAnotherLifeWaitsForWhatIsComingOfTheFormerOne) {
  const LogId next = LogId::Make(kC, 2);
  PeerTable table(MakeOptions());
  const conflict::Vector ours = V({{kOurs, 10}, {kLogC, 3}});
  const conflict::Vector coming = V({{kLogC, 7}});
  table.OnOwnDurable(kOurs, ours, coming);
  table.OnHeartbeat(kC, Beat(kLogC, 1, 1, V({{kOurs, 5}, {kLogC, 7}})), Instant{0}, 0);
  Heartbeat of_b = Beat(kLogB, 1, 1, ours);
  of_b.lives = {kOurs, kLogB, next};
  table.OnHeartbeat(kB, of_b, Instant{0}, 0);
  Heartbeat of_c = Beat(next, 1, 2, ours);
  of_c.lives = {kOurs, kLogB, next};
  table.OnHeartbeat(kC, of_c, Instant{0}, 0, coming);
  EXPECT_TRUE(table.stable().empty()) << "C had made 4 to 7 without knowing all of ours";
  table.OnOwnDurable(kOurs, V({{kOurs, 10}, {kLogC, 7}}), {});
  EXPECT_EQ(table.stable(), ours);
}

TEST(PeerTable, AWordOfAPeerIsStableOnceItsOwnChangesAreHere) {
  PeerTable table(MakeOptions());
  table.OnOwnDurable(kOurs, V({{kOurs, 10}}), {});
  table.OnHeartbeat(kC, Beat(kLogC, 1, 1, V({{kOurs, 10}})), Instant{0}, 0);
  table.OnHeartbeat(kB, Beat(kLogB, 1, 1, V({{kOurs, 10}, {kLogB, 5}})), Instant{0}, 0);
  EXPECT_TRUE(table.stable().empty()) << "B's changes 1..5 may have been made without knowing ours";
  table.OnOwnDurable(kOurs, V({{kOurs, 10}, {kLogB, 5}}), {});
  EXPECT_EQ(table.stable(), V({{kOurs, 10}}));
}

TEST(PeerTable, LateAndRepeatedHeartbeatsAreIgnored) {
  PeerTable table(MakeOptions());
  EXPECT_EQ(table.OnHeartbeat(kB, Beat(kLogB, 1, 5, V({{kOurs, 5}})), Instant{0}, 0),
            PeerTable::News::kFirst);
  EXPECT_EQ(table.OnHeartbeat(kB, Beat(kLogB, 1, 4, V({{kOurs, 4}})), Instant{0}, 0),
            PeerTable::News::kNone);
  EXPECT_EQ(table.at(kB).last.durable, V({{kOurs, 5}}));
  EXPECT_EQ(table.OnHeartbeat(kB, Beat(kLogB, 2, 1, V({{kOurs, 5}})), Instant{0}, 0),
            PeerTable::News::kRestarted);
}

TEST(PeerTable, ReachableNeedsALinkAWordAndAServingRegion) {
  PeerTable table(MakeOptions());
  const Instant later{3 * kMicrosPerSecond};
  EXPECT_FALSE(table.Reachable(kB, Instant{0}));
  table.OnLink(kB, true, Instant{0});
  EXPECT_FALSE(table.Reachable(kB, Instant{0}));
  table.OnHeard(kB, Instant{0});
  table.OnHeartbeat(kB, Beat(kLogB, 1, 1, {}), Instant{0}, 0);
  EXPECT_TRUE(table.Reachable(kB, Instant{0}));
  EXPECT_EQ(table.wake_at(Instant{0}), later);
  EXPECT_FALSE(table.Reachable(kB, later)) << "silent for three seconds";
  table.OnHeard(kB, later);
  Heartbeat away;
  away.boot = 1;
  away.sequence = 2;
  table.OnHeartbeat(kB, away, later, 0);
  EXPECT_FALSE(table.Reachable(kB, later));
}

TEST(PeerTable, ClockOffsetIsMeasuredThroughTheDelay) {
  PeerTable table(MakeOptions());
  // Sent at our 1000; 40 ms there; held 100 ms; 40 ms back. The peer's clock is 700 ms ahead.
  Heartbeat heartbeat = Beat(kLogB, 1, 1, {});
  heartbeat.echo_ms = 1000;
  heartbeat.echo_age_ms = 100;
  heartbeat.physical_ms = 1000 + 40 + 100 + 700;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 1180);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 700);
  // A worse sample (400 ms stuck on the way back) does not spoil it.
  heartbeat.sequence = 2;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 1580);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 700);
}

TEST(PeerTable, CorrectionsCountAtOnceAndDoNotSpoilWhatIsMeasured) {
  PeerTable table(MakeOptions());
  // As above, but 200 of the 700 ms are the peer's correction: its raw clock is 500 ms ahead.
  Heartbeat heartbeat = Beat(kLogB, 1, 1, {});
  heartbeat.echo_ms = 1000;
  heartbeat.echo_age_ms = 100;
  heartbeat.physical_ms = 1000 + 40 + 100 + 700;
  heartbeat.clock_correction_ms = 200;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 1180);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 700);
  table.OnOwnCorrection(700);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 0);
  Heartbeat ours;
  table.FillEcho(kB, Instant{0}, ours);
  EXPECT_EQ(ours.echo_ms, 1640u) << "the peer's raw clock";
}

TEST(PeerTable, AClockThatHasJumpedIsMeasuredAnew) {
  PeerTable table(MakeOptions());
  Heartbeat heartbeat = Beat(kLogB, 1, 1, {});
  heartbeat.echo_ms = 1000;
  heartbeat.physical_ms = 1010;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 1020);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 0);
  // Its region was started with a clock that is 5 s ahead; the round trip is longer now.
  heartbeat.sequence = 2;
  heartbeat.physical_ms = 6050;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 1100);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 5000);
  // Ours was started: an echo of what we said before says nothing.
  table.OnOwnClockStarted(2000);
  EXPECT_FALSE(table.at(kB).clock_measured);
  heartbeat.sequence = 3;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 2100);
  EXPECT_FALSE(table.at(kB).clock_measured);
  heartbeat.sequence = 4;
  heartbeat.echo_ms = 2010;
  heartbeat.physical_ms = 7060;
  table.OnHeartbeat(kB, heartbeat, Instant{0}, 2110);
  EXPECT_EQ(table.at(kB).clock_offset_ms, 5000);
}

}  // namespace
}  // namespace everwrite::replicator
