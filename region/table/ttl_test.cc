// Time to live: what is expired goes, in the region that wrote it, by an index that costs nothing
// for what is not.
#include "region/table/ttl.h"

#include <gtest/gtest.h>

#include "region/table/index_check.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::TestItem;
using testing::TestRegion;

constexpr uint64_t kNow = 2'000'000'000;  // seconds

std::string ExpiringItem(const std::string& pk, std::string_view expiry) {
  item::ItemBuilder builder;
  builder.AddNumber("exp", expiry);
  builder.AddString("pk", pk);
  return builder.Finish();
}

struct TtlRegion : TestRegion {
  explicit TtlRegion(uint16_t id) : TestRegion(id) {
    clock.physical_ms = kNow * 1000;
    Restart();
  }

  Status PutExpiring(const std::string& pk, std::string_view expiry) {
    return Write("t", pk, [&](auto) -> Result<Mutation> {
      return Mutation{Mutation::Kind::kPut, ExpiringItem(pk, expiry)};
    });
  }
  Status SetTtl(std::string attribute) {
    Status outcome = Internal("not called");
    engine->UpdateTable(
        "t",
        [&](TableDefinition& definition) {
          definition.ttl = {std::move(attribute), {}, clock.physical_ms};
          return OkStatus();
        },
        executor, [&](const Result<TablePtr>& table) { outcome = table.status(); });
    RunAll();
    return outcome;
  }
  void Sweep() {
    engine->SweepExpired(executor);
    RunAll();
  }
  bool Has(const std::string& pk) { return Get("t", pk) != "-"; }
  std::string Index() {
    const auto violations = CheckIndexes(store);
    CHECK(violations.ok());
    return violations->empty() ? "" : violations->front();
  }
  size_t IndexEntries() {
    size_t count = 0;
    const auto it = store.NewIterator(ColumnFamily::kIndexes, {});
    for (it->Seek(""); it->Valid(); it->Next()) ++count;
    return count;
  }
};

std::string Seconds(int64_t from_now) {
  return std::to_string(static_cast<int64_t>(kNow) + from_now);
}

TEST(TimeToLive, OnlyNumbersInWholeSecondsCount) {
  const auto expiry = [](std::string_view text) {
    return ExpiryOf(item::ItemView(ExpiringItem("k", text)), "exp");
  };
  EXPECT_EQ(expiry("1700000000"), 1'700'000'000u);
  EXPECT_EQ(expiry("1700000000.9"), 1'700'000'000u);
  EXPECT_EQ(expiry("0"), 0u);
  EXPECT_EQ(expiry("-5"), std::nullopt);
  EXPECT_EQ(expiry("1000000000000000000"), std::nullopt) << "beyond any time";
  EXPECT_EQ(ExpiryOf(item::ItemView(TestItem("k", "1700000000")), "v"), std::nullopt) << "a string";
  EXPECT_EQ(ExpiryOf(item::ItemView(TestItem("k", "1")), "exp"), std::nullopt);
}

TEST(TimeToLive, WhatIsExpiredIsDeletedByTheServiceAndNothingElse) {
  TtlRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.SetTtl("exp").ok());
  ASSERT_TRUE(region.PutExpiring("old", Seconds(-10)).ok());
  ASSERT_TRUE(region.PutExpiring("now", Seconds(0)).ok());
  ASSERT_TRUE(region.PutExpiring("later", Seconds(100)).ok());
  ASSERT_TRUE(region.PutExpiring("ancient", Seconds(-6 * 365 * 24 * 3600)).ok());
  ASSERT_TRUE(region.Put("t", "without", "1").ok());
  EXPECT_TRUE(region.Has("old")) << "until it is deleted it is read";
  region.Sweep();
  EXPECT_FALSE(region.Has("old"));
  EXPECT_TRUE(region.Has("now") && region.Has("later") && region.Has("without"));
  EXPECT_TRUE(region.Has("ancient")) << "more than five years past: probably no time at all";
  EXPECT_EQ(region.engine->sweeper().deleted(), 1u);
  const auto log = region.ReadLog(region.log());
  streams::ChangeRecord record;
  ASSERT_TRUE(streams::DecodeChangeRecord(*log.records.back(), record));
  EXPECT_TRUE(record.tombstone);
  EXPECT_EQ(record.actor, streams::Actor::kTimeToLive);
  region.clock.physical_ms += 101'000;
  region.Sweep();
  EXPECT_FALSE(region.Has("later"));
  EXPECT_EQ(region.Index(), "");
}

TEST(TimeToLive, ManyExpireInOneSweepAndLeaveNoEntries) {
  TtlRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.SetTtl("exp").ok());
  for (int i = 0; i < 700; ++i)
    ASSERT_TRUE(region.PutExpiring("k" + std::to_string(i), Seconds(-1 - i)).ok());
  region.Sweep();
  EXPECT_TRUE(region.Dump().empty());
  EXPECT_EQ(region.IndexEntries(), 0u);
}

