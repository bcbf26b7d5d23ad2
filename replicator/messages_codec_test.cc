// Frames on the bus: what is written is read, in any size of frame; and nothing that a hostile or
// broken peer sends is more than an error.
#include "replicator/messages_codec.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/coding.h"
#include "base/random.h"
#include "replicator/proto/replication.pb.h"
#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

const RegionId kA{1};
const RegionId kB{2};
const LogId kLog = LogId::Make(kA, 7);

conflict::Vector SomeVector() {
  conflict::Vector vector;
  vector.Set(kLog, 12);
  vector.Set(LogId::Make(RegionId{9}, 1), 400);
  return vector;
}

Batch MakeBatch(size_t count, size_t size, Random* random = nullptr) {
  Batch batch{99, {kLog, 5, {}}};
  for (size_t i = 0; i < count; ++i) {
    std::string record(size, 'r');
    if (random != nullptr)
      for (char& c : record) c = static_cast<char>(random->Next());
    batch.records.records.push_back(std::make_shared<const std::string>(std::move(record)));
  }
  return batch;
}

Chunk SomeChunk(size_t count, size_t size) {
  Chunk chunk{
      11, 2, false, {streams::ScanPart::kItems, "a", "z", true, SomeVector(), Stamp{5}, 99, {}}};
  for (size_t i = 0; i < count; ++i)
    chunk.chunk.rows.push_back({"k" + std::to_string(i), std::string(size, 'v')});
  if (count > 3) chunk.chunk.claims = SomeVector();
  if (count > 3) chunk.chunk.shows = SomeVector();
  return chunk;
}

std::vector<Message> OneOfEach() {
  Heartbeat heartbeat{77, 3, true, kLog, SomeVector(), SomeVector(), 1'700'000'000'000, -40, 5, 6};
  heartbeat.has_word = true;
  heartbeat.whole_at = SomeVector();
  heartbeat.holds = SomeVector();
  heartbeat.sightings = {{{11, 1'700'000'000'000, false, "process 5 elsewhere"}, 3000, 40},
                         {{12, 5, true, ""}, 9, 0}};
  heartbeat.claims.Claim({}, SomeVector());
  Heartbeat away;
  away.boot = 77;
  away.sequence = 4;
  return {Open{(5ULL << 32) | 1, kLog, 3, 8'000'000},
          Credit{6, 100},
          Close{7},
          Ask{},
          Hello{{11, 1'700'000'000'000, false, "process 5 elsewhere"}, false},
          Hello{{12, 5, true, ""}, true},
          Opened{8, kLog},
          MakeBatch(3, 20),
          MakeBatch(1, 0),
          MakeBatch(100, 500),
          End{9, kLog, EndReason::kTrimmed},
          End{9, {}, EndReason::kBehind},
          heartbeat,
          away,
          PeerMail{"a letter"},
          Scan{10, streams::ScanPart::kItems, "after", SomeVector(), 5000},
          SomeChunk(0, 0),
          SomeChunk(3, 20),
          SomeChunk(50, 300)};
}

class CodecTest : public ::testing::Test {
 protected:
  std::vector<std::string> Write(const Message& message, size_t max_frame = 1 << 20) {
    auto frames = writer_.Write(kB, message, max_frame);
    EXPECT_TRUE(frames.ok());
    for (const std::string& frame : *frames) EXPECT_LE(frame.size(), max_frame);
    return std::move(frames).value();
  }
  FrameWriter writer_{"demo", kA};
  FrameReader reader_{"demo", kB, kA};
};

