// Tables of which a region comes to lack a part: it fetches that from who is whole; and where
// nobody is, what each of the holders has is put together.
#include <gtest/gtest.h>

#include "region/table/bucket_digest.h"
#include "region/table/testing/placed_table.h"

namespace everwrite::table {
namespace {

using testing::Add;
using testing::CreateIn;
using testing::CreateInBoth;
using testing::Exchange;
using testing::JoinSecond;
using testing::MakeTopology;
using testing::TestRegion;

TEST(TableFills, AChangeOfWhoDidNotKnowTheNewReplicaIsFetchedWithTheRows) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1);
  Exchange({&a, &b, &c});
  JoinSecond(a, b, {&a, &b, &c});
  // c joins; b does not know it yet and writes.
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 3); }).ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  while (c.engine->State().fill.table.value != 0) ASSERT_TRUE(c.FillTable(a).ok());
  ASSERT_NE(c.engine->FindTable("t"), nullptr);
  ASSERT_TRUE(b.Put("t", "k", "unaware").ok());
  ASSERT_TRUE(c.PullFrom(b).ok());
  EXPECT_NE(c.engine->FindTable("t"), nullptr) << "it goes on serving";
  ASSERT_NE(c.engine->State().fill.table.value, 0u);
  EXPECT_FALSE(c.FillTable(a).ok()) << "a does not know the change";
  EXPECT_FALSE(c.FillTable(b).ok()) << "b does not know all that c does";
  ASSERT_TRUE(b.PullFrom(a).ok());
  while (c.engine->State().fill.table.value != 0) ASSERT_TRUE(c.FillTable(b).ok());
  EXPECT_EQ(c.Get("t", "k"), "unaware");
  Exchange({&a, &b, &c});
  EXPECT_EQ(c.Dump(), a.Dump());
}

// What a region wrote while it was the only holder is known to others by its numbers alone. When it
// goes back to an old copy of its disk, its rows are where it had given the table meanwhile.
TEST(TableFills, WhoGoesBackFetchesWhatItWroteAloneFromWhomItHasGivenTheTable) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1);
  Exchange({&a, &b, &c});
  a.store.KeepCopy();
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { Add(r, 2); }).ok());
  Exchange({&a, &b, &c});
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  ASSERT_TRUE(a.store.PutBackCopy());
  a.Restart();
  ASSERT_EQ(a.Get("t", "k"), "-");
  const LogId log = a.log();
  for (uint64_t have = a.engine->State().applied.At(log); have < c.engine->State().applied.At(log);
       ++have)
    ASSERT_TRUE(a.Apply(c.engine->Read({1, log, have, 1})->batch).ok());
  ASSERT_NE(a.engine->State().fill.table.value, 0u) << "it knows that it lacks something";
  while (a.engine->State().fill.table.value != 0) ASSERT_TRUE(a.FillTable(b).ok());
  EXPECT_EQ(a.Get("t", "k"), "1");
  EXPECT_EQ(a.Dump(), b.Dump());
  EXPECT_TRUE(CheckDigests(a.store)->empty());
}