TEST(TimeToLive, AnUpdateThatComesFirstSavesTheItem) {
  TtlRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.SetTtl("exp").ok());
  ASSERT_TRUE(region.PutExpiring("k", Seconds(-10)).ok());
  // Found by the sweep, which then waits for the item's lock behind an update.
  region.engine->SweepExpired(region.executor);
  region.engine->Write(std::make_unique<testing::FunctionWrite>(
                           region.engine->FindTable("t"), testing::TestKey("k"),
                           [&](auto) -> Result<Mutation> {
                             return Mutation{Mutation::Kind::kPut, ExpiringItem("k", Seconds(50))};
                           },
                           [](const Status&, const WriteOperation&) {}),
                       region.executor);
  region.RunAll();
  EXPECT_TRUE(region.Has("k"));
  EXPECT_EQ(region.Index(), "");
}

TEST(TimeToLive, TurnedOnItFindsWhatIsThereAndTurnedOffItForgets) {
  TtlRegion region(1);
  region.CreateTable("t");
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(region.PutExpiring("k" + std::to_string(i), Seconds(i % 2 ? -10 : 1000)).ok());
  ASSERT_TRUE(region.SetTtl("exp").ok());
  EXPECT_EQ(region.IndexEntries(), 300u);
  EXPECT_EQ(region.Index(), "");
  region.Restart();
  region.Sweep();
  EXPECT_EQ(region.Dump().size(), 150u);
  ASSERT_TRUE(region.SetTtl("").ok());
  EXPECT_EQ(region.IndexEntries(), 0u);
  region.clock.physical_ms += 2'000'000;
  region.Sweep();
  EXPECT_EQ(region.Dump().size(), 150u);
  ASSERT_TRUE(region.SetTtl("exp").ok());
  region.Sweep();
  EXPECT_TRUE(region.Dump().empty());
  EXPECT_EQ(region.Index(), "");
}

TEST(TimeToLive, TheRegionThatWroteItLastDeletesUnlessItStaysSilent) {
  TtlRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.SetTtl("exp").ok());
  ASSERT_TRUE(a.PutExpiring("of a", Seconds(-10)).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(b.PutExpiring("of b", Seconds(-10)).ok());
  b.Sweep();
  EXPECT_TRUE(b.Has("of a"));
  EXPECT_FALSE(b.Has("of b"));
  streams::PeerProgress progress;
  progress.peers.push_back({RegionId{1}, /*connected=*/true});
  b.clock.physical_ms += 59'000;
  b.engine->OnProgress(progress);
  b.clock.physical_ms += 59'000;
  progress.peers[0].connected = false;
  b.engine->OnProgress(progress);
  b.Sweep();
  EXPECT_TRUE(b.Has("of a")) << "it has been heard of less than a minute ago";
  b.clock.physical_ms += 2'000;
  b.Sweep();
  EXPECT_FALSE(b.Has("of a"));
  // Both delete it: no conflict, and equal in the end.
  a.Sweep();
  ASSERT_TRUE(a.PullFrom(b).ok() && b.PullFrom(a).ok());
  EXPECT_TRUE(a.Losers().empty() && b.Losers().empty());
  EXPECT_TRUE(a.Dump().empty() && b.Dump().empty());
}

// A region an hour ahead is started again, and nobody has told it yet.
TEST(TimeToLive, UntilTheClockIsJudgedOnlyWhatExpiredLongAgoGoes) {
  TtlRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.SetTtl("exp").ok());
  ASSERT_TRUE(region.PutExpiring("in half an hour", Seconds(1800)).ok());
  ASSERT_TRUE(region.PutExpiring("two days ago", Seconds(-2 * 86400)).ok());
  region.ttl_unjudged_ms = kUnjudgedExpiryMs;
  region.Restart();
  region.clock.physical_ms += 3'600'000;
  region.Sweep();
  EXPECT_TRUE(region.Has("in half an hour"));
  EXPECT_FALSE(region.Has("two days ago"));
  streams::PeerProgress progress;
  progress.clock_judged = true;
  progress.clock_correction_ms = -3'600'000;
  region.engine->OnProgress(progress);
  region.Sweep();
  EXPECT_TRUE(region.Has("in half an hour")) << "by the clock as it is corrected";
  region.clock.physical_ms += 1'802'000;
  region.Sweep();
  EXPECT_FALSE(region.Has("in half an hour"));
}

TEST(TimeToLive, ALaterUpdateOfAnotherRegionWins) {
  TtlRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.SetTtl("exp").ok());
  ASSERT_TRUE(a.PutExpiring("k", Seconds(-10)).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  a.Sweep();
  ASSERT_FALSE(a.Has("k"));
  b.clock.physical_ms += 10;
  ASSERT_TRUE(b.PutExpiring("k", Seconds(100)).ok());
  ASSERT_TRUE(a.PullFrom(b).ok() && b.PullFrom(a).ok());
  EXPECT_TRUE(a.Has("k") && b.Has("k"));
  a.Sweep();
  EXPECT_TRUE(a.Has("k"));
  EXPECT_EQ(a.Index() + b.Index(), "");
}

}  // namespace
}  // namespace everwrite::table
