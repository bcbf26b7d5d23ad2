// KeyLocks: one writer an item at a time, without a thread that waits.
//
// A lock is held from the read that a write decides on until the write is durable, so that the next
// decision sees it. Locks are a fixed array of stripes, chosen by the key's hash: no allocation, no
// growth; two keys of one stripe only wait for each other needlessly, once in thousands of writes.
// Whoever finds a stripe taken leaves a continuation and goes; unlocking hands the stripe over to
// the first in the queue and posts its continuation to its executor. First come, first served; but
// other regions' changes, which come in batches one after the other, fillings that those wait for,
// and backfills, which hold the locks of other rows, wait for one only that came before: else a hot
// item that clients queue for would hold up all that other regions write, longer and longer
// (docs/decisions/0004).
//
// Several stripes are locked in rising order, which is what makes deadlock impossible.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <unordered_map>
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
  // Behind all that wait, or behind the first of them.
  enum class Turn : uint8_t { kLast, kSecond };
  // True: the caller holds the stripe now, and `granted` is dropped. False: `granted` runs on
  // `executor` once the caller holds it.
  bool Lock(Stripe stripe, Executor& executor, std::function<void()> granted,
            Turn turn = Turn::kLast);
  void Unlock(Stripe stripe);

  // The same for several, given sorted and without repeats. The vector must live until granted.
  void LockAll(const std::vector<Stripe>& stripes, Executor& executor,
               std::function<void()> granted, Turn turn = Turn::kLast);
  void UnlockAll(const std::vector<Stripe>& stripes);

 private:
  struct Waiter {
    Executor* executor;
    std::function<void()> granted;
    Turn turn;
  };
  enum class State : uint8_t { kFree, kHeld, kAwaited };
  struct Shard {
    std::mutex mutex;
    // Of the stripes that are awaited: guarded by `mutex`, as are the states of all of its stripes.
    std::unordered_map<Stripe, std::deque<Waiter>> queues;
  };
  static constexpr size_t kShards = 64;
  Shard& ShardOf(Stripe stripe) { return shards_[stripe % kShards]; }
  void LockRest(const std::vector<Stripe>& stripes, size_t next, Executor& executor,
                std::function<void()> granted, Turn turn);

  std::vector<State> states_;  // by stripe
  std::array<Shard, kShards> shards_;
};

}  // namespace everwrite::table
