// Regions that the logs do not bring together any more: what each wrote meanwhile is kept, decided
// where both meet, and entered; they fill each other, also several at a time.
#include <gtest/gtest.h>

#include "base/random.h"
#include "region/table/bucket_digest.h"
#include "region/table/filling.h"
#include "region/table/index_check.h"
#include "region/table/testing/test_region.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::table {
namespace {

using streams::FillRequest;
using streams::ScanPart;
using streams::Stage;
using testing::TestRegion;

TEST(CutLoose, ARegionCutLooseLosesWhatWasDeletedAndKeepsWhatItAloneHas) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  // Apart. Both write.
  ASSERT_TRUE(n.Put("t", "only here", "n").ok());
  ASSERT_TRUE(n.Put("t", "k1", "n").ok());
  ASSERT_TRUE(a.Put("t", "k1", "a").ok());
  ASSERT_TRUE(a.Put("t", "k1", "a again").ok());
  for (int i = 2; i < 6; ++i) ASSERT_TRUE(a.Delete("t", "k" + std::to_string(i)).ok());
  const LogId own = n.log();
  ASSERT_TRUE(n.BeginFilling(a).ok());
  // Its own changes can still be had from it.
  EXPECT_EQ(n.ReadLog(own).records.size(), 2u);
  ASSERT_TRUE(a.PullFrom(n).ok());
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_EQ(n.Dump(), a.Dump());
  EXPECT_EQ(n.Get("t", "only here"), "n");
  EXPECT_EQ(n.Get("t", "k3"), "-");
  EXPECT_EQ(n.Losers(), a.Losers());
  EXPECT_EQ(n.Losers().size(), 1u);
}

TEST(CutLoose, WhatARegionCutLooseWroteToATableThatWasDeletedIsInTheLedger) {
  TestRegion a(1), n(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  ASSERT_TRUE(n.Put("t", "only here", "n").ok());
  a.engine->DeleteTable("t", a.executor, [](auto) {});
  a.RunAll();
  ASSERT_TRUE(n.BeginFilling(a).ok());
  ASSERT_TRUE(n.FillRows(a).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  ASSERT_TRUE(n.CompleteFilling(a).ok());
  EXPECT_EQ(n.engine->FindTable("t"), nullptr);
  EXPECT_EQ(n.Losers(), std::vector<std::string>{"only here=n"});
  ASSERT_TRUE(a.PullFrom(n).ok());
  EXPECT_EQ(a.Losers(), n.Losers());
}

// Nobody holds the records of the region's own log any more, but as rows.
void TrimOwnLog(TestRegion& region) {
  KvBatch batch;
  streams::TrimChanges(batch, region.log(), region.engine->State().applied.At(region.log()) + 1);
  ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());
  region.Restart();
}

TEST(CutLoose, TwoRegionsAreFilledFromEachOtherAtTheSameTime) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "old" + std::to_string(i), "0").ok());
  ASSERT_TRUE(a.Put("t", "both", "0").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  for (TestRegion* region : {&a, &b}) {
    const std::string name = region == &a ? "a" : "b";
    region->clock.physical_ms += region == &a ? 10 : 20;
    ASSERT_TRUE(region->Put("t", "both", name).ok());
    ASSERT_TRUE(region->Put("t", name, name).ok());
    ASSERT_TRUE(region->Delete("t", "old" + std::to_string(region == &a ? 3 : 5)).ok());
    TrimOwnLog(*region);
  }
  ASSERT_TRUE(b.BeginFilling(a).ok());
  ASSERT_TRUE(a.BeginFilling(b).ok());  // which shows less than it counts
  EXPECT_EQ(a.engine->State().applied, b.engine->State().applied);
  const auto filling = [](TestRegion& region) {
    return region.engine->filling().Progress().part == ScanPart::kItems;
  };
  while (filling(a) || filling(b)) {
    if (filling(a)) {
      ASSERT_TRUE(a.FillMore(b, 60).ok());
    }
    if (filling(b)) {
      ASSERT_TRUE(b.FillMore(a, 60).ok());
    }
  }
  for (TestRegion* region : {&a, &b}) ASSERT_TRUE(region->FinishFilling().ok());
  for (TestRegion* region : {&a, &b})
    ASSERT_TRUE(region->CompleteFilling(region == &a ? b : a).ok());
  EXPECT_EQ(a.Dump(), b.Dump());
  EXPECT_EQ(a.Dump().size(), 10u);
  EXPECT_EQ(a.Get("t", "both"), "b");
  EXPECT_EQ(a.Losers(), std::vector<std::string>{"both=a"});
  EXPECT_EQ(b.Losers(), a.Losers());
}

