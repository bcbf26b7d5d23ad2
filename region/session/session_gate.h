// SessionGate: where requests with a session token wait until the region has caught up with it.
//
// A request that is covered already, which is the rule, costs a decoding and a comparison. Another
// one waits in a list that is looked at when the vector moves, until its deadline; the list is
// bounded, what comes above is refused at once. The gate also hands out the token of now: made once
// for each state of the region and thread, not once an answer.
//
// Pure: who drives it tells it of commits (OnApplied) and of time (Expire).
//
// Thread-safety: all methods from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/executor.h"
#include "base/planted.h"
#include "base/result.h"
#include "conflict/vector_clock.h"
#include "region/session/session_token.h"

namespace everwrite::session {

// What the gate asks the engine; both from any thread.
struct AppliedSource {
  // Changes whenever the vector may have moved, after it has. Cheap: asked for every answer.
  std::function<uint64_t()> epoch;
  std::function<conflict::Vector()> applied;
};

struct SessionGateOptions {
  int64_t wait_us = 1'000'000;       // of a request that asks for nothing else
  int64_t wait_us_max = 30'000'000;  // that a request may ask for
  size_t waiting_max = 10'000;
  // A region's name, for messages; without it, its number.
  std::function<std::string(RegionId)> name_of = {};
};

class SessionGate {
 public:
  using Done = std::function<void(bool reached)>;

  SessionGate(SessionTokens tokens, AppliedSource source, const Clock& clock,
              SessionGateOptions options);

  // The token of all that is applied now; the view is good until the next call on this thread.
  std::string_view Token() const;

  // Of the x-everwrite-session and x-everwrite-session-wait (milliseconds) headers of a request.
  Result<conflict::Vector> Parse(std::string_view header) const {
    return tokens_.DecodeAll(header);
  }
  Result<int64_t> ParseWait(std::string_view header) const;

  bool IsReached(const conflict::Vector& wanted) const {
    return Planted(PlantedBug::kSessionNotAwaited) || source_.applied().Covers(wanted);
  }
  // Calls `done`, on `executor` and once: true when all of `wanted` is applied, false when that has
  // not come within `wait_us`.
  void Wait(conflict::Vector wanted, int64_t wait_us, Executor& executor, Done done);
  // For the message: how far the region is behind: "12 changes of us-east-1"; empty: not any more.
  std::string Missing(const conflict::Vector& wanted) const;

  // The vector has moved.
  void OnApplied(const conflict::Vector& applied);
  // Ends the waits whose time is over. The next deadline; Instant{INT64_MAX} when nobody waits.
  Instant Expire(Instant now);
  // `wake` is called when a deadline appears that is earlier than what Expire said last.
  void SetWake(std::function<void()> wake);

  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // Ever: waits begun, and ended by their deadline or refused.
  uint64_t waits() const { return waits_.load(std::memory_order_relaxed); }
  uint64_t timeouts() const { return timeouts_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    conflict::Vector wanted;
    Instant deadline;
    Executor* executor;
    Done done;
  };
  using Waiters = std::list<Waiter>;

  static void Finish(Waiters& ended, bool reached);

  const SessionTokens tokens_;
  const AppliedSource source_;
  const Clock& clock_;
  const SessionGateOptions options_;
  const uint64_t id_;  // tells gates apart in a thread's cache
  std::atomic<size_t> waiting_{0};
  std::atomic<uint64_t> waits_{0};
  std::atomic<uint64_t> timeouts_{0};
  std::mutex mutex_;
  Waiters waiters_;             // guarded by mutex_
  Instant told_{INT64_MAX};     // the next deadline as Expire said it; guarded by mutex_
  std::function<void()> wake_;  // guarded by mutex_
};

}  // namespace everwrite::session
