#include "region/table/key_locks.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::table {

KeyLocks::KeyLocks() : states_(kStripes, State::kFree) {}

KeyLocks::Stripe KeyLocks::StripeOf(std::string_view store_key) {
  return static_cast<Stripe>(Hash64(store_key) % kStripes);
}

bool KeyLocks::TryLock(Stripe stripe) {
  std::lock_guard lock(ShardOf(stripe).mutex);
  if (states_[stripe] != State::kFree) return false;
  states_[stripe] = State::kHeld;
  return true;
}

bool KeyLocks::Lock(Stripe stripe, Executor& executor, std::function<void()> granted, Turn turn) {
  Shard& shard = ShardOf(stripe);
  std::lock_guard lock(shard.mutex);
  State& state = states_[stripe];
  if (state == State::kFree) {
    state = State::kHeld;
    return true;
  }
  state = State::kAwaited;
  std::deque<Waiter>& queue = shard.queues[stripe];
  auto at = queue.end();
  if (turn == Turn::kSecond && !queue.empty())
    at = std::find_if(queue.begin() + 1, queue.end(),
                      [](const Waiter& waiter) { return waiter.turn == Turn::kLast; });
  queue.insert(at, {&executor, std::move(granted), turn});
  return false;
}

void KeyLocks::Unlock(Stripe stripe) {
  Waiter next;
  {
    Shard& shard = ShardOf(stripe);
    std::lock_guard lock(shard.mutex);
    State& state = states_[stripe];
    CHECK(state != State::kFree, "unlocking a key that is not locked");
    if (state == State::kHeld) {
      state = State::kFree;
      return;
    }
    const auto queue = shard.queues.find(stripe);
    next = std::move(queue->second.front());
    queue->second.pop_front();
    if (queue->second.empty()) {
      shard.queues.erase(queue);
      state = State::kHeld;
    }
  }
  next.executor->Post(std::move(next.granted));
}

void KeyLocks::LockAll(const std::vector<Stripe>& stripes, Executor& executor,
                       std::function<void()> granted, Turn turn) {
  LockRest(stripes, 0, executor, std::move(granted), turn);
}

void KeyLocks::LockRest(const std::vector<Stripe>& stripes, size_t next, Executor& executor,
                        std::function<void()> granted, Turn turn) {
  for (; next < stripes.size(); ++next) {
    DCHECK(next == 0 || stripes[next - 1] < stripes[next]);
    if (TryLock(stripes[next])) continue;  // mostly: nobody has to be told later
    const auto rest = [this, &stripes, next, &executor, granted, turn] {
      LockRest(stripes, next + 1, executor, granted, turn);
    };
    const bool held = Lock(stripes[next], executor, rest, turn);
    if (!held) return;
  }
  granted();
}

void KeyLocks::UnlockAll(const std::vector<Stripe>& stripes) {
  for (const Stripe stripe : stripes) Unlock(stripe);
}

}  // namespace everwrite::table
