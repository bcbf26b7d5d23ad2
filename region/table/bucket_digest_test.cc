// Bucket digests: sums are the rows', whatever the history, and regions that have decided on the
// same changes of a bucket have the same sum.
#include "region/table/bucket_digest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;

std::vector<std::string> Check(TestRegion& region) {
  auto checked = CheckDigests(region.store);
  return checked.ok() ? *checked : std::vector<std::string>{checked.status().ToString()};
}

// Buckets of which both have decided on the same changes, and on different ones. Those of the first
// kind must be equal.
struct Compared {
  int same = 0;
  int different = 0;
};
Compared Compare(TestRegion& a, TestRegion& b) {
  Compared compared;
  const DigestBook& other = b.engine->committer().digests();
  for (const auto& entry : a.engine->committer().digests().List(TableId{0}, 0, SIZE_MAX)) {
    const BucketDigest theirs = other.Get(entry.table, entry.bucket);
    const bool same = theirs.touched == entry.digest.touched;
    (same ? compared.same : compared.different) += 1;
    if (same) {
      EXPECT_EQ(theirs.sum, entry.digest.sum) << "bucket " << entry.bucket;
    }
  }
  return compared;
}

void PullAll(TestRegion (&regions)[3]) {
  for (int round = 0; round < 3; ++round)
    for (TestRegion& region : regions)
      for (TestRegion& source : regions) {
        source.RunAll();
        (void)region.PullFrom(source);
      }
}

TEST(BucketDigest, SumsAreTheRowsWhateverTheHistory) {
  int compared_under_way = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    TestRegion regions[] = {TestRegion(1), TestRegion(2), TestRegion(3)};
    regions[0].CreateTable("t");
    PullAll(regions);
    for (int step = 0; step < 150; ++step) {
      TestRegion& region = regions[random.Below(3)];
      const std::string pk = "k" + std::to_string(random.Below(8));
      switch (random.Below(20)) {
        case 0: region.Restart(); break;
        case 1: {  // deleted and made again
          const std::string name = random.Chance(1, 2) ? "t" : "u";
          if (region.engine->FindTable(name)) {
            region.engine->DeleteTable(name, region.executor, [](const auto&) {});
            region.RunAll();
          } else {
            region.CreateTable(name);
          }
          break;
        }
        case 2:
        case 3:
        case 4:
        case 5: (void)region.PullFrom(regions[random.Below(3)]); break;
        case 6:
        case 7:
          if (region.engine->FindTable("t")) (void)region.Delete("t", pk);
          break;
        default:
          region.clock.physical_ms += random.Below(3);
          if (region.engine->FindTable("t"))
            (void)region.Put("t", pk, std::string(random.Below(3), 'x'));
      }
      compared_under_way += Compare(regions[0], regions[1]).same;
      if (step % 10 == 0) {
        ASSERT_EQ(Check(region), std::vector<std::string>()) << "seed " << seed;
      }
    }
    PullAll(regions);
    for (TestRegion& region : regions)
      ASSERT_EQ(Check(region), std::vector<std::string>()) << "seed " << seed;
    for (TestRegion& region : regions) {
      EXPECT_EQ(Compare(regions[0], region).different, 0);
      EXPECT_EQ(region.engine->committer().digests().size(),
                regions[0].engine->committer().digests().size());
    }
  }
  EXPECT_GT(compared_under_way, 1000);  // else the comparison above says little
}

TEST(DigestBook, ShowsATurnAllAtOnce) {
  DigestBook book;
  const TableId table{9};
  const Dot first{LogId::Make(RegionId{1}, 5), 1};
  const Dot second{first.log, 2};
  KvBatch batch;
  // One row, changed twice in one turn: only the second change moves the sum, and in between no
  // region's digest looks like this one.
  book.Touch(table, 3, first, 0);
  book.Touch(table, 3, second, 77);
  EXPECT_EQ(book.Get(table, 3), BucketDigest{});
  EXPECT_TRUE(book.List(table, 0, 10).empty());
  book.Flush(batch);
  BucketDigest whole;
  whole.sum = 77;
  whole.touched.Raise(second);
  EXPECT_EQ(book.Get(table, 3), whole);
  // What is dropped in the same turn is not there again.
  book.Touch(table, 4, {first.log, 3}, 5);
  book.Drop(table, batch);
  book.Flush(batch);
  EXPECT_EQ(book.size(), 0u);
}

