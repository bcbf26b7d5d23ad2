// One region: what is acknowledged is durable, order is one, tables come and go with their rows.
#include "region/table/region_engine.h"

#include <gtest/gtest.h>

#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::FunctionWrite;
using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;
using testing::TestTable;
using testing::ValueOf;

TEST(RegionEngine, AnAcknowledgedWriteSurvivesAPowerCut) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  const LogId log = region.log();
  region.Restart();
  EXPECT_EQ(region.Get("t", "a"), "1");
  EXPECT_EQ(region.log(), log) << "a log that continues where its peers saw it keeps its name";
  ASSERT_TRUE(region.Put("t", "a", "2").ok());
  EXPECT_EQ(region.engine->State().applied.At(log), 3u) << "numbers go on without a gap";
}

TEST(RegionEngine, NothingIsVisibleOrAnsweredBeforeItsTurnIsWritten) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  bool done = false;
  region.engine->Write(
      std::make_unique<FunctionWrite>(
          table, TestKey("a"),
          [](auto) -> Result<Mutation> {
            return Mutation{Mutation::Kind::kPut, TestItem("a", "1")};
          },
          [&](const Status& status, const WriteOperation&) { done = status.ok(); }),
      region.executor);
  ASSERT_TRUE(region.engine->committer().BeginTurn());
  while (region.executor.RunOne()) {
  }
  EXPECT_FALSE(done);
  EXPECT_EQ(region.Get("t", "a"), "-");
  region.engine->committer().EndTurn();
  while (region.executor.RunOne()) {
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(region.Get("t", "a"), "1");
}

TEST(RegionEngine, WritesOfOneKeyDecideOneAfterTheOther) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  int created = 0, refused = 0;
  for (int i = 0; i < 10; ++i) {
    region.engine->Write(
        std::make_unique<FunctionWrite>(
            table, TestKey("a"),
            [i](std::optional<std::string_view> stored) -> Result<Mutation> {
              if (stored) return ConditionFailed("The conditional request failed");
              return Mutation{Mutation::Kind::kPut, TestItem("a", std::to_string(i))};
            },
            [&](const Status& status, const WriteOperation&) {
              ++(status.ok() ? created : refused);
            }),
        region.executor);
  }
  region.RunAll();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 9);
  EXPECT_EQ(region.Get("t", "a"), "0");
}

TEST(RegionEngine, AWriteLearnsItsOwnVersionAndTheOneItReplaced) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  conflict::Version first, second, replaced;
  const auto put = [&](conflict::Version* version) {
    region.engine->Write(std::make_unique<FunctionWrite>(
                             table, TestKey("a"),
                             [](auto) -> Result<Mutation> {
                               return Mutation{Mutation::Kind::kPut, TestItem("a", "1")};
                             },
                             [&, version](const Status&, const WriteOperation& operation) {
                               *version = operation.committed;
                               replaced = operation.replaced;
                             }),
                         region.executor);
    region.RunAll();
  };
  put(&first);
  put(&second);
  EXPECT_EQ(replaced, first);
  EXPECT_GT(second, first);
}

TEST(RegionEngine, AFailedSyncIsTheEndOfWritingAndAcknowledgesNothing) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  region.store.FailWrites(Internal("fsync: input/output error"));
  EXPECT_FALSE(region.Put("t", "a", "2").ok());
  region.store.FailWrites({});
  EXPECT_FALSE(region.Put("t", "b", "1").ok())
      << "the disk works again, but what it holds is unknown";
  EXPECT_EQ(region.Get("t", "a"), "1") << "reads go on";
  region.Restart();
  EXPECT_EQ(region.Get("t", "a"), "1");
  EXPECT_TRUE(region.Put("t", "b", "1").ok());
}

TEST(RegionEngine, RelaxedDurabilityShowsPeersOnlyWhatAPowerCutLeaves) {
  CommitterOptions relaxed;
  relaxed.sync = Sync::kNo;
  TestRegion region(1, relaxed);
  region.CreateTable("t");
  ASSERT_TRUE(region.engine->committer().SyncLog().ok());
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  const LogId log = region.log();
  EXPECT_EQ(region.engine->State().applied.At(log), 2u);
  EXPECT_EQ(region.engine->State().durable.At(log), 1u);
  EXPECT_EQ(region.engine->Read({1, log, 0, 1 << 20})->batch.records.size(), 1u);
  ASSERT_TRUE(region.engine->committer().SyncLog().ok());
  EXPECT_EQ(region.engine->Read({1, log, 0, 1 << 20})->batch.records.size(), 2u);
}

