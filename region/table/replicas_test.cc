// Tables that live in some of the regions: the others know of them and have nothing of them; who
// joins is filled beside the live stream; who leaves drops its rows and nobody else's.
#include <gtest/gtest.h>

#include "base/random.h"
#include "region/table/bucket_digest.h"
#include "region/table/index_check.h"
#include "region/table/testing/placed_table.h"
#include "streams/change_record.h"

namespace everwrite::table {
namespace {

using State = Replica::State;
using testing::Add;
using testing::CreateIn;
using testing::CreateInBoth;
using testing::Exchange;
using testing::Hear;
using testing::Remove;
using testing::TestRegion;

bool HoldsAnImage(TestRegion& region) {
  const conflict::Vector applied = region.engine->State().applied;
  for (const Dot& head : applied.entries()) {
    for (const auto& bytes : region.ReadLog(head.log).records) {
      streams::ChangeRecord record;
      EXPECT_TRUE(streams::DecodeChangeRecord(*bytes, record));
      if (record.subject == streams::Subject::kItem && !record.image.empty()) return true;
    }
  }
  return false;
}

TEST(Replicas, ARegionThatDoesNotHoldATableHasNothingOfItAndNoGap) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1);
  Exchange({&a, &b, &c});
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  Exchange({&a, &b, &c});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  Exchange({&a, &b, &c});
  EXPECT_EQ(c.engine->State().applied.At(a.log()), a.engine->State().applied.At(a.log()));
  EXPECT_EQ(c.engine->FindTable("t"), nullptr);
  EXPECT_TRUE(c.engine->ListTables("", 10).empty());
  EXPECT_TRUE(c.Dump().empty());
  EXPECT_TRUE(c.Losers().empty());
  EXPECT_FALSE(HoldsAnImage(c));
  EXPECT_EQ(c.engine->digests().size(), 1u) << "of the table of tables alone";
}

TEST(Replicas, ANewReplicaIsFilledBesideLiveChangesAndServesWhenItIsWhole) {
  TestRegion a(1), b(2);
  CreateIn(a, 1);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(b.engine->FindTable("t"), nullptr) << "not before it is whole";
  ASSERT_NE(b.engine->FindDescribed("t"), nullptr);
  EXPECT_EQ(b.engine->FilledPercent(*b.engine->FindDescribed("t")), 0);
  EXPECT_EQ(b.SetReplicas("t", [](Replicas&) {}).code(), StatusCode::kAlreadyExists);
  int step = 0;
  while (b.engine->State().fill.table.value != 0) {
    const std::string key = "k" + std::to_string(step * 3 % 30);
    ASSERT_TRUE(step % 2 == 0 ? a.Put("t", key, "2").ok() : a.Delete("t", key).ok());
    ASSERT_TRUE(b.PullFrom(a).ok());
    ASSERT_TRUE(b.FillTable(a).ok());
    if (++step == 2) b.Restart();
    ASSERT_LT(step, 1000);
  }
  EXPECT_GT(step, 5);
  ASSERT_NE(b.engine->FindTable("t"), nullptr);
  EXPECT_EQ(b.Dump(), a.Dump());
  EXPECT_EQ(b.engine->CountOf(*b.engine->FindTable("t")).items,
            a.engine->CountOf(*a.engine->FindTable("t")).items);
  b.Settle();
  Exchange({&a, &b});
  EXPECT_EQ(a.engine->FindTable("t")->definition.replicas.at(RegionId{2}).state, State::kActive);
  ASSERT_TRUE(b.Put("t", "new", "b").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  EXPECT_EQ(a.Get("t", "new"), "b");
  EXPECT_EQ(b.engine->digests().List(TableId{0}, 0, 9999).size(),
            a.engine->digests().List(TableId{0}, 0, 9999).size());
  EXPECT_TRUE(CheckDigests(b.store)->empty());
}

TEST(Replicas, WhoLeavesDropsItsRowsAndTheOthersKeepTheirs) {
  TestRegion a(1), b(2);
  CreateInBoth(a, b);
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Remove(r, 2); }).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(b.engine->FindTable("t"), nullptr);
  EXPECT_TRUE(b.engine->ListTables("", 10).empty());
  EXPECT_EQ(b.SetReplicas("t", [](Replicas&) {}).code(), StatusCode::kNotFound);
  Exchange({&a, &b});
  b.Settle();
  EXPECT_TRUE(b.Dump().empty());
  Exchange({&a, &b});
  EXPECT_EQ(a.engine->FindTable("t")->definition.replicas.count(RegionId{2}), 0u);
  EXPECT_EQ(a.Get("t", "k"), "1");
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_TRUE(b.Dump().empty());
  EXPECT_TRUE(b.Losers().empty()) << "nothing is lost";
  // And again.
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  b.Restart();
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "2");
  EXPECT_EQ(b.Dump(), a.Dump());
}

