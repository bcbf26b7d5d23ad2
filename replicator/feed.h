// Feed: the source half. Serves any log that the region beside us holds to any peer that asks, in
// order, as far as the peer's credit goes.
//
//            Open            Open: trimmed, unknown, ahead
//   (none) ───────▶ serving ──────────────────────────────▶ End, (none)
//                    │  ▲
//      credit used or│  │Credit, or new records      8 s without Credit, Close,
//      all sent      ▼  │                             a newer Open, region away
//                   waiting ───────────────────────────────▶ (none)
//
// A change of a table that the receiver does not hold goes as its bare number. One that the
// receiver holds and of which we have no more than that ends the session (End: lacking): another
// source must be found, unless the receiver has said that bare numbers will do.
//
// Fresh records are pushed by the region and kept in a cache, so that the steady state reads
// nothing: one push, one Batch a peer. Who is behind the cache is served by reads, one outstanding
// a session.
//
// Pure: all state in memory, lost with a crash; receivers then open again.
#pragma once

#include <deque>
#include <iterator>
#include <map>
#include <vector>

#include "replicator/messages.h"
#include "replicator/options.h"

namespace everwrite::replicator {

struct Outgoing {
  RegionId to;
  Message message;
};

// What is ready of one part goes behind what others have: mostly there is nothing.
template <typename Ready>
void MoveInto(std::vector<Ready>& from, std::vector<Ready>& to) {
  if (from.empty()) return;
  if (to.empty()) return to.swap(from);
  std::move(from.begin(), from.end(), std::back_inserter(to));
  from.clear();
}

class Feed {
 public:
  explicit Feed(const Options& options) : options_(options) {}

  // The region has said what it holds. A state of another log is a new life: OnRegionDown comes
  // first.
  void OnState(const streams::RegionState& state);
  // All sessions end; their receivers are told.
  void OnRegionDown();
  // Freshly durable records, pushed by the region.
  void OnCommitted(const streams::RecordBatch& batch);
  void OnReadReply(const streams::ReadReply& reply);

  void OnOpen(RegionId peer, const Open& open, Instant now);
  void OnCredit(RegionId peer, const Credit& credit, Instant now);
  void OnClose(RegionId peer, const Close& close);
  void Advance(Instant now);
  Instant wake_at() const;  // the earliest expiry of a session

  // Moves out what is to be done.
  void TakeReady(std::vector<streams::ReadRequest>& reads, std::vector<Outgoing>& messages) {
    MoveInto(reads_, reads);
    MoveInto(messages_, messages);
  }

  // The highest number of `log` that may be given out.
  uint64_t Head(LogId log) const;
  size_t cached_bytes() const { return cached_bytes_; }
  size_t session_count() const { return sessions_.size(); }
  struct Sent {
    uint64_t batches = 0;
    uint64_t bytes = 0;
    uint64_t sessions = 0;
  };
  Sent SentTo(RegionId peer) const;

 private:
  struct Session {
    uint64_t id = 0;
    uint64_t next = 1;     // the number to send next
    int64_t credit = 0;    // below 0 by at most one record
    uint64_t reading = 0;  // id of the outstanding read; 0: none
    bool bare = false;     // bare numbers will do
    bool over = false;     // the receiver has been told; goes with the next call
    Instant heard;
  };
  struct Cache {
    uint64_t first = 1;
    std::deque<std::shared_ptr<const std::string>> records;
    uint64_t end() const { return first + records.size(); }  // past the last
  };
  using Key = std::pair<RegionId, LogId>;

  void Pump(const Key& key, Session& session);
  // Each sends what may be sent, and marks the session when it cannot go on.
  void SendShare(const Key& key, Session& session, streams::RecordBatch batch);
  void SendBatch(const Key& key, Session& session, streams::RecordBatch batch);
  void ForgetEnded();
  bool FromCache(LogId log, const Session& session, streams::RecordBatch& batch) const;
  void SayEnd(RegionId peer, uint64_t session, LogId log, EndReason reason);
  void ShrinkCache(LogId keep);
  // Ends at `first`; the iterator after.
  std::map<Key, Session>::iterator Find(RegionId peer, uint64_t session);

  const Options options_;
  bool serving_ = false;
  // What the region said of its logs last.
  LogId own_log_;
  conflict::Vector durable_;
  std::map<LogId, uint64_t> first_held_;
  std::map<Key, Session> sessions_;
  std::map<LogId, Cache> cache_;
  size_t cached_bytes_ = 0;
  uint64_t next_read_ = 1;
  std::vector<streams::ReadRequest> reads_;
  std::vector<Outgoing> messages_;
  std::map<RegionId, Sent> sent_;
};

}  // namespace everwrite::replicator
