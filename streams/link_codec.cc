#include "streams/link_codec.h"

#include "base/coding.h"
#include "streams/proto/link.pb.h"

namespace everwrite::streams {
namespace {

// At most so many entries in lists other than records: peers, links, logs.
constexpr int kMaxListEntries = 4096;

std::string VectorBytes(const conflict::Vector& vector) {
  std::string bytes;
  vector.EncodeTo(bytes);
  return bytes;
}

bool ReadVector(const std::string& bytes, conflict::Vector& vector) {
  if (bytes.empty()) {
    vector = {};
    return true;
  }
  return conflict::Vector::Decode(bytes, vector);
}

bool ReadRegion(uint32_t number, RegionId& region) {
  region.value = static_cast<uint16_t>(number);
  return number <= 65535;
}

void WriteRecords(const RecordBatch& batch, proto::Records* out) {
  out->set_log(batch.log.value);
  out->set_first(batch.first);
  for (const auto& record : batch.records) out->add_record(*record);
}

bool ReadRecords(proto::Records* in, RecordBatch& batch) {
  batch.log.value = in->log();
  batch.first = in->first();
  if (in->record_size() > 0 && (batch.log.value == 0 || batch.first == 0)) return false;
  if (batch.first > UINT64_MAX - static_cast<uint64_t>(in->record_size())) return false;
  batch.records.reserve(static_cast<size_t>(in->record_size()));
  for (std::string& record : *in->mutable_record())
    batch.records.push_back(std::make_shared<const std::string>(std::move(record)));
  return true;
}

void WriteChunk(const ScanChunk& chunk, proto::Chunk* out) {
  out->set_part(static_cast<uint32_t>(chunk.part));
  out->set_after(chunk.after);
  out->set_through(chunk.through);
  out->set_end(chunk.end);
  out->set_vector(VectorBytes(chunk.vector));
  if (!chunk.claims.empty()) out->set_claims(VectorBytes(chunk.claims));
  out->set_clock(chunk.clock.value);
  out->set_total_rows(chunk.total_rows);
  out->set_forgotten(chunk.forgotten.value);
  if (!chunk.shows.empty()) out->set_shows(VectorBytes(chunk.shows));
  out->set_table(chunk.table.value);
  for (const TableId table : chunk.without) out->add_without(table.value);
  for (const ScanRow& row : chunk.rows) {
    auto* to = out->add_row();
    to->set_key(row.key);
    to->set_value(row.value);
  }
}

bool ReadPart(uint32_t number, ScanPart& part) {
  part = static_cast<ScanPart>(number);
  return number <= static_cast<uint32_t>(ScanPart::kDone);
}

bool ReadChunk(proto::Chunk* in, ScanChunk& chunk) {
  chunk.after = std::move(*in->mutable_after());
  chunk.through = std::move(*in->mutable_through());
  chunk.end = in->end();
  chunk.clock.value = in->clock();
  chunk.total_rows = in->total_rows();
  chunk.forgotten.value = in->forgotten();
  chunk.table.value = in->table();
  for (const uint64_t table : in->without()) chunk.without.push_back(TableId{table});
  chunk.rows.reserve(static_cast<size_t>(in->row_size()));
  for (auto& row : *in->mutable_row())
    chunk.rows.push_back({std::move(*row.mutable_key()), std::move(*row.mutable_value())});
  return ReadPart(in->part(), chunk.part) && ReadVector(in->vector(), chunk.vector) &&
         ReadVector(in->claims(), chunk.claims) && ReadVector(in->shows(), chunk.shows);
}

bool ReadStatus(uint32_t code, const std::string& message, Status& status) {
  if (code > static_cast<uint32_t>(StatusCode::kInternal)) return false;
  status = Status(static_cast<StatusCode>(code), message);
  return true;
}

void WriteFill(const FillProgress& fill, proto::Filling* out) {
  out->set_begun(fill.begun);
  out->set_source(fill.source.value);
  out->set_part(static_cast<uint32_t>(fill.part));
  out->set_after(fill.after);
  out->set_floor(VectorBytes(fill.floor));
  out->set_rows(fill.rows);
  out->set_bytes(fill.bytes);
  out->set_live_rows(fill.live_rows);
  out->set_total_rows(fill.total_rows);
  out->set_begun_ms(fill.begun_ms);
  out->set_table(fill.table.value);
  for (const RegionId region : fill.sources) out->add_from(region.value);
  out->set_shown(VectorBytes(fill.claims.shown()));
  out->set_claimed(VectorBytes(fill.claims.claimed()));
  out->set_pass(VectorBytes(fill.pass));
  out->set_steps(fill.steps);
}

bool ReadFill(const proto::Filling& in, FillProgress& fill) {
  fill.begun = in.begun();
  fill.after = in.after();
  fill.rows = in.rows();
  fill.bytes = in.bytes();
  fill.live_rows = in.live_rows();
  fill.total_rows = in.total_rows();
  fill.begun_ms = in.begun_ms();
  fill.table.value = in.table();
  if (in.from_size() > kMaxListEntries) return false;
  for (const uint32_t number : in.from())
    if (!ReadRegion(number, fill.sources.emplace_back())) return false;
  conflict::Vector shown, claimed;
  if (!ReadVector(in.shown(), shown) || !ReadVector(in.claimed(), claimed)) return false;
  fill.claims = conflict::Claims(std::move(shown), claimed);
  fill.steps = in.steps();
  return ReadRegion(in.source(), fill.source) && ReadPart(in.part(), fill.part) &&
         ReadVector(in.floor(), fill.floor) && ReadVector(in.pass(), fill.pass);
}

void WriteLife(const Life& life, proto::Life* out) {
  out->set_id(life.id);
  out->set_started_ms(life.started_ms);
  out->set_admitted(life.admitted);
  out->set_who(life.who);
}

bool ReadLife(const proto::Life& in, Life& life) {
  life = {in.id(), in.started_ms(), in.admitted(), in.who()};
  return life.who.size() <= kWhoBytesMax;
}

struct Writer {
  proto::LinkFrame& frame;

