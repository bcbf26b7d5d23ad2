#include "region/table/row_repair.h"

#include <gtest/gtest.h>

#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;

const LogId kLog = LogId::Make(RegionId{1}, 1);

RowSummary Row(uint64_t number, uint64_t content, bool tombstone = false) {
  return {{0, Stamp::Make(100 + number, 0), {kLog, number}}, tombstone, content};
}
Standing Applied(uint64_t number, bool sound = true) {
  Standing standing;
  standing.applied.Set(kLog, number);
  standing.sound = sound;
  return standing;
}

TEST(Judge, WhatIsEqualOrBehindAgrees) {
  const RowSummary one = Row(1, 7), two = Row(2, 8), gone = Row(2, 0, true);
  EXPECT_EQ(Judge(&one, Applied(1), &one, Applied(1)), Judgement::kAgree);
  EXPECT_EQ(Judge(&one, Applied(1), &two, Applied(2)), Judgement::kAgree);  // it will come
  EXPECT_EQ(Judge(&two, Applied(2), &one, Applied(1)), Judgement::kAgree);  // they will get it
  EXPECT_EQ(Judge(nullptr, Applied(1), &two, Applied(2)), Judgement::kAgree);
  EXPECT_EQ(Judge(&two, Applied(2), nullptr, Applied(1)), Judgement::kAgree);
  EXPECT_EQ(Judge(nullptr, Applied(2), &gone, Applied(2)), Judgement::kAgree);  // forgotten here
  EXPECT_EQ(Judge(&gone, Applied(2), nullptr, Applied(2)), Judgement::kAgree);  // or there
  EXPECT_EQ(Judge(nullptr, Applied(2), nullptr, Applied(2)), Judgement::kAgree);
}

TEST(Judge, OneOfTwoIsWrongAndBothSayTheSame) {
  const RowSummary rows[] = {Row(1, 7), Row(1, 9), Row(2, 8), Row(2, 0, true)};
  const RowSummary* some[] = {nullptr, &rows[0], &rows[1], &rows[2], &rows[3]};
  for (const RowSummary* a : some) {
    for (const RowSummary* b : some) {
      for (const bool a_sound : {true, false}) {
        for (const bool b_sound : {true, false}) {
          const Standing we = Applied(2, a_sound), they = Applied(2, b_sound);
          const Judgement here = Judge(a, we, b, they), there = Judge(b, they, a, we);
          if (here == Judgement::kAgree) {
            EXPECT_EQ(there, Judgement::kAgree);
          } else {
            EXPECT_NE(here == Judgement::kTheirs, there == Judgement::kTheirs);  // one acts
          }
        }
      }
    }
  }
}

TEST(Judge, TheDamagedSideIsWrong) {
  const RowSummary good = Row(1, 7), bad = Row(1, 9);
  EXPECT_EQ(Judge(&bad, Applied(1, false), &good, Applied(1)), Judgement::kTake);
  EXPECT_EQ(Judge(&good, Applied(1), &bad, Applied(1, false)), Judgement::kTheirs);
  EXPECT_EQ(Judge(nullptr, Applied(1, false), &good, Applied(1)), Judgement::kTake);
  EXPECT_EQ(Judge(&good, Applied(1, false), nullptr, Applied(1)), Judgement::kDrop);
  // When both look well, nothing is thrown away, and a decision that was made holds.
  EXPECT_EQ(Judge(nullptr, Applied(1), &good, Applied(1)), Judgement::kTake);
  const RowSummary later = Row(2, 8);
  EXPECT_EQ(Judge(&good, Applied(2), &later, Applied(2)), Judgement::kTake);
}

