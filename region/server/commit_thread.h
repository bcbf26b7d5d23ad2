// CommitThread: the thread that drives the committer, so that no event loop ever waits for the disk
// of a write. It sleeps while nothing waits, and takes everything that waits when it wakes: while
// it syncs one batch, the next one gathers.
//
// Left at that, a number of clients that each write again when they are answered fall into two
// halves: one waits while the other is synced, and each write costs half a turn of its own and
// waits for two. So when a durable turn has ended the thread gives those that it answered time to
// come back: until as many wait as were under way, or the time of two turns is over. A lone client
// is expected alone and waits for nobody. (Linux' journal does the same: max_batch_time.)
//
// Thread-safety: Wake from any thread, the rest from the owner.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "region/table/committer.h"

namespace everwrite::server {

class CommitThread {
 public:
  CommitThread() = default;
  ~CommitThread() { Stop(); }

  // What the committer's `wake` calls; may come before Start.
  void Wake();
  // `sync_interval_ms` > 0 (relaxed durability): syncs the log that often. `on_failure` is called
  // once, on this thread, when committing has ended for good.
  void Start(table::Committer& committer, int sync_interval_ms,
             std::function<void(const Status&)> on_failure);
  // Commits what waits, syncs and ends.
  void Stop();

 private:
  void Run();
  void CommitAll();
  void Gather(std::chrono::steady_clock::time_point until);

  table::Committer* committer_ = nullptr;
  int sync_interval_ms_ = 0;
  std::function<void(const Status&)> on_failure_;
  std::mutex mutex_;
  std::condition_variable ready_;
  bool woken_ = false;     // guarded by mutex_
  bool asleep_ = false;    // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace everwrite::server
