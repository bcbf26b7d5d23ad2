// One holder a stripe, first come first served, and no deadlock among those who take several.
#include "region/table/key_locks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::ManualExecutor;

TEST(KeyLocks, TheSecondWaitsAndIsCalledInItsTurn) {
  KeyLocks locks;
  ManualExecutor executor;
  std::string order;
  EXPECT_TRUE(locks.Lock(7, executor, [] {}));
  EXPECT_FALSE(locks.Lock(7, executor, [&] { order += "b"; }));
  EXPECT_FALSE(locks.Lock(7, executor, [&] { order += "c"; }));
  EXPECT_TRUE(locks.Lock(8, executor, [] {})) << "another stripe is free";
  locks.Unlock(7);
  while (executor.RunOne()) {
  }
  EXPECT_EQ(order, "b") << "c waits until b unlocks";
  locks.Unlock(7);
  while (executor.RunOne()) {
  }
  EXPECT_EQ(order, "bc");
  locks.Unlock(7);
  EXPECT_TRUE(locks.Lock(7, executor, [] {}));
}

// Other regions' changes: one after the other, each behind one of those that wait longer.
TEST(KeyLocks, WhoMayBeSecondTakesTurnsWithThoseWhoWait) {
  KeyLocks locks;
  ManualExecutor executor;
  std::string order;
  const auto wait = [&](char name, KeyLocks::Turn turn = KeyLocks::Turn::kLast) {
    EXPECT_FALSE(locks.Lock(
        7, executor, [&order, name] { order += name; }, turn));
  };
  const auto unlock = [&] {
    locks.Unlock(7);
    while (executor.RunOne()) {
    }
  };
  ASSERT_TRUE(locks.TryLock(7));
  for (const char name : {'a', 'b', 'c', 'd'}) wait(name);
  wait('1', KeyLocks::Turn::kSecond);
  wait('2', KeyLocks::Turn::kSecond);
  unlock();
  unlock();
  EXPECT_EQ(order, "a1");
  unlock();
  EXPECT_EQ(order, "a12") << "in their order";
  wait('3', KeyLocks::Turn::kSecond);
  for (int i = 0; i < 4; ++i) unlock();
  EXPECT_EQ(order, "a12b3cd");
  unlock();
  EXPECT_TRUE(locks.TryLock(7));
}

TEST(KeyLocks, AnyMixOfOverlappingSetsEndsWithEverybodyServedOnceAndAlone) {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    KeyLocks locks;
    ManualExecutor executor;
    std::multiset<KeyLocks::Stripe> held;
    std::vector<std::vector<KeyLocks::Stripe>> sets(20);
    int served = 0;
    for (auto& set : sets) {
      for (int i = 0; i < 4; ++i) set.push_back(static_cast<KeyLocks::Stripe>(random.Below(6)));
      std::sort(set.begin(), set.end());
      set.erase(std::unique(set.begin(), set.end()), set.end());
    }
    for (auto& set : sets) {
      locks.LockAll(set, executor, [&] {
        ++served;
        for (const auto stripe : set) {
          EXPECT_EQ(held.count(stripe), 0u);
          held.insert(stripe);
        }
        executor.Post([&] {
          for (const auto stripe : set) held.erase(stripe);
          locks.UnlockAll(set);
        });
      });
    }
    while (executor.RunOne()) {
    }
    EXPECT_EQ(served, 20);
    EXPECT_TRUE(held.empty());
  }
}

}  // namespace
}  // namespace everwrite::table
