// Several regions, by hand: the same end state everywhere, each loser in the ledger, nothing twice,
// nothing without its cause.
#include "region/table/remote_apply.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;

using Strings = std::vector<std::string>;

TEST(RemoteApply, ATableAndItsItemsReachTheOtherRegion) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "1");
  EXPECT_EQ(b.engine->State().applied, a.engine->State().applied);
  EXPECT_EQ(b.engine->CountOf(*b.engine->FindTable("t")).items, 1);
  b.Restart();
  EXPECT_EQ(b.Get("t", "k"), "1");
}

TEST(RemoteApply, ConcurrentWritesEndEqualAndTheLoserIsInBothLedgers) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "from a").ok());
  b.clock.physical_ms += 10;
  ASSERT_TRUE(b.Put("t", "k", "from b").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  EXPECT_EQ(a.Get("t", "k"), "from b");
  EXPECT_EQ(b.Get("t", "k"), "from b");
  EXPECT_EQ(a.Losers(), Strings{"k=from a"});
  EXPECT_EQ(b.Losers(), Strings{"k=from a"});
}

TEST(RemoteApply, AnUpdateThatSawTheOtherWinsWhateverTheClocksSayAndIsNoConflict) {
  TestRegion a(1), b(2);
  b.clock.physical_ms -= 3'600'000;
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(b.Put("t", "k", "2").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  EXPECT_EQ(a.Get("t", "k"), "2");
  EXPECT_TRUE(a.Losers().empty());
  EXPECT_TRUE(b.Losers().empty());
}

TEST(RemoteApply, DuplicatesAreSkippedAndGapsRefused) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a.Put("t", "k", std::to_string(i)).ok());
  auto batch = a.ReadLog(a.log());
  ASSERT_TRUE(b.Apply(batch).ok());
  const auto applied = b.engine->State().applied;
  ASSERT_TRUE(b.Apply(batch).ok()) << "all of it again";
  EXPECT_EQ(b.engine->State().applied, applied);
  ASSERT_TRUE(a.Put("t", "k", "5").ok());
  ASSERT_TRUE(a.Put("t", "k", "6").ok());
  EXPECT_EQ(b.Apply(a.ReadLog(a.log(), 7)).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(b.engine->State().applied, applied) << "nothing half-applied";
  ASSERT_TRUE(b.Apply(a.ReadLog(a.log(), 3)).ok()) << "an overlap: half old, half new";
  EXPECT_EQ(b.Get("t", "k"), "6");
}

TEST(RemoteApply, AChangeWithoutItsCauseIsRefused) {
  TestRegion a(1), b(2), c(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(b.Put("t", "k", "1").ok());
  EXPECT_EQ(c.Apply(b.ReadLog(b.log())).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(c.engine->State().applied.empty());
  ASSERT_TRUE(c.PullFrom(b).ok()) << "b relays a's log";
  EXPECT_EQ(c.Get("t", "k"), "1");
}

TEST(RemoteApply, DamagedRecordsAreRefusedBeforeAnythingChanges) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  const auto good = a.ReadLog(a.log());
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    auto batch = good;
    std::string bytes = *batch.records[1];
    bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    batch.records[1] = std::make_shared<const std::string>(bytes);
    TestRegion fresh(2);
    (void)fresh.Apply(
        batch);  // refused or, where the damage is inside a value, applied: never a crash
  }
  auto swapped = good;
  std::swap(swapped.records[0], swapped.records[1]);
  EXPECT_EQ(b.Apply(swapped).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(b.engine->State().applied.empty());
}

TEST(RemoteApply, TheSameTableCreatedInTwoRegionsIsOneTable) {
  TestRegion a(1), b(2);
  const TableId id = a.CreateTable("t")->definition.id;
  EXPECT_EQ(b.CreateTable("t")->definition.id, id);
  ASSERT_TRUE(a.Put("t", "from a", "1").ok());
  ASSERT_TRUE(b.Put("t", "from b", "2").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(a.Dump(), b.Dump());
  EXPECT_EQ(a.Dump().size(), 2u);
}

TEST(RemoteApply, ADeletedTableBeatsAConcurrentUpdateAndItsConcurrentRowsAreInTheLedger) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  a.engine->DeleteTable("t", a.executor, [](auto) {});
  a.RunAll();
  b.clock.physical_ms += 1000;
  b.engine->UpdateTable(
      "t",
      [](TableDefinition& d) {
        d.read_units = 9;
        return Status();
      },
      b.executor, [](auto) {});
  b.RunAll();
  ASSERT_TRUE(b.Put("t", "k", "late").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(a.engine->FindTable("t"), nullptr);
  EXPECT_EQ(b.engine->FindTable("t"), nullptr);
  EXPECT_TRUE(a.Dump().empty());
  EXPECT_TRUE(b.Dump().empty());
  const auto losers = a.Losers();
  EXPECT_NE(std::find(losers.begin(), losers.end(), "k=late"), losers.end());
}

TEST(RemoteApply, RestoringALoserWinsEverywhere) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "loser").ok());
  b.clock.physical_ms += 10;
  ASSERT_TRUE(b.Put("t", "k", "winner").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  const auto conflicts = a.engine->Conflicts({}).value();
  ASSERT_EQ(conflicts.size(), 1u);
  Status restored = Internal("not called");
  a.engine->RestoreConflict(conflicts[0].loser.version, a.executor,
                            [&](const Status& s) { restored = s; });
  a.RunAll();
  ASSERT_TRUE(restored.ok()) << restored.ToString();
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(a.Get("t", "k"), "loser");
  EXPECT_EQ(b.Get("t", "k"), "loser");
}

