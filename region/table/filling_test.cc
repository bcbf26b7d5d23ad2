// A region that is filled from a peer, beside live changes of all regions, ends as if it had had
// every change from the log; and what a peer may get wrong is refused.
#include "region/table/filling.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "conflict/stability.h"
#include "region/table/bucket_digest.h"
#include "region/table/index_check.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using streams::FillRequest;
using streams::ScanPart;
using streams::Stage;
using testing::TestRegion;

TEST(Filling, AnEmptyRegionGetsTablesItemsAndLedger) {
  TestRegion a(1), b(2), n(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(a.Delete("t", "k7").ok());
  ASSERT_TRUE(b.Put("t", "k3", "lost or not").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_EQ(a.Losers().size(), 1u);

  ASSERT_TRUE(n.BeginFilling(a).ok());
  EXPECT_EQ(n.engine->filling().stage(), Stage::kFilling);
  EXPECT_FALSE(n.engine->Serving().ok());
  EXPECT_EQ(n.engine->State().applied, a.engine->State().applied);
  EXPECT_EQ(n.engine->State().first_held.at(a.log()), a.engine->State().applied.At(a.log()) + 1);
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_TRUE(n.engine->Serving().ok());
  EXPECT_EQ(n.Dump(), a.Dump());
  EXPECT_EQ(n.Losers(), a.Losers());
  EXPECT_EQ(n.engine->ConflictCount(), 1u);
  EXPECT_EQ(n.engine->CountOf(*n.engine->FindTable("t")).items, 19);
  n.Restart();
  EXPECT_TRUE(n.engine->Serving().ok());
  EXPECT_EQ(n.Dump(), a.Dump());
}

TEST(Filling, ClientsMayNotWriteUntilItIsFinished) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  EXPECT_EQ(n.Put("t", "k", "2").code(), StatusCode::kUnavailable);
  ASSERT_TRUE(n.FillRows(a).ok());
  EXPECT_EQ(n.Put("t", "k", "2").code(), StatusCode::kUnavailable);
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_TRUE(n.Put("t", "k", "2").ok());
}

TEST(Filling, GoesOnAfterACrashWhereItWas) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(n.FillMore(a, 100).ok());
  const auto before = n.engine->filling().Progress();
  n.Restart();
  EXPECT_EQ(n.engine->filling().stage(), Stage::kFilling);
  EXPECT_EQ(n.engine->filling().Progress(), before);
  EXPECT_EQ(n.Put("t", "k", "2").code(), StatusCode::kUnavailable);
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_EQ(n.Dump(), a.Dump());
  EXPECT_EQ(before.total_rows, 30u);
}

TEST(Filling, ARowDeletedMeanwhileAndForgottenAtTheSourceDoesNotStay) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  // A change that comes by the log before its range has been filled, and its deletion.
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "2").ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Delete("t", "k" + std::to_string(i)).ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  a.ForgetTombstones();
  n.ForgetTombstones(a.engine->State().applied);
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_TRUE(n.Dump().empty());
  EXPECT_EQ(n.engine->CountOf(*n.engine->FindTable("t")).items, 0);
}

int Tombstones(const TestRegion& region) {
  int count = 0;
  const auto it = region.store.NewIterator(ColumnFamily::kItems, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    StoredItem item;
    CHECK(DecodeStoredItem(it->value(), item));
    count += item.tombstone ? 1 : 0;
  }
  return count;
}

// Others may take our rows while we are filled. They are told that these show less than the
// source's, and would keep what a tombstone has beaten that is not there any more.
TEST(Filling, ATombstoneThatTheSourceHasForgottenStaysUntilItIsForgottenHere) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Delete("t", "k" + std::to_string(i)).ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  ASSERT_EQ(Tombstones(n), 9);
  ASSERT_TRUE(a.Put("t", "later", "2").ok());
  a.ForgetTombstones();
  ASSERT_EQ(Tombstones(a), 0);
  ASSERT_TRUE(n.BeginFilling(a).ok());
  ASSERT_TRUE(n.FillRows(a).ok());
  EXPECT_EQ(Tombstones(n), 9);
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_EQ(n.Get("t", "k3"), "-");
  n.ForgetTombstones();
  EXPECT_EQ(Tombstones(n), 0);
  EXPECT_EQ(n.Dump(), a.Dump());
}