TEST(CutLoose, WhatNobodyShowsIsForsakenAndTheRestGoesOn) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  TrimOwnLog(a);
  ASSERT_TRUE(b.BeginFilling(a).ok());
  ASSERT_TRUE(b.FillMore(a, 60).ok());
  const LogId lost = a.log();
  EXPECT_FALSE(b.engine->State().fill.claims.empty());
  Status outcome = Internal("not called");
  streams::FillRequest forsake{1, FillRequest::Kind::kForsake, {}, {}};
  forsake.chunk.vector.Set(lost, b.engine->State().applied.At(lost));
  b.engine->Fill(forsake, b.executor, [&](streams::FillReply reply) { outcome = reply.status; });
  b.RunAll();
  ASSERT_TRUE(outcome.ok());
  ASSERT_TRUE(b.FinishFilling().ok());
  EXPECT_TRUE(b.engine->State().fill.claims.empty());
  EXPECT_GT(b.Dump().size(), 0u);
  EXPECT_TRUE(b.Put("t", "k", "2").ok());
}

// A write, with what its maker knew.
struct Written {
  std::string key;
  std::string value;  // empty: deleted
  conflict::Version version;
  conflict::Vector context;
};

void Remember(TestRegion& region, std::string key, std::string value,
              std::vector<Written>& history) {
  const uint64_t number = region.engine->State().applied.At(region.log());
  const auto batch = region.ReadLog(region.log(), number - 1);
  streams::ChangeRecord record;
  ASSERT_TRUE(streams::DecodeChangeRecord(*batch.records.at(0), record));
  Written& written = history.emplace_back();
  written = {std::move(key), std::move(value), {record.rank, record.stamp, record.dot}, {}};
  if (!record.context.empty()) {
    ASSERT_TRUE(conflict::Vector::Decode(record.context, written.context));
  }
  written.context.Raise({record.dot.log, record.dot.number - 1});
}

