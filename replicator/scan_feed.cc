#include "replicator/scan_feed.h"

#include <algorithm>
#include <utility>

namespace everwrite::replicator {
namespace {

// What one message of a catalog holds, about.
constexpr size_t kPieceBytes = 1U << 20;

}  // namespace

void ScanFeed::OnState(const streams::RegionState& state) {
  has_rows_ = state.stage != streams::Stage::kNew;
  if (has_rows_) return;
  for (const auto& [peer, session] : sessions_) SayEnd(peer, session.id, EndReason::kUnavailable);
  sessions_.clear();
}

void ScanFeed::OnRegionDown() {
  has_rows_ = false;
  for (const auto& [peer, session] : sessions_) SayEnd(peer, session.id, EndReason::kUnavailable);
  sessions_.clear();
}

void ScanFeed::OnScan(RegionId peer, const Scan& scan, Instant now) {
  if (!has_rows_) return SayEnd(peer, scan.session, EndReason::kUnavailable);
  const auto at = sessions_.find(peer);
  if (at != sessions_.end() && at->second.id >> 32 == scan.session >> 32 &&
      at->second.id >= scan.session)
    return;  // an old one, delayed, or the same again
  Session& session = sessions_[peer];
  session = {};
  session.id = scan.session;
  session.part = scan.part;
  session.after = scan.after;
  session.floor = scan.floor;
  session.table = scan.table;
  session.credit = static_cast<int64_t>(std::min<uint64_t>(scan.credit, kFillWindowMax));
  session.heard = now;
  Pump(peer, session);
}

bool ScanFeed::Has(RegionId peer, uint64_t session) const {
  const auto at = sessions_.find(peer);
  return at != sessions_.end() && at->second.id == session;
}

void ScanFeed::OnCredit(RegionId peer, const Credit& credit, Instant now) {
  if (!Has(peer, credit.session)) return;
  Session& session = sessions_.at(peer);
  session.heard = now;
  const auto bytes = static_cast<int64_t>(std::min<uint64_t>(credit.bytes, kFillWindowMax));
  session.credit = std::min<int64_t>(session.credit + bytes, static_cast<int64_t>(kFillWindowMax));
  Pump(peer, session);
}

void ScanFeed::OnClose(RegionId peer, const Close& close) {
  if (Has(peer, close.session)) sessions_.erase(peer);
}

void ScanFeed::Pump(RegionId peer, Session& session) {
  if (session.ended || session.credit <= 0 || session.reading != 0) return;
  session.reading = next_read_++;
  const size_t bytes = std::min<size_t>(static_cast<size_t>(session.credit), options_.fill_chunk);
  scans_.push_back(
      {session.reading, session.part, session.after, session.floor, bytes, session.table, peer});
}

void ScanFeed::OnReply(streams::ScanReply reply) {
  const auto at = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return reply.id != 0 && entry.second.reading == reply.id;
  });
  if (at == sessions_.end()) return;  // its session has ended meanwhile
  const RegionId peer = at->first;
  Session& session = at->second;
  session.reading = 0;
  if (!reply.status.ok()) {
    SayEnd(peer, session.id,
           reply.status.code() == StatusCode::kFailedPrecondition ? EndReason::kBehind
                                                                  : EndReason::kUnavailable);
    sessions_.erase(at);
    return;
  }
  session.after = reply.chunk.through;
  session.ended = reply.chunk.end;
  SendChunk(peer, session, std::move(reply.chunk));
  Pump(peer, session);
}

// In pieces when it is large; all but the last say that there is more of it.
void ScanFeed::SendChunk(RegionId peer, Session& session, streams::ScanChunk chunk) {
  std::vector<streams::ScanRow> rows = std::move(chunk.rows);
  chunk.rows.clear();
  size_t bytes = 0;
  for (streams::ScanRow& row : rows) {
    const size_t size = row.key.size() + row.value.size();
    if (!chunk.rows.empty() && bytes + size > kPieceBytes) {
      session.credit -= static_cast<int64_t>(ChunkCost(chunk));
      messages_.push_back({peer, Chunk{session.id, session.index++, /*more=*/true, chunk}});
      chunk.rows.clear();
      bytes = 0;
    }
    chunk.rows.push_back(std::move(row));
    bytes += size;
  }
  session.credit -= static_cast<int64_t>(ChunkCost(chunk));
  messages_.push_back({peer, Chunk{session.id, session.index++, false, std::move(chunk)}});
}

void ScanFeed::SayEnd(RegionId peer, uint64_t session, EndReason reason) {
  messages_.push_back({peer, End{session, {}, reason}});
}

void ScanFeed::Advance(Instant now) {
  std::erase_if(sessions_, [&](const auto& entry) {
    return now - entry.second.heard >= options_.session_expiry_us;
  });
}

Instant ScanFeed::wake_at() const {
  Instant wake{INT64_MAX};
  for (const auto& [peer, session] : sessions_)
    wake = std::min(wake, session.heard + options_.session_expiry_us);
  return wake;
}

}  // namespace everwrite::replicator