TEST(Filling, WhatIsBeingWrittenWhenItBeginsMayLoseTooAndIsInTheLedger) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  a.clock.physical_ms += 10;
  ASSERT_TRUE(a.Put("t", "k", "a").ok());
  // Decided, and not committed yet when the filling is planned.
  Status written = Internal("not called");
  b.engine->Write(std::make_unique<testing::FunctionWrite>(
                      b.engine->FindTable("t"), testing::TestKey("k"),
                      [](auto) -> Result<Mutation> {
                        return Mutation{Mutation::Kind::kPut, testing::TestItem("k", "b")};
                      },
                      [&](const Status& status, const WriteOperation&) { written = status; }),
                  b.executor);
  ASSERT_TRUE(b.BeginFilling(a).ok());
  ASSERT_TRUE(written.ok());
  ASSERT_TRUE(b.FillRows(a).ok());
  ASSERT_TRUE(b.FinishFilling().ok());
  ASSERT_TRUE(b.CompleteFilling(a).ok());
  EXPECT_EQ(b.Get("t", "k"), "a");
  EXPECT_EQ(b.Losers(), std::vector<std::string>{"k=b"});
}

TEST(Filling, TheLedgerIsOnlyTakenFromWhoHasAllThatWeHad) {
  TestRegion a(1), b(2), n(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  ASSERT_TRUE(b.Put("t", "k", "2").ok());
  ASSERT_TRUE(n.PullFrom(b).ok());
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  EXPECT_EQ(n.CompleteFilling(a).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(n.engine->Serving().ok());
  EXPECT_FALSE(n.engine->filling().IsComplete());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_EQ(n.Losers(), a.Losers());
}

// What lost to a change of ours was decided where both met, and nothing of it is seen in the rows.
TEST(Filling, TheLedgerIsOnlyTakenFromWhoHasOfOursWhatTheSourceHad) {
  TestRegion a(1), b(2), n(3);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok() && n.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "of a").ok());
  n.clock.physical_ms += 10;
  ASSERT_TRUE(n.Put("t", "k", "of n").ok());
  ASSERT_TRUE(b.PullFrom(a).ok() && b.PullFrom(n).ok());
  ASSERT_EQ(b.Losers(), std::vector<std::string>{"k=of a"});
  ASSERT_TRUE(n.Put("t", "of n", "nobody has seen it").ok());
  ASSERT_TRUE(n.BeginFilling(b).ok());
  ASSERT_TRUE(n.FillRows(b).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  EXPECT_EQ(n.CompleteFilling(a).code(), StatusCode::kFailedPrecondition);
  n.Restart();
  // Cut loose again before anybody has told, and filled by the one who knows less.
  ASSERT_TRUE(a.Put("t", "of a", "more").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  EXPECT_EQ(n.CompleteFilling(a).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(n.CompleteFilling(b).ok());
  EXPECT_EQ(n.Losers(), b.Losers());
}

TEST(Filling, WhatDoesNotFitIsRefused) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  EXPECT_EQ(n.FinishFilling().code(), StatusCode::kFailedPrecondition);
  // Ahead of what has come by the log.
  ASSERT_TRUE(a.Put("t", "k1", "2").ok());
  EXPECT_EQ(n.FillMore(a, 100).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(n.PullFrom(a).ok());
  const auto send = [&](const std::function<void(streams::ScanChunk&)>& spoil) {
    const auto at = n.engine->filling().Progress();
    streams::ScanChunk chunk = a.engine->Scan({1, at.part, at.after, at.floor, 300}).value();
    spoil(chunk);
    Status outcome = Internal("not called");
    n.engine->Fill({1, FillRequest::Kind::kChunk, RegionId{1}, chunk}, n.executor,
                   [&](streams::FillReply reply) { outcome = reply.status; });
    n.RunAll();
    return outcome.code();
  };
  EXPECT_EQ(send([](auto& chunk) { chunk.after = "x"; }), StatusCode::kFailedPrecondition);
  EXPECT_EQ(send([](auto& chunk) { chunk.vector = {}; }), StatusCode::kFailedPrecondition);
  EXPECT_EQ(send([](auto& chunk) { std::swap(chunk.rows[0], chunk.rows[1]); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(send([](auto& chunk) { chunk.through = chunk.rows[0].key; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(send([](auto& chunk) { chunk.rows[0].value.resize(20); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(send([](auto& chunk) { chunk.rows[0].value.resize(30); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(send([](auto&) {}), StatusCode::kOk);
}

// The whole of it by chance: three regions write, delete, pull and forget; one of them is filled,
// now and then from the beginning, from whoever has enough.
TEST(Filling, EndsAsIfEveryChangeHadComeByTheLog) {
  size_t filled = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TestRegion a(1), b(2), n(3);
    TestRegion* regions[] = {&a, &b, &n};
    std::vector<conflict::Stability> stability = {
        conflict::Stability(RegionId{1}, {RegionId{2}, RegionId{3}}),
        conflict::Stability(RegionId{2}, {RegionId{1}, RegionId{3}}),
        conflict::Stability(RegionId{3}, {RegionId{1}, RegionId{2}})};
    a.CreateTable("t");
    ASSERT_TRUE(b.PullFrom(a).ok());
    if (random.Chance(1, 2)) {
      ASSERT_TRUE(n.PullFrom(a).ok());
    }
    size_t begun = 0;
    for (int step = 0; step < 150; ++step) {
      const size_t i = random.Below(3);
      TestRegion& one = *regions[i];
      TestRegion& other = *regions[(i + 1 + random.Below(2)) % 3];
      one.clock.physical_ms += random.Below(3);
      const bool serving = one.engine->Serving().ok() && one.engine->FindTable("t");
      const std::string key = "k" + std::to_string(random.Below(12));
      switch (random.Below(6)) {
        case 0:
        case 1:
          if (serving) {
            ASSERT_TRUE(one.Put("t", key, std::to_string(step)).ok());
          }
          break;
        case 2:
          if (serving) {
            ASSERT_TRUE(one.Delete("t", key).ok());
          }
          break;
        case 3:
          // One that is filled pulls from those it may have to wait for, and they from it.
          (void)one.PullFrom(other);
          break;
        case 4: {
          for (size_t j = 0; j < 3; ++j)
            stability[i].OnHeartbeat(RegionId{static_cast<uint16_t>(j + 1)},
                                     {regions[j]->log(),
                                      regions[j]->engine->State().durable,
                                      {a.log(), b.log(), n.log()},
                                      {}});
          stability[i].OnApplied(one.log(), one.engine->State().durable);
          one.ForgetTombstones(stability[i].stable());
          break;
        }
        case 5: {
          TestRegion& source = random.Chance(1, 2) ? a : b;
          const Stage stage = n.engine->filling().stage();
          const ScanPart part = n.engine->filling().Progress().part;
          if (streams::Serves(stage) ? random.Chance(1, 4) : random.Chance(1, 20)) {
            // Refused when the source lacks what an unfinished filling has claimed.
            begun += n.BeginFilling(source).ok() ? 1 : 0;
          } else if (stage == Stage::kFilling && part > ScanPart::kItems) {
            ASSERT_TRUE(n.FinishFilling().ok());
          } else if (stage == Stage::kCompleting && part == ScanPart::kDone) {
            ASSERT_TRUE(n.CompleteFilling(source).ok());
          } else if (stage != Stage::kServing) {
            (void)n.FillMore(source, 1 + random.Below(200));
          }
          if (random.Chance(1, 10)) n.Restart();
          break;
        }
      }
    }
    const auto pull_all = [&] {
      for (int round = 0; round < 3; ++round)
        for (TestRegion* to : regions)
          for (TestRegion* from : regions) (void)to->PullFrom(*from);
    };
    pull_all();
    if (!n.engine->Serving().ok()) {
      ASSERT_TRUE(n.FillRows(a, 100).ok());
      ASSERT_TRUE(n.FinishFilling().ok());
    }
    if (!n.engine->filling().IsComplete()) {
      ASSERT_TRUE(n.CompleteFilling(a).ok());
    }
    pull_all();
    ASSERT_EQ(a.engine->State().applied, b.engine->State().applied);
    ASSERT_EQ(a.engine->State().applied, n.engine->State().applied);
    EXPECT_EQ(a.Dump(), b.Dump());
    EXPECT_EQ(a.Dump(), n.Dump());
    EXPECT_TRUE(CheckIndexes(n.store)->empty());
    EXPECT_EQ(CheckDigests(n.store).value(), std::vector<std::string>());
    for (const auto& entry : a.engine->committer().digests().List(TableId{0}, 0, SIZE_MAX))
      EXPECT_EQ(n.engine->committer().digests().Get(entry.table, entry.bucket), entry.digest);
    EXPECT_EQ(static_cast<size_t>(n.engine->CountOf(*n.engine->FindTable("t")).items),
              n.Dump().size());
    filled += begun > 0 ? 1 : 0;
    if (HasFailure()) break;
  }
  EXPECT_GT(filled, 100u);
}

TEST(Filling, WhoWaitedForAnItemIsRefusedAtOnce) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  ASSERT_TRUE(n.PullFrom(a).ok());
  int evaluated = 0, refused = 0;
  const auto put = [&](std::optional<std::string_view>) -> Result<Mutation> {
    ++evaluated;
    return Mutation{Mutation::Kind::kPut, testing::TestItem("k", "v")};
  };
  for (int i = 0; i < 20; ++i)
    n.engine->Write(std::make_unique<testing::FunctionWrite>(
                        n.engine->FindTable("t"), testing::TestKey("k"), put,
                        [&](const Status& status, const WriteOperation&) {
                          refused += status.code() == StatusCode::kUnavailable ? 1 : 0;
                        }),
                    n.executor);
  ASSERT_TRUE(n.BeginFilling(a).ok());
  n.RunAll();
  EXPECT_EQ(evaluated, 1) << "a decision that the next turn would refuse is not made";
  EXPECT_EQ(refused, 19);
}

}  // namespace
}  // namespace everwrite::table
