// The ledger as a table, and how it is kept within bounds.
#include "region/table/ledger_table.h"

#include <gtest/gtest.h>

#include "region/item/item.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::FunctionWrite;
using testing::TestKey;
using testing::TestRegion;

class LedgerTableTest : public ::testing::Test {
 protected:
  LedgerTableTest() : a_(1), b_(2) {
    a_.CreateTable("t");
    EXPECT_TRUE(b_.PullFrom(a_).ok());
  }
  // Two writes of one item that do not know each other: that of `a` loses.
  void Conflict(const std::string& pk) {
    EXPECT_TRUE(a_.Put("t", pk, "from a").ok());
    b_.clock.physical_ms = a_.clock.physical_ms + 1;
    EXPECT_TRUE(b_.Put("t", pk, "from b").ok());
    EXPECT_TRUE(a_.PullFrom(b_).ok());
    EXPECT_TRUE(b_.PullFrom(a_).ok());
    a_.clock.physical_ms += 1000;
  }
  std::vector<std::string> Ids(const ScanOptions& options = {}) {
    std::vector<std::string> ids;
    const TablePtr ledger = a_.engine->FindTable("everwrite.conflicts");
    EXPECT_TRUE(
        a_.engine
            ->Scan(
                *ledger, options,
                [&](std::string_view key, std::string_view image) {
                  EXPECT_EQ(
                      item::EncodeKeyOfItem(ledger->definition.key, item::ItemView(image)).value(),
                      key);
                  EXPECT_TRUE(item::IsWellFormedItem(image));
                  ids.emplace_back(item::ItemView(image).Find("id")->text());
                  return true;
                })
            .ok());
    return ids;
  }
  std::string KeyOf(std::string_view id) {
    item::ItemBuilder builder;
    builder.AddString("region", "1");
    builder.AddString("id", id);
    const std::string item = builder.Finish();
    return item::EncodeKey(a_.engine->FindTable("everwrite.conflicts")->definition.key,
                           item::ItemView(item))
        .value();
  }

  TestRegion a_, b_;
};

