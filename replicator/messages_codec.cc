#include "replicator/messages_codec.h"

#include <zstd.h>

#include <algorithm>

#include "base/coding.h"
#include "base/future.h"
#include "replicator/proto/replication.pb.h"

namespace everwrite::replicator {
namespace {

// Level 1 is several times faster than a link; small records gain little.
constexpr int kZstdLevel = 1;
constexpr size_t kCompressFrom = 400;
constexpr size_t kMaxRecordsPerBatch = 1U << 17;
constexpr size_t kMaxVectorEntries = 4096;

enum Encoding : uint32_t { kPlain = 0, kZstd = 1 };

std::string VectorBytes(const conflict::Vector& vector) {
  std::string bytes;
  vector.EncodeTo(bytes);
  return bytes;
}

bool ReadVector(const std::string& bytes, conflict::Vector& vector) {
  if (bytes.empty()) return true;
  return conflict::Vector::Decode(bytes, vector) && vector.entries().size() <= kMaxVectorEntries;
}

void WriteLife(const streams::Life& life, proto::Hello* out) {
  out->set_life(life.id);
  out->set_started_ms(life.started_ms);
  out->set_admitted(life.admitted);
  out->set_who(life.who);
}

bool ReadLife(const proto::Hello& in, streams::Life& life) {
  constexpr uint64_t kMaxMillis = 1ULL << 48;
  life = {in.life(), in.started_ms(), in.admitted(), in.who()};
  return life.id != 0 && life.started_ms <= kMaxMillis && life.who.size() <= streams::kWhoBytesMax;
}

struct BodyWriter {
  proto::Body& body;

