// Gate: holds a change until everything that its maker had is here, and a transaction until all of
// it is.
//
//   Push (contiguous)          context covered, transaction whole        reply
//   ──────────────────▶ held ──────────────────────────────────▶ applying ─────▶ applied
//                        ▲                                          │ error
//                        └────────── after a while ─────────────────┘
//
// A context is covered by what is applied or was handed to apply before: the region applies in the
// order of the requests. Records stay here until the region has answered, so an error costs no
// transfer. A log whose apply fails (a full disk) waits alone; logs that do
// not depend on it go on. So waits a log whose next change is stamped too far ahead of our clock:
// applied, its stamp would pull ours along, and win over everything until then; it is not dropped
// either, for no region may miss a number. What is under way of a log that has just failed covers
// nothing: otherwise a ring of logs, each sent in the hope of the one before, could fail for ever.
//
// Memory is bounded by the credit that the puller gives: it counts what is here (CreditBytes).
//
// Pure.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "base/flat_map.h"
#include "conflict/vector_clock.h"
#include "replicator/options.h"
#include "streams/region_port.h"

namespace everwrite::replicator {

class Gate {
 public:
  explicit Gate(const Options& options) : options_(options) {}

  // The region was started, or started again: all that is held or under way is forgotten.
  void Reset(const conflict::Vector& applied);
  // The region's vector has moved.
  void OnApplied(const conflict::Vector& applied);
  // Records of one log, the first of them Tail(log) + 1. kInvalidArgument when one is not a change
  // record or not the one that its place says; nothing is taken then.
  Status Push(const streams::RecordBatch& batch);
  // What the reply completed, for lag: the stamps' milliseconds, in order. None after an error.
  struct Completed {
    LogId log;
    std::vector<uint64_t> stamps_ms;
    bool failed = false;
  };
  Completed OnReply(const streams::ApplyReply& reply, Instant now);
  // The requests that may go now, in order. `physical_ms`: our region's clock; a change that is
  // stamped further ahead of it than the bound is held until the clock has come so far. 0: not
  // known, nothing is held for that.
  std::vector<streams::ApplyRequest> TakeApplies(Instant now, uint64_t physical_ms);
  Instant wake_at(Instant now) const;  // the earliest retry or release to come
  // The stamp is further ahead of our clock, as of the last TakeApplies, than the bound.
  bool IsAhead(Stamp stamp) const { return OverMicros(stamp) > 0; }
  // How far ahead of our clock the change is stamped for which `origin`'s logs wait; 0: for none.
  int64_t HeldAheadMs(RegionId origin) const;

  // The highest number of `log` that is here, under way or applied.
  uint64_t Tail(LogId log) const;
  // Of every log of which something is here and not applied: its tail.
  conflict::Vector Coming() const;
  // Applied, under way or held: as far as each log has come.
  conflict::Vector Received() const;
  const conflict::Vector& applied() const { return applied_; }
  // What is held of `log`, weighed as BatchCost. An incomplete transaction at the front does not
  // count: it can only leave when the rest has come.
  uint64_t CreditBytes(LogId log) const;
  size_t bytes() const { return bytes_; }
  size_t records() const { return records_; }
  size_t outstanding() const { return flights_.size(); }

 private:
  struct Held {
    std::shared_ptr<const std::string> record;
    std::string_view context;  // into `record`
    Stamp stamp;
    uint64_t transaction = 0;
    bool transaction_end = false;
  };
  struct Log {
    uint64_t first = 1;  // number of held.front()
    std::deque<Held> held;
    uint64_t bytes = 0;
    size_t applying = 0;  // of `held`, from the front, are in requests
    size_t flights = 0;
    bool failing = false;  // waits for the replies of its other flights
    size_t failures = 0;   // in a row
    Instant retry_at;
    std::string covered;   // the context checked last; the next is often the same
    int64_t ahead_ms = 0;  // of our clock, of the stamp that it waits for; 0: for none
    Instant release_at;    // when that will be within the bound
  };
  struct Flight {
    LogId log;
    std::vector<uint64_t> stamps_ms;
  };

  bool Covered(Log& log, const Held& held);
  // How many records from `begin` on may go as one: 0 (wait), 1, or a whole transaction.
  size_t Unit(Log& log, size_t begin);
  // By how much the stamp is over the bound; 0 or less: not. 0 too if our clock is not known.
  int64_t OverMicros(Stamp stamp) const;
  bool MustWait(Log& log, Stamp stamp) const;
  bool TakeOne(LogId id, Log& log, std::vector<streams::ApplyRequest>& applies);
  void Drop(LogId id, Log& log);
  void RollBack(LogId id, Log& log, Instant now);

  const Options options_;
  conflict::Vector applied_;
  conflict::Vector scheduled_;  // applied, and all that is under way
  FlatMap<LogId, Log> logs_;
  std::map<uint64_t, Flight> flights_;
  uint64_t next_id_ = 1;
  Instant now_;  // of the TakeApplies under way
  uint64_t physical_ms_ = 0;
  size_t bytes_ = 0;
  size_t records_ = 0;
};

}  // namespace everwrite::replicator
