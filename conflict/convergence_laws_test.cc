// The laws that make all regions end in the same state, checked exhaustively on a small world.
//
// The world: three regions, one item. Every history of at most five steps is generated, where a
// step is a write (put of one of two contents, or delete) at some region, or the delivery of
// everything one region knows to another. That gives every shape of "knows" and "does not know"
// among up to five writes. For each history the writes are then applied to an empty region in every
// order that respects causality, and must give one final state; the losers recorded on the way must
// account for every write.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "conflict/hybrid_clock.h"
#include "conflict/resolver.h"

namespace everwrite::conflict {
namespace {

constexpr int kRegions = 3;

struct Write {
  Version version;
  bool tombstone = false;
  std::string image;
  Vector context;  // without its own log
};

// One region's replica of the one item.
struct Replica {
  std::optional<Write> stored;
  Vector vector;
  std::set<Dot> ledger;
  std::set<Dot> overwritten_knowingly;

  void Apply(const Write& write) {
    StoredState state;
    if (stored) state = {stored->version, stored->tombstone, stored->image};
    const IncomingChange incoming{write.version, write.tombstone, write.image, &write.context};
    const Verdict verdict = Resolve(stored ? &state : nullptr, incoming);
    if (verdict == Verdict::kTakeConflict) ledger.insert(stored->version.dot);
    if (verdict == Verdict::kKeepConflict) ledger.insert(write.version.dot);
    if (stored && incoming.Knows(stored->version.dot))
      overwritten_knowingly.insert(stored->version.dot);
    if (Takes(verdict)) stored = write;
    vector.Raise(write.version.dot);
  }
};

struct World {
  std::vector<Write> writes;
  std::array<Replica, kRegions> replicas;
  std::array<HybridClock, kRegions> clocks;
  std::array<uint64_t, kRegions> heads{};
  // Frozen clocks: physical time is the same everywhere, so ties are the common case.
  uint64_t Physical(int region) const { return region == 0 ? 5 : 4; }

  LogId Log(int region) const {
    return LogId::Make(RegionId{static_cast<uint16_t>(region + 1)}, 1);
  }

