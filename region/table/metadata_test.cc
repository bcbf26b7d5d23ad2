// What a region keeps beside its users' data, in bytes, over the life of an item: written,
// overwritten, deleted, forgotten; and of a conflict. The figures of docs/storage.md ("What it
// costs") come from here; the bounds are theirs, so that nothing grows unseen.
#include <gtest/gtest.h>

#include <cstdio>

#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::TestRegion;

constexpr int kItems = 1000;

struct Bytes {
  int64_t entries = 0;
  int64_t bytes = 0;
};

Bytes BytesOf(const KvStore& store, ColumnFamily family, std::string_view prefix = "") {
  Bytes sum;
  const auto it = store.NewIterator(family, {std::string(prefix), ""});
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    ++sum.entries;
    sum.bytes += static_cast<int64_t>(it->key().size() + it->value().size());
  }
  return sum;
}

std::string Key(int i) { return "key" + std::to_string(100'000 + i); }

class Metadata : public ::testing::Test {
 protected:
  Metadata() : a_(1), b_(2) {
    a_.CreateTable("t");
    EXPECT_TRUE(b_.PullFrom(a_).ok());
  }
  void PutAll(TestRegion& region, const std::string& v) {
    for (int i = 0; i < kItems; ++i) ASSERT_TRUE(region.Put("t", Key(i), v).ok());
  }
  // Every region has everything, durably, and said so; and a day goes by.
  void BecomeStable(TestRegion& region) {
    region.clock.physical_ms += 25ULL * 3600 * 1000;
    const conflict::Vector all = region.engine->State().durable;
    region.engine->OnProgress({all, all, {}});
    for (int round = 0; round < 3; ++round) {
      ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
      region.RunAll();
    }
  }
  double Print(const char* what, Bytes bytes, double per) {
    const double each = static_cast<double>(bytes.bytes) / per;
    std::printf("%-46s %8.1f bytes\n", what, each);
    return each;
  }

  TestRegion a_, b_;
};

TEST_F(Metadata, OfALiveItemIsItsVersionAndItsPlace) {
  PutAll(a_, "value");
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  const std::string image = testing::TestItem(Key(0), "value");
  Bytes rows = BytesOf(b_.store, ColumnFamily::kItems,
                       ItemKey(b_.engine->FindTable("t")->definition.id, ""));
  ASSERT_EQ(rows.entries, kItems);
  rows.bytes -= kItems * static_cast<int64_t>(image.size() + Key(0).size());
  EXPECT_LE(Print("live item, beside key and attributes", rows, kItems), 25 + 16 + 8);
  EXPECT_LE(Print("its change record, until it is trimmed",
                  BytesOf(b_.store, ColumnFamily::kChanges), kItems),
            200);
  BecomeStable(b_);
  EXPECT_EQ(BytesOf(b_.store, ColumnFamily::kChanges).entries, 0);
  // However often it is written: nothing more.
  PutAll(a_, "other");
  PutAll(a_, "third");
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  BecomeStable(b_);
  Bytes later = BytesOf(b_.store, ColumnFamily::kItems,
                        ItemKey(b_.engine->FindTable("t")->definition.id, ""));
  later.bytes -= kItems * static_cast<int64_t>(image.size() + Key(0).size());
  EXPECT_EQ(later.bytes, rows.bytes);
  // Bounded by the number of buckets, not of items.
  const Bytes digests = BytesOf(b_.store, ColumnFamily::kSystem, "g");
  EXPECT_LE(digests.entries, static_cast<int64_t>(kBuckets) + 1);
  EXPECT_LE(Print("digest of a bucket (at most 4096 a table)", digests,
                  static_cast<double>(digests.entries)),
            64);
}

TEST_F(Metadata, OfADeletedItemIsATombstoneUntilItIsStableAndThenNothing) {
  PutAll(a_, "value");
  for (int i = 0; i < kItems; ++i) ASSERT_TRUE(a_.Delete("t", Key(i)).ok());
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  const std::string prefix = ItemKey(b_.engine->FindTable("t")->definition.id, "");
  const Bytes rows = BytesOf(b_.store, ColumnFamily::kItems, prefix);
  const Bytes marks = BytesOf(b_.store, ColumnFamily::kSystem, "d");
  ASSERT_EQ(rows.entries, kItems);
  EXPECT_EQ(marks.entries, kItems);
  EXPECT_LE(Print("tombstone, with its key", {rows.entries, rows.bytes + marks.bytes}, kItems),
            180);
  BecomeStable(b_);
  EXPECT_EQ(BytesOf(b_.store, ColumnFamily::kItems, prefix).entries, 0);
  EXPECT_EQ(BytesOf(b_.store, ColumnFamily::kSystem, "d").entries, 0);
  EXPECT_EQ(BytesOf(b_.store, ColumnFamily::kChanges).entries, 0);
  std::printf("%-46s %8.1f bytes\n", "deleted item, once that is stable", 0.0);
}

TEST_F(Metadata, OfAConflictIsAnEntryWithBothImages) {
  PutAll(a_, "one");
  b_.clock.physical_ms += 1000;
  PutAll(b_, "two");
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  Bytes ledger = BytesOf(b_.store, ColumnFamily::kLedger);
  ASSERT_EQ(ledger.entries, kItems);
  ledger.bytes -= 2 * kItems * static_cast<int64_t>(testing::TestItem(Key(0), "one").size());
  EXPECT_LE(Print("ledger entry, beside the two images", ledger, kItems), 160);
}

}  // namespace
}  // namespace everwrite::table
