#include "region/server/commit_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/named_thread.h"

namespace everwrite::server {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Clients come back when their answers have gone through the loops and the network: with a
// processor shared by both that is longer than the sync itself. Who is not back after two turns'
// time is not coming.
constexpr int kGatherTurns = 2;
constexpr std::chrono::microseconds kGatherMax(2000);

}  // namespace

void CommitThread::Wake() {
  bool notify = false;
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
    notify = asleep_;
  }
  if (notify) ready_.notify_one();
}

void CommitThread::Start(table::Committer& committer, int sync_interval_ms,
                         std::function<void(const Status&)> on_failure) {
  committer_ = &committer;
  sync_interval_ms_ = sync_interval_ms;
  on_failure_ = std::move(on_failure);
  thread_ = NamedThread("commit", [this] { Run(); });
}

void CommitThread::Stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void CommitThread::CommitAll() {
  while (committer_->BeginTurn()) {
    const auto begin = SteadyClock::now();
    committer_->EndTurn();
    if (sync_interval_ms_ > 0) continue;  // relaxed: there is no sync to share
    const auto end = SteadyClock::now();
    Gather(end + std::min<SteadyClock::duration>((end - begin) * kGatherTurns, kGatherMax));
  }
}

void CommitThread::Gather(SteadyClock::time_point until) {
  std::unique_lock lock(mutex_);
  woken_ = false;  // for what waits now, which WakeAt sees
  if (stopping_ || !committer_->WakeAt(committer_->concurrency())) return;
  asleep_ = true;
  ready_.wait_until(lock, until, [this] { return woken_ || stopping_; });
  asleep_ = false;
}

void CommitThread::Run() {
  const auto interval = std::chrono::milliseconds(sync_interval_ms_);
  auto next_sync = SteadyClock::now() + interval;
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      const auto due = [this] { return woken_ || stopping_; };
      asleep_ = true;
      if (sync_interval_ms_ > 0) {
        ready_.wait_until(lock, next_sync, due);
      } else {
        ready_.wait(lock, due);
      }
      asleep_ = false;
      woken_ = false;
      stopping = stopping_;
    }
    CommitAll();
    if (sync_interval_ms_ > 0 && (stopping || SteadyClock::now() >= next_sync)) {
      (void)committer_->SyncLog();  // a failure shows in health()
      next_sync = SteadyClock::now() + interval;
    }
    if (const Status health = committer_->health(); !health.ok() && on_failure_)
      std::exchange(on_failure_, nullptr)(health);
  }
}

}  // namespace everwrite::server