  void operator()(const Open& open) {
    auto* out = body.mutable_open();
    out->set_session(open.session);
    out->set_log(open.log.value);
    out->set_after(open.after);
    out->set_credit(open.credit);
    out->set_bare(open.bare);
  }
  void operator()(const Credit& credit) {
    body.mutable_credit()->set_session(credit.session);
    body.mutable_credit()->set_bytes(credit.bytes);
  }
  void operator()(const Close& close) { body.mutable_close()->set_session(close.session); }
  void operator()(const Ask&) { body.mutable_ask(); }
  void operator()(const Hello& hello) {
    WriteLife(hello.life, body.mutable_hello());
    body.mutable_hello()->set_gone(hello.gone);
  }
  void operator()(const Opened& opened) {
    body.mutable_opened()->set_session(opened.session);
    body.mutable_opened()->set_log(opened.log.value);
  }
  void operator()(const Batch& batch) {  // without the records
    auto* out = body.mutable_batch();
    out->set_session(batch.session);
    out->set_log(batch.records.log.value);
    out->set_first(batch.records.first);
    out->set_count(static_cast<uint32_t>(batch.records.records.size()));
  }
  void operator()(const End& end) {
    auto* out = body.mutable_end();
    out->set_session(end.session);
    out->set_log(end.log.value);
    out->set_reason(static_cast<uint32_t>(end.reason));
  }
  void operator()(const PeerMail& mail) { body.mutable_mail()->set_body(mail.body); }
  void operator()(const Heartbeat& heartbeat) {
    auto* out = body.mutable_heartbeat();
    out->set_boot(heartbeat.boot);
    out->set_sequence(heartbeat.sequence);
    out->set_serving(heartbeat.serving);
    out->set_has_word(heartbeat.has_word);
    out->set_holds(VectorBytes(heartbeat.holds));
    for (const auto& sighting : heartbeat.sightings) {
      auto* to = out->add_sightings();
      WriteLife(sighting.life, to->mutable_hello());
      to->set_first_age_ms(sighting.first_age_ms);
      to->set_last_age_ms(sighting.last_age_ms);
    }
    if (!heartbeat.serving) return;
    out->set_log(heartbeat.log.value);
    out->set_applied(VectorBytes(heartbeat.applied));
    out->set_durable(VectorBytes(heartbeat.durable));
    out->set_physical_ms(heartbeat.physical_ms);
    out->set_clock_correction_ms(heartbeat.clock_correction_ms);
    out->set_echo_ms(heartbeat.echo_ms);
    out->set_echo_age_ms(heartbeat.echo_age_ms);
    out->set_stage(static_cast<uint32_t>(heartbeat.stage));
    out->set_coming(VectorBytes(heartbeat.coming));
    out->set_wants_filling(heartbeat.wants_filling);
    if (!heartbeat.whole_at.empty()) out->set_whole_at(VectorBytes(heartbeat.whole_at));
    if (!heartbeat.claims.empty()) {
      out->set_shown(VectorBytes(heartbeat.claims.shown()));
      out->set_claimed(VectorBytes(heartbeat.claims.claimed()));
    }
    for (const LogId life : heartbeat.lives) out->add_lives(life.value);
  }
  void operator()(const Scan& scan) {
    auto* out = body.mutable_scan();
    out->set_session(scan.session);
    out->set_part(static_cast<uint32_t>(scan.part));
    out->set_after(scan.after);
    out->set_floor(VectorBytes(scan.floor));
    out->set_credit(scan.credit);
    out->set_table(scan.table.value);
  }
  void operator()(const Chunk& chunk) {  // without the rows
    auto* out = body.mutable_chunk();
    out->set_session(chunk.session);
    out->set_index(chunk.index);
    out->set_more(chunk.more);
    out->set_part(static_cast<uint32_t>(chunk.chunk.part));
    out->set_after(chunk.chunk.after);
    out->set_through(chunk.chunk.through);
    out->set_end(chunk.chunk.end);
    out->set_vector(VectorBytes(chunk.chunk.vector));
    if (!chunk.chunk.claims.empty()) out->set_claims(VectorBytes(chunk.chunk.claims));
    out->set_clock(chunk.chunk.clock.value);
    out->set_total_rows(chunk.chunk.total_rows);
    out->set_forgotten(chunk.chunk.forgotten.value);
    if (!chunk.chunk.shows.empty()) out->set_shows(VectorBytes(chunk.chunk.shows));
    out->set_count(static_cast<uint32_t>(chunk.chunk.rows.size()));
    out->set_table(chunk.chunk.table.value);
    for (const TableId table : chunk.chunk.without) out->add_without(table.value);
  }
};

bool ReadPart(uint32_t number, streams::ScanPart& part) {
  part = static_cast<streams::ScanPart>(number);
  return number < static_cast<uint32_t>(streams::ScanPart::kDone);
}

bool ReadScan(const proto::Scan& in, Scan& scan) {
  scan.session = in.session();
  scan.after = in.after();
  scan.credit = in.credit();
  scan.table.value = in.table();
  return ReadPart(in.part(), scan.part) && ReadVector(in.floor(), scan.floor);
}

// Cuts the plain block into rows.
bool ReadRows(std::string_view plain, const proto::Chunk& in, streams::ScanChunk& chunk) {
  if (in.count() > kMaxRecordsPerBatch || in.count() > plain.size()) return false;
  chunk.rows.reserve(in.count());
  Reader reader(plain);
  for (uint32_t i = 0; i < in.count(); ++i) {
    std::string_view key, value;
    if (!reader.ReadBytes(key) || !reader.ReadBytes(value)) return false;
    chunk.rows.push_back({std::string(key), std::string(value)});
  }
  return reader.done();
}

bool ReadHeartbeat(const proto::Heartbeat& in, Heartbeat& heartbeat) {
  heartbeat.boot = in.boot();
  heartbeat.sequence = in.sequence();
  heartbeat.serving = in.serving();
  heartbeat.log.value = in.log();
  heartbeat.physical_ms = in.physical_ms();
  heartbeat.clock_correction_ms = in.clock_correction_ms();
  heartbeat.echo_ms = in.echo_ms();
  heartbeat.echo_age_ms = in.echo_age_ms();
  // Times are subtracted later: keep them in the range of the clock's 48 bits.
  constexpr uint64_t kMaxMillis = 1ULL << 48;
  if (heartbeat.physical_ms > kMaxMillis || heartbeat.echo_ms > kMaxMillis ||
      heartbeat.echo_age_ms > kMaxMillis ||
      std::abs(heartbeat.clock_correction_ms) > static_cast<int64_t>(kMaxMillis) ||
      in.stage() > static_cast<uint32_t>(streams::Stage::kCompleting))
    return false;
  heartbeat.stage = static_cast<streams::Stage>(in.stage());
  heartbeat.wants_filling = in.wants_filling();
  conflict::Vector shown, claimed;
  if (!ReadVector(in.whole_at(), heartbeat.whole_at) || !ReadVector(in.shown(), shown) ||
      !ReadVector(in.claimed(), claimed))
    return false;
  heartbeat.claims = conflict::Claims(std::move(shown), claimed);
  heartbeat.has_word = in.has_word();
  if (in.sightings_size() > static_cast<int>(streams::kSightingsMax)) return false;
  for (const auto& from : in.sightings()) {
    auto& sighting = heartbeat.sightings.emplace_back();
    if (!ReadLife(from.hello(), sighting.life)) return false;
    sighting.first_age_ms = from.first_age_ms();
    sighting.last_age_ms = from.last_age_ms();
    if (sighting.first_age_ms > kMaxMillis || sighting.last_age_ms > kMaxMillis) return false;
  }
  if (in.lives_size() > static_cast<int>(kMaxVectorEntries)) return false;
  for (const uint64_t life : in.lives()) heartbeat.lives.push_back(LogId{life});
  return heartbeat.boot != 0 && ReadVector(in.coming(), heartbeat.coming) &&
         ReadVector(in.holds(), heartbeat.holds) && ReadVector(in.applied(), heartbeat.applied) &&
         ReadVector(in.durable(), heartbeat.durable);
}

// Cuts the plain block into records.
bool ReadRecords(std::string_view plain, const proto::Batch& in, streams::RecordBatch& records) {
  if (in.count() == 0 || in.count() > kMaxRecordsPerBatch || in.count() > plain.size())
    return false;
  if (in.log() == 0 || in.first() == 0 || in.first() > UINT64_MAX - in.count()) return false;
  records.log.value = in.log();
  records.first = in.first();
  records.records.reserve(in.count());
  Reader reader(plain);
  for (uint32_t i = 0; i < in.count(); ++i) {
    std::string_view record;
    if (!reader.ReadBytes(record)) return false;
    records.records.push_back(std::make_shared<const std::string>(record));
  }
  return reader.done();
}

}  // namespace

struct FrameWriter::Zstd {
  Zstd() : context(ZSTD_createCCtx()) { CHECK(context != nullptr, "out of memory"); }
  ~Zstd() { ZSTD_freeCCtx(context); }
  // True when `block` is compressed now; small ones and those that gain nothing stay plain.
  bool Compress(std::string& block) {
    if (block.size() < kCompressFrom) return false;
    buffer.resize(ZSTD_compressBound(block.size()));
    const size_t size = ZSTD_compressCCtx(context, buffer.data(), buffer.size(), block.data(),
                                          block.size(), kZstdLevel);
    if (ZSTD_isError(size) || size >= block.size()) return false;
    block.assign(buffer, 0, size);
    return true;
  }
  ZSTD_CCtx* context;
  std::string buffer;
};

struct FrameReader::Zstd {
  Zstd() : context(ZSTD_createDCtx()) { CHECK(context != nullptr, "out of memory"); }
  ~Zstd() { ZSTD_freeDCtx(context); }