TEST_F(CodecTest, EveryMessageComesBackFromFramesOfAnySize) {
  Random random(3);
  auto messages = OneOfEach();
  messages.push_back(MakeBatch(2, 400'000, &random));
  for (const size_t max_frame : {1024u, 4096u, 1u << 20}) {
    for (const Message& message : messages) {
      const auto frames = Write(message, max_frame);
      for (size_t i = 0; i < frames.size(); ++i) {
        const auto result = reader_.Read(frames[i]);
        ASSERT_TRUE(result.ok()) << result.status().ToString();
        ASSERT_EQ(result->has_value(), i + 1 == frames.size());
        if (!result->has_value()) continue;
        EXPECT_EQ(ToString(**result), ToString(message));
        if (const Heartbeat* heartbeat = std::get_if<Heartbeat>(&message)) {
          EXPECT_EQ(std::get<Heartbeat>(**result).claims, heartbeat->claims);
          EXPECT_EQ(std::get<Heartbeat>(**result).whole_at, heartbeat->whole_at);
        }
        if (const Chunk* chunk = std::get_if<Chunk>(&message)) {
          const streams::ScanChunk& got = std::get<Chunk>(**result).chunk;
          EXPECT_EQ(got.total_rows, chunk->chunk.total_rows);
          EXPECT_EQ(got.forgotten, chunk->chunk.forgotten);
          EXPECT_EQ(got.shows, chunk->chunk.shows);
          EXPECT_EQ(got.clock, chunk->chunk.clock);
          EXPECT_EQ(got.claims, chunk->chunk.claims);
          for (size_t r = 0; r < got.rows.size(); ++r) {
            EXPECT_EQ(got.rows[r].key, chunk->chunk.rows[r].key);
            EXPECT_EQ(got.rows[r].value, chunk->chunk.rows[r].value);
          }
        }
        const Batch* sent = std::get_if<Batch>(&message);
        if (sent == nullptr) continue;
        const Batch& got = std::get<Batch>(**result);
        for (size_t r = 0; r < sent->records.records.size(); ++r)
          EXPECT_EQ(*got.records.records[r], *sent->records.records[r]);
      }
    }
  }
}

// The writer keeps what it packed last: never for other records.
TEST_F(CodecTest, RecordsThatGoToSeveralPeersAreRightForEach) {
  FrameWriter writer("demo", kA);
  const auto round = [&](RegionId to, const Batch& batch) {
    auto frames = writer.Write(to, batch, 1 << 20);
    ASSERT_TRUE(frames.ok());
    FrameReader reader("demo", to, kA);
    std::optional<Message> read;
    for (const std::string& frame : *frames) read = reader.Read(frame).value();
    const Batch& got = std::get<Batch>(read.value());
    EXPECT_EQ(got.session, batch.session);
    EXPECT_EQ(got.records.first, batch.records.first);
    ASSERT_EQ(got.records.records.size(), batch.records.records.size());
    for (size_t i = 0; i < got.records.records.size(); ++i)
      EXPECT_EQ(*got.records.records[i], *batch.records.records[i]);
  };
  Random random(5);
  Batch batch = MakeBatch(30, 200, &random);
  round(kB, batch);
  batch.session = 100;
  round(RegionId{7}, batch);
  batch.records.records[13] =
      std::make_shared<const std::string>("bare");  // what this one may have
  round(RegionId{8}, batch);
  batch.records.records.pop_back();
  round(kB, batch);
  batch.records.records.erase(batch.records.records.begin());
  ++batch.records.first;
  round(kB, batch);
  round(kB, MakeBatch(30, 200, &random));
}

TEST_F(CodecTest, HeartbeatKeepsItsTimes) {
  const Heartbeat sent{77, 3, true, kLog, {}, SomeVector(), 1000, -40, 5, 6};
  const auto got = reader_.Read(Write(sent)[0]);
  ASSERT_TRUE(got.ok());
  const auto& heartbeat = std::get<Heartbeat>(**got);
  EXPECT_EQ(heartbeat.physical_ms, 1000u);
  EXPECT_EQ(heartbeat.clock_correction_ms, -40);
  EXPECT_EQ(heartbeat.echo_ms, 5u);
  EXPECT_EQ(heartbeat.echo_age_ms, 6u);
  EXPECT_EQ(heartbeat.durable, SomeVector());
}

TEST_F(CodecTest, RecordsThatRepeatThemselvesAreCompressed) {
  EXPECT_LT(Write(MakeBatch(100, 500))[0].size(), 5'000u);
}

// What logs of former lives cost on the bus: each change's context names them again, and zstd sees
// that the one before did (decision 0061).
TEST_F(CodecTest, FinishedLogsInContextsCostNextToNothingOnTheBus) {
  constexpr size_t kRecords = 500;
  const auto bytes_a_change = [&](size_t finished, size_t& plain) {
    Random random(8);
    conflict::Vector context;
    for (size_t i = 0; i < finished; ++i)
      context.Set(LogId::Make(RegionId{static_cast<uint16_t>(1 + i % 3)}, random.Next()),
                  1 + random.Below(10'000'000));
    const LogId peers[] = {LogId::Make(RegionId{2}, random.Next()),
                           LogId::Make(RegionId{3}, random.Next())};
    Batch batch{99, {kLog, 5, {}}};
    plain = 0;
    for (uint64_t i = 0; i < kRecords; ++i) {
      for (const LogId peer : peers) context.Set(peer, 1'000'000 + i * 2 + random.Below(2));
      std::string encoded, image(100, '\0'), bytes;
      for (char& byte : image) byte = static_cast<char>(random.Next());
      context.EncodeTo(encoded);
      streams::ChangeRecord record;
      record.dot = {kLog, 6 + i};
      record.stamp = Stamp::Make(1'700'000'000'000 + i, 0);
      record.context = encoded;
      record.table = TableId{7};
      const std::string key = "key" + std::to_string(random.Next());
      record.key = key;
      record.image = image;
      streams::EncodeChangeRecord(record, bytes);
      plain += bytes.size();
      batch.records.records.push_back(std::make_shared<const std::string>(std::move(bytes)));
    }
    plain /= kRecords;
    return Write(batch)[0].size() / kRecords;
  };
  size_t plain_none = 0, plain = 0;
  const size_t none = bytes_a_change(0, plain_none);
  for (const size_t finished : {0u, 1u, 5u, 20u}) {
    const size_t bytes = bytes_a_change(finished, plain);
    std::printf("%2zu finished logs: a change record %zu bytes, on the bus %zu\n", finished, plain,
                bytes);
    EXPECT_LE(plain, plain_none + 13 * finished);
    EXPECT_LE(bytes, none + finished);
  }
}

TEST_F(CodecTest, ALostFrameLosesItsMessageAndNoOther) {
  Random random(5);
  const auto frames = Write(MakeBatch(1, 10'000, &random), 4096);
  ASSERT_GE(frames.size(), 3u);
  EXPECT_TRUE(reader_.Read(frames[0]).ok());
  EXPECT_FALSE(reader_.Read(frames[2]).ok());
  EXPECT_TRUE(reader_.Read(Write(Ask{})[0])->has_value());
  const auto again = Write(MakeBatch(1, 10'000, &random), 4096);
  EXPECT_TRUE(reader_.Read(again[0]).ok());
  EXPECT_TRUE(reader_.Read(Write(Ask{})[0])->has_value());
  EXPECT_FALSE(reader_.Read(again[1]).ok()) << "another message came in between";
}

TEST_F(CodecTest, OtherClustersVersionsAndRegionsAreRefused) {
  EXPECT_FALSE(reader_.Read((*FrameWriter("other", kA).Write(kB, Ask{}, 4096))[0]).ok());
  EXPECT_FALSE(reader_.Read((*FrameWriter("demo", RegionId{3}).Write(kB, Ask{}, 4096))[0]).ok())
      << "a peer cannot speak for another region";
  EXPECT_FALSE(reader_.Read((*writer_.Write(RegionId{3}, Ask{}, 4096))[0]).ok());
  proto::Frame frame;
  ASSERT_TRUE(frame.ParseFromString(Write(Ask{})[0]));
  frame.set_version(2);
  EXPECT_FALSE(reader_.Read(frame.SerializeAsString()).ok());
}

// A frame around any body, with a right checksum.
std::string Wrap(const proto::Body& body) {
  const std::string bytes = body.SerializeAsString();
  proto::Frame frame;
  frame.set_version(kProtocolVersion);
  frame.set_cluster("demo");
  frame.set_from(kA.value);
  frame.set_to(kB.value);
  frame.set_message(1);
  frame.set_count(1);
  frame.set_total(static_cast<uint32_t>(bytes.size()));
  frame.set_checksum(Hash64(bytes));
  frame.set_part(bytes);
  return frame.SerializeAsString();
}

TEST_F(CodecTest, ADecompressionBombIsRefusedBeforeItIsUnpacked) {
  const std::string zeros(64 << 20, '\0');
  std::string block(ZSTD_compressBound(zeros.size()), '\0');
  block.resize(ZSTD_compress(block.data(), block.size(), zeros.data(), zeros.size(), 1));
  ASSERT_LT(block.size(), 100'000u);
  proto::Body body;
  auto* batch = body.mutable_batch();
  batch->set_log(kLog.value);
  batch->set_first(1);
  batch->set_count(1);
  batch->set_encoding(1);
  batch->set_records(block);
  batch->set_plain_size(zeros.size());
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  batch->set_plain_size(1000);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok()) << "it says less than it holds";
}

TEST_F(CodecTest, LyingLengthsAreRefused) {
  proto::Body body;
  auto* batch = body.mutable_batch();
  batch->set_log(kLog.value);
  batch->set_first(1);
  std::string plain;
  PutBytes(plain, "abc");
  batch->set_records(plain);
  batch->set_plain_size(static_cast<uint32_t>(plain.size()));
  batch->set_count(1);
  EXPECT_TRUE(reader_.Read(Wrap(body)).ok());
  batch->set_count(2);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  batch->set_count(0);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  batch->set_count(4'000'000'000);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  batch->set_count(1);
  batch->set_first(UINT64_MAX);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  batch->set_first(0);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
}

TEST_F(CodecTest, TheBusesOwnWordCannotBeSaidByAPeer) {
  proto::Body body;
  body.mutable_end()->set_session(1);
  body.mutable_end()->set_reason(static_cast<uint32_t>(EndReason::kNobody));
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
  body.mutable_end()->set_reason(77);
  EXPECT_FALSE(reader_.Read(Wrap(body)).ok());
}

TEST_F(CodecTest, SpoiledFramesNeverCrash) {
  Random random(11);
  const auto messages = OneOfEach();
  for (int round = 0; round < 20'000; ++round) {
    const Message& message = messages[random.Below(messages.size())];
    std::string frame = Write(message)[0];
    const size_t changes = 1 + random.Below(4);
    for (size_t i = 0; i < changes; ++i)
      frame[random.Below(frame.size())] = static_cast<char>(random.Next());
    if (random.Chance(1, 4)) frame.resize(random.Below(frame.size() + 1));
    (void)reader_.Read(frame);
  }
  // The same behind a right checksum.
  for (int round = 0; round < 20'000; ++round) {
    proto::Frame outer;
    ASSERT_TRUE(outer.ParseFromString(Write(messages[random.Below(messages.size())])[0]));
    std::string bytes = outer.part();
    if (bytes.empty()) continue;
    for (int i = 0; i < 3; ++i)
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    outer.set_part(bytes);
    outer.set_checksum(Hash64(bytes));
    (void)reader_.Read(outer.SerializeAsString());
  }
}

}  // namespace
}  // namespace everwrite::replicator