TEST(DigestBook, WhatHasMovedIsTakenOnceAndNoneWaitsForEver) {
  DigestBook book;
  KvBatch batch;
  const LogId log = LogId::Make(RegionId{1}, 2);
  uint64_t number = 0;
  const auto touch = [&](TableId table, uint16_t bucket) {
    book.Touch(table, bucket, {log, ++number}, 1);
    book.Flush(batch);
  };
  const auto take = [&](size_t limit) {
    std::vector<std::pair<uint64_t, int>> places;
    for (const auto& entry : book.TakeMoved(limit)) {
      places.emplace_back(entry.table.value, entry.bucket);
      EXPECT_EQ(entry.digest, book.Get(entry.table, entry.bucket));
    }
    return places;
  };
  using Places = std::vector<std::pair<uint64_t, int>>;
  touch(TableId{300}, 5);
  EXPECT_EQ(take(10), Places());  // kept from the first call on
  touch(TableId{301}, 4095);
  touch(TableId{300}, 0);
  touch(TableId{301}, 4095);
  touch(TableId{300}, 64);
  EXPECT_EQ(take(10), (Places{{300, 0}, {300, 64}, {301, 4095}}));
  EXPECT_EQ(take(10), Places());

  // The first ones move again and again; the last one comes all the same.
  for (uint16_t bucket = 0; bucket < 10; ++bucket) touch(TableId{300}, bucket);
  touch(TableId{302}, 7);
  bool seen = false;
  for (int round = 0; round < 4 && !seen; ++round) {
    const auto places = take(4);
    EXPECT_EQ(places.size(), 4u);
    seen = std::count(places.begin(), places.end(), std::pair<uint64_t, int>{302, 7}) != 0;
    for (uint16_t bucket = 0; bucket < 10; ++bucket) touch(TableId{300}, bucket);
  }
  EXPECT_TRUE(seen);

  book.PutBackMoved(TableId{302}, 7);
  book.PutBackMoved(TableId{302}, 8);  // not there
  book.Drop(TableId{300}, batch);
  EXPECT_EQ(take(10), (Places{{302, 7}}));
  book.PutBackMoved(TableId{300}, 1);  // dropped meanwhile
  EXPECT_EQ(take(10), Places());
}

TEST(DigestBook, ToCompareManyIsToCompareOneByOne) {
  Random random(4);
  DigestBook ours, theirs;
  KvBatch batch;
  const TableId table{300};
  for (uint64_t i = 1; i <= 3000; ++i) {
    const auto bucket = static_cast<uint16_t>(random.Below(kBuckets));
    const Dot dot{LogId::Make(RegionId{1}, 2), i};
    if (!random.Chance(1, 10)) ours.Touch(table, bucket, dot, i);
    if (!random.Chance(1, 10)) theirs.Touch(table, bucket, dot, i + (random.Chance(1, 10) ? 1 : 0));
  }
  ours.Flush(batch);
  theirs.Flush(batch);
  auto shown = theirs.List(table, 0, kBuckets);
  shown.push_back({table, 0, BucketDigest{}});  // as of a bucket that is not there
  for (const TableId of : {table, TableId{301}}) {
    const auto matches = ours.Compare(of, shown);
    ASSERT_EQ(matches.size(), shown.size());
    std::map<DigestBook::Match, int> seen;
    for (size_t i = 0; i < shown.size(); ++i) {
      const BucketDigest one = ours.Get(of, shown[i].bucket);
      const bool same_changes = one.touched == shown[i].digest.touched;
      EXPECT_EQ(matches[i] == DigestBook::Match::kMoving, !same_changes);
      EXPECT_EQ(matches[i] == DigestBook::Match::kEqual, one == shown[i].digest);
      ++seen[matches[i]];
    }
    EXPECT_EQ(seen.size(), of == table ? 3u : 2u);
  }
}

TEST(DigestBook, TheFirstIsThatOfTheList) {
  Random random(5);
  DigestBook book;
  KvBatch batch;
  EXPECT_FALSE(book.First(TableId{0}, 0));
  for (uint64_t i = 1; i <= 20; ++i)
    book.Touch(TableId{300 + random.Below(3)}, static_cast<uint16_t>(random.Below(kBuckets)),
               {LogId::Make(RegionId{1}, 2), i}, i);
  book.Flush(batch);
  for (int i = 0; i < 2000; ++i) {
    const TableId table{299 + random.Below(5)};
    const auto bucket = static_cast<uint32_t>(random.Below(kBuckets + 1));
    const auto first = book.First(table, bucket);
    const auto list = book.List(table, bucket, 1);
    ASSERT_EQ(first.has_value(), !list.empty());
    if (first) {
      EXPECT_EQ(*first, (std::pair{list[0].table, list[0].bucket}));
    }
  }
}

