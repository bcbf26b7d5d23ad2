// Three regions, their guards, and letters that may be lost or late. Nothing is ever found among
// regions that are merely behind each other; whatever is damaged is found, and put right.
#include "region/convergence/guard.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/table/testing/test_region.h"

namespace everwrite::convergence {
namespace {

using table::testing::TestItem;
using table::testing::TestKey;
using table::testing::TestRegion;

class GuardedWorld {
 public:
  explicit GuardedWorld(uint64_t seed) : random(seed) {
    for (uint16_t id = 1; id <= 3; ++id) regions.push_back(std::make_unique<TestRegion>(id));
    for (size_t i = 0; i < 3; ++i) StartGuard(i);
    regions[0]->CreateTable("t");
    PullAll();
  }

  void StartGuard(size_t i) {
    GuardOptions options;
    for (uint16_t id = 1; id <= 3; ++id)
      if (id != i + 1) options.peers.push_back(RegionId{id});
    options.scrub_rows_per_second = 100'000;
    options.page_rows = 2;  // several pages
    if (guards.size() <= i) guards.resize(i + 1);
    guards[i] = std::make_unique<ConvergenceGuard>(
        *regions[i]->engine, regions[i]->clock, options,
        [this, i](RegionId to, std::string letter) {
          if (!random.Chance(lost_percent, 100))
            letters.push_back({i, static_cast<size_t>(to.value - 1), std::move(letter)});
        },
        [this](const Finding&, std::string_view what) { notes.emplace_back(what); });
  }

  void PullAll() {
    for (int round = 0; round < 3; ++round)
      for (auto& region : regions)
        for (auto& source : regions) {
          source->RunAll();
          (void)region->PullFrom(*source);
        }
  }
  // 100 ms of the guards' life.
  void Tick() {
    for (size_t i = 0; i < 3; ++i) {
      regions[i]->clock.physical_ms += 100;
      guards[i]->Tick(regions[i]->executor);
      regions[i]->RunAll();
    }
    std::vector<Mailed> now;
    now.swap(letters);
    for (Mailed& letter : now) {
      if (random.Chance(10, 100)) {
        letters.push_back(std::move(letter));  // late
        continue;
      }
      guards[letter.to]->OnMail(RegionId{static_cast<uint16_t>(letter.from + 1)}, letter.bytes,
                                regions[letter.to]->executor);
      regions[letter.to]->RunAll();
    }
  }
  std::string StoreKey(std::string_view pk) {
    return table::ItemKey(regions[0]->engine->FindTable("t")->definition.id, TestKey(pk));
  }
  // Behind everybody's back. Changes the row's content, or takes it away, or puts one there.
  void Damage(size_t i, std::string_view pk) {
    std::string value;
    KvBatch batch;
    const bool there = regions[i]->store.Get(ColumnFamily::kItems, StoreKey(pk), &value).value();
    table::StoredItem row;
    std::string image = TestItem(pk, "damaged");
    if (there && random.Chance(1, 3)) {
      batch.Delete(ColumnFamily::kItems, StoreKey(pk));
    } else {
      if (there) {
        ASSERT_TRUE(table::DecodeStoredItem(value, row));
      } else {
        row.version = {0, Stamp::Make(5, 0), {regions[0]->log(), 1}};  // long applied everywhere
      }
      row.tombstone = false;
      row.image = image;
      std::string bytes;
      table::EncodeStoredItem(row, bytes);
      batch.Put(ColumnFamily::kItems, StoreKey(pk), bytes);
    }
    ASSERT_TRUE(regions[i]->store.Write(batch, Sync::kYes).ok());
  }
  size_t Open() const {
    size_t open = 0;
    for (const auto& guard : guards) open += guard->report().open;
    return open;
  }
  uint64_t Found() const {
    uint64_t found = 0;
    for (const auto& guard : guards) found += guard->report().found;
    return found;
  }

