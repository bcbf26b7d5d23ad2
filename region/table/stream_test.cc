// Streams of tables: what a record says, which changes leave one, how streams begin and end, and
// how their shards roll and split.
#include <gtest/gtest.h>

#include <map>

#include "region/table/testing/stream_records.h"
#include "streams/change_log.h"

namespace everwrite::table::testing {
namespace {

using streams::Effect;

void WriteABit(TestRegion& region) {
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  ASSERT_TRUE(region.Put("t", "a", "2").ok());
  ASSERT_TRUE(region.Put("t", "a", "2").ok());  // nothing changes
  ASSERT_TRUE(region.Delete("t", "a").ok());
  ASSERT_TRUE(region.Delete("t", "a").ok());  // nothing is there
  ASSERT_TRUE(region.Put("t", "a", "3").ok());
}

TEST(Stream, RecordsSayWhatTheViewShows) {
  const std::map<StreamView, Lines> expected = {
      {StreamView::kKeysOnly,
       {"insert a: - > -", "modify a: - > -", "remove a: - > -", "insert a: - > -"}},
      {StreamView::kNewImage,
       {"insert a: - > 1", "modify a: - > 2", "remove a: - > -", "insert a: - > 3"}},
      {StreamView::kOldImage,
       {"insert a: - > -", "modify a: 1 > -", "remove a: 2 > -", "insert a: - > -"}},
      {StreamView::kNewAndOldImages,
       {"insert a: - > 1", "modify a: 1 > 2", "remove a: 2 > -", "insert a: - > 3"}}};
  for (const auto& [view, lines] : expected) {
    TestRegion region(1);
    Create(region, Streamed(view));
    WriteABit(region);
    EXPECT_EQ(Texts(ReadAll(region)), lines);
  }
}

TEST(Stream, ATableWithoutOneLeavesNothing) {
  TestRegion region(1);
  region.CreateTable("t");
  WriteABit(region);
  EXPECT_TRUE(region.engine->Streams().List().empty());
  const auto it = region.store.NewIterator(ColumnFamily::kStreams, {});
  it->Seek("");
  EXPECT_FALSE(it->Valid());
}

TEST(Stream, SequencesRiseAndARestartLosesAndRepeatsNothing) {
  TestRegion region(1);
  Create(region, Streamed(StreamView::kNewAndOldImages));
  StreamConsumer consumer(kEnabledMs);
  std::vector<ConsumedRecord> records;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(region.Put("t", "k" + std::to_string(i % 3), std::to_string(i)).ok());
    if (i % 7 == 0) region.Restart();
    if (i % 4 == 0)
      for (auto& record : ReadAll(region, consumer)) records.push_back(record);
  }
  for (auto& record : ReadAll(region, consumer)) records.push_back(record);
  ASSERT_EQ(records.size(), 30u);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(ValueOf(records[i].new_image), std::to_string(i));
    EXPECT_TRUE(i == 0 || records[i - 1].sequence < records[i].sequence);
  }
  EXPECT_EQ(Texts(ReadAll(region)), Texts(records));
}

TEST(Stream, RelaxedShowsWhatIsDurableAndNoMore) {
  TestRegion region(1, CommitterOptions{.sync = Sync::kNo});
  Create(region, Streamed(StreamView::kNewImage));
  ASSERT_EQ(region.engine->Streams().List().size(), 1u);
  EXPECT_EQ(region.engine->Streams().List()[0].status, StreamStatus::kEnabling);
  EXPECT_TRUE(region.engine->Streams().List()[0].shards.empty());
  ASSERT_TRUE(region.engine->committer().SyncLog().ok());
  EXPECT_EQ(region.engine->Streams().List()[0].status, StreamStatus::kEnabled);

  StreamConsumer consumer(kEnabledMs);
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  EXPECT_TRUE(ReadAll(region, consumer).empty());
  ASSERT_TRUE(region.engine->committer().SyncLog().ok());
  EXPECT_EQ(Texts(ReadAll(region, consumer)), Lines{"insert a: - > 1"});

  SetStream(region, StreamView::kNone, 0);
  EXPECT_EQ(region.engine->Streams().List()[0].status, StreamStatus::kDisabling);
  ASSERT_TRUE(region.engine->committer().SyncLog().ok());
  EXPECT_EQ(region.engine->Streams().List()[0].status, StreamStatus::kDisabled);
}

// --- other regions -------------------------------------------------------------------------------