// b wrote while it was cut off, for longer than its log reaches back: nobody but b has that.
TEST(Replicas, WhoLeavesKeepsItsRowsUntilOneThatStaysHasThemAll) {
  TestRegion a(1), b(2);
  CreateInBoth(a, b);
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Remove(r, 2); }).ok());
  ASSERT_TRUE(b.Put("t", "k", "2").ok());
  ASSERT_TRUE(b.Put("t", "of b alone", "3").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  b.Settle();
  b.Settle();
  EXPECT_EQ(b.Dump().size(), 2u) << "nobody has been heard";
  Hear(b, {&a});
  b.Restart();
  Hear(b, {&a});
  b.Settle();
  EXPECT_EQ(b.engine->FindTable("t"), nullptr);
  ASSERT_EQ(b.Dump().size(), 2u) << "a has not what b has";
  // No log brings it: a is filled from b's rows, and is no home for them before it is done.
  ASSERT_TRUE(a.BeginFilling(b).ok());
  Hear(b, {&a});
  b.Settle();
  ASSERT_EQ(b.Dump().size(), 2u) << "a counts it, and does not show it";
  while (a.engine->filling().Progress().part == streams::ScanPart::kItems)
    ASSERT_TRUE(a.FillMore(b, 1000).ok());
  ASSERT_TRUE(a.FinishFilling().ok());
  ASSERT_TRUE(a.CompleteFilling(b).ok());
  EXPECT_EQ(a.Get("t", "of b alone"), "3");
  EXPECT_EQ(a.Get("t", "k"), "2");
  Hear(b, {&a});
  b.Settle();
  EXPECT_TRUE(b.Dump().empty());
  ASSERT_TRUE(a.PullFrom(b).ok());
  EXPECT_EQ(a.engine->FindTable("t")->definition.replicas.size(), 1u);
  EXPECT_EQ(a.Get("t", "of b alone"), "3");
}

// The second time its replicas are those of the first; what it has by now is not what it had then.
TEST(Replicas, WhoLeavesASecondTimeKeepsWhatItHasWrittenSince) {
  TestRegion a(1), b(2);
  CreateInBoth(a, b);
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Remove(r, 2); }).ok());
  Exchange({&a, &b});
  b.Settle();
  EXPECT_TRUE(b.Dump().empty());
  Exchange({&a, &b});
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  b.Settle();
  Exchange({&a, &b});
  ASSERT_TRUE(b.Put("t", "of b alone", "3").ok());
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Remove(r, 2); }).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  Hear(b, {&a});
  b.Settle();
  EXPECT_EQ(b.Dump().size(), 2u) << "a has not what b has";
  ASSERT_TRUE(a.PullFrom(b).ok());
  Hear(b, {&a});
  b.Settle();
  EXPECT_TRUE(b.Dump().empty());
  EXPECT_EQ(a.Get("t", "of b alone"), "3");
}

TEST(Replicas, DeletingATableInOneRegionLeavesItInTheOthers) {
  TestRegion a(1), b(2);
  CreateIn(a, 1);
  Exchange({&a, &b});
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  Exchange({&a, &b});
  const auto drop = [](TestRegion& region) {
    Status outcome = Internal("not called");
    region.engine->DeleteTable("t", region.executor,
                               [&](const Result<TablePtr>& r) { outcome = r.status(); });
    region.RunAll();
    return outcome;
  };
  EXPECT_EQ(drop(a).code(), StatusCode::kInvalidArgument) << "it is the new one's source";
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  b.Settle();
  Exchange({&a, &b});
  ASSERT_TRUE(drop(a).ok());
  EXPECT_EQ(a.engine->FindTable("t"), nullptr);
  Exchange({&a, &b});
  a.Settle();
  Exchange({&a, &b});
  EXPECT_EQ(b.Get("t", "k"), "1");
  EXPECT_EQ(b.engine->FindTable("t")->definition.replicas.size(), 1u);
  ASSERT_TRUE(drop(b).ok());
  Exchange({&a, &b});
  EXPECT_EQ(a.engine->FindTableById(TableId{99}), nullptr);
  CreateIn(a, 1);
  EXPECT_EQ(a.Get("t", "k"), "-");
}

