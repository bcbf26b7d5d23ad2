#include "replicator/feed.h"

#include <algorithm>

#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

// A read is as large as credit allows, but one reply stays a small share of the local link's frame.
constexpr size_t kReadBytesMax = 1U << 20;
// Of sessions of one peer; the puller of an honest peer keeps far below.
constexpr size_t kSessionsPerPeerMax = 64;

uint64_t CostOf(const std::string& record) { return record.size() + kRecordOverhead; }

}  // namespace

void Feed::OnState(const streams::RegionState& state) {
  serving_ = true;
  own_log_ = state.log;
  durable_ = state.durable;
  first_held_ = state.first_held;
  for (auto& [key, session] : sessions_) Pump(key, session);
}

void Feed::OnRegionDown() {
  serving_ = false;
  own_log_ = {};
  durable_ = {};
  first_held_.clear();
  cache_.clear();
  cached_bytes_ = 0;
  reads_.clear();
  for (const auto& [key, session] : sessions_)
    SayEnd(key.first, session.id, key.second, EndReason::kUnavailable);
  sessions_.clear();
}

uint64_t Feed::Head(LogId log) const {
  const uint64_t durable = durable_.At(log);
  const auto cached = cache_.find(log);
  return cached == cache_.end() ? durable : std::max(durable, cached->second.end() - 1);
}

void Feed::OnCommitted(const streams::RecordBatch& batch) {
  if (!serving_ || batch.empty()) return;
  if (cache_.size() >= kMaxLogs && cache_.count(batch.log) == 0) return;
  Cache& cache = cache_[batch.log];
  if (cache.records.empty() || batch.first > cache.end()) {
    for (const auto& record : cache.records) cached_bytes_ -= CostOf(*record);
    cache.records.clear();
    cache.first = batch.first;
  }
  for (uint64_t number = batch.first; number <= batch.last(); ++number) {
    if (number < cache.end()) continue;  // pushed twice
    cache.records.push_back(batch.records[number - batch.first]);
    cached_bytes_ += CostOf(*cache.records.back());
  }
  for (auto& [key, session] : sessions_)
    if (key.second == batch.log) Pump(key, session);
  ShrinkCache(batch.log);
}

// Forgets the oldest records of `keep` first, then other logs.
void Feed::ShrinkCache(LogId keep) {
  while (cached_bytes_ > options_.cache_bytes) {
    auto at = cache_.find(keep);
    if (at == cache_.end() || at->second.records.empty()) at = cache_.begin();
    Cache& cache = at->second;
    if (cache.records.empty()) {
      cache_.erase(at);
      continue;
    }
    cached_bytes_ -= CostOf(*cache.records.front());
    cache.records.pop_front();
    ++cache.first;
  }
}

void Feed::OnReadReply(const streams::ReadReply& reply) {
  const auto at = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return reply.id != 0 && entry.second.reading == reply.id;
  });
  if (at == sessions_.end()) return;  // its session has ended meanwhile
  const auto& [key, session] = *at;
  at->second.reading = 0;
  if (reply.trimmed) {
    SayEnd(key.first, session.id, key.second, EndReason::kTrimmed);
    sessions_.erase(at);
    return;
  }
  // An empty reply: not there after all. The next state or push tries again.
  if (reply.batch.empty() || reply.batch.log != key.second || reply.batch.first != session.next)
    return;
  streams::RecordBatch part{reply.batch.log, session.next, {}};
  uint64_t cost = 0;
  for (const auto& record : reply.batch.records) {
    if (!part.empty() && cost + CostOf(*record) > options_.batch_bytes) {
      const uint64_t next = part.last() + 1;
      SendShare(key, at->second, std::move(part));
      part = {reply.batch.log, next, {}};
      cost = 0;
    }
    part.records.push_back(record);
    cost += CostOf(*record);
  }
  SendShare(key, at->second, std::move(part));
  Pump(key, at->second);
}

void Feed::OnOpen(RegionId peer, const Open& open, Instant now) {
  ForgetEnded();
  if (!serving_) return SayEnd(peer, open.session, open.log, EndReason::kUnavailable);
  const uint64_t head = Head(open.log);
  if (head == 0 && open.log != own_log_)
    return SayEnd(peer, open.session, open.log, EndReason::kUnknownLog);
  if (open.after > head) return SayEnd(peer, open.session, open.log, EndReason::kAhead);
  const auto held = first_held_.find(open.log);
  if (held != first_held_.end() && open.after + 1 < held->second)
    return SayEnd(peer, open.session, open.log, EndReason::kTrimmed);
  const Key key(peer, open.log);
  auto at = sessions_.find(key);
  if (at == sessions_.end()) {
    size_t count = 0;
    for (const auto& entry : sessions_) count += entry.first.first == peer ? 1 : 0;
    if (count >= kSessionsPerPeerMax)
      return SayEnd(peer, open.session, open.log, EndReason::kUnavailable);
    at = sessions_.emplace(key, Session()).first;
  } else if (at->second.id >> 32 == open.session >> 32 && at->second.id >= open.session) {
    return;  // an old Open, delayed, or the same again
  }
  Session& session = at->second;
  session = {};
  session.id = open.session;
  session.next = open.after + 1;
  session.bare = open.bare;
  session.credit = static_cast<int64_t>(std::min<uint64_t>(open.credit, options_.credit_bytes));
  session.heard = now;
  ++sent_[peer].sessions;
  messages_.push_back({peer, Opened{open.session, open.log}});
  Pump(key, session);
}