  struct Mailed {
    size_t from, to;
    std::string bytes;
  };
  Random random;
  uint64_t lost_percent = 0;
  std::vector<std::unique_ptr<TestRegion>> regions;
  std::vector<Mailed> letters;
  std::vector<std::string> notes;
  std::vector<std::unique_ptr<ConvergenceGuard>> guards;
};

void RandomWrite(GuardedWorld& world) {
  TestRegion& region = *world.regions[world.random.Below(3)];
  region.clock.physical_ms += world.random.Below(3);
  const std::string pk = "k" + std::to_string(world.random.Below(12));
  if (world.random.Chance(1, 4)) {
    (void)region.Delete("t", pk);
  } else {
    (void)region.Put("t", pk, std::to_string(world.random.Below(100)));
  }
  if (world.random.Chance(1, 3)) (void)region.PullFrom(*world.regions[world.random.Below(3)]);
}

TEST(ConvergenceGuard, RegionsThatAreOnlyBehindEachOtherAreNeverSuspect) {
  uint64_t equal = 0, scrubbed = 0;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    GuardedWorld world(seed);
    world.lost_percent = world.random.Below(40);
    for (int step = 0; step < 120; ++step) {
      RandomWrite(world);
      if (world.random.Chance(1, 2)) world.Tick();
      ASSERT_EQ(world.Found(), 0u) << "seed " << seed << " step " << step;
    }
    for (const auto& guard : world.guards) {
      equal += guard->report().compared_equal;
      scrubbed += guard->report().scrubbed_rows;
    }
  }
  EXPECT_GT(equal, 5000u);
  EXPECT_GT(scrubbed, 5000u);
}

TEST(ConvergenceGuard, WhateverIsDamagedIsFoundAndPutRight) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    GuardedWorld world(seed);
    world.lost_percent = world.random.Below(30);
    for (int i = 0; i < 40; ++i) RandomWrite(world);
    world.PullAll();
    const auto before = world.regions[0]->Dump();
    ASSERT_EQ(world.regions[1]->Dump(), before);
    const size_t victim = world.random.Below(3);
    for (uint64_t n = 1 + world.random.Below(4); n > 0; --n)
      world.Damage(victim, "k" + std::to_string(world.random.Below(12)));
    ASSERT_NE(world.regions[victim]->Dump(), before);
    const bool under_load = world.random.Chance(1, 2);
    for (int tick = 0; tick < 400; ++tick) {
      // Other keys: a write of a damaged row is its own repair.
      if (under_load && tick < 60)
        (void)world.regions[world.random.Below(3)]->Put("t", "load" + std::to_string(tick % 5),
                                                        "x");
      if (under_load && tick % 5 == 0) world.PullAll();
      world.Tick();
    }
    world.PullAll();
    EXPECT_GT(world.Found(), 0u) << "seed " << seed;
    EXPECT_EQ(world.Open(), 0u) << "seed " << seed;
    for (auto& region : world.regions) {
      EXPECT_EQ(table::CheckDigests(region->store).value(), std::vector<std::string>())
          << "seed " << seed;
      EXPECT_EQ(region->Dump(), world.regions[0]->Dump()) << "seed " << seed;
    }
    if (!under_load) {
      EXPECT_EQ(world.regions[0]->Dump(), before) << "seed " << seed;
    }
  }
}

TEST(ConvergenceGuard, AWriteOverDamageLeavesADigestThatIsPutRight) {
  GuardedWorld world(3);
  ASSERT_TRUE(world.regions[0]->Put("t", "a", "1").ok());
  world.PullAll();
  world.Damage(1, "a");
  ASSERT_TRUE(world.regions[1]->Put("t", "a", "2").ok());
  world.PullAll();
  for (auto& region : world.regions) EXPECT_EQ(region->Get("t", "a"), "2");
  for (int tick = 0; tick < 200; ++tick) world.Tick();
  EXPECT_GT(world.Found(), 0u);
  EXPECT_EQ(world.Open(), 0u);
  for (auto& region : world.regions) {
    EXPECT_EQ(table::CheckDigests(region->store).value(), std::vector<std::string>());
    EXPECT_EQ(region->Get("t", "a"), "2");
  }
}