TEST(TableFills, ARegionThatIsFilledAsAWholeFetchesWhatItsSourceDoesNotHoldFromOthers) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1, "everybody's");
  CreateIn(a, 1, "ours");
  CreateIn(b, 2, "theirs");
  Exchange({&a, &b});
  JoinSecond(a, b, {&a, &b}, "everybody's");
  // c has had its share of both, and lost its disk.
  const auto had = [](Replicas& replicas) { replicas[RegionId{3}] = {}; };
  ASSERT_TRUE(a.SetReplicas("everybody's", had).ok());
  ASSERT_TRUE(a.SetReplicas("ours", had).ok());
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(a.Put("everybody's", "k" + std::to_string(i), "e").ok());
    ASSERT_TRUE(a.Put("ours", "k" + std::to_string(i), "o").ok());
    ASSERT_TRUE(b.Put("theirs", "k" + std::to_string(i), "t").ok());
  }
  Exchange({&a, &b});
  ASSERT_TRUE(c.BeginFilling(b).ok());
  ASSERT_TRUE(c.FillRows(b).ok());
  ASSERT_TRUE(c.FinishFilling().ok());
  ASSERT_TRUE(c.CompleteFilling(b).ok());
  EXPECT_EQ(c.Get("everybody's", "k1"), "e");
  EXPECT_EQ(c.engine->FindTable("theirs"), nullptr);
  EXPECT_EQ(c.engine->FindTable("ours"), nullptr) << "b has nothing of it";
  ASSERT_NE(c.engine->State().fill.table.value, 0u);
  EXPECT_FALSE(c.FillTable(b).ok());
  while (c.engine->State().fill.table.value != 0) ASSERT_TRUE(c.FillTable(a).ok());
  EXPECT_EQ(c.Dump(), a.Dump());
  EXPECT_TRUE(CheckDigests(c.store)->empty());
}