  void operator()(const LinkHello& hello) {
    auto* out = frame.mutable_hello();
    out->set_version(hello.version);
    out->set_cluster(hello.cluster);
    out->set_region(hello.region.value);
    out->set_credit(hello.credit);
  }
  void operator()(const LinkWelcome& welcome) {
    auto* out = frame.mutable_welcome();
    out->set_version(welcome.version);
    out->set_cluster(welcome.cluster);
    out->set_region(welcome.region.value);
  }
  void operator()(const LinkRefusal& refusal) {
    frame.mutable_refusal()->set_reason(refusal.reason);
  }
  void operator()(const RegionState& state) {
    auto* out = frame.mutable_state();
    out->set_region(state.region.value);
    out->set_log(state.log.value);
    out->set_applied(VectorBytes(state.applied));
    out->set_durable(VectorBytes(state.durable));
    out->set_physical_ms(state.physical_ms);
    out->set_clock_correction_ms(state.clock_correction_ms);
    out->set_coming(VectorBytes(state.coming));
    out->set_clock(state.clock.value);
    conflict::Vector first_held;
    for (const auto& [log, first] : state.first_held) first_held.Set(log, first);
    out->set_first_held(VectorBytes(first_held));
    out->set_stage(static_cast<uint32_t>(state.stage));
    if (state.stage >= Stage::kFilling || state.fill.table.value != 0 || !state.fill.claims.empty())
      WriteFill(state.fill, out->mutable_fill());
    WriteLife(state.life, out->mutable_life());
  }
  void operator()(const LinkCommitted& committed) {
    WriteRecords(committed.batch, frame.mutable_committed()->mutable_records());
  }
  void operator()(const ReadRequest& read) {
    auto* out = frame.mutable_read();
    out->set_id(read.id);
    out->set_log(read.log.value);
    out->set_after(read.after);
    out->set_max_bytes(read.max_bytes);
  }
  void operator()(const ReadReply& reply) {
    auto* out = frame.mutable_read_reply();
    out->set_id(reply.id);
    WriteRecords(reply.batch, out->mutable_records());
    out->set_trimmed(reply.trimmed);
  }
  void operator()(const ApplyRequest& apply) {
    auto* out = frame.mutable_apply();
    out->set_id(apply.id);
    WriteRecords(apply.batch, out->mutable_records());
  }
  void operator()(const ApplyReply& reply) {
    auto* out = frame.mutable_apply_reply();
    out->set_id(reply.id);
    out->set_code(static_cast<uint32_t>(reply.status.code()));
    out->set_message(reply.status.message());
    out->set_applied(VectorBytes(reply.applied));
    out->set_durable(VectorBytes(reply.durable));
  }
  void operator()(const PeerProgress& progress) {
    auto* out = frame.mutable_progress();
    out->set_durable_everywhere(VectorBytes(progress.durable_everywhere));
    out->set_stable(VectorBytes(progress.stable));
    for (const PeerProgress::Peer& peer : progress.peers) {
      auto* to = out->add_peer();
      to->set_region(peer.region.value);
      to->set_connected(peer.connected);
      to->set_clock_offset_ms(peer.clock_offset_ms);
      to->set_pending(peer.pending);
      to->set_lag_ms(peer.lag_ms);
      to->set_durable(VectorBytes(peer.durable));
      to->set_applied(VectorBytes(peer.applied));
      to->set_heard_ms(peer.heard_ms);
      to->set_whole_at(VectorBytes(peer.whole_at));
    }
    if (progress.clock_correction_ms) out->set_clock_correction_ms(*progress.clock_correction_ms);
    out->set_clock_judged(progress.clock_judged);
  }
  void operator()(const Mail& mail) {
    frame.mutable_mail()->set_peer(mail.peer.value);
    frame.mutable_mail()->set_body(mail.body);
  }
  void operator()(const PeerWord& word) {
    auto* out = frame.mutable_word();
    out->set_peer(word.peer.value);
    out->set_holds(VectorBytes(word.holds));
    for (const PeerWord::Sighting& sighting : word.sightings) {
      auto* to = out->add_sighting();
      WriteLife(sighting.life, to->mutable_life());
      to->set_first_age_ms(sighting.first_age_ms);
      to->set_last_age_ms(sighting.last_age_ms);
    }
  }
  void operator()(const LinkCredit& credit) { frame.mutable_credit()->set_bytes(credit.bytes); }
  void operator()(const ReplicationStatus& status) {
    auto* out = frame.mutable_status();
    out->set_bus_connected(status.bus_connected);
    out->set_cached_bytes(status.cached_bytes);
    out->set_gate_bytes(status.gate_bytes);
    out->set_gate_records(status.gate_records);
    out->set_applies_outstanding(status.applies_outstanding);
    out->set_fill_source(status.fill.source.value);
    out->set_fill_waits(static_cast<uint32_t>(status.fill.waits));
    for (const RegionId region : status.fill.waits_for) out->add_fill_waits_for(region.value);
    for (const ReplicationStatus::Link& link : status.links) {
      auto* to = out->add_link();
      to->set_from(link.from.value);
      to->set_to(link.to.value);
      to->set_state(static_cast<uint32_t>(link.state));
      to->set_lag_ms(link.lag_ms);
      to->set_pending(link.pending);
      to->set_batches(link.batches);
      to->set_bytes(link.bytes);
      to->set_sessions(link.sessions);
      to->set_gaps(link.gaps);
      to->set_clock_offset_ms(link.clock_offset_ms);
      to->set_source(link.source.value);
      to->set_heard_ms(link.heard_ms);
      to->set_must_bootstrap(link.must_bootstrap);
      to->set_lag_p50_ms(link.lag_p50_ms);
      to->set_lag_p99_ms(link.lag_p99_ms);
      to->set_lag_max_ms(link.lag_max_ms);
      to->set_pending_bytes(link.pending_bytes);
      to->set_held_ahead_ms(link.held_ahead_ms);
      to->set_sent_bytes(link.sent_bytes);
    }
  }
  void operator()(const ScanRequest& scan) {
    auto* out = frame.mutable_scan();
    out->set_id(scan.id);
    out->set_part(static_cast<uint32_t>(scan.part));
    out->set_after(scan.after);
    out->set_floor(VectorBytes(scan.floor));
    out->set_max_bytes(scan.max_bytes);
    out->set_table(scan.table.value);
    out->set_reader(scan.reader.value);
  }
  void operator()(const ScanReply& reply) {
    auto* out = frame.mutable_scan_reply();
    out->set_id(reply.id);
    out->set_code(static_cast<uint32_t>(reply.status.code()));
    out->set_message(reply.status.message());
    WriteChunk(reply.chunk, out->mutable_chunk());
  }
  void operator()(const FillRequest& fill) {
    auto* out = frame.mutable_fill();
    out->set_id(fill.id);
    out->set_kind(static_cast<uint32_t>(fill.kind));
    out->set_source(fill.source.value);
    WriteChunk(fill.chunk, out->mutable_chunk());
  }
  void operator()(const FillReply& reply) {
    auto* out = frame.mutable_fill_reply();
    out->set_id(reply.id);
    out->set_code(static_cast<uint32_t>(reply.status.code()));
    out->set_message(reply.status.message());
  }
};

bool Read(const proto::State& in, RegionState& state) {
  state.log.value = in.log();
  state.physical_ms = in.physical_ms();
  state.clock_correction_ms = in.clock_correction_ms();
  state.clock.value = in.clock();
  conflict::Vector first_held;
  if (!ReadRegion(in.region(), state.region) || !ReadVector(in.applied(), state.applied) ||
      !ReadVector(in.durable(), state.durable) || !ReadVector(in.first_held(), first_held) ||
      !ReadVector(in.coming(), state.coming))
    return false;
  for (const Dot& dot : first_held.entries()) state.first_held[dot.log] = dot.number;
  if (in.stage() > static_cast<uint32_t>(Stage::kCompleting)) return false;
  state.stage = static_cast<Stage>(in.stage());
  if (in.has_fill() && !ReadFill(in.fill(), state.fill)) return false;
  if (in.has_life() && !ReadLife(in.life(), state.life)) return false;
  return state.log.value != 0 && state.log.region() == state.region;
}

bool Read(const proto::ApplyReply& in, ApplyReply& reply) {
  reply.id = in.id();
  return ReadStatus(in.code(), in.message(), reply.status) &&
         ReadVector(in.applied(), reply.applied) && ReadVector(in.durable(), reply.durable);
}

bool Read(const proto::PeerWord& in, PeerWord& word) {
  if (in.sighting_size() > static_cast<int>(kSightingsMax)) return false;
  for (const auto& from : in.sighting()) {
    PeerWord::Sighting& sighting = word.sightings.emplace_back();
    if (!ReadLife(from.life(), sighting.life)) return false;
    sighting.first_age_ms = from.first_age_ms();
    sighting.last_age_ms = from.last_age_ms();
  }
  return ReadRegion(in.peer(), word.peer) && ReadVector(in.holds(), word.holds);
}

bool Read(const proto::Progress& in, PeerProgress& progress) {
  if (in.peer_size() > kMaxListEntries) return false;
  for (const auto& from : in.peer()) {
    PeerProgress::Peer peer;
    if (!ReadRegion(from.region(), peer.region) || !ReadVector(from.durable(), peer.durable))
      return false;
    peer.connected = from.connected();
    peer.clock_offset_ms = from.clock_offset_ms();
    peer.pending = from.pending();
    peer.lag_ms = from.lag_ms();
    peer.heard_ms = from.heard_ms();
    if (!ReadVector(from.applied(), peer.applied) || !ReadVector(from.whole_at(), peer.whole_at))
      return false;
    progress.peers.push_back(std::move(peer));
  }
  if (in.has_clock_correction_ms()) progress.clock_correction_ms = in.clock_correction_ms();
  progress.clock_judged = in.clock_judged();
  return ReadVector(in.durable_everywhere(), progress.durable_everywhere) &&
         ReadVector(in.stable(), progress.stable);
}

bool Read(const proto::Status& in, ReplicationStatus& status) {
  status.bus_connected = in.bus_connected();
  status.cached_bytes = in.cached_bytes();
  status.gate_bytes = in.gate_bytes();
  status.gate_records = in.gate_records();
  status.applies_outstanding = in.applies_outstanding();
  if (in.link_size() > kMaxListEntries || in.fill_waits_for_size() > kMaxListEntries ||
      in.fill_waits() > static_cast<uint32_t>(ReplicationStatus::FillWaits::kLogs) ||
      !ReadRegion(in.fill_source(), status.fill.source))
    return false;
  status.fill.waits = static_cast<ReplicationStatus::FillWaits>(in.fill_waits());
  for (const uint32_t number : in.fill_waits_for())
    if (!ReadRegion(number, status.fill.waits_for.emplace_back())) return false;
  for (const auto& from : in.link()) {
    ReplicationStatus::Link link;
    if (!ReadRegion(from.from(), link.from) || !ReadRegion(from.to(), link.to) ||
        !ReadRegion(from.source(), link.source) || from.state() > 2)
      return false;
    link.state = static_cast<ReplicationStatus::LinkState>(from.state());
    link.lag_ms = from.lag_ms();
    link.pending = from.pending();
    link.batches = from.batches();
    link.bytes = from.bytes();
    link.sessions = from.sessions();
    link.gaps = from.gaps();
    link.clock_offset_ms = from.clock_offset_ms();
    link.heard_ms = from.heard_ms();
    link.must_bootstrap = from.must_bootstrap();
    link.lag_p50_ms = from.lag_p50_ms();
    link.lag_p99_ms = from.lag_p99_ms();
    link.lag_max_ms = from.lag_max_ms();
    link.pending_bytes = from.pending_bytes();
    link.held_ahead_ms = from.held_ahead_ms();
    link.sent_bytes = from.sent_bytes();
    status.links.push_back(link);
  }
  return true;
}

// Fills `message` from the frame; false when a value is out of its range.
bool ReadFrame(proto::LinkFrame& frame, LinkMessage& message) {
  using Body = proto::LinkFrame;
  switch (frame.body_case()) {
    case Body::kHello: {
      LinkHello hello;
      hello.version = frame.hello().version();
      hello.cluster = frame.hello().cluster();
      hello.credit = frame.hello().credit();
      const bool ok = ReadRegion(frame.hello().region(), hello.region);
      message = std::move(hello);
      return ok;
    }
    case Body::kWelcome: {
      LinkWelcome welcome;
      welcome.version = frame.welcome().version();
      welcome.cluster = frame.welcome().cluster();
      const bool ok = ReadRegion(frame.welcome().region(), welcome.region);
      message = std::move(welcome);
      return ok;
    }
    case Body::kRefusal: message = LinkRefusal{frame.refusal().reason()}; return true;
    case Body::kState: return Read(frame.state(), message.emplace<RegionState>());
    case Body::kCommitted:
      return ReadRecords(frame.mutable_committed()->mutable_records(),
                         message.emplace<LinkCommitted>().batch);
    case Body::kRead:
      message = ReadRequest{frame.read().id(), LogId{frame.read().log()}, frame.read().after(),
                            frame.read().max_bytes()};
      return true;
    case Body::kReadReply: {
      ReadReply& reply = message.emplace<ReadReply>();
      reply.id = frame.read_reply().id();
      reply.trimmed = frame.read_reply().trimmed();
      return ReadRecords(frame.mutable_read_reply()->mutable_records(), reply.batch);
    }
    case Body::kApply: {
      ApplyRequest& apply = message.emplace<ApplyRequest>();
      apply.id = frame.apply().id();
      return ReadRecords(frame.mutable_apply()->mutable_records(), apply.batch);
    }
    case Body::kApplyReply: return Read(frame.apply_reply(), message.emplace<ApplyReply>());
    case Body::kProgress: return Read(frame.progress(), message.emplace<PeerProgress>());
    case Body::kCredit: message = LinkCredit{frame.credit().bytes()}; return true;
    case Body::kStatus: return Read(frame.status(), message.emplace<ReplicationStatus>());
    case Body::kScan: {
      ScanRequest& scan = message.emplace<ScanRequest>();
      scan.id = frame.scan().id();
      scan.after = frame.scan().after();
      scan.max_bytes = frame.scan().max_bytes();
      scan.table.value = frame.scan().table();
      return ReadRegion(frame.scan().reader(), scan.reader) &&
             ReadPart(frame.scan().part(), scan.part) &&
             ReadVector(frame.scan().floor(), scan.floor);
    }
    case Body::kScanReply: {
      ScanReply& reply = message.emplace<ScanReply>();
      reply.id = frame.scan_reply().id();
      return ReadStatus(frame.scan_reply().code(), frame.scan_reply().message(), reply.status) &&
             ReadChunk(frame.mutable_scan_reply()->mutable_chunk(), reply.chunk);
    }
    case Body::kFill: {
      FillRequest& fill = message.emplace<FillRequest>();
      fill.id = frame.fill().id();
      if (frame.fill().kind() > static_cast<uint32_t>(FillRequest::Kind::kForsake)) return false;
      fill.kind = static_cast<FillRequest::Kind>(frame.fill().kind());
      return ReadRegion(frame.fill().source(), fill.source) &&
             ReadChunk(frame.mutable_fill()->mutable_chunk(), fill.chunk);
    }
    case Body::kFillReply: {
      FillReply& reply = message.emplace<FillReply>();
      reply.id = frame.fill_reply().id();
      return ReadStatus(frame.fill_reply().code(), frame.fill_reply().message(), reply.status);
    }
    case Body::kMail: {
      Mail& mail = message.emplace<Mail>();
      mail.body = std::move(*frame.mutable_mail()->mutable_body());
      return mail.body.size() <= kMailBytesMax && ReadRegion(frame.mail().peer(), mail.peer);
    }
    case Body::kWord: return Read(frame.word(), message.emplace<PeerWord>());
    case Body::BODY_NOT_SET: return false;
  }
  return false;
}

}  // namespace

std::string_view LinkStateName(ReplicationStatus::LinkState state) {
  switch (state) {
    case ReplicationStatus::LinkState::kDown: return "down";
    case ReplicationStatus::LinkState::kSilent: return "silent";
    case ReplicationStatus::LinkState::kUp: return "up";
  }
  return "?";
}

std::string EncodeLinkFrame(const LinkMessage& message) {
  proto::LinkFrame frame;
  std::visit(Writer{frame}, message);
  const size_t size = frame.ByteSizeLong();
  CHECK(size <= kMaxLinkFrameBytes, "a frame of the local link is too large");
  std::string out;
  out.reserve(size + 4);
  PutFixed32(out, static_cast<uint32_t>(size));
  CHECK(frame.AppendToString(&out));
  return out;
}

Result<LinkMessage> DecodeLinkBody(std::string_view body) {
  if (body.size() > kMaxLinkFrameBytes)
    return InvalidArgument("local link: the frame is too large");
  proto::LinkFrame frame;
  if (!frame.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return InvalidArgument("local link: not a frame");
  LinkMessage message;
  if (!ReadFrame(frame, message)) return InvalidArgument("local link: a frame with a bad value");
  return message;
}

void LinkReader::Append(std::string_view bytes) {
  if (!error_.ok()) return;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  } else if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<LinkMessage>> LinkReader::Next() {
  if (!error_.ok()) return error_;
  Reader reader(std::string_view(buffer_).substr(start_));
  uint32_t length = 0;
  if (!reader.ReadFixed32(length)) return std::optional<LinkMessage>();
  if (length > kMaxLinkFrameBytes) {
    error_ = InvalidArgument("local link: a frame of " + std::to_string(length) + " bytes");
    return error_;
  }
  std::string_view body;
  if (!reader.ReadRaw(length, body)) return std::optional<LinkMessage>();
  Result<LinkMessage> message = DecodeLinkBody(body);
  if (!message.ok()) {
    error_ = message.status();
    return error_;
  }
  start_ += 4 + length;
  return std::optional<LinkMessage>(std::move(message).value());
}

}  // namespace everwrite::streams