class RowRepairTest : public ::testing::Test {
 protected:
  RowRepairTest() : region_(1) {
    region_.CreateTable("t");
    EXPECT_TRUE(region_.Put("t", "a", "right").ok());
    table_ = region_.engine->FindTable("t")->definition.id;
    store_key_ = ItemKey(table_, TestKey("a"));
    EXPECT_TRUE(region_.store.Get(ColumnFamily::kItems, store_key_, &right_).value());
  }
  void Damage(std::optional<std::string> value) {
    KvBatch batch;
    if (value) {
      batch.Put(ColumnFamily::kItems, store_key_, *value);
    } else {
      batch.Delete(ColumnFamily::kItems, store_key_);
    }
    ASSERT_TRUE(region_.store.Write(batch, Sync::kYes).ok());
  }
  std::string WithContent(std::string_view v) {
    StoredItem row;
    EXPECT_TRUE(DecodeStoredItem(right_, row));
    const std::string image = TestItem("a", v);
    row.image = image;
    std::string value;
    EncodeStoredItem(row, value);
    return value;
  }
  static RowSummary SummaryOfValue(std::string_view value) {
    StoredItem row;
    EXPECT_TRUE(DecodeStoredItem(value, row));
    return SummaryOf(row);
  }
  Status Replace(std::optional<RowSummary> expected, std::string value) {
    Status outcome = Internal("not called");
    region_.engine->repair().Replace(table_, TestKey("a"), expected, std::move(value),
                                     region_.executor,
                                     [&](const Status& status) { outcome = status; });
    region_.RunAll();
    return outcome;
  }
  BucketCount Count() { return CountBucket(region_.store, table_, BucketOf(store_key_)).value(); }

  TestRegion region_;
  TableId table_;
  std::string store_key_, right_;
};

TEST_F(RowRepairTest, PutsTheRightRowBackAndKeepsTheWrongOneInTheLedger) {
  const std::string wrong = WithContent("wrong");
  Damage(wrong);
  EXPECT_FALSE(Count().sound());
  ASSERT_TRUE(Replace(SummaryOfValue(wrong), right_).ok());
  EXPECT_EQ(region_.Get("t", "a"), "right");
  EXPECT_EQ(region_.Losers(), std::vector<std::string>{"a=wrong"});
  // The repair moved rows and digest alike; what was wrong before is still between them.
  EXPECT_FALSE(Count().sound());
  const uint64_t error = Count().sum - Count().said.sum;
  bool done = false;
  region_.engine->repair().AdjustDigest(table_, BucketOf(store_key_), error, region_.executor,
                                        [&](const Status& status) { done = status.ok(); });
  region_.RunAll();
  EXPECT_TRUE(done);
  EXPECT_TRUE(Count().sound());
  region_.Restart();
  EXPECT_TRUE(Count().sound());
  EXPECT_EQ(CheckDigests(region_.store).value(), std::vector<std::string>());
}

TEST_F(RowRepairTest, DoesNotTouchARowThatHasChangedMeanwhile) {
  const std::string wrong = WithContent("wrong");
  Damage(wrong);
  ASSERT_TRUE(region_.Put("t", "a", "newer").ok());
  EXPECT_EQ(Replace(SummaryOfValue(wrong), right_).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Replace(std::nullopt, right_).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(region_.Get("t", "a"), "newer");
  EXPECT_EQ(Replace(SummaryOfValue(wrong), "garbage").code(), StatusCode::kInvalidArgument);
}

TEST_F(RowRepairTest, BringsBackARowThatIsGone) {
  Damage(std::nullopt);
  EXPECT_EQ(region_.Get("t", "a"), "-");
  ASSERT_TRUE(Replace(std::nullopt, right_).ok());
  EXPECT_EQ(region_.Get("t", "a"), "right");
  EXPECT_TRUE(region_.Losers().empty());
}

TEST_F(RowRepairTest, PagesHoldABucketInOrder) {
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(region_.Put("t", "k" + std::to_string(i), "v").ok());
  ASSERT_TRUE(region_.Delete("t", "k7").ok());
  size_t rows = 0, tombstones = 0;
  for (uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    std::string after;
    for (;;) {
      const auto page =
          ReadBucketPage(region_.store, table_, static_cast<uint16_t>(bucket), after, 1);
      ASSERT_TRUE(page.ok());
      EXPECT_TRUE(page->standing.sound);
      EXPECT_EQ(page->standing.applied, region_.engine->State().applied);
      rows += page->rows.size();
      for (const auto& row : page->rows) tombstones += row.row.tombstone;
      if (page->end) break;
      EXPECT_LT(after, page->through);
      after = page->through;
    }
  }
  EXPECT_EQ(rows, 301u);
  EXPECT_EQ(tombstones, 1u);
}

}  // namespace
}  // namespace everwrite::table