// By chance: three regions write, trim their logs, and are filled from each other in any order,
// from whoever shows something, half filled or not. In the end all is everywhere, and every write
// that was overwritten by one that did not know it is in every ledger.
TEST(CutLoose, RegionsThatAreAllCutLooseFromEachOtherEndEqual) {
  size_t together = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TestRegion a(1), b(2), c(3);
    TestRegion* regions[] = {&a, &b, &c};
    std::vector<Written> history;
    a.CreateTable("t");
    ASSERT_TRUE(b.PullFrom(a).ok());
    ASSERT_TRUE(c.PullFrom(a).ok());
    const auto stage = [](TestRegion& region) { return region.engine->filling().stage(); };
    const auto part = [](TestRegion& region) { return region.engine->filling().Progress().part; };
    const auto one_step = [&](TestRegion& one, TestRegion& other) {
      if (stage(one) == Stage::kFilling && part(one) > ScanPart::kItems) {
        ASSERT_TRUE(one.FinishFilling().ok());
      } else if (stage(one) == Stage::kFilling) {
        const auto at = one.engine->filling().Progress();
        const auto theirs = other.engine->State();
        const auto shown = theirs.fill.claims.ShownOf(theirs.applied);
        const bool anew = at.after.empty() || !shown.Covers(at.pass);
        if (!anew || (at.claims.Want(shown) && random.Chance(1, 3)))
          (void)one.FillMore(other, 1 + random.Below(200), anew);
      }
    };
    for (int step = 0; step < 150; ++step) {
      const size_t i = random.Below(3);
      TestRegion& one = *regions[i];
      TestRegion& other = *regions[(i + 1 + random.Below(2)) % 3];
      one.clock.physical_ms += random.Below(3);
      const std::string key = "k" + std::to_string(random.Below(8));
      size_t filling = 0;
      for (TestRegion* region : regions) filling += stage(*region) == Stage::kFilling ? 1 : 0;
      together += filling > 1 ? 1 : 0;
      switch (random.Below(7)) {
        case 0:
        case 1: {
          if (!streams::Serves(stage(one))) break;
          const bool deletes = random.Chance(1, 4);
          const std::string value = deletes ? "" : std::to_string(step);
          if (deletes && one.Get("t", key) == "-") break;
          ASSERT_TRUE((deletes ? one.Delete("t", key) : one.Put("t", key, value)).ok());
          Remember(one, key, value, history);
          break;
        }
        case 2: (void)one.PullFrom(other); break;
        case 3:
          if (random.Chance(1, 3)) TrimOwnLog(one);
          break;
        case 4:
          if (random.Chance(1, 3)) (void)one.BeginFilling(other);
          break;
        case 5: one_step(one, other); break;
        case 6:
          if (random.Chance(1, 5)) one.Restart();
          break;
      }
    }
    const auto equal = [&] {
      return std::all_of(std::begin(regions), std::end(regions), [&](TestRegion* region) {
        return streams::Serves(stage(*region)) &&
               region->engine->State().applied == a.engine->State().applied;
      });
    };
    for (int round = 0; round < 200 && !equal(); ++round) {
      for (TestRegion* one : regions) {
        for (TestRegion* other : regions) {
          if (one == other) continue;
          (void)one->PullFrom(*other);
          const auto theirs = other->engine->State();
          if (!one->engine->State().applied.Covers(theirs.applied)) (void)one->BeginFilling(*other);
          one_step(*one, *other);
        }
      }
    }
    ASSERT_TRUE(equal());
    for (TestRegion* one : regions) {
      if (stage(*one) == Stage::kServing) continue;
      for (TestRegion* other : regions) {
        if (one == other) continue;
        ASSERT_TRUE(one->GatherMore(*other).ok());
      }
      ASSERT_TRUE(one->CompleteFilling(one == &a ? b : a).ok());
    }
    EXPECT_EQ(a.Dump(), b.Dump());
    EXPECT_EQ(a.Dump(), c.Dump());
    for (TestRegion* region : regions) {
      EXPECT_TRUE(CheckIndexes(region->store)->empty());
      EXPECT_EQ(CheckDigests(region->store).value(), std::vector<std::string>());
      const std::vector<std::string> losers = region->Losers();
      for (const Written& written : history) {
        bool highest = true, accounted = written.value.empty();
        for (const Written& by : history) {
          if (by.key != written.key || by.version <= written.version) continue;
          highest = false;
          accounted |= by.context.Covers(written.version.dot);
        }
        if (highest && !written.value.empty()) {
          EXPECT_EQ(region->Get("t", written.key), written.value);
        }
        if (highest || accounted) continue;
        EXPECT_EQ(std::count(losers.begin(), losers.end(), written.key + "=" + written.value), 1)
            << written.key << "=" << written.value << " vanished";
      }
    }
    if (HasFailure()) break;
  }
  EXPECT_GT(together, 1000u);
}

TEST(CutLoose, TwoRegionsThatAreCutLooseFromEachOtherAreFilledOneAfterTheOther) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(a.Put("t", "both", "0").ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  for (TestRegion* region : {&a, &b}) {
    const std::string name = region == &a ? "a" : "b";
    region->clock.physical_ms += 10;
    ASSERT_TRUE(region->Put("t", "both", name).ok());
    ASSERT_TRUE(region->Put("t", name, name).ok());
    // Nobody holds these any more but as rows.
    KvBatch batch;
    streams::TrimChanges(batch, region->log(), 100);
    ASSERT_TRUE(region->store.Write(batch, Sync::kYes).ok());
    region->Restart();
  }
  ASSERT_TRUE(b.BeginFilling(a).ok());
  ASSERT_TRUE(b.FillRows(a).ok());
  ASSERT_TRUE(b.FinishFilling().ok());
  ASSERT_TRUE(b.CompleteFilling(a).ok());
  EXPECT_EQ(b.Losers(), std::vector<std::string>{"both=a"});
  ASSERT_TRUE(a.BeginFilling(b).ok());
  ASSERT_TRUE(a.FillRows(b).ok());
  ASSERT_TRUE(a.FinishFilling().ok());
  ASSERT_TRUE(a.CompleteFilling(b).ok());
  EXPECT_EQ(a.Dump(), b.Dump());
  EXPECT_EQ(a.Get("t", "both"), "b");
  EXPECT_EQ(a.Get("t", "a"), "a");
  EXPECT_EQ(a.Losers(), b.Losers());
  EXPECT_EQ(a.engine->State().applied, b.engine->State().applied);
}

}  // namespace
}  // namespace everwrite::table