TEST(RemoteApply, AStableTombstoneIsForgottenAndAnUnstableOneIsNot) {
  TestRegion a(1);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(a.Delete("t", "k").ok());
  const auto versions = [&] {
    int count = 0;
    EXPECT_TRUE(a.engine
                    ->ScanVersions("",
                                   [&](std::string_view key, const StoredItem&) {
                                     if (TableOfItemKey(key) != kCatalogTable) ++count;
                                     return true;
                                   })
                    .ok());
    return count;
  };
  ASSERT_TRUE(a.engine->maintenance().RunOnce(a.executor).ok());
  a.RunAll();
  EXPECT_EQ(versions(), 1);
  a.ForgetTombstones();
  EXPECT_EQ(versions(), 0);
  EXPECT_EQ(a.Get("t", "k"), "-");
}

// A region lost its disk with a write that it had told nobody; an item was deleted, and everybody
// forgot that; and an old copy of the disk brings the write back.
TEST(RemoteApply, WhatComesFromBeforeAForgottenDeletionDoesNotComeBack) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "0").ok());
  ASSERT_TRUE(a.Delete("t", "k").ok());
  ASSERT_TRUE(a.Put("t", "k", "told nobody").ok());
  ASSERT_TRUE(a.Put("t", "other", "told nobody").ok());
  b.clock.physical_ms += 1000;
  ASSERT_TRUE(b.Put("t", "k", "1").ok());
  ASSERT_TRUE(b.Delete("t", "k").ok());
  b.ForgetTombstones();
  b.Restart();  // it is not forgotten that something was forgotten
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "-");
  EXPECT_EQ(b.Losers(), (std::vector<std::string>{"other=told nobody", "k=told nobody", "k=0"}));
  // What nobody had deleted is brought by the proof of convergence, and has not lost then.
  ASSERT_TRUE(a.PullFrom(b).ok());
  EXPECT_EQ(a.Get("t", "k"), "-");
  const TableId table = a.engine->FindTable("t")->definition.id;
  std::string row;
  ASSERT_TRUE(*a.store.Get(ColumnFamily::kItems, ItemKey(table, TestKey("other")), &row));
  b.engine->repair().Replace(table, TestKey("other"), std::nullopt, row, b.executor,
                             [](const Status& status) { EXPECT_TRUE(status.ok()); });
  b.RunAll();
  EXPECT_EQ(b.Get("t", "other"), "told nobody");
  EXPECT_EQ(b.Losers(), (std::vector<std::string>{"k=told nobody", "k=0"}));
  EXPECT_EQ(a.Dump(), b.Dump());
}

