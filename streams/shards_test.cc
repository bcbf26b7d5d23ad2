// Shards: ranges, what the policy does, and the law that consumers rely on: whoever reads parents
// before children reads the records of each key in their order.
#include "streams/shards.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace everwrite::streams {
namespace {

constexpr uint64_t kTop = uint64_t{1} << 63;

TEST(HashRange, HalvesAreDisjointAndMakeTheWhole) {
  const HashRange all;
  EXPECT_TRUE(all.Has(0) && all.Has(~uint64_t{0}));
  const HashRange low = all.Half(0), high = all.Half(1);
  EXPECT_TRUE(low.Has(kTop - 1) && !low.Has(kTop));
  EXPECT_TRUE(high.Has(kTop) && high.Has(~uint64_t{0}) && !high.Has(kTop - 1));
  EXPECT_EQ(low.Whole(), all);
  EXPECT_EQ(high.Whole(), all);
  EXPECT_EQ(high.Half(0).Half(1).Whole(), high.Half(0));
  EXPECT_TRUE(all.Contains(high) && !high.Contains(all) && all.Overlaps(high));
  EXPECT_FALSE(low.Overlaps(high.Half(1)));
  EXPECT_TRUE(high.Half(1).valid());
  EXPECT_FALSE((HashRange{1, 3}).valid());
}

TEST(Shard, IsReadBackFromItsBytes) {
  Shard shard;
  shard.number = {77};
  shard.parent = {5};
  shard.range = HashRange().Half(1).Half(0);
  shard.last = {99};
  shard.begin.Set(LogId::Make(RegionId{1}, 2), 33);
  const std::string bytes = EncodeShard(shard);
  Shard read;
  read.number = {77};
  ASSERT_TRUE(DecodeShard(bytes, read));
  EXPECT_EQ(read.parent, shard.parent);
  EXPECT_EQ(read.range, shard.range);
  EXPECT_EQ(read.last, shard.last);
  EXPECT_EQ(read.begin, shard.begin);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeShard(std::string_view(bytes).substr(0, size), read));
}

// A tree, the clock, and the records that were written, by shard.
class World {
 public:
  World() { Begin(); }

  ShardTree tree;
  ShardPolicy policy;
  uint64_t now_ms = 1'000'000;
  Sequence sequence;
  struct Record {
    uint64_t hash = 0;
    uint64_t order = 0;
    uint64_t at_ms = 0;
  };
  std::map<Sequence, std::vector<Record>> records;
  uint64_t written = 0;

  Sequence Next() { return sequence = Sequence::After(sequence, now_ms); }
  void Begin() {
    for (const auto& [range, parent] : tree.Missing()) Open(range, parent);
  }
  void Open(const HashRange& range, Sequence parent) {
    Shard shard;
    shard.number = Next();
    shard.parent = parent;
    shard.range = range;
    tree.Add(std::move(shard));
  }
  void Write(uint64_t hash) {
    Shard& shard = tree.OpenFor(hash);
    (void)Next();
    ++shard.records;
    ++shard.recent;
    records[shard.number].push_back({hash, written++, now_ms});
  }
  void CloseAll() {
    std::vector<Sequence> open;
    for (const auto& [number, shard] : tree.all())
      if (shard.open()) open.push_back(number);
    for (const Sequence number : open) tree.Close(number, Next());
  }
  std::vector<ShardStep> Tend(uint64_t elapsed_ms) {
    const auto steps = tree.Plan(policy, now_ms, elapsed_ms);
    for (const ShardStep& step : steps) {
      const HashRange range = tree.Find(step.shard)->range;
      tree.Close(step.shard, Next());
      if (step.kind == ShardStep::Kind::kRoll) Open(range, step.shard);
      if (step.kind == ShardStep::Kind::kMerge) {
        tree.Close(step.other, Next());
        Open(range.Whole(), step.shard);
      }
      if (step.kind == ShardStep::Kind::kSplit) {
        Open(range.Half(0), step.shard);
        Open(range.Half(1), step.shard);
      }
    }
    for (const Sequence number : tree.Expired(policy, now_ms)) {
      for (const Record& record : records[number])
        EXPECT_LE(record.at_ms + policy.keep_ms, now_ms) << "trimmed before its time";
      records.erase(number);
      tree.Forget(number);
    }
    tree.CountAnew();
    return steps;
  }
  // Reads all shards, parents first and otherwise in an order by chance; each key's records must
  // rise.
  void Consume(Random& random) {
    std::set<Sequence> done;
    std::map<uint64_t, uint64_t> last;
    size_t read = 0, held = 0;
    for (const auto& [number, list] : records) held += list.size();
    while (done.size() < tree.all().size()) {
      std::vector<Sequence> ready;
      for (const auto& [number, shard] : tree.all())
        if (!done.count(number) && (!tree.Find(shard.parent) || done.count(shard.parent)))
          ready.push_back(number);
      ASSERT_FALSE(ready.empty()) << "the lineage is a ring";
      const Sequence shard = ready[random.Below(ready.size())];
      done.insert(shard);
      for (const Record& record : records[shard]) {
        ++read;
        const auto [at, first] = last.try_emplace(record.hash, record.order);
        if (first) continue;
        ASSERT_LT(at->second, record.order) << "a key's records are out of order";
        at->second = record.order;
      }
    }
    EXPECT_EQ(read, held);
  }
};