TEST(Stream, ShowsReplicatedChangesInTheOrderInWhichThisRegionAppliedThem) {
  TestRegion a(1), b(2);
  Create(a, Streamed(StreamView::kNewAndOldImages));
  ASSERT_TRUE(b.PullFrom(a).ok());
  a.clock.physical_ms += 10;
  ASSERT_TRUE(a.Put("t", "k", "from a").ok());
  b.clock.physical_ms += 20;  // wins
  ASSERT_TRUE(b.Put("t", "k", "from b").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(Texts(ReadAll(a)), (Lines{"insert k: - > from a", "modify k: from a > from b"}));
  // In b, a's put lost: no record. And the winner's old image is what b had.
  EXPECT_EQ(Texts(ReadAll(b)), Lines{"insert k: - > from b"});
  const auto at_a = ReadAll(a), at_b = ReadAll(b);
  EXPECT_EQ(at_a[1].version.dot, at_b[0].version.dot) << "a change has one name in all regions";
}

TEST(Stream, ShowsAllChangesOfABatchAlsoThoseOfOneItem) {
  TestRegion a(1), b(2);
  Create(a, Streamed(StreamView::kNewAndOldImages));
  for (const char* value : {"1", "2", "2", "3"}) ASSERT_TRUE(a.Put("t", "k", value).ok());
  ASSERT_TRUE(a.Delete("t", "k").ok());
  ASSERT_TRUE(a.Put("t", "k", "4").ok());
  // The definition, and then all the rest at once.
  ASSERT_TRUE(b.Apply(a.engine->Read({1, a.log(), 0, 1})->batch).ok());
  ASSERT_TRUE(b.Apply(a.ReadLog(a.log(), 1)).ok());
  const Lines expected = {"insert k: - > 1", "modify k: 1 > 2", "modify k: 2 > 3",
                          "remove k: 3 > -", "insert k: - > 4"};
  EXPECT_EQ(Texts(ReadAll(a)), expected);
  EXPECT_EQ(Texts(ReadAll(b)), expected);
}

TEST(Stream, EqualContentFromTwoRegionsIsOneRecord) {
  TestRegion a(1), b(2);
  Create(a, Streamed(StreamView::kNewAndOldImages));
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "same").ok());
  ASSERT_TRUE(b.Put("t", "k", "same").ok());
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(b.PullFrom(a).ok());
  EXPECT_EQ(ReadAll(a).size(), 1u);
  EXPECT_EQ(ReadAll(b).size(), 1u);
}

// --- beginnings and ends -------------------------------------------------------------------------

TEST(Stream, AChangePlannedBeforeItWasTurnedOnAndCommittedAfterIsInItWithItsOldImage) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "k", "old").ok());
  const TablePtr table = region.engine->FindTable("t");
  // Plans are made; the turn that turns the stream on comes first.
  const std::string store_key = ItemKey(table->definition.id, TestKey("k"));
  const std::string image = TestItem("k", "new");
  std::string buffer;
  const auto before = ReadStored(region.store, store_key, &buffer).value();
  auto row = RowChange::Plan(region.store, *table->state, store_key, before, {false, image});
  ASSERT_TRUE(row.ok());
  SetStream(region, StreamView::kNewAndOldImages, kEnabledMs);
  class Unit : public CommitUnit {
   public:
    Unit(RowChange row, TablePtr table, std::string key, std::string image)
        : row_(std::move(row)), table_(std::move(table)), key_(key), image_(image) {}
    Status AddTo(CommitTurn& turn) override {
      row_.AddTo(turn, table_->state, key_, {turn.NextVersion(0), false, image_});
      return {};
    }
    void Finished(const Status&, Completions&) override {}

   private:
    RowChange row_;
    TablePtr table_;
    std::string key_, image_;
  };
  region.engine->committer().Submit(
      std::make_unique<Unit>(std::move(row).value(), table, store_key, image));
  ASSERT_TRUE(region.engine->committer().BeginTurn());
  region.engine->committer().EndTurn();
  EXPECT_EQ(Texts(ReadAll(region)), Lines{"modify k: old > new"});
}