  // `plain` gets exactly `plain_size` bytes, or nothing is allocated beyond it and false comes
  // back.
  bool Decompress(const std::string& block, size_t plain_size, std::string& plain) {
    // The frame must say its size, and say the same: nothing unannounced is unpacked.
    if (ZSTD_getFrameContentSize(block.data(), block.size()) != plain_size) return false;
    plain.resize(plain_size);
    const size_t size =
        ZSTD_decompressDCtx(context, plain.data(), plain.size(), block.data(), block.size());
    return !ZSTD_isError(size) && size == plain_size;
  }

  bool ReadBatch(const proto::Batch& in, Batch& batch) {
    batch.session = in.session();
    if (in.plain_size() > kMaxBatchBytes) return false;
    if (in.encoding() == kPlain)
      return in.records().size() == in.plain_size() && ReadRecords(in.records(), in, batch.records);
    std::string plain;
    return in.encoding() == kZstd && Decompress(in.records(), in.plain_size(), plain) &&
           ReadRecords(plain, in, batch.records);
  }

  bool ReadChunk(const proto::Chunk& in, Chunk& chunk) {
    chunk.session = in.session();
    chunk.index = in.index();
    chunk.more = in.more();
    chunk.chunk.after = in.after();
    chunk.chunk.through = in.through();
    chunk.chunk.end = in.end();
    chunk.chunk.clock.value = in.clock();
    chunk.chunk.total_rows = in.total_rows();
    chunk.chunk.forgotten.value = in.forgotten();
    chunk.chunk.table.value = in.table();
    for (const uint64_t table : in.without()) chunk.chunk.without.push_back(TableId{table});
    if (in.plain_size() > kMaxBatchBytes || !ReadPart(in.part(), chunk.chunk.part) ||
        !ReadVector(in.vector(), chunk.chunk.vector) ||
        !ReadVector(in.claims(), chunk.chunk.claims) || !ReadVector(in.shows(), chunk.chunk.shows))
      return false;
    if (in.encoding() == kPlain)
      return in.rows().size() == in.plain_size() && ReadRows(in.rows(), in, chunk.chunk);
    std::string plain;
    return in.encoding() == kZstd && Decompress(in.rows(), in.plain_size(), plain) &&
           ReadRows(plain, in, chunk.chunk);
  }