TEST(ShardTree, RollsByAgeAndSizeButNotWhenEmpty) {
  World world;
  world.now_ms += world.policy.roll_ms + 1;
  EXPECT_TRUE(world.Tend(1000).empty());
  world.Write(1);
  ASSERT_EQ(world.Tend(1000).size(), 1u);
  EXPECT_TRUE(world.Tend(1000).empty());
  world.policy.records_max = 3;
  for (int i = 0; i < 3; ++i) world.Write(i);
  const auto steps = world.Tend(1000);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].kind, ShardStep::Kind::kRoll);
  EXPECT_EQ(world.tree.all().size(), 3u);
}

TEST(ShardTree, SplitsByRateUpToABound) {
  World world;
  world.policy.open_max = 4;
  Random random(1);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 30'000; ++i) world.Write(random.Next());
    world.now_ms += 5000;
    (void)world.Tend(5000);
  }
  size_t open = 0;
  for (const auto& [number, shard] : world.tree.all()) open += shard.open() ? 1 : 0;
  EXPECT_EQ(open, 4u);
}

TEST(ShardTree, MergesOnlyWithAShardInWhichNothingIs) {
  World world;
  for (int i = 0; i < 30'000; ++i) world.Write(i);  // all in the lower half
  (void)world.Tend(5000);
  ASSERT_EQ(world.tree.all().size(), 3u);
  world.Write(1);
  EXPECT_TRUE(world.Tend(5000).empty()) << "too soon";
  world.now_ms += world.policy.roll_ms;
  EXPECT_EQ(world.Tend(5000)[0].kind, ShardStep::Kind::kRoll);
  const auto steps = world.Tend(5000);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].kind, ShardStep::Kind::kMerge);
  EXPECT_EQ(world.tree.OpenFor(kTop).range, HashRange());
  Random random(1);
  world.Consume(random);
}

TEST(ShardTree, AStreamThatIsTurnedOnAgainGoesOnBelowWhatItHad) {
  World world;
  for (int i = 0; i < 30'000; ++i) world.Write(uint64_t{static_cast<unsigned>(i)} << 50);
  (void)world.Tend(5000);
  world.CloseAll();
  world.Begin();
  Random random(3);
  for (int i = 0; i < 100; ++i) world.Write(uint64_t{static_cast<unsigned>(i)} << 50);
  world.Consume(random);
  for (const auto& [number, shard] : world.tree.all())
    EXPECT_TRUE(!shard.open() || world.tree.Find(shard.parent));
}

TEST(ShardTree, ParentsBeforeChildrenIsInOrderOfEachKeyWhateverHappens) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    World world;
    world.policy.records_max = 20 + random.Below(200);
    world.policy.split_records_per_second = 1 + random.Below(20);
    world.policy.open_max = 1 + random.Below(12);
    world.policy.roll_ms = 10'000 + random.Below(60'000);
    world.policy.keep_ms = 60'000 + random.Below(200'000);
    for (int round = 0; round < 60; ++round) {
      // Bursts, and pauses in which only a part of the keys is written.
      const size_t count = random.Chance(1, 3) ? random.Below(300) : random.Below(6);
      const int shift = static_cast<int>(random.Below(3)) * 2;
      for (size_t i = 0; i < count; ++i) world.Write((random.Below(16) << 60) >> shift);
      const uint64_t elapsed_ms = 1000 + random.Below(20'000);
      world.now_ms += elapsed_ms;
      (void)world.Tend(elapsed_ms);
      if (random.Chance(1, 20)) {
        world.CloseAll();
        world.Begin();
      }
      for (uint64_t hash = 0; hash < 16; ++hash) (void)world.tree.OpenFor(hash << 60);
    }
    world.Consume(random);
    if (::testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace everwrite::streams
