#include "region/table/key_locks.h"

#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::table {

KeyLocks::KeyLocks() : slots_(new Slot[kStripes]) {}

KeyLocks::Stripe KeyLocks::StripeOf(std::string_view store_key) {
  return static_cast<Stripe>(Hash64(store_key) % kStripes);
}

bool KeyLocks::TryLock(Stripe stripe) {
  std::lock_guard lock(MutexOf(stripe));
  return !std::exchange(slots_[stripe].held, true);
}

bool KeyLocks::Lock(Stripe stripe, Executor& executor, std::function<void()> granted) {
  std::lock_guard lock(MutexOf(stripe));
  Slot& slot = slots_[stripe];
  if (!slot.held) {
    slot.held = true;
    return true;
  }
  if (!slot.queue) slot.queue = std::make_unique<std::deque<Waiter>>();
  slot.queue->push_back({&executor, std::move(granted)});
  return false;
}

void KeyLocks::Unlock(Stripe stripe) {
  Waiter next;
  {
    std::lock_guard lock(MutexOf(stripe));
    Slot& slot = slots_[stripe];
    CHECK(slot.held, "unlocking a key that is not locked");
    if (!slot.queue) {
      slot.held = false;
      return;
    }
    next = std::move(slot.queue->front());
    slot.queue->pop_front();
    if (slot.queue->empty()) slot.queue.reset();
  }
  next.executor->Post(std::move(next.granted));
}

void KeyLocks::LockAll(const std::vector<Stripe>& stripes, Executor& executor,
                       std::function<void()> granted) {
  LockRest(stripes, 0, executor, std::move(granted));
}

void KeyLocks::LockRest(const std::vector<Stripe>& stripes, size_t next, Executor& executor,
                        std::function<void()> granted) {
  for (; next < stripes.size(); ++next) {
    DCHECK(next == 0 || stripes[next - 1] < stripes[next]);
    if (TryLock(stripes[next])) continue;  // mostly: nobody has to be told later
    const bool held = Lock(stripes[next], executor, [this, &stripes, next, &executor, granted] {
      LockRest(stripes, next + 1, executor, granted);
    });
    if (!held) return;
  }
  granted();
}

void KeyLocks::UnlockAll(const std::vector<Stripe>& stripes) {
  for (const Stripe stripe : stripes) Unlock(stripe);
}

}  // namespace everwrite::table