TEST(Replicas, ARelayThatHasOnlyTheNumbersGivesThemToThoseWhoNeedNoMore) {
  TestRegion a(1), b(2), c(3), d(4);
  CreateIn(a, 1);
  Exchange({&a, &b, &c, &d});
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  Exchange({&a, &b, &c, &d});
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  EXPECT_TRUE(d.PullFrom(c).ok()) << "neither holds the table";
  EXPECT_FALSE(b.PullFrom(c).ok()) << "c has not what b needs";
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "1");
  EXPECT_TRUE(c.PullFrom(b).ok());
  // When nobody has more, the numbers will do; what they stand for comes with the rows.
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  b.takes_bare = true;
  ASSERT_TRUE(b.PullFrom(c).ok());
  EXPECT_EQ(b.Get("t", "k"), "1");
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "2");
}

Status Leave(TestRegion& region) {
  Status outcome = Internal("not called");
  region.engine->Disassociate(
      "t", [](TableDefinition&) { return OkStatus(); }, region.executor,
      [&](const Result<TablePtr>& r) { outcome = r.status(); });
  region.RunAll();
  return outcome;
}

TEST(Replicas, WhoLeavesWithItsDataKeepsItAndNothingGoesFromOneToTheOtherAnyMore) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1);
  for (const uint16_t id : {2, 3}) {
    ASSERT_TRUE(a.SetReplicas("t", [&](Replicas& r) { Add(r, id); }).ok());
    Exchange({&a, &b, &c});
    TestRegion& joined = id == 2 ? b : c;
    while (joined.engine->State().fill.table.value != 0) ASSERT_TRUE(joined.FillTable(a).ok());
    joined.Settle();
    Exchange({&a, &b, &c});
  }
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  Exchange({&a, &b, &c});
  ASSERT_TRUE(Leave(c).ok());
  EXPECT_EQ(Leave(c).code(), StatusCode::kFailedPrecondition) << "it has left";
  ASSERT_TRUE(a.Put("t", "k1", "unaware").ok());
  ASSERT_TRUE(c.Put("t", "k2", "c's").ok());
  Exchange({&a, &b, &c});
  EXPECT_EQ(c.Get("t", "k1"), "unaware") << "who wrote it took c for a replica";
  EXPECT_EQ(a.Get("t", "k2"), "1");
  EXPECT_EQ(a.engine->FindTable("t")->definition.Members(),
            (std::vector<RegionId>{RegionId{1}, RegionId{2}}));
  // From now on.
  ASSERT_TRUE(a.Put("t", "k3", "a's").ok());
  ASSERT_TRUE(b.Delete("t", "k4").ok());
  ASSERT_TRUE(c.Put("t", "new", "c's").ok());
  c.Restart();
  Exchange({&a, &b, &c});
  EXPECT_EQ(c.Get("t", "k3"), "1");
  EXPECT_EQ(c.Get("t", "k4"), "1");
  EXPECT_EQ(c.Get("t", "new"), "c's");
  EXPECT_EQ(c.engine->ListTables("", 10), std::vector<std::string>{"t"});
  EXPECT_EQ(b.Get("t", "new"), "-");
  EXPECT_EQ(a.Dump(), b.Dump());
  for (TestRegion* region : {&a, &b, &c}) {
    EXPECT_EQ(region->engine->State().fill.table.value, 0u);
    EXPECT_TRUE(region->Losers().empty());
    EXPECT_TRUE(CheckDigests(region->store)->empty());
    EXPECT_EQ(region->engine->IsWhole(region->engine->FindTable("t")->definition.id), region != &c);
  }
  // Nobody else's rows come with a filling of the region, nor go its own.
  ASSERT_TRUE(c.BeginFilling(a).ok());
  while (c.engine->filling().Progress().part == streams::ScanPart::kItems)
    ASSERT_TRUE(c.FillMore(a, 100).ok());
  ASSERT_TRUE(c.FinishFilling().ok());
  ASSERT_TRUE(c.CompleteFilling(a).ok());
  EXPECT_EQ(c.engine->State().fill.table.value, 0u);
  EXPECT_EQ(c.Get("t", "k3"), "1");
  EXPECT_EQ(c.Get("t", "new"), "c's");
  // It goes alone, and the name is free for a replica again.
  Status dropped = Internal("not called");
  c.engine->DeleteTable("t", c.executor, [&](const Result<TablePtr>& r) { dropped = r.status(); });
  c.RunAll();
  ASSERT_TRUE(dropped.ok()) << dropped.ToString();
  Exchange({&a, &b, &c});
  EXPECT_EQ(c.engine->FindTable("t"), nullptr);
  EXPECT_TRUE(c.Dump().empty());
  EXPECT_EQ(a.Get("t", "k3"), "a's");
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 3); }).ok());
  Exchange({&a, &b, &c});
  while (c.engine->State().fill.table.value != 0) ASSERT_TRUE(c.FillTable(a).ok());
  EXPECT_EQ(c.Dump(), a.Dump());
  EXPECT_TRUE(CheckDigests(c.store)->empty());
}