  void WriteAt(int region, int content) {
    Write write;
    write.context = replicas[region].vector;
    write.context.Set(Log(region), 0);
    write.version.stamp = clocks[region].Tick(Physical(region));
    write.version.dot = {Log(region), ++heads[region]};
    write.tombstone = content == 0;
    write.image = content == 0 ? "" : content == 1 ? "x" : "y";
    replicas[region].Apply(write);
    writes.push_back(write);
  }
  void Deliver(int from, int to) {
    for (const Write& write : writes) {
      if (!replicas[from].vector.Covers(write.version.dot)) continue;
      if (replicas[to].vector.Covers(write.version.dot)) continue;
      replicas[to].Apply(write);
      clocks[to].Observe(write.version.stamp);
    }
  }
};

bool Knows(const Write& later, const Write& earlier) {
  return IncomingChange{later.version, later.tombstone, later.image, &later.context}.Knows(
      earlier.version.dot);
}

std::string Final(const Replica& replica) {
  if (!replica.stored) return "nothing";
  return (replica.stored->tombstone ? "gone " : "item ") + replica.stored->image + "@" +
         std::to_string(replica.stored->version.dot.log.value) + ":" +
         std::to_string(replica.stored->version.dot.number);
}

// Every write is the final one, was overwritten by a write that knew it, is in the ledger, or lost
// nothing (its content is the same as that of the write it lost to).
void CheckNothingVanished(const Replica& replica, const std::vector<Write>& writes) {
  for (const Write& write : writes) {
    const Dot dot = write.version.dot;
    if (replica.stored->version.dot == dot || replica.ledger.count(dot)) continue;
    const bool accounted = std::any_of(writes.begin(), writes.end(), [&](const Write& other) {
      if (other.version <= write.version) return false;
      return Knows(other, write) ||
             (other.tombstone == write.tombstone && other.image == write.image);
    });
    EXPECT_TRUE(accounted);
  }
}

// Applies `writes` in every causal order, recursively.
void ForEachCausalOrder(const std::vector<Write>& writes, std::vector<bool>& used, Replica replica,
                        size_t done, std::set<std::string>& finals) {
  if (done == writes.size()) {
    finals.insert(Final(replica));
    CheckNothingVanished(replica, writes);
    return;
  }
  for (size_t i = 0; i < writes.size(); ++i) {
    if (used[i]) continue;
    const bool ready = [&] {
      for (size_t j = 0; j < writes.size(); ++j)
        if (!used[j] && j != i && Knows(writes[i], writes[j])) return false;
      return true;
    }();
    if (!ready) continue;
    used[i] = true;
    Replica next = replica;
    next.Apply(writes[i]);
    const std::string once = Final(next);
    next.Apply(writes[i]);
    EXPECT_EQ(Final(next), once) << "applying twice changed the state";
    ForEachCausalOrder(writes, used, next, done + 1, finals);
    used[i] = false;
  }
}

int checked_worlds = 0;

void CheckWorld(const World& world) {
  if (world.writes.empty()) return;
  ++checked_worlds;
  for (const Write& a : world.writes) {
    for (const Write& b : world.writes) {
      if (Knows(a, b)) {
        EXPECT_GT(a.version, b.version) << "the order must extend causality";
      }
      if (a.version.dot != b.version.dot) {
        EXPECT_NE(a.version, b.version) << "the order must be total";
      }
    }
  }
  std::set<std::string> finals;
  std::vector<bool> used(world.writes.size(), false);
  ForEachCausalOrder(world.writes, used, Replica(), 0, finals);
  EXPECT_EQ(finals.size(), 1u) << "two orders of delivery ended in two states";
  // The replicas of the world itself, once everything has reached everyone, agree with that too.
  World end = world;
  for (int from = 0; from < kRegions; ++from)
    for (int to = 0; to < kRegions; ++to) end.Deliver(from, to);
  for (int from = 0; from < kRegions; ++from)
    for (int to = 0; to < kRegions; ++to) end.Deliver(from, to);
  for (const Replica& replica : end.replicas) {
    EXPECT_EQ(Final(replica), *finals.begin());
    CheckNothingVanished(replica, world.writes);
  }
}

void Explore(const World& world, int steps) {
  if (::testing::Test::HasFailure()) return;
  CheckWorld(world);
  if (steps == 0) return;
  for (int region = 0; region < kRegions; ++region) {
    for (int content = 0; content < 3; ++content) {
      World next = world;
      next.WriteAt(region, content);
      Explore(next, steps - 1);
    }
    for (int to = 0; to < kRegions; ++to) {
      if (to == region || world.replicas[to].vector.Covers(world.replicas[region].vector)) continue;
      World next = world;
      next.Deliver(region, to);
      Explore(next, steps - 1);
    }
  }
}

TEST(ConvergenceLaws, HoldInEveryHistoryOfFiveSteps) {
  Explore(World(), 5);
  EXPECT_GT(checked_worlds, 100000);
}

TEST(ConvergenceLaws, AHigherRankWinsOverAnyStamp) {
  const Vector nothing;
  const StoredState deleted{{3, Stamp::Make(10, 0), {LogId::Make(RegionId{1}, 1), 1}}, true, ""};
  const IncomingChange update{
      {2, Stamp::Make(99, 0), {LogId::Make(RegionId{2}, 1), 1}}, false, "new", &nothing};
  EXPECT_EQ(Resolve(&deleted, update), Verdict::kKeepConflict);
}

TEST(ConvergenceLaws, EqualContentAndDoubleDeletesAreNoConflict) {
  const Vector nothing;
  const Dot a{LogId::Make(RegionId{1}, 1), 1}, b{LogId::Make(RegionId{2}, 1), 1};
  const StoredState stored{{0, Stamp::Make(10, 0), a}, false, "same"};
  EXPECT_EQ(Resolve(&stored, {{0, Stamp::Make(11, 0), b}, false, "same", &nothing}),
            Verdict::kTake);
  EXPECT_EQ(Resolve(&stored, {{0, Stamp::Make(9, 0), b}, false, "same", &nothing}), Verdict::kKeep);
  EXPECT_EQ(Resolve(&stored, {{0, Stamp::Make(11, 0), b}, false, "else", &nothing}),
            Verdict::kTakeConflict);
  const StoredState gone{{0, Stamp::Make(10, 0), a}, true, "key"};
  EXPECT_EQ(Resolve(&gone, {{0, Stamp::Make(11, 0), b}, true, "key", &nothing}), Verdict::kTake);
  EXPECT_EQ(Resolve(&gone, {{0, Stamp::Make(9, 0), b}, false, "put", &nothing}),
            Verdict::kKeepConflict);
}

}  // namespace
}  // namespace everwrite::conflict