  bool ReadBody(const proto::Body& body, Message& message) {
    switch (body.body_case()) {
      case proto::Body::kOpen:
        message = Open{body.open().session(), LogId{body.open().log()}, body.open().after(),
                       body.open().credit(), body.open().bare()};
        return body.open().log() != 0 && body.open().after() < UINT64_MAX;
      case proto::Body::kCredit:
        message = Credit{body.credit().session(), body.credit().bytes()};
        return true;
      case proto::Body::kClose: message = Close{body.close().session()}; return true;
      case proto::Body::kAsk: message = Ask{}; return true;
      case proto::Body::kHello: {
        Hello& hello = message.emplace<Hello>();
        hello.gone = body.hello().gone();
        return ReadLife(body.hello(), hello.life);
      }
      case proto::Body::kOpened:
        message = Opened{body.opened().session(), LogId{body.opened().log()}};
        return true;
      case proto::Body::kBatch: return ReadBatch(body.batch(), message.emplace<Batch>());
      case proto::Body::kEnd:
        message = End{body.end().session(), LogId{body.end().log()},
                      static_cast<EndReason>(body.end().reason())};
        // kNobody is the bus's own word: a peer cannot say it.
        return body.end().reason() <= kEndReasonMax &&
               body.end().reason() != static_cast<uint32_t>(EndReason::kNobody);
      case proto::Body::kHeartbeat:
        return ReadHeartbeat(body.heartbeat(), message.emplace<Heartbeat>());
      case proto::Body::kMail: {
        PeerMail& mail = message.emplace<PeerMail>();
        mail.body = body.mail().body();
        return mail.body.size() <= streams::kMailBytesMax;
      }
      case proto::Body::kScan: return ReadScan(body.scan(), message.emplace<Scan>());
      case proto::Body::kChunk: return ReadChunk(body.chunk(), message.emplace<Chunk>());
      case proto::Body::BODY_NOT_SET: return false;
    }
    return false;
  }