TEST_F(LedgerTableTest, HasAStreamOfWhatLostInTheOrderOfTheDecisions) {
  ASSERT_TRUE(a_.engine->maintenance().RunOnce(a_.executor).ok());
  a_.RunAll();
  const StreamReader& reader = a_.engine->Streams();
  EXPECT_TRUE(reader.List().empty()) << "listed nowhere, as its table";
  const auto stream = reader.Find(kLedgerTableName, kLedgerStreamMs);
  ASSERT_TRUE(stream);
  ASSERT_EQ(stream->shards.size(), 1u);
  const std::string shard =
      streams::ShardIdText(stream->definition.id, RegionId{1}, stream->shards[0].number);
  Conflict("x");
  Conflict("y");
  const auto start = reader.Start(*reader.Find(kLedgerTableName, kLedgerStreamMs), shard, {}, 0);
  ASSERT_TRUE(start.ok());
  const auto page = reader.Read(*start, 10, 0);
  ASSERT_TRUE(page.ok());
  const auto ids = Ids();
  ASSERT_EQ(page->records.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    streams::StreamEntry entry;
    ASSERT_TRUE(streams::DecodeStreamEntry(page->records[i].bytes, entry));
    EXPECT_EQ(entry.effect, streams::Effect::kInsert);
    EXPECT_EQ(entry.key, KeyOf(ids[i]));
    EXPECT_EQ(item::ItemView(*entry.key_attributes).Find("id")->text(), ids[i]);
    EXPECT_EQ(entry.version.dot.log.region(), RegionId{1});
  }
  // A position in another region's ledger says nothing here.
  StreamStart elsewhere;
  elsewhere.kind = StreamStart::Kind::kAfterSeen;
  EXPECT_EQ(reader.Start(*stream, shard, elsewhere, 0).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(LedgerTableTest, HoldsWhatLostWithBothSides) {
  Conflict("x");
  const TablePtr ledger = a_.engine->FindTable("everwrite.conflicts");
  ASSERT_TRUE(ledger);
  const auto ids = Ids();
  ASSERT_EQ(ids.size(), 1u);
  std::string image;
  ASSERT_TRUE(a_.engine->Get(*ledger, KeyOf(ids[0]), &image).value());
  const item::ItemView view(image);
  EXPECT_EQ(view.Find("table")->text(), "t");
  EXPECT_EQ(view.Find("reason")->text(), "concurrent write");
  EXPECT_EQ(view.Find("key")->map().Find("pk")->text(), "x");
  EXPECT_EQ(view.Find("loser")->map().Find("item")->map().Find("v")->text(), "from a");
  EXPECT_EQ(view.Find("winner")->map().Find("item")->map().Find("v")->text(), "from b");
  EXPECT_EQ(view.Find("winner")->map().Find("region")->text(), "2");
  EXPECT_EQ(a_.engine->CountOf(*ledger).items, 1);
  EXPECT_EQ(a_.engine->ConflictCount(), 1u);
  for (const std::string& other : {ids[0] + "0", ids[0].substr(1), std::string("x")})
    EXPECT_FALSE(a_.engine->Get(*ledger, KeyOf(other), &image).value()) << other;
}

TEST_F(LedgerTableTest, IsReadFromAnyPlaceInBothDirections) {
  for (int i = 0; i < 6; ++i) Conflict("k" + std::to_string(i));
  const auto all = Ids();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  auto reversed = all;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(Ids({.backward = true}), reversed);
  using List = std::vector<std::string>;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string key = KeyOf(all[i]);
    EXPECT_EQ(Ids({.after = key}), List(all.begin() + static_cast<ptrdiff_t>(i) + 1, all.end()));
    EXPECT_EQ(Ids({.begin = key}), List(all.begin() + static_cast<ptrdiff_t>(i), all.end()));
    EXPECT_EQ(Ids({.end = key}), List(all.begin(), all.begin() + static_cast<ptrdiff_t>(i)));
    EXPECT_EQ(Ids({.after = key, .backward = true}),
              List(reversed.end() - static_cast<ptrdiff_t>(i), reversed.end()));
    // A bound in the middle of an id, as begins_with makes one.
    EXPECT_EQ(Ids({.begin = key.substr(0, key.size() - 30)}).size(), all.size() - i);
  }
  EXPECT_EQ(Ids({.begin = std::string(8, '\xff')}), List());
  EXPECT_EQ(Ids({.end = std::string(1, '\0')}), List());
}

TEST_F(LedgerTableTest, CanOnlyBeRead) {
  const TablePtr ledger = a_.engine->FindTable("everwrite.conflicts");
  EXPECT_EQ(a_.Write("everwrite.conflicts", "x",
                     [](auto) -> Result<Mutation> {
                       return Mutation{Mutation::Kind::kPut, "x"};
                     })
                .code(),
            StatusCode::kInvalidArgument);
  Status outcome;
  const auto done = [&](Result<TablePtr> table) { outcome = table.status(); };
  a_.engine->DeleteTable("everwrite.conflicts", a_.executor, done);
  a_.RunAll();
  EXPECT_EQ(outcome.code(), StatusCode::kInvalidArgument);
  a_.engine->CreateTable(testing::TestTable("everwrite.conflicts"), a_.executor, done);
  a_.RunAll();
  EXPECT_EQ(outcome.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(a_.engine->ListTables("", 10), std::vector<std::string>{"t"});
}

TEST_F(LedgerTableTest, FiltersByItemRegionAndTime) {
  const uint64_t begin = a_.clock.physical_ms;
  for (int i = 0; i < 4; ++i) Conflict("k" + std::to_string(i % 2));
  const auto count = [&](const ConflictFilter& filter) {
    return a_.engine->Conflicts(filter).value().size();
  };
  EXPECT_EQ(count({}), 4u);
  EXPECT_EQ(count({.key = TestKey("k1")}), 2u);
  EXPECT_EQ(count({.key = TestKey("k9")}), 0u);
  EXPECT_EQ(count({.loser_of = RegionId{1}}), 4u);
  EXPECT_EQ(count({.loser_of = RegionId{2}}), 0u);
  EXPECT_EQ(count({.from_ms = begin + 1500}), 2u);
  EXPECT_EQ(count({.until_ms = begin + 1500}), 2u);
  EXPECT_EQ(count({.from_ms = begin + 900, .until_ms = begin + 1500}), 1u);
}

TEST_F(LedgerTableTest, ForgetsTheOldestByTimeAndBySize) {
  for (int i = 0; i < 5; ++i) Conflict("k" + std::to_string(i));
  const auto all = Ids();
  const auto bytes = static_cast<uint64_t>(a_.engine->LedgerSize().bytes);
  const auto run = [&](LedgerBounds bounds) {
    LedgerRetention retention(a_.store, a_.engine->committer(), bounds);
    EXPECT_TRUE(retention.RunOnce(a_.clock.physical_ms).ok());
    EXPECT_TRUE(retention.RunOnce(a_.clock.physical_ms).ok());  // one is under way
    a_.RunAll();
    return retention.forgotten();
  };
  EXPECT_EQ(run({.keep_ms = 60'000, .bytes_max = bytes}), 0u);
  EXPECT_EQ(run({.keep_ms = 3500, .bytes_max = bytes}), 2u);  // decided 5 and 4 seconds ago
  EXPECT_EQ(Ids(), std::vector<std::string>(all.begin() + 2, all.end()));
  const auto left = static_cast<uint64_t>(a_.engine->LedgerSize().bytes);
  EXPECT_EQ(run({.keep_ms = 60'000, .bytes_max = left - 1}), 1u);
  EXPECT_EQ(a_.engine->LedgerSize().items, 2);
  a_.Restart();
  EXPECT_EQ(a_.engine->LedgerSize().items, 2);
  EXPECT_EQ(run({.keep_ms = 0, .bytes_max = 0}), 2u);
  EXPECT_EQ(a_.engine->LedgerSize().items, 0);
  EXPECT_EQ(a_.engine->LedgerSize().bytes, 0);
  EXPECT_EQ(a_.engine->ConflictCount(), 5u);  // ever
}

}  // namespace
}  // namespace everwrite::table
