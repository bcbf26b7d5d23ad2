#include "region/session/session_gate.h"

#include <optional>
#include <thread>

#include <gtest/gtest.h>

namespace everwrite::session {
namespace {

using conflict::Vector;

constexpr int64_t kSecond = kMicrosPerSecond;

class TestClock : public Clock {
 public:
  Instant Now() const override { return now; }
  uint64_t PhysicalMillis() const override { return 0; }
  Instant now{0};
};

class TestExecutor : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
  void Run() {
    std::vector<std::function<void()>> ready;
    ready.swap(tasks);
    for (auto& task : ready) task();
  }
  std::vector<std::function<void()>> tasks;
};

Vector At(uint64_t number) {
  Vector vector;
  vector.Set(LogId::Make(RegionId{1}, 5), number);
  return vector;
}

class SessionGateTest : public ::testing::Test {
 protected:
  SessionGateTest() {
    gate_.SetWake([this] { ++wakes_; });
  }
  void Commit(uint64_t number) {
    applied_ = At(number);
    ++epoch_;
    gate_.OnApplied(applied_);
  }
  // What became of it: nothing yet, reached, not reached.
  struct Outcome {
    std::optional<bool> reached;
  };
  std::shared_ptr<Outcome> Wait(uint64_t number, int64_t wait_us = kSecond) {
    auto outcome = std::make_shared<Outcome>();
    gate_.Wait(At(number), wait_us, executor_, [outcome](bool reached) {
      EXPECT_FALSE(outcome->reached) << "ended twice";
      outcome->reached = reached;
    });
    executor_.Run();
    return outcome;
  }

  TestClock clock_;
  TestExecutor executor_;
  Vector applied_ = At(10);
  uint64_t epoch_ = 1;
  int wakes_ = 0;
  SessionGate gate_{
      SessionTokens("shop", ""),
      {[this] { return epoch_; }, [this] { return applied_; }},
      clock_,
      {.waiting_max = 3, .name_of = [](RegionId id) { return "r" + std::to_string(id.value); }}};
};

TEST_F(SessionGateTest, TheTokenIsOfWhatIsAppliedNow) {
  const std::string before(gate_.Token());
  EXPECT_EQ(*gate_.Parse(before), At(10));
  EXPECT_EQ(gate_.Token(), before);
  Commit(11);
  EXPECT_EQ(*gate_.Parse(gate_.Token()), At(11));
}

TEST_F(SessionGateTest, WhatComesInTimeIsReachedAtOnce) {
  const auto eleven = Wait(11), twelve = Wait(12);
  EXPECT_EQ(gate_.waiting(), 2u);
  Commit(11);
  executor_.Run();
  EXPECT_EQ(eleven->reached, true);
  EXPECT_EQ(twelve->reached, std::nullopt);
  Commit(12);
  executor_.Run();
  EXPECT_EQ(twelve->reached, true);
  EXPECT_EQ(gate_.waiting(), 0u);
  EXPECT_EQ(gate_.timeouts(), 0u);
}

TEST_F(SessionGateTest, WhatIsAppliedAlreadyDoesNotWait) { EXPECT_EQ(Wait(10)->reached, true); }

TEST_F(SessionGateTest, EachEndsAtItsOwnDeadline) {
  const auto late = Wait(11, 2 * kSecond), soon = Wait(11, kSecond);
  EXPECT_EQ(wakes_, 2);  // the second is earlier
  clock_.now = Instant{kSecond - 1};
  EXPECT_EQ(gate_.Expire(clock_.now), Instant{kSecond});
  EXPECT_EQ(soon->reached, std::nullopt);
  clock_.now = Instant{kSecond};
  EXPECT_EQ(gate_.Expire(clock_.now), Instant{2 * kSecond});
  executor_.Run();
  EXPECT_EQ(soon->reached, false);
  EXPECT_EQ(late->reached, std::nullopt);
  EXPECT_EQ(gate_.Expire(Instant{9 * kSecond}), Instant{INT64_MAX});
  executor_.Run();
  EXPECT_EQ(late->reached, false);
  EXPECT_EQ(gate_.timeouts(), 2u);
  wakes_ = 0;
  Wait(11);
  EXPECT_EQ(wakes_, 1);  // whoever sleeps for ever must hear of it
}

TEST_F(SessionGateTest, NoWaitAndNoRoomAreRefusedAtOnce) {
  EXPECT_EQ(Wait(11, 0)->reached, false);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Wait(11)->reached, std::nullopt);
  EXPECT_EQ(Wait(11)->reached, false);
  EXPECT_EQ(Wait(10)->reached, true);
  EXPECT_EQ(gate_.waiting(), 3u);
}

TEST_F(SessionGateTest, SaysWhatIsMissingAndWhere) {
  Vector wanted = At(12);
  wanted.Set(LogId::Make(RegionId{2}, 1), 3);
  wanted.Set(LogId::Make(RegionId{2}, 2), 4);
  wanted.Set(LogId::Make(RegionId{3}, 2), 1);
  EXPECT_EQ(gate_.Missing(wanted), "2 changes of r1, 7 changes of r2, 1 change of r3");
  EXPECT_EQ(gate_.Missing(At(10)), "");
}

TEST_F(SessionGateTest, TheRequestMaySayHowLongItWaits) {
  EXPECT_EQ(*gate_.ParseWait(""), kSecond);
  EXPECT_EQ(*gate_.ParseWait("0"), 0);
  EXPECT_EQ(*gate_.ParseWait("250"), 250'000);
  EXPECT_EQ(*gate_.ParseWait("30000"), 30 * kSecond);
  for (const char* bad : {"-1", "30001", "1s", " 1", "1.5", "99999999999999999999"})
    EXPECT_FALSE(gate_.ParseWait(bad).ok()) << bad;
}

// A commit between the look at the vector and the wait must not be missed.
TEST(SessionGate, NoWakeUpIsLost) {
  TestClock clock;
  std::mutex mutex;
  Vector applied;
  uint64_t number = 0;
  const AppliedSource source{[&] {
                               std::lock_guard lock(mutex);
                               return number;
                             },
                             [&] {
                               std::lock_guard lock(mutex);
                               return applied;
                             }};
  SessionGate gate(SessionTokens("shop", ""), source, clock, {});
  class CountingExecutor : public Executor {
   public:
    void Post(std::function<void()>) override { ++count; }
    std::atomic<int> count{0};
  } executor;
  constexpr uint64_t kChanges = 20000;
  std::thread committer([&] {
    for (uint64_t i = 1; i <= kChanges; ++i) {
      {
        std::lock_guard lock(mutex);
        number = i;
        applied = At(i);
      }
      gate.OnApplied(At(i));
    }
  });
  for (uint64_t i = 1; i <= kChanges; ++i) gate.Wait(At(i), kSecond, executor, [](bool) {});
  committer.join();
  EXPECT_EQ(executor.count, static_cast<int>(kChanges));
  EXPECT_EQ(gate.waiting(), 0u);
}

}  // namespace
}  // namespace everwrite::session