TEST(RegionEngine, ADeletedTableTakesItsRowsAndANewOneOfTheNameStartsEmpty) {
  TestRegion region(1);
  const TableId first = region.CreateTable("t")->definition.id;
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  Result<TablePtr> deleted = Internal("not called");
  region.engine->DeleteTable("t", region.executor,
                             [&](Result<TablePtr> table) { deleted = table; });
  region.RunAll();
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ((*deleted)->definition.id, first);
  EXPECT_EQ(region.engine->FindTable("t"), nullptr);
  const TablePtr again = region.CreateTable("t");
  EXPECT_NE(again->definition.id, first);
  EXPECT_EQ(again->definition.generation, 2u);
  EXPECT_EQ(region.Get("t", "a"), "-");
  EXPECT_TRUE(region.Dump().empty());
  region.Restart();
  EXPECT_EQ(region.engine->FindTable("t")->definition.id, again->definition.id);
}

TEST(RegionEngine, AWriteThatADeletionOfTheTableOvertakesIsRefused) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  Status outcome;
  region.engine->DeleteTable("t", region.executor, [](auto) {});
  region.engine->Write(std::make_unique<FunctionWrite>(
                           table, TestKey("a"),
                           [](auto) -> Result<Mutation> {
                             return Mutation{Mutation::Kind::kPut, TestItem("a", "1")};
                           },
                           [&](const Status& status, const WriteOperation&) { outcome = status; }),
                       region.executor);
  region.RunAll();
  EXPECT_EQ(outcome.code(), StatusCode::kNotFound);
  EXPECT_TRUE(region.Dump().empty()) << "no row without a table";
}

TEST(RegionEngine, RefusesWhatDoesNotFitTheCatalog) {
  TestRegion region(1);
  region.CreateTable("t");
  Result<TablePtr> result = Internal("not called");
  const auto keep = [&](Result<TablePtr> table) { result = table; };
  region.engine->CreateTable(TestTable("t"), region.executor, keep);
  region.RunAll();
  EXPECT_EQ(result.status().code(), StatusCode::kAlreadyExists);
  region.engine->DeleteTable("nope", region.executor, keep);
  region.RunAll();
  EXPECT_EQ(result.status().code(), StatusCode::kNotFound);
  region.engine->UpdateTable(
      "t",
      [](TableDefinition& d) {
        d.deletion_protection = true;
        return Status();
      },
      region.executor, keep);
  region.RunAll();
  ASSERT_TRUE(result.ok());
  region.engine->DeleteTable("t", region.executor, keep);
  region.RunAll();
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
}

TEST(RegionEngine, CountsFollowEveryCommitAndSurvive) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  ASSERT_TRUE(region.Put("t", "b", "22").ok());
  ASSERT_TRUE(region.Put("t", "a", "333").ok());
  EXPECT_EQ(region.engine->CountOf(*table).items, 2);
  EXPECT_EQ(region.engine->CountOf(*table).bytes, (2 + 1 + 1 + 3) + (2 + 1 + 1 + 2));
  ASSERT_TRUE(region.Delete("t", "b").ok());
  region.Restart();
  EXPECT_EQ(region.engine->CountOf(*region.engine->FindTable("t")).items, 1);
  EXPECT_EQ(region.engine->CountOf(*region.engine->FindTable("t")).bytes, 2 + 1 + 1 + 3);
}

TEST(RegionEngine, DeletingWhatIsNotThereChangesNothing) {
  TestRegion region(1);
  region.CreateTable("t");
  const auto before = region.engine->State().applied;
  EXPECT_TRUE(region.Delete("t", "a").ok());
  EXPECT_EQ(region.engine->State().applied, before);
}

