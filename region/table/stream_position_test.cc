// That a consumer of a table's stream may go on in any other region, losing and repeating nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "base/random.h"
#include "region/table/testing/stream_records.h"

namespace everwrite::table::testing {
namespace {

using streams::Effect;

class ThreeRegions {
 public:
  ThreeRegions() {
    for (uint16_t id = 1; id <= 3; ++id) regions.push_back(std::make_unique<TestRegion>(id));
    Create(*regions[0], Streamed(StreamView::kNewAndOldImages));
    Spread();
  }
  void Spread() {
    for (int round = 0; round < 2; ++round)
      for (auto& to : regions)
        for (auto& from : regions) ASSERT_TRUE(to->PullFrom(*from).ok());
  }
  std::vector<std::unique_ptr<TestRegion>> regions;
};

// What a consumer must see, wherever it goes: no change twice, of each item ever higher versions,
// and at last what the table holds.
class Ledger {
 public:
  void Have(const std::vector<ConsumedRecord>& records) {
    for (const ConsumedRecord& record : records) {
      EXPECT_TRUE(dots_.insert(record.version.dot).second) << "twice: " << Text(record);
      auto& last = items_[record.key];
      EXPECT_LT(last.version, record.version) << "back: " << Text(record);
      last = record;
    }
  }
  void ExpectAllOf(TestRegion& region) {
    std::set<std::string> live;
    const TablePtr table = region.engine->FindTable("t");
    ASSERT_TRUE(region.engine
                    ->Scan(*table, {},
                           [&](std::string_view key, std::string_view item) {
                             live.insert(std::string(key));
                             EXPECT_EQ(items_[std::string(key)].new_image, item);
                             return true;
                           })
                    .ok());
    for (const auto& [key, record] : items_)
      EXPECT_TRUE(live.count(key) || record.effect == Effect::kRemove) << Text(record);
  }
  size_t size() const { return dots_.size(); }
  const std::set<Dot>& dots() const { return dots_; }