TEST(Stream, TurnedOffStaysReadableForADayAndTurnedOnAgainIsAnother) {
  TestRegion region(1);
  Create(region, Streamed(StreamView::kNewImage));
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  SetStream(region, StreamView::kNone, 0);
  ASSERT_TRUE(region.Put("t", "a", "2").ok());
  SetStream(region, StreamView::kOldImage, kEnabledMs + 1);
  ASSERT_TRUE(region.Put("t", "a", "3").ok());
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(Texts(ReadAll(region)), Lines{"insert a: - > 1"});
    EXPECT_EQ(Texts(ReadAll(region, kEnabledMs + 1)), Lines{"modify a: 2 > -"});
    const auto streams = region.engine->Streams().List();
    ASSERT_EQ(streams.size(), 2u);
    EXPECT_EQ(streams[0].status, StreamStatus::kDisabled);
    EXPECT_EQ(streams[1].status, StreamStatus::kEnabled);
    region.Restart();
  }
  const auto maintain = [&](uint64_t hours) {
    region.clock.physical_ms += hours * kHourMs;
    ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
    region.RunAll();
  };
  maintain(23);
  EXPECT_EQ(region.engine->Streams().List().size(), 2u);
  maintain(2);
  ASSERT_EQ(region.engine->Streams().List().size(), 1u);
  EXPECT_EQ(region.engine->Streams().List()[0].definition.enabled_ms, kEnabledMs + 1);
  region.Restart();
  EXPECT_EQ(region.engine->Streams().List().size(), 1u);
}

TEST(Stream, OfADeletedTableStaysReadableForADay) {
  TestRegion region(1);
  Create(region, Streamed(StreamView::kNewImage));
  ASSERT_TRUE(region.Put("t", "a", "1").ok());
  region.engine->DeleteTable("t", region.executor, [](const auto&) {});
  region.RunAll();
  region.Restart();
  Create(region, Streamed(StreamView::kNewImage, kEnabledMs + 5));
  ASSERT_TRUE(region.Put("t", "a", "2").ok());
  EXPECT_EQ(Texts(ReadAll(region)), Lines{"insert a: - > 1"});
  EXPECT_EQ(Texts(ReadAll(region, kEnabledMs + 5)), Lines{"insert a: - > 2"});
}

TEST(Stream, ADefinitionThatWinsLaterTurnsItOnAgainAndItsShardsGoOn) {
  // a turns the stream off; b, which does not know, changes the table later: b's definition wins.
  TestRegion a(1), b(2);
  Create(a, Streamed(StreamView::kNewImage));
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  SetStream(a, StreamView::kNone, 0);
  b.clock.physical_ms += 1000;
  b.engine->UpdateTable(
      "t",
      [](TableDefinition& definition) {
        definition.tags["who"] = "b";
        return OkStatus();
      },
      b.executor, [](const auto&) {});
  b.RunAll();
  ASSERT_TRUE(a.PullFrom(b).ok());
  ASSERT_TRUE(a.Put("t", "k", "2").ok());
  EXPECT_EQ(Texts(ReadAll(a)), (Lines{"insert k: - > 1", "modify k: - > 2"}));
  const auto streams = a.engine->Streams().List();
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0].status, StreamStatus::kEnabled);
  ASSERT_EQ(streams[0].shards.size(), 2u);
  EXPECT_EQ(streams[0].shards[1].parent, streams[0].shards[0].number);
}

TEST(Stream, OfARegionThatIsFilledBeginsWhenItIs) {
  TestRegion a(1), n(2);
  Create(a, Streamed(StreamView::kNewAndOldImages));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a.Put("t", "k" + std::to_string(i), "1").ok());
  StreamConsumer early(kEnabledMs), late(kEnabledMs), old(kEnabledMs);
  std::vector<ConsumedRecord> ignored;
  ASSERT_TRUE(early.Read(a.engine->Streams(), 2, 1, 0, ignored).ok());
  // It had a stream before, and what is in it has a gap behind it now.
  ASSERT_TRUE(n.PullFrom(a).ok());
  ASSERT_TRUE(old.Read(n.engine->Streams(), 2, 1, 0, ignored).ok());
  ASSERT_TRUE(n.BeginFilling(a).ok());
  ASSERT_TRUE(a.Put("t", "k9", "while it is filled").ok());
  ASSERT_TRUE(n.PullFrom(a).ok());
  while (n.engine->filling().Progress().part == streams::ScanPart::kItems)
    ASSERT_TRUE(n.FillMore(a, 100).ok());
  ASSERT_TRUE(n.FinishFilling().ok());
  (void)ReadAll(a, late);
  ASSERT_TRUE(n.Put("t", "k1", "2").ok());
  n.Restart();
  EXPECT_EQ(Texts(ReadAll(n)), Lines{"modify k1: 1 > 2"});
  late.Move();
  EXPECT_EQ(Texts(ReadAll(n, late)), Lines{"modify k1: 1 > 2"});
  early.Move();
  EXPECT_EQ(early.Read(n.engine->Streams(), 2, 1, 0, ignored).code(),
            StatusCode::kFailedPrecondition);
  streams::Position stands;
  ASSERT_TRUE(streams::DecodePosition(old.Place(), stands));
  EXPECT_EQ(n.engine->Streams().Read(stands, 10, 0).status().code(),
            StatusCode::kFailedPrecondition);
}

