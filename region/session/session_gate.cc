#include "region/session/session_gate.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/mark.h"

namespace everwrite::session {
namespace {

std::atomic<uint64_t> next_gate_id{1};

}  // namespace

SessionGate::SessionGate(SessionTokens tokens, AppliedSource source, const Clock& clock,
                         SessionGateOptions options)
    : tokens_(std::move(tokens)),
      source_(std::move(source)),
      clock_(clock),
      options_(options),
      id_(next_gate_id.fetch_add(1)) {}

std::string_view SessionGate::Token() const {
  struct Cached {
    uint64_t gate = 0;
    uint64_t epoch = 0;
    std::string token;
  };
  thread_local Cached cached;
  // The epoch first: a vector that moves in between makes a token that says more than its epoch.
  const uint64_t epoch = source_.epoch();
  if (cached.gate != id_ || (cached.epoch != epoch && !Planted(PlantedBug::kSessionTokenOld))) {
    cached.token = tokens_.Encode(source_.applied());
    cached.gate = id_;
    cached.epoch = epoch;
  }
  return cached.token;
}

Result<int64_t> SessionGate::ParseWait(std::string_view header) const {
  if (header.empty()) return options_.wait_us;
  int64_t ms = -1;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), ms);
  const int64_t ms_max = options_.wait_us_max / kMicrosPerMilli;
  if (error != std::errc() || end != header.data() + header.size() || ms < 0 || ms > ms_max)
    return InvalidArgument("x-everwrite-session-wait: a whole number of milliseconds from 0 to " +
                           std::to_string(ms_max) + " is expected");
  return ms * kMicrosPerMilli;
}

void SessionGate::Wait(conflict::Vector wanted, int64_t wait_us, Executor& executor, Done done) {
  waits_.fetch_add(1, std::memory_order_relaxed);
  Reach(Mark::kSessionWaited);
  const Instant deadline = clock_.Now() + wait_us;
  Waiters ended;
  bool reached = false;
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    waiters_.push_back({std::move(wanted), deadline, &executor, std::move(done)});
    const auto self = std::prev(waiters_.end());
    waiting_.store(waiters_.size());
    // Only now: a commit that came before we were in the list is seen here, a later one sees us.
    reached = IsReached(self->wanted);
    if (reached || wait_us == 0 || waiters_.size() > options_.waiting_max) {
      ended.splice(ended.begin(), waiters_, self);
      waiting_.store(waiters_.size());
    } else if (deadline < told_) {
      told_ = deadline;
      wake = wake_;
    }
  }
  if (!ended.empty() && !reached) {
    timeouts_.fetch_add(1, std::memory_order_relaxed);
    Reach(Mark::kSessionTooLate);
  }
  Finish(ended, reached);
  if (wake) wake();
}

std::string SessionGate::Missing(const conflict::Vector& wanted) const {
  const conflict::Vector applied = source_.applied();
  std::map<RegionId, uint64_t> missing;
  for (const Dot& dot : wanted.entries()) {
    const uint64_t have = applied.At(dot.log);
    if (have < dot.number) missing[dot.log.region()] += dot.number - have;
  }
  std::string text;
  for (const auto& [region, changes] : missing) {
    if (!text.empty()) text += ", ";
    text += std::to_string(changes) + (changes == 1 ? " change of " : " changes of ") +
            (options_.name_of ? options_.name_of(region) : std::to_string(region.value));
  }
  return text;
}

void SessionGate::OnApplied(const conflict::Vector& applied) {
  if (waiting_.load() == 0) return;
  Waiters ended;
  {
    std::lock_guard lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto next = std::next(waiter);
      if (applied.Covers(waiter->wanted)) ended.splice(ended.end(), waiters_, waiter);
      waiter = next;
    }
    waiting_.store(waiters_.size());
  }
  Finish(ended, true);
}

Instant SessionGate::Expire(Instant now) {
  Waiters ended;
  Instant next{INT64_MAX};
  {
    std::lock_guard lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto behind = std::next(waiter);
      if (waiter->deadline <= now) {
        ended.splice(ended.end(), waiters_, waiter);
      } else {
        next = std::min(next, waiter->deadline);
      }
      waiter = behind;
    }
    waiting_.store(waiters_.size());
    told_ = next;
  }
  timeouts_.fetch_add(ended.size(), std::memory_order_relaxed);
  if (!ended.empty()) Reach(Mark::kSessionTooLate);
  Finish(ended, false);
  return next;
}

void SessionGate::SetWake(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void SessionGate::Finish(Waiters& ended, bool reached) {
  for (Waiter& waiter : ended)
    waiter.executor->Post([done = std::move(waiter.done), reached] { done(reached); });
}

}  // namespace everwrite::session