TEST(TableFills, WhenNoHolderIsWholeTheLowestPutsTogetherWhatEachOfThemHas) {
  TestRegion a(1), b(2), c(3);
  CreateIn(a, 1);
  Exchange({&a, &b, &c});
  JoinSecond(a, b, {&a, &b, &c});
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  Exchange({&a, &b, &c});
  // Each writes, and gets no more than the number of what the other wrote.
  ASSERT_TRUE(a.Put("t", "k1", "a").ok());
  ASSERT_TRUE(a.Put("t", "only a", "a").ok());
  ASSERT_TRUE(b.Put("t", "k2", "b").ok());
  ASSERT_TRUE(b.Delete("t", "k3").ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  ASSERT_TRUE(c.PullFrom(b).ok());
  a.takes_bare = b.takes_bare = true;
  ASSERT_TRUE(a.PullFrom(c).ok());
  ASSERT_TRUE(b.PullFrom(c).ok());
  Exchange({&a, &b, &c});
  ASSERT_NE(a.engine->State().fill.table.value, 0u);
  ASSERT_NE(b.engine->State().fill.table.value, 0u);
  EXPECT_FALSE(b.FillTable(a).ok()) << "a is not whole, and it is the lowest that begins";
  while (a.engine->State().fill.table.value != 0) ASSERT_TRUE(a.FillTable(b).ok());
  EXPECT_EQ(a.Get("t", "k1"), "a");
  EXPECT_EQ(a.Get("t", "k2"), "b");
  EXPECT_EQ(a.Get("t", "k3"), "-");
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  EXPECT_EQ(b.Get("t", "only a"), "a");
  EXPECT_EQ(a.Dump(), b.Dump());
  EXPECT_TRUE(CheckDigests(a.store)->empty());
  EXPECT_TRUE(CheckDigests(b.store)->empty());
}

// c is filled as a whole by s, which does not hold the table, and then has a row that lost at a,
// and a's word that it did, before it has the row that won.
TEST(TableFills, WhatLostElsewhereAndIsReplacedMeanwhileIsInTheLedgerOnce) {
  TestRegion s(1), a(2), c(3), d(4);
  TableDefinition definition = testing::TestTable("t");
  for (const uint16_t holder : {2, 3, 4}) definition.replicas[RegionId{holder}] = {};
  a.engine->CreateTable(std::move(definition), a.executor, [](const Result<TablePtr>&) {});
  a.RunAll();
  Exchange({&s, &a, &c, &d});
  ASSERT_TRUE(c.Put("t", "k", "c").ok());
  a.clock.physical_ms += 10;
  ASSERT_TRUE(a.Put("t", "k", "a").ok());
  ASSERT_TRUE(d.PullFrom(a).ok());
  ASSERT_TRUE(a.PullFrom(c).ok());
  ASSERT_TRUE(s.PullFrom(a).ok());
  ASSERT_TRUE(c.BeginFilling(s).ok());
  ASSERT_TRUE(c.FillRows(s).ok());
  ASSERT_TRUE(c.FinishFilling().ok());
  ASSERT_TRUE(c.CompleteFilling(a).ok());
  ASSERT_NE(c.engine->State().fill.table.value, 0u);
  ASSERT_EQ(c.Losers(), std::vector<std::string>{"k=c"});
  // It loses once more.
  ASSERT_TRUE(d.Put("t", "k", "d, which knew a's").ok());
  ASSERT_TRUE(c.PullFrom(d).ok());
  EXPECT_EQ(c.Losers(), std::vector<std::string>{"k=c"});
  EXPECT_EQ(c.engine->LedgerSize().items, 1);
  ASSERT_TRUE(a.PullFrom(d).ok());
  ASSERT_TRUE(a.PullFrom(s).ok());
  while (c.engine->State().fill.table.value != 0) ASSERT_TRUE(c.FillTable(a).ok());
  EXPECT_EQ(c.Dump(), a.Dump());
}

// All other regions' changes wait behind a filling. In a table that serves while it is filled
// clients may queue for a hot item, and it would wait for all of them.
TEST(TableFills, DoesNotQueueWithTheClientsOfAHotItem) {
  TestRegion a(1), b(2), c(3);
  CreateInBoth(a, b);
  b.takes_bare = true;
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  ASSERT_TRUE(c.PullFrom(a).ok());
  ASSERT_TRUE(b.PullFrom(c).ok()) << "with the bare number of it";
  ASSERT_NE(b.engine->State().fill.table.value, 0u);
  ASSERT_TRUE(a.PullFrom(b).ok());
  int done = 0, before_it = 0;
  const auto put = [](std::optional<std::string_view>) -> Result<Mutation> {
    return Mutation{Mutation::Kind::kPut, testing::TestItem("k", "client")};
  };
  for (int i = 0; i < 20; ++i)
    b.engine->Write(std::make_unique<testing::FunctionWrite>(
                        b.engine->FindTable("t"), testing::TestKey("k"), put,
                        [&](const Status& status, const WriteOperation&) {
                          EXPECT_TRUE(status.ok()) << status.ToString();
                          ++done;
                          if (b.engine->State().fill.rows == 0) ++before_it;
                        }),
                    b.executor);
  ASSERT_TRUE(b.FillTable(a).ok());
  EXPECT_EQ(done, 20);
  EXPECT_LE(before_it, 2) << "the one under way, and the first that waits";
}

// b has the number of a deletion and the row from before it; all others have forgotten the deletion
// by the time when a comes to lack something too.
TEST(TableFills, WhatWasDeletedAndForgottenDoesNotComeBackFromWhoIsNotWhole) {
  for (const bool asks_lowest : {true, false}) {
    SCOPED_TRACE(asks_lowest ? "the lowest had forgotten it" : "the lowest has the row");
    TestRegion a(1), b(2), c(3);
    TestRegion& forgets = asks_lowest ? a : b;
    TestRegion& keeps = asks_lowest ? b : a;
    CreateInBoth(a, b);
    ASSERT_TRUE(a.Put("t", "stays", "1").ok());
    Exchange({&a, &b, &c});
    ASSERT_TRUE(forgets.Delete("t", "k").ok());
    ASSERT_TRUE(c.PullFrom(forgets).ok());
    keeps.takes_bare = true;
    ASSERT_TRUE(keeps.PullFrom(c).ok());
    EXPECT_EQ(keeps.Get("t", "k"), "1");
    ASSERT_TRUE(forgets.PullFrom(keeps).ok());
    forgets.ForgetTombstones();
    std::string value;
    const std::string key =
        ItemKey(forgets.engine->FindTable("t")->definition.id, testing::TestKey("k"));
    ASSERT_FALSE(*forgets.store.Get(ColumnFamily::kItems, key, &value)) << "it is forgotten";
    ASSERT_TRUE(keeps.Put("t", "k2", "2").ok());
    ASSERT_TRUE(c.PullFrom(keeps).ok());
    forgets.takes_bare = true;
    ASSERT_TRUE(forgets.PullFrom(c).ok());
    while (a.engine->State().fill.table.value != 0) ASSERT_TRUE(a.FillTable(b).ok());
    while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
    EXPECT_EQ(a.Get("t", "k"), "-");
    EXPECT_EQ(a.Get("t", "k2"), "2");
    EXPECT_EQ(a.Get("t", "stays"), "1");
    EXPECT_EQ(a.Dump(), b.Dump());
    EXPECT_TRUE(CheckDigests(a.store)->empty());
    EXPECT_TRUE(CheckDigests(b.store)->empty());
  }
}

// Two definitions compete: one takes b out, the other, later, knows nothing of that.
TEST(TableFills, WhatCameBareIsFetchedAlsoOfATableThatIsInEveryRegionAgain) {
  TestRegion a(1), b(2);
  MakeTopology({&a, &b});
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  Exchange({&a, &b});
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { r[RegionId{1}] = {}; }).ok());
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  b.clock.physical_ms += 1000;
  ASSERT_TRUE(b.SetReplicas("t", [](Replicas&) {}).ok());
  Exchange({&a, &b});
  ASSERT_TRUE(b.engine->FindTable("t")->definition.IsEverywhere());
  EXPECT_EQ(b.Get("t", "k"), "1");
  ASSERT_NE(b.engine->State().fill.table.value, 0u) << "it knows what it lacks";
  ASSERT_NE(a.engine->State().fill.table.value, 0u) << "and a that it may lack something";
  while (a.engine->State().fill.table.value != 0) ASSERT_TRUE(a.FillTable(b).ok());
  EXPECT_EQ(a.Get("t", "k"), "2");
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "2");
  EXPECT_EQ(b.Dump(), a.Dump());
}