// --- shards and trimming -------------------------------------------------------------------------

TEST(Stream, ShardsRollAndGoAndWhoeverStandsInOneIsTold) {
  TestRegion region(1);
  Create(region, Streamed(StreamView::kNewImage));
  const auto maintain = [&](uint64_t ms) {
    region.clock.physical_ms += ms;
    ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
    region.RunAll();
  };
  ASSERT_TRUE(region.Put("t", "a", "first").ok());
  const auto stream = region.engine->Streams().Find("t", kEnabledMs);
  ASSERT_EQ(stream->shards.size(), 1u);
  const std::string first_shard =
      streams::ShardIdText(stream->definition.id, RegionId{1}, stream->shards[0].number);
  const auto at_first =
      region.engine->Streams().Start(*stream, first_shard, {}, region.clock.physical_ms);
  ASSERT_TRUE(at_first.ok());
  for (int i = 0; i < 8; ++i) {
    maintain(4 * kHourMs + 1);
    ASSERT_TRUE(region.Put("t", "a", std::to_string(i)).ok());
    if (i == 3) region.Restart();
  }
  // 32 hours on: what is older than a day and in a shard that was closed a day ago has gone.
  const auto later = region.engine->Streams().Find("t", kEnabledMs);
  EXPECT_LT(later->shards.size(), 9u);
  EXPECT_GE(later->shards.size(), 6u);
  const auto records = ReadAll(region);
  EXPECT_EQ(Text(records.back()), "modify a: - > 7");
  EXPECT_GE(records.size(), 6u);  // a day's
  for (const auto& record : records)
    EXPECT_GT(record.sequence.milliseconds() + 29 * kHourMs, region.clock.physical_ms);

  const StreamReader& reader = region.engine->Streams();
  EXPECT_EQ(reader.Read(*at_first, 10, 0).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(reader.Start(*later, first_shard, {}, 0).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(reader.Start(*later, "shardId-00000000000000000001-00000000", {}, 0).status().code(),
            StatusCode::kNotFound);
  // Nothing is left of it in the store.
  const std::string prefix =
      ShardPrefix(stream->definition.id, stream->shards[0].number, StreamTag::kDescription);
  const auto it = region.store.NewIterator(ColumnFamily::kStreams, {prefix, {}});
  it->Seek(prefix);
  EXPECT_TRUE(it->Valid() && it->key().substr(0, 16) != prefix.substr(0, 16));
}

TEST(Stream, StartsWhereItIsTold) {
  TestRegion region(1);
  Create(region, Streamed(StreamView::kNewImage));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(region.Put("t", "a", std::to_string(i)).ok());
  const auto records = ReadAll(region);
  const StreamReader& reader = region.engine->Streams();
  const auto stream = reader.Find("t", kEnabledMs);
  const std::string shard =
      streams::ShardIdText(stream->definition.id, RegionId{1}, stream->shards[0].number);
  const auto read = [&](StreamStart::Kind kind, streams::Sequence sequence) {
    Lines values;
    auto at = reader.Start(*stream, shard, {kind, sequence, {}}, 0);
    if (!at.ok()) return Lines{at.status().message()};
    const auto page = reader.Read(*at, 100, 0);
    for (const StreamRecord& record : page->records) {
      streams::StreamEntry entry;
      EXPECT_TRUE(streams::DecodeStreamEntry(record.bytes, entry));
      values.push_back(ValueOf(*entry.new_image));
    }
    return values;
  };
  using Kind = StreamStart::Kind;
  EXPECT_EQ(read(Kind::kTrimHorizon, {}), (Lines{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(read(Kind::kLatest, {}), Lines{});
  EXPECT_EQ(read(Kind::kAtSequence, records[3].sequence), (Lines{"3", "4"}));
  EXPECT_EQ(read(Kind::kAfterSequence, records[3].sequence), Lines{"4"});
  EXPECT_EQ(read(Kind::kAtSequence, stream->shards[0].number), (Lines{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(read(Kind::kAtSequence, {5}), Lines{"Invalid SequenceNumber for the shard"});
}

}  // namespace
}  // namespace everwrite::table::testing