  ZSTD_DCtx* context;
};

FrameWriter::FrameWriter(std::string cluster, RegionId self)
    : cluster_(std::move(cluster)), self_(self), zstd_(std::make_unique<Zstd>()) {}
FrameWriter::~FrameWriter() = default;

Status FrameWriter::PackRecords(const streams::RecordBatch& records) {
  block_.reset();
  std::string plain;
  plain.reserve(records.bytes() + 5 * records.records.size());
  for (const auto& record : records.records) PutBytes(plain, *record);
  if (plain.size() > kMaxBatchBytes) return ResourceExhausted("a batch of more than 4 MiB");
  Block& block = block_.emplace();
  block.records = records;
  block.plain_size = static_cast<uint32_t>(plain.size());
  block.compressed = zstd_->Compress(plain);
  block.bytes = std::move(plain);
  return {};
}

Status FrameWriter::WriteBody(const Message& message, std::string& out) {
  proto::Body body;
  std::visit(BodyWriter{body}, message);
  if (const Batch* batch = std::get_if<Batch>(&message)) {
    if (!block_ || block_->records.records != batch->records.records)
      EW_RETURN_IF_ERROR(PackRecords(batch->records));
    auto* fields = body.mutable_batch();
    fields->set_plain_size(block_->plain_size);
    if (block_->compressed) fields->set_encoding(kZstd);
    fields->set_records(block_->bytes);
  } else if (const Chunk* chunk = std::get_if<Chunk>(&message)) {
    std::string plain;
    plain.reserve(chunk->chunk.bytes() + 10 * chunk->chunk.rows.size());
    for (const streams::ScanRow& row : chunk->chunk.rows) {
      PutBytes(plain, row.key);
      PutBytes(plain, row.value);
    }
    if (plain.size() > kMaxBatchBytes) return ResourceExhausted("a chunk of more than 4 MiB");
    auto* fields = body.mutable_chunk();
    fields->set_plain_size(static_cast<uint32_t>(plain.size()));
    if (zstd_->Compress(plain)) fields->set_encoding(kZstd);
    fields->set_rows(std::move(plain));
  }
  if (kFuture)
    body.GetReflection()->MutableUnknownFields(&body)->AddLengthDelimited(kFutureField, "new");
  CHECK(body.SerializeToString(&out));
  return out.size() <= kMaxMessageBytes ? OkStatus()
                                        : ResourceExhausted("a message above the bound");
}

Result<std::vector<std::string>> FrameWriter::Write(RegionId to, const Message& message,
                                                    size_t max_frame_bytes) {
  std::string body;
  EW_RETURN_IF_ERROR(WriteBody(message, body));
  const size_t part = std::max<size_t>(max_frame_bytes, 1024) - kFrameOverhead;
  const size_t count = std::max<size_t>(1, (body.size() + part - 1) / part);
  if (count > kMaxFrames) return ResourceExhausted("a message of too many frames");
  std::vector<std::string> frames;
  frames.reserve(count);
  proto::Frame frame;
  frame.set_version(kProtocolVersion);
  frame.set_cluster(cluster_);
  frame.set_from(self_.value);
  frame.set_to(to.value);
  frame.set_message(next_message_++);
  frame.set_count(static_cast<uint32_t>(count));
  frame.set_total(static_cast<uint32_t>(body.size()));
  frame.set_checksum(Hash64(body));
  for (size_t i = 0; i < count; ++i) {
    frame.set_index(static_cast<uint32_t>(i));
    const std::string_view slice = std::string_view(body).substr(i * part, part);
    frame.set_part(slice.data(), slice.size());
    CHECK(frame.SerializeToString(&frames.emplace_back()));
  }
  return frames;
}

FrameReader::FrameReader(std::string cluster, RegionId self, RegionId from)
    : cluster_(std::move(cluster)), self_(self), from_(from), zstd_(std::make_unique<Zstd>()) {}
FrameReader::~FrameReader() = default;

Result<std::optional<Message>> FrameReader::Read(std::string_view bytes) {
  proto::Frame frame;
  if (bytes.size() > kMaxMessageBytes + kFrameOverhead ||
      !frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return InvalidArgument("not a frame");
  if (frame.version() != kProtocolVersion)
    return InvalidArgument("protocol version " + std::to_string(frame.version()) + ", ours is " +
                           std::to_string(kProtocolVersion));
  if (frame.cluster() != cluster_) return InvalidArgument("a frame of another cluster");
  if (frame.from() != from_.value)
    return InvalidArgument("a frame that says to be from region " + std::to_string(frame.from()));
  if (frame.to() != self_.value)
    return InvalidArgument("a frame for region " + std::to_string(frame.to()));
  if (frame.count() == 0 || frame.count() > kMaxFrames || frame.index() >= frame.count() ||
      frame.total() > kMaxMessageBytes || frame.message() == 0)
    return InvalidArgument("a frame with lengths out of bounds");
  if (frame.count() == 1) {
    message_ = 0;
    if (frame.part().size() != frame.total()) return InvalidArgument("a frame with a wrong length");
    return Finish(frame.part(), frame.checksum());
  }
  if (frame.index() == 0) {
    message_ = frame.message();
    next_index_ = 0;
    count_ = frame.count();
    total_ = frame.total();
    checksum_ = frame.checksum();
    body_.clear();
  }
  const bool next = message_ == frame.message() && next_index_ == frame.index() &&
                    count_ == frame.count() && body_.size() + frame.part().size() <= total_;
  if (!next) {
    message_ = 0;
    body_.clear();
    return InvalidArgument("a frame that does not continue the one before");
  }
  body_ += frame.part();
  if (++next_index_ < count_) return std::optional<Message>();
  message_ = 0;
  if (body_.size() != total_) return InvalidArgument("a message with a wrong length");
  auto result = Finish(body_, checksum_);
  body_.clear();
  return result;
}

Result<std::optional<Message>> FrameReader::Finish(std::string_view bytes, uint64_t checksum) {
  if (Hash64(bytes) != checksum) return InvalidArgument("a message with a wrong checksum");
  proto::Body body;
  Message message;
  if (!body.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !zstd_->ReadBody(body, message))
    return InvalidArgument("not a message");
  return std::optional<Message>(std::move(message));
}

}  // namespace everwrite::replicator