TEST(Replicas, ADefinitionThatDidNotKnowThatARegionHadLeftDoesNotTakeItBack) {
  TestRegion a(1), b(2);
  CreateIn(a, 1);
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  Exchange({&a, &b});
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  b.Settle();
  Exchange({&a, &b});
  ASSERT_TRUE(Leave(b).ok());
  ASSERT_TRUE(b.Put("t", "k", "b's").ok());
  a.clock.physical_ms += 1000;
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas&) {}).ok());
  Exchange({&a, &b});
  EXPECT_EQ(b.Get("t", "k"), "b's");
  EXPECT_EQ(b.engine->State().fill.table.value, 0u);
  b.Settle();
  Exchange({&a, &b});
  EXPECT_EQ(a.engine->FindTable("t")->definition.replicas.size(), 1u);
  EXPECT_EQ(b.Get("t", "k"), "b's");
  EXPECT_EQ(a.Get("t", "k"), "-");
}

// Random writes of three regions, members that come and go, exchanges in any order: in the end all
// holders of the table hold the same, and it is what the changes say.
TEST(Replicas, WhateverHappensTheHoldersAgree) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    TestRegion a(1), b(2), c(3);
    const std::vector<TestRegion*> all{&a, &b, &c};
    CreateIn(a, 1);
    Exchange(all);
    const auto one = [&]() -> TestRegion& { return *all[random.Below(3)]; };
    const auto fill_some = [&](TestRegion& region) {
      if (region.engine->State().fill.table.value != 0) (void)region.FillTable(one());
    };
    for (int step = 0; step < 150; ++step) {
      TestRegion& region = one();
      const std::string key = "k" + std::to_string(random.Below(12));
      switch (random.Below(9)) {
        case 0:
        case 1:
          if (region.engine->FindTable("t")) {
            ASSERT_TRUE(region.Put("t", key, std::to_string(step)).ok());
          }
          break;
        case 2:
          if (region.engine->FindTable("t")) {
            ASSERT_TRUE(region.Delete("t", key).ok());
          }
          break;
        case 3:
        case 4: (void)region.PullFrom(one()); break;
        case 5:
        case 6: fill_some(region); break;
        case 7:
          Hear(region, all);
          region.Settle();
          break;
        case 8: {
          // One region alone decides who holds the table: definitions are last writer wins.
          const uint16_t who = static_cast<uint16_t>(2 + random.Below(2));
          (void)a.SetReplicas("t", [&](Replicas& replicas) {
            const auto at = replicas.find(RegionId{who});
            if (at == replicas.end()) {
              Add(replicas, who);
            } else if (at->second.state == State::kActive) {
              Remove(replicas, who);
            }
          });
          break;
        }
      }
    }
    for (int round = 0; round < 60; ++round) {
      Exchange(all);
      for (TestRegion* region : all) {
        fill_some(*region);
        Hear(*region, all);
        region->Settle();
      }
    }
    const auto members = a.engine->FindTable("t")->definition.Members();
    for (TestRegion* region : all) {
      EXPECT_EQ(region->engine->State().fill.table.value, 0u);
      const bool member =
          std::find(members.begin(), members.end(), region->log().region()) != members.end();
      EXPECT_EQ(region->Dump(), member ? a.Dump() : std::vector<std::string>());
      EXPECT_TRUE(CheckDigests(region->store)->empty());
      EXPECT_TRUE(CheckIndexes(region->store)->empty());
    }
  }
}

}  // namespace
}  // namespace everwrite::table