// An old copy of a disk brings what two others had never heard of; one of the two items has been
// deleted meanwhile, and everybody else has forgotten that.
TEST(ConvergenceGuard, WhatCameLateAndWasNotDeletedIsBroughtWithoutAnAlarm) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    GuardedWorld world(seed);
    TestRegion& back = *world.regions[0];
    ASSERT_TRUE(back.Put("t", "deleted", "told nobody").ok());
    ASSERT_TRUE(back.Put("t", "stays", "told nobody").ok());
    TestRegion& deletes = *world.regions[1];
    deletes.clock.physical_ms += 1000;
    ASSERT_TRUE(deletes.Put("t", "deleted", "1").ok());
    ASSERT_TRUE(deletes.Delete("t", "deleted").ok());
    (void)world.regions[2]->PullFrom(deletes);
    deletes.ForgetTombstones();
    world.regions[2]->ForgetTombstones();
    // Its peers have what came late long before it has their deletion.
    (void)world.regions[2]->PullFrom(back);
    (void)deletes.PullFrom(back);
    for (int tick = 0; tick < 5; ++tick) world.Tick();
    EXPECT_EQ(deletes.Get("t", "deleted"), "-");
    EXPECT_EQ(deletes.Get("t", "stays"), "-") << "it may have been deleted, for all they know";
    world.PullAll();
    for (int tick = 0; tick < 90; ++tick) world.Tick();
    EXPECT_EQ(world.Found(), 0u);
    EXPECT_EQ(world.notes, std::vector<std::string>());
    for (auto& region : world.regions) {
      EXPECT_EQ(region->Get("t", "deleted"), "-");
      EXPECT_EQ(region->Get("t", "stays"), "told nobody");
      EXPECT_EQ(region->Losers(), deletes.Losers());
      EXPECT_EQ(table::CheckDigests(region->store).value(), std::vector<std::string>());
    }
  }
}

// Nobody answers in time: then it is a finding like any other.
TEST(ConvergenceGuard, WhatCameLateAndIsNotBroughtInTimeIsAFinding) {
  GuardedWorld world(1);
  TestRegion& back = *world.regions[0];
  ASSERT_TRUE(back.Put("t", "stays", "told nobody").ok());
  TestRegion& deletes = *world.regions[1];
  deletes.clock.physical_ms += 1000;
  ASSERT_TRUE(deletes.Put("t", "other", "1").ok());
  ASSERT_TRUE(deletes.Delete("t", "other").ok());
  deletes.ForgetTombstones();
  world.PullAll();
  world.lost_percent = 100;
  for (int tick = 0; tick < 110; ++tick) world.Tick();
  world.lost_percent = 0;
  for (int tick = 0; tick < 300; ++tick) world.Tick();
  EXPECT_GT(world.Found(), 0u);
  EXPECT_EQ(world.Open(), 0u);
  EXPECT_EQ(deletes.Get("t", "stays"), "told nobody");
}

TEST(ConvergenceGuard, AloneItSaysWhatIsDamaged) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  std::vector<std::string> notes;
  ConvergenceGuard guard(
      *region.engine, region.clock, {}, [](RegionId, std::string) { FAIL(); },
      [&](const Finding&, std::string_view what) { notes.emplace_back(what); });
  const std::string key =
      table::ItemKey(region.engine->FindTable("t")->definition.id, TestKey("a"));
  KvBatch batch;
  batch.Delete(ColumnFamily::kItems, key);
  ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());
  const auto tick = [&] {
    for (int i = 0; i < 10; ++i) {
      region.clock.physical_ms += 100;
      guard.Tick(region.executor);
      region.RunAll();
    }
  };
  tick();
  ASSERT_EQ(guard.report().open, 1u);
  EXPECT_TRUE(guard.report().findings[0].damaged_here);
  EXPECT_EQ(notes, std::vector<std::string>{"rows do not add up to their digest"});
}

TEST(ConvergenceGuard, ATableThatIsDroppedTakesItsSuspectsAlong) {
  GuardedWorld world(5);
  ASSERT_TRUE(world.regions[0]->Put("t", "a", "1").ok());
  world.PullAll();
  world.lost_percent = 100;
  world.Damage(1, "a");
  for (int tick = 0; tick < 20; ++tick) world.Tick();
  EXPECT_EQ(world.Open(), 1u);
  world.regions[1]->engine->DeleteTable("t", world.regions[1]->executor, [](const auto&) {});
  world.regions[1]->RunAll();
  for (int tick = 0; tick < 20; ++tick) world.Tick();
  EXPECT_EQ(world.Open(), 0u);
}

}  // namespace
}  // namespace everwrite::convergence