// What a region is filled with lacks the deletions that its source has forgotten.
TEST(RemoteApply, WhoIsFilledKnowsWhatItsSourceHasForgotten) {
  TestRegion a(1), b(2), c(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "told nobody").ok());
  b.clock.physical_ms += 1000;
  ASSERT_TRUE(b.Put("t", "k", "1").ok());
  ASSERT_TRUE(b.Delete("t", "k").ok());
  b.ForgetTombstones();
  ASSERT_TRUE(c.BeginFilling(b).ok());
  while (c.engine->filling().Progress().part == streams::ScanPart::kItems)
    ASSERT_TRUE(c.FillMore(b, 100).ok());
  ASSERT_TRUE(c.FinishFilling().ok());
  ASSERT_TRUE(c.CompleteFilling(b).ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  EXPECT_EQ(c.Get("t", "k"), "-");
}

TEST(RemoteApply, TheLogIsTrimmedOnlyWhereEveryRegionHoldsItAndItIsOld) {
  TestRegion a(1);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k", std::to_string(i)).ok());
  a.clock.physical_ms += 25ULL * 3600 * 1000;
  streams::PeerProgress progress;
  progress.durable_everywhere.Set(a.log(), 4);
  a.engine->OnProgress(progress);
  ASSERT_TRUE(a.engine->maintenance().RunOnce(a.executor).ok());
  a.RunAll();
  EXPECT_TRUE(a.engine->Read({1, a.log(), 3, 1 << 20})->trimmed);
  const auto rest = a.engine->Read({1, a.log(), 4, 1 << 20}).value();
  EXPECT_FALSE(rest.trimmed);
  EXPECT_EQ(rest.batch.records.size(), 6u);
  a.Restart();
  EXPECT_TRUE(a.engine->Read({1, a.log(), 3, 1 << 20})->trimmed);
}

// Found by the simulator: the row was resolved while the definition waited for its fsync, and went
// to the ledger as a write to a deleted table.
TEST(RemoteApply, ARowThatComesRightBehindItsTableFindsTheTable) {
  TestRegion a(1), b(2), c(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(b.Put("t", "k", "1").ok());
  c.engine->Apply({1, a.ReadLog(a.log())}, c.executor, [](auto) {});
  c.engine->Apply({2, b.ReadLog(b.log())}, c.executor, [](auto) {});
  c.RunAll();
  EXPECT_EQ(c.Get("t", "k"), "1");
  EXPECT_TRUE(c.Losers().empty());
}

// Three regions write at random and pull from each other at random; then everything is delivered.
TEST(RemoteApply, RandomHistoriesEndEqual) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    TestRegion a(1), b(2), c(3);
    TestRegion* const regions[] = {&a, &b, &c};
    a.CreateTable("t");
    ASSERT_TRUE(b.PullFrom(a).ok());
    ASSERT_TRUE(c.PullFrom(a).ok());
    for (int step = 0; step < 120; ++step) {
      TestRegion& region = *regions[random.Below(3)];
      region.clock.physical_ms += random.Below(3);
      const std::string key(1, static_cast<char>('a' + random.Below(4)));
      if (random.Chance(1, 4)) {
        ASSERT_TRUE(region.PullFrom(*regions[random.Below(3)]).ok());
      } else if (random.Chance(1, 5)) {
        ASSERT_TRUE(region.Delete("t", key).ok());
      } else {
        ASSERT_TRUE(region.Put("t", key, std::to_string(step)).ok());
      }
      if (random.Chance(1, 30)) region.Restart();
    }
    for (int round = 0; round < 2; ++round)
      for (TestRegion* to : regions)
        for (TestRegion* from : regions) ASSERT_TRUE(to->PullFrom(*from).ok());
    EXPECT_EQ(a.Dump(), b.Dump()) << "seed " << seed;
    EXPECT_EQ(b.Dump(), c.Dump()) << "seed " << seed;
    for (TestRegion* region : regions)
      EXPECT_EQ(static_cast<size_t>(region->engine->CountOf(*region->engine->FindTable("t")).items),
                region->Dump().size());
  }
}

}  // namespace
}  // namespace everwrite::table