// Three definitions compete: a has the table for itself, c has it for itself, and the last one,
// which knew of neither, is for all. Each lacks what another wrote alone.
TEST(TableFills, OfATableThatIsInEveryRegionAgainTheLowestPutsTogetherWhatEachOfThemHas) {
  TestRegion a(1), b(2), c(3);
  const std::vector<TestRegion*> all{&a, &b, &c};
  MakeTopology(all);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  Exchange(all);
  ASSERT_TRUE(a.SetReplicas("t", [](Replicas& r) { r[RegionId{1}] = {}; }).ok());
  ASSERT_TRUE(a.Put("t", "of a alone", "a").ok());
  ASSERT_TRUE(c.SetReplicas("t", [](Replicas& r) { r[RegionId{3}] = {}; }).ok());
  ASSERT_TRUE(c.Put("t", "of c alone", "c").ok());
  b.clock.physical_ms += 1000;
  ASSERT_TRUE(b.SetReplicas("t", [](Replicas&) {}).ok());
  Exchange(all);
  for (TestRegion* region : all) {
    ASSERT_TRUE(region->engine->FindTable("t")->definition.IsEverywhere());
    ASSERT_NE(region->engine->State().fill.table.value, 0u) << "each lacks something";
  }
  for (TestRegion* to : all)
    for (TestRegion* from : all)
      for (int chunk = 0; chunk < 20 && to != from; ++chunk) (void)to->FillTable(*from);
  for (TestRegion* region : all) {
    EXPECT_EQ(region->engine->State().fill.table.value, 0u);
    EXPECT_EQ(region->Get("t", "of a alone"), "a");
    EXPECT_EQ(region->Get("t", "of c alone"), "c");
    EXPECT_EQ(region->Dump(), a.Dump());
    EXPECT_TRUE(CheckDigests(region->store)->empty());
  }
}

}  // namespace
}  // namespace everwrite::table