TEST(BucketDigest, CountingOnesWayThroughIsCountingOneByOne) {
  Random random(3);
  TestRegion region(1);
  region.CreateTable("t");
  region.CreateTable("u");
  for (int i = 0; i < 200; ++i) {
    const std::string name = random.Chance(1, 2) ? "t" : "u";
    ASSERT_TRUE(region.Put(name, "k" + std::to_string(i), "x").ok());
  }
  const TableId t = region.engine->FindTable("t")->definition.id;
  const std::string damaged = ItemKey(t, TestKey("k" + std::to_string(random.Below(50))));
  KvBatch batch;
  batch.Put(ColumnFamily::kItems, damaged, "");
  ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());

  BucketCounter counter(region.store);
  ASSERT_TRUE(region.Put("t", "later", "x").ok());  // of this it knows nothing
  const auto same = [&](TableId table, uint16_t bucket) {
    const auto one = CountBucket(region.store, table, bucket);
    const auto other = counter.Count(table, bucket);
    ASSERT_EQ(one.ok(), other.ok());
    if (!one.ok() || (table == t && bucket == BucketOf(ItemKey(t, TestKey("later"))))) return;
    EXPECT_EQ(one->rows, other->rows);
    EXPECT_EQ(one->sum, other->sum);
    EXPECT_EQ(one->said, other->said);
  };
  uint64_t rows = 0;
  for (const auto& entry : region.engine->committer().digests().List(TableId{0}, 0, SIZE_MAX)) {
    same(entry.table, entry.bucket);
    const auto first = counter.FirstWithRows(entry.table, entry.bucket);
    ASSERT_TRUE(first || entry.table > t);
    ++rows;
  }
  EXPECT_GT(rows, 150u);
  for (int i = 0; i < 300; ++i)  // in any order
    same(t, static_cast<uint16_t>(random.Below(kBuckets)));
}

TEST(BucketDigest, AnyDifferenceOfRowsShows) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "x").ok());
  const TablePtr table = region.engine->FindTable("t");
  const std::string key = ItemKey(table->definition.id, TestKey("a"));
  std::string value;
  ASSERT_TRUE(region.store.Get(ColumnFamily::kItems, key, &value).value());
  const auto count = [&] { return CountBucket(region.store, table->definition.id, BucketOf(key)); };
  ASSERT_TRUE(count()->sound());
  ASSERT_EQ(count()->rows, 1u);

  for (size_t i = 0; i < value.size(); ++i) {
    std::string flipped = value;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    KvBatch batch;
    batch.Put(ColumnFamily::kItems, key, flipped);
    ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());
    const auto counted = count();
    EXPECT_TRUE(!counted.ok() || !counted->sound()) << "byte " << i;
  }
  KvBatch missing;
  missing.Delete(ColumnFamily::kItems, key);
  ASSERT_TRUE(region.store.Write(missing, Sync::kYes).ok());
  EXPECT_FALSE(count()->sound());
  EXPECT_EQ(Check(region).size(), 1u);
  KvBatch back;
  back.Put(ColumnFamily::kItems, key, value);
  back.Put(ColumnFamily::kItems, ItemKey(TableId{77}, TestKey("a")), value);
  ASSERT_TRUE(region.store.Write(back, Sync::kYes).ok());
  EXPECT_TRUE(count()->sound());
  EXPECT_EQ(Check(region).size(), 1u);
}

TEST(BucketDigest, BucketsCutATableIntoRanges) {
  const TableId table{500};
  std::string end = ItemKey(table, "");
  for (uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    const KvRange range = BucketRange(table, static_cast<uint16_t>(bucket));
    EXPECT_EQ(range.begin, end);
    EXPECT_LT(range.begin, range.end);
    end = range.end;
  }
  EXPECT_EQ(end, ItemKey(TableId{501}, ""));
  for (int i = 0; i < 1000; ++i) {
    const std::string key = ItemKey(table, TestKey("k" + std::to_string(i)));
    const KvRange range = BucketRange(table, BucketOf(key));
    EXPECT_LE(range.begin, key);
    EXPECT_LT(key, range.end);
  }
}

TEST(BucketDigest, ComesBackAsItWasPut) {
  BucketDigest digest;
  digest.sum = 0x8877665544332211;
  digest.touched.Raise({LogId::Make(RegionId{1}, 2), 3});
  BucketDigest decoded;
  ASSERT_TRUE(DecodeBucketDigest(EncodeBucketDigest(digest), decoded));
  EXPECT_EQ(decoded, digest);
  const std::string bytes = EncodeBucketDigest(digest);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeBucketDigest(bytes.substr(0, size), decoded)) << size;
}

}  // namespace
}  // namespace everwrite::table
