// The local link's frames: everything comes back as it was, in whatever pieces the socket gives it,
// and what is no frame is an error, never a crash.
#include "streams/link_codec.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"

namespace everwrite::streams {
namespace {

const LogId kLog = LogId::Make(RegionId{2}, 77);

RecordBatch Batch(uint64_t first, std::initializer_list<std::string> records) {
  RecordBatch batch{kLog, first, {}};
  for (const std::string& record : records)
    batch.records.push_back(std::make_shared<const std::string>(record));
  return batch;
}

conflict::Vector SomeVector() {
  conflict::Vector vector;
  vector.Set(kLog, 12);
  vector.Set(LogId::Make(RegionId{9}, 1), 400);
  return vector;
}

std::vector<LinkMessage> OneOfEach() {
  RegionState state{RegionId{2}, kLog, SomeVector(), {}, 1234, -40, Stamp{99}, {{kLog, 5}}};
  state.life = {77, 1234, false, "process 5 elsewhere"};
  RegionState filling = state;
  state.coming = SomeVector();
  filling.stage = Stage::kFilling;
  conflict::Claims claims;
  claims.Claim({}, SomeVector());
  filling.fill = {3,
                  RegionId{1},
                  ScanPart::kItems,
                  "key",
                  claims,
                  SomeVector(),
                  SomeVector(),
                  10,
                  1000,
                  9,
                  20,
                  77,
                  4};
  ScanChunk chunk{ScanPart::kItems, "a", "c",        false, SomeVector(),
                  Stamp{12},        44,  TableId{7}, {},    {}};
  chunk.without = {TableId{8}};
  chunk.claims = SomeVector();
  chunk.shows = SomeVector();
  chunk.rows = {{"b", "value"}, {"c", std::string("\0", 1)}};
  PeerProgress progress{
      SomeVector(),
      {},
      {{RegionId{3}, true, -250, 17, -1, SomeVector(), SomeVector(), 40, SomeVector()}},
      -3'600'000,
      true};
  ReplicationStatus status;
  status.bus_connected = true;
  status.gate_bytes = 10;
  ReplicationStatus::Link link;
  link.from = RegionId{3};
  link.to = RegionId{2};
  link.state = ReplicationStatus::LinkState::kSilent;
  link.clock_offset_ms = -3;
  link.source = RegionId{5};
  link.must_bootstrap = true;
  link.lag_p99_ms = 12;
  link.pending_bytes = 1 << 20;
  link.held_ahead_ms = 3000;
  link.sent_bytes = 1ull << 33;
  status.links.push_back(link);
  status.fill = {RegionId{3}, ReplicationStatus::FillWaits::kSource, {RegionId{4}, RegionId{5}}};
  return {LinkHello{1, "demo", RegionId{2}, 4096},
          LinkWelcome{1, "demo", RegionId{65535}},
          LinkRefusal{"another cluster"},
          state,
          LinkCommitted{Batch(4, {"a", std::string(3000, 'x'), ""})},
          ReadRequest{7, kLog, 3, 1000},
          ReadReply{7, Batch(4, {"b"}), false},
          ReadReply{8, RecordBatch{kLog, 0, {}}, true},
          ApplyRequest{9, Batch(1, {"c", "d"})},
          ApplyReply{9, Aborted("gap"), SomeVector(), SomeVector()},
          progress,
          LinkCredit{55},
          Mail{RegionId{3}, std::string("a\0letter", 8)},
          PeerWord{RegionId{3}, SomeVector(), {{state.life, 3000, 40}, {{78, 5, true, {}}, 9, 0}}},
          status,
          filling,
          ScanRequest{3, ScanPart::kLedger, "after", SomeVector(), 5000},
          ScanReply{3, {}, chunk},
          ScanReply{4, FailedPrecondition("behind"), {}},
          FillRequest{5, FillRequest::Kind::kChunk, RegionId{4}, chunk},
          FillRequest{6, FillRequest::Kind::kForsake, {}, chunk},
          FillRequest{6, FillRequest::Kind::kFinish, {}, {}},
          FillReply{5, Aborted("no")}};
}

TEST(LinkCodec, EveryMessageComesBackInAnyPieces) {
  Random random(7);
  std::string stream;
  for (const LinkMessage& message : OneOfEach()) stream += EncodeLinkFrame(message);
  LinkReader reader;
  std::string again;
  size_t count = 0;
  while (!stream.empty()) {
    const size_t piece = std::min<size_t>(stream.size(), 1 + random.Below(40));
    reader.Append(stream.substr(0, piece));
    stream.erase(0, piece);
    while (true) {
      const auto next = reader.Next();
      ASSERT_TRUE(next.ok()) << next.status().ToString();
      if (!next->has_value()) break;
      EXPECT_EQ((*next)->index(), OneOfEach()[count].index());
      EXPECT_EQ(EncodeLinkFrame(**next), EncodeLinkFrame(OneOfEach()[count])) << count;
      ++count;
    }
  }
  EXPECT_EQ(count, OneOfEach().size());
}

TEST(LinkCodec, ValuesAreTheSame) {
  const std::string frame = EncodeLinkFrame(LinkCommitted{Batch(4, {"a", "bb"})});
  const auto message = DecodeLinkBody(std::string_view(frame).substr(4));
  ASSERT_TRUE(message.ok());
  const auto& batch = std::get<LinkCommitted>(*message).batch;
  EXPECT_EQ(batch.log, kLog);
  EXPECT_EQ(batch.first, 4u);
  EXPECT_EQ(batch.last(), 5u);
  EXPECT_EQ(*batch.records[1], "bb");
}

TEST(LinkCodec, AFillingAndItsChunksAreTheSame) {
  for (const LinkMessage& sent : OneOfEach()) {
    const auto message = DecodeLinkBody(std::string_view(EncodeLinkFrame(sent)).substr(4));
    ASSERT_TRUE(message.ok());
    if (const auto* state = std::get_if<RegionState>(&sent)) {
      EXPECT_EQ(std::get<RegionState>(*message).stage, state->stage);
      EXPECT_EQ(std::get<RegionState>(*message).fill, state->fill);
    } else if (const auto* fill = std::get_if<FillRequest>(&sent)) {
      const ScanChunk& chunk = std::get<FillRequest>(*message).chunk;
      EXPECT_EQ(chunk.through, fill->chunk.through);
      EXPECT_EQ(chunk.vector, fill->chunk.vector);
      EXPECT_EQ(chunk.claims, fill->chunk.claims);
      EXPECT_EQ(chunk.shows, fill->chunk.shows);
      ASSERT_EQ(chunk.rows.size(), fill->chunk.rows.size());
      for (size_t i = 0; i < chunk.rows.size(); ++i)
        EXPECT_EQ(chunk.rows[i].value, fill->chunk.rows[i].value);
    }
  }
}

TEST(LinkCodec, ALengthAboveTheBoundIsRefusedAtOnce) {
  LinkReader reader;
  std::string length;
  PutFixed32(length, kMaxLinkFrameBytes + 1);
  reader.Append(length);
  EXPECT_FALSE(reader.Next().ok());
  reader.Append(EncodeLinkFrame(LinkCredit{1}));
  EXPECT_FALSE(reader.Next().ok()) << "an error is for ever";
}

TEST(LinkCodec, SpoiledFramesAreErrorsOrOtherMessagesNeverCrashes) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    const auto messages = OneOfEach();
    std::string frame = EncodeLinkFrame(messages[random.Below(messages.size())]).substr(4);
    const size_t changes = 1 + random.Below(4);
    for (size_t i = 0; i < changes && !frame.empty(); ++i)
      frame[random.Below(frame.size())] = static_cast<char>(random.Next());
    if (random.Chance(1, 3)) frame.resize(random.Below(frame.size() + 1));
    (void)DecodeLinkBody(frame);
  }
}

TEST(LinkCodec, NumbersThatWouldOverflowAreRefused) {
  RecordBatch batch = Batch(4, {"a", "b"});
  batch.first = UINT64_MAX;
  EXPECT_FALSE(DecodeLinkBody(EncodeLinkFrame(LinkCommitted{batch}).substr(4)).ok());
  batch.first = 0;
  EXPECT_FALSE(DecodeLinkBody(EncodeLinkFrame(LinkCommitted{batch}).substr(4)).ok());
  batch = Batch(4, {"a"});
  batch.log = LogId{};
  EXPECT_FALSE(DecodeLinkBody(EncodeLinkFrame(LinkCommitted{batch}).substr(4)).ok());
}

}  // namespace
}  // namespace everwrite::streams
