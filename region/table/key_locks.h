// KeyLocks: one writer an item at a time, without a thread that waits.
//
// A lock is held from the read that a write decides on until the write is durable, so that the next
// decision sees it. Locks are a fixed array of stripes, chosen by the key's hash: no allocation, no
// growth; two keys of one stripe only wait for each other needlessly, once in thousands of writes.
// Whoever finds a stripe taken leaves a continuation and goes; unlocking hands the stripe over to
// the first in the queue and posts its continuation to its executor. First come, first served.
//
// Several stripes are locked in rising order, which is what makes deadlock impossible.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/executor.h"

namespace everwrite::table {

class KeyLocks {
 public:
  using Stripe = uint32_t;
  static constexpr Stripe kStripes = 1 << 16;

  KeyLocks();
  KeyLocks(const KeyLocks&) = delete;
  KeyLocks& operator=(const KeyLocks&) = delete;

  // The stripe of an items key.
  static Stripe StripeOf(std::string_view store_key);

  // True: the caller holds the stripe now.
  bool TryLock(Stripe stripe);
  // True: the caller holds the stripe now, and `granted` is dropped. False: `granted` runs on
  // `executor` once the caller holds it.
  bool Lock(Stripe stripe, Executor& executor, std::function<void()> granted);
  void Unlock(Stripe stripe);

  // The same for several, given sorted and without repeats. The vector must live until granted.
  void LockAll(const std::vector<Stripe>& stripes, Executor& executor,
               std::function<void()> granted);
  void UnlockAll(const std::vector<Stripe>& stripes);

 private:
  struct Waiter {
    Executor* executor;
    std::function<void()> granted;
  };
  struct Slot {
    bool held = false;
    std::unique_ptr<std::deque<Waiter>>
        queue;  // made when somebody first waits, gone with the last
  };
  static constexpr size_t kMutexes = 64;
  std::mutex& MutexOf(Stripe stripe) { return mutexes_[stripe % kMutexes]; }
  void LockRest(const std::vector<Stripe>& stripes, size_t next, Executor& executor,
                std::function<void()> granted);

  std::unique_ptr<Slot[]> slots_;
  std::mutex mutexes_[kMutexes];
};

}  // namespace everwrite::table