std::map<Feed::Key, Feed::Session>::iterator Feed::Find(RegionId peer, uint64_t session) {
  return std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.first.first == peer && entry.second.id == session;
  });
}

void Feed::OnCredit(RegionId peer, const Credit& credit, Instant now) {
  ForgetEnded();
  const auto at = Find(peer, credit.session);
  if (at == sessions_.end())
    return SayEnd(peer, credit.session, {},
                  serving_ ? EndReason::kUnknownSession : EndReason::kUnavailable);
  Session& session = at->second;
  session.heard = now;
  // A peer cannot make us owe it more than the bound, however much it grants.
  const auto bytes = static_cast<int64_t>(std::min<uint64_t>(credit.bytes, options_.credit_bytes));
  session.credit =
      std::min<int64_t>(session.credit + bytes, static_cast<int64_t>(options_.credit_bytes));
  Pump(at->first, session);
}

void Feed::OnClose(RegionId peer, const Close& close) {
  const auto at = Find(peer, close.session);
  if (at != sessions_.end()) sessions_.erase(at);
}

void Feed::Advance(Instant now) {
  std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.over || now - entry.second.heard >= options_.session_expiry_us;
  });
}

Instant Feed::wake_at() const {
  Instant wake{INT64_MAX};
  for (const auto& [key, session] : sessions_)
    wake = std::min(wake, session.heard + options_.session_expiry_us);
  return wake;
}

bool Feed::FromCache(LogId log, const Session& session, streams::RecordBatch& batch) const {
  const auto at = cache_.find(log);
  if (at == cache_.end()) return false;
  const Cache& cache = at->second;
  if (session.next < cache.first || session.next >= cache.end()) return false;
  batch = {log, session.next, {}};
  const uint64_t bound =
      std::min<uint64_t>(options_.batch_bytes, static_cast<uint64_t>(session.credit));
  uint64_t cost = 0;
  for (size_t i = session.next - cache.first; i < cache.records.size(); ++i) {
    cost += CostOf(*cache.records[i]);
    if (!batch.empty() && cost > bound) break;
    batch.records.push_back(cache.records[i]);
  }
  return true;
}

void Feed::Pump(const Key& key, Session& session) {
  const LogId log = key.second;
  while (serving_ && !session.over && session.credit > 0 && session.reading == 0 &&
         session.next <= Head(log)) {
    streams::RecordBatch batch;
    if (FromCache(log, session, batch)) {
      SendShare(key, session, std::move(batch));
      continue;
    }
    session.reading = next_read_++;
    const auto credit = static_cast<size_t>(session.credit);
    reads_.push_back({session.reading, log, session.next - 1, std::min(credit, kReadBytesMax)});
  }
}

void Feed::ForgetEnded() {
  std::erase_if(sessions_, [](const auto& entry) { return entry.second.over; });
}

void Feed::SendShare(const Key& key, Session& session, streams::RecordBatch batch) {
  if (session.over) return;
  for (size_t i = 0; i < batch.records.size(); ++i) {
    const streams::Share share = streams::ShareOf(*batch.records[i], key.first);
    if (share == streams::Share::kBare)
      batch.records[i] =
          std::make_shared<const std::string>(streams::BareRecord(*batch.records[i]));
    if (share != streams::Share::kLacking || session.bare) continue;
    batch.records.resize(i);
    if (i > 0) SendBatch(key, session, std::move(batch));
    SayEnd(key.first, session.id, key.second, EndReason::kLacking);
    session.over = true;
    return;
  }
  SendBatch(key, session, std::move(batch));
}

void Feed::SendBatch(const Key& key, Session& session, streams::RecordBatch batch) {
  const uint64_t cost = BatchCost(batch);
  session.credit -= static_cast<int64_t>(cost);
  session.next = batch.last() + 1;
  Sent& sent = sent_[key.first];
  ++sent.batches;
  sent.bytes += batch.bytes();
  messages_.push_back({key.first, Batch{session.id, std::move(batch)}});
}

void Feed::SayEnd(RegionId peer, uint64_t session, LogId log, EndReason reason) {
  messages_.push_back({peer, End{session, log, reason}});
}

Feed::Sent Feed::SentTo(RegionId peer) const {
  const auto at = sent_.find(peer);
  return at == sent_.end() ? Sent() : at->second;
}

}  // namespace everwrite::replicator