 private:
  std::set<Dot> dots_;
  std::map<std::string, ConsumedRecord> items_;
};

TEST(StreamPosition, AConsumerGoesOnInAnotherRegionLosingAndRepeatingNothing) {
  ThreeRegions world;
  TestRegion& a = *world.regions[0];
  TestRegion& b = *world.regions[1];
  StreamConsumer consumer(kEnabledMs);
  Ledger ledger;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(a.Put("t", "a" + std::to_string(i), "1").ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(b.Put("t", "b" + std::to_string(i), "1").ok());
  ledger.Have(ReadAll(a, consumer));
  EXPECT_EQ(ledger.size(), 10u);
  consumer.Move();
  EXPECT_TRUE(ReadAll(b, consumer).empty()) << "b does not know yet what the consumer has seen";
  ASSERT_TRUE(b.PullFrom(a).ok());
  ledger.Have(ReadAll(b, consumer));
  EXPECT_EQ(ledger.size(), 20u);
  ledger.ExpectAllOf(b);
}

TEST(StreamPosition, AChangeThatLostWhereTheConsumerComesFromIsNotShown) {
  // b applies b's change, then a's, which wins; a applies b's, which loses there, only after the
  // consumer has left.
  ThreeRegions world;
  TestRegion& a = *world.regions[0];
  TestRegion& b = *world.regions[1];
  ASSERT_TRUE(b.Put("t", "k", "loser").ok());
  a.clock.physical_ms += 100;
  ASSERT_TRUE(a.Put("t", "k", "winner").ok());
  StreamConsumer consumer(kEnabledMs);
  Ledger ledger;
  ledger.Have(ReadAll(a, consumer));
  consumer.Move();
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(Texts(ReadAll(b)), (Lines{"insert k: - > loser", "modify k: loser > winner"}));
  EXPECT_TRUE(ReadAll(b, consumer).empty());
  ledger.ExpectAllOf(b);
}

TEST(StreamPosition, WhoGivesUpWhatIsLostGoesOnAtOnce) {
  ThreeRegions world;
  TestRegion& a = *world.regions[0];
  TestRegion& b = *world.regions[1];
  ASSERT_TRUE(a.Put("t", "never told", "1").ok());
  StreamConsumer consumer(kEnabledMs);
  EXPECT_EQ(ReadAll(a, consumer).size(), 1u);
  ASSERT_TRUE(b.Put("t", "k", "1").ok());
  const StreamReader& reader = b.engine->Streams();
  const auto stream = reader.Find("t", kEnabledMs);
  StreamStart start;
  ASSERT_TRUE(streams::ParseSeen(consumer.Place(), stream->definition.id, start.seen));
  const std::string shard =
      streams::ShardIdText(stream->definition.id, RegionId{2}, stream->shards[0].number);
  start.kind = StreamStart::Kind::kAfterSeen;
  EXPECT_TRUE(reader.Read(*reader.Start(*stream, shard, start, 0), 10, 0)->records.empty());
  start.kind = StreamStart::Kind::kAtSeen;
  EXPECT_EQ(reader.Read(*reader.Start(*stream, shard, start, 0), 10, 0)->records.size(), 1u);
}

// What the regions' orders differ is looked at before the first record, and not all that has come
// since: a consumer may be a day behind.
TEST(StreamPosition, WhoLagsWaitsForNoMoreThanTheOrdersDiffer) {
  ThreeRegions world;
  TestRegion& a = *world.regions[0];
  TestRegion& b = *world.regions[1];
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(a.Put("t", "a" + std::to_string(i), "1").ok());
    ASSERT_TRUE(b.Put("t", "b" + std::to_string(i), "1").ok());
    if (i % 10 == 9) world.Spread();
  }
  StreamConsumer consumer(kEnabledMs);
  Ledger ledger;
  std::vector<ConsumedRecord> records;
  ASSERT_TRUE(consumer.Read(a.engine->Streams(), 25, 1, 0, records).ok());
  ledger.Have(records);
  consumer.Move();
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(b.Put("t", "late", std::to_string(i)).ok());
  const StreamReader& reader = b.engine->Streams();
  const auto stream = reader.Find("t", kEnabledMs);
  StreamStart start;
  start.kind = StreamStart::Kind::kAfterSeen;
  ASSERT_TRUE(streams::ParseSeen(consumer.Place(), stream->definition.id, start.seen));
  const auto position = reader.Start(
      *stream, streams::ShardIdText(stream->definition.id, RegionId{2}, stream->shards[0].number),
      start, 0);
  ASSERT_TRUE(position.ok());
  const auto page = reader.Read(*position, 1, 0);
  ASSERT_TRUE(page.ok());
  ASSERT_FALSE(page->next->seen.empty());
  const auto all = ReadAll(b);
  ASSERT_EQ(all.size(), 5200u);
  EXPECT_LT(page->next->until, all[300].sequence) << "there is a mark every 256 entries";
  ledger.Have(ReadAll(b, consumer));
  ledger.ExpectAllOf(b);
}

TEST(StreamPosition, OfBeforeTheStreamBeganHereIsRefusedWhenSomethingIsMissing) {
  // b writes for a while without knowing that a has turned the stream on: a's stream has that, b's
  // not.
  for (const bool concerns_the_table : {true, false}) {
    TestRegion a(1), b(2);
    Create(a, Streamed(StreamView::kNone));
    a.CreateTable("other");
    ASSERT_TRUE(b.PullFrom(a).ok());
    SetStream(a, StreamView::kNewImage, kEnabledMs);
    StreamConsumer consumer(kEnabledMs);
    EXPECT_TRUE(ReadAll(a, consumer).empty());
    ASSERT_TRUE(b.Put(concerns_the_table ? "t" : "other", "k", "1").ok());
    ASSERT_TRUE(b.PullFrom(a).ok());
    consumer.Move();
    std::vector<ConsumedRecord> records;
    const Status status = consumer.Read(b.engine->Streams(), 10, 10, 0, records);
    EXPECT_EQ(status.code(),
              concerns_the_table ? StatusCode::kFailedPrecondition : StatusCode::kOk);
  }
}

// Three regions, writes and deletes of few keys everywhere, changes carried between them by chance,
// restarts, shards that split and roll; a consumer that reads a bit here, a bit there.
TEST(StreamPosition, WhereverAConsumerGoesItSeesAll) {
  size_t moved = 0, seen = 0, writes = 0;
  const char* const wanted = std::getenv("EVERWRITE_SEEDS");
  const uint64_t seeds = wanted ? std::strtoull(wanted, nullptr, 10) : 150;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    ThreeRegions world;
    if (::testing::Test::HasFatalFailure()) return;
    for (auto& region : world.regions) {
      region->stream_shards.entries_per_mark = 1 + random.Below(6);
      region->stream_shards.records_max = 5 + random.Below(20);
      region->stream_shards.split_records_per_second = random.Chance(1, 2) ? 100 : 1'000'000;
      region->Restart();
    }
    StreamConsumer consumer(kEnabledMs);
    Ledger ledger;
    size_t at = random.Below(3);
    int rolled[3] = {};
    const uint64_t keys = 1 + random.Below(12);
    for (int step = 0; step < 120; ++step) {
      const size_t where = random.Below(3);
      TestRegion& region = *world.regions[where];
      region.clock.physical_ms += random.Below(3);
      switch (random.Below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4: {
          const std::string pk = "k" + std::to_string(random.Below(keys));
          ++writes;
          ASSERT_TRUE((random.Chance(1, 5) ? region.Delete("t", pk)
                                           : region.Put("t", pk, std::to_string(random.Below(4))))
                          .ok());
          break;
        }
        case 5:
        case 6:
        case 7: ASSERT_TRUE(region.PullFrom(*world.regions[random.Below(3)]).ok()); break;
        case 8:
          // Shards roll; a day never passes, or what is not read yet would be trimmed.
          if (rolled[where] < 4 && random.Chance(1, 2)) {
            ++rolled[where];
            region.clock.physical_ms += 5 * kHourMs;
          }
          ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
          region.RunAll();
          break;
        case 9:
          if (random.Chance(1, 4)) region.Restart();
          break;
        case 10: {
          std::vector<ConsumedRecord> records;
          ASSERT_TRUE(consumer
                          .Read(world.regions[at]->engine->Streams(), 1 + random.Below(5),
                                random.Below(4), 0, records)
                          .ok());
          ledger.Have(records);
          break;
        }
        case 11:
          if (random.Chance(1, 2)) {
            std::vector<ConsumedRecord> records;
            ASSERT_TRUE(
                consumer.ReadPart(world.regions[at]->engine->Streams(), random.Below(4), 0, records)
                    .ok());
            ledger.Have(records);
          }
          consumer.Move();
          at = random.Below(3);
          ++moved;
          break;
      }
    }
    world.Spread();
    for (int round = 0; round < 30; ++round) ledger.Have(ReadAll(*world.regions[at], consumer));
    ledger.ExpectAllOf(*world.regions[at]);
    seen += ledger.size();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(moved, seeds * 3);
  EXPECT_GT(seen, writes / 2);
}

}  // namespace
}  // namespace everwrite::table::testing