TEST(RegionEngine, ScansInOrderBothWaysAndSkipsTombstones) {
  TestRegion region(1);
  const TablePtr table = region.CreateTable("t");
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(region.Put("t", key, key).ok());
  ASSERT_TRUE(region.Delete("t", "b").ok());
  const auto scan = [&](ScanOptions options) {
    std::vector<std::string> seen;
    EXPECT_TRUE(region.engine
                    ->Scan(*table, options,
                           [&](std::string_view, std::string_view item) {
                             seen.push_back(ValueOf(item));
                             return true;
                           })
                    .ok());
    return seen;
  };
  auto forward = scan({});
  ASSERT_EQ(forward.size(), 3u);
  ScanOptions backward;
  backward.backward = true;
  auto reversed = scan(backward);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(forward, reversed);
  ScanOptions resumed;
  resumed.after = TestKey(forward[0]);
  EXPECT_EQ(scan(resumed), std::vector<std::string>(forward.begin() + 1, forward.end()));
  backward.after = TestKey(forward[2]);
  EXPECT_EQ(scan(backward), (std::vector<std::string>{forward[1], forward[0]}));
}

// A folder restored from a copy must not give numbers again that its peers have seen.
TEST(RegionEngine, DataFoundInAnotherPlaceStartsANewLogAndKeepsTheOldOnesNumbers) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  const LogId first = region.log();
  RegionEngineOptions options;
  options.region = RegionId{1};
  const auto log_at = [&](const char* place, uint64_t incarnation) {
    options.place = place;
    region.engine =
        RegionEngine::Open(region.store, region.clock, options, incarnation, [] {}).value();
    return region.log();
  };
  EXPECT_EQ(log_at("8:1", 100), first) << "nobody had looked before";
  EXPECT_EQ(log_at("8:1", 101), first) << "where it was left";
  const LogId second = log_at("8:2", 102);
  EXPECT_NE(second, first);
  EXPECT_EQ(log_at("8:2", 103), second);
  ASSERT_TRUE(region.Put("t", "a", "2").ok());
  EXPECT_EQ(region.engine->State().applied.At(first), 2u);
  EXPECT_EQ(region.engine->State().applied.At(second), 1u);
  EXPECT_EQ(region.Get("t", "a"), "2");
}

// Data that was put back: strong reads and conditions would be of a state that is long gone.
TEST(RegionEngine, WhoLacksItsOwnTailNumbersNothingAndThenServesNobodyUntilItIsBack) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  a.store.KeepCopy();
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  const LogId first = a.log();
  a.engine.reset();
  ASSERT_TRUE(a.store.PutBackCopy());
  RegionEngineOptions options;
  options.region = RegionId{1};
  options.admission.peers = {RegionId{2}};
  options.life = {7, 1'000'000, false, "a"};
  a.engine = RegionEngine::Open(a.store, a.clock, options, 100, [] {}).value();
  EXPECT_FALSE(a.engine->Serving().ok());
  EXPECT_EQ(a.Put("t", "k", "3").code(), StatusCode::kUnavailable) << "no number before the word";

  streams::PeerWord word{RegionId{2}, {}, {}};
  word.holds.Set(first, b.engine->State().applied.At(first));
  word.sightings.push_back({options.life, 0, 0});
  a.engine->OnWord(word, a.executor);
  a.RunAll();
  EXPECT_NE(a.log(), first);
  a.engine->TickAdmission(a.executor);
  const Status serving = a.engine->Serving();
  EXPECT_EQ(serving.code(), StatusCode::kUnavailable);
  EXPECT_NE(serving.message().find(" 1 of its own changes"), std::string::npos)
      << serving.ToString();
  EXPECT_EQ(a.Get("t", "k"), "1");

  ASSERT_TRUE(a.Apply(b.ReadLog(first, 2)).ok());
  a.engine->TickAdmission(a.executor);
  EXPECT_TRUE(a.engine->Serving().ok());
  EXPECT_EQ(a.Get("t", "k"), "2");
}

TEST(RegionEngine, AFolderOfAnotherRegionIsRefused) {
  TestRegion region(1);
  RegionEngineOptions options;
  options.region = RegionId{2};
  const auto engine = RegionEngine::Open(region.store, region.clock, options, 1, [] {});
  EXPECT_EQ(engine.status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace everwrite::table
