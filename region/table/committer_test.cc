#include "region/table/committer.h"

#include <gtest/gtest.h>

#include "base/memory_kv_store.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::FunctionWrite;
using testing::ManualClock;

// Counts what is posted to it, and runs it when told.
class CountingExecutor : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
  std::vector<std::function<void()>> tasks;
};

class OneKey : public CommitUnit {
 public:
  explicit OneKey(int* finished) : finished_(finished) {}
  Status AddTo(CommitTurn& turn) override {
    turn.batch().Put(ColumnFamily::kItems, "key", "value");
    return {};
  }
  void Finished(const Status& status, Completions&) override { *finished_ += status.ok() ? 1 : 0; }

 private:
  int* const finished_;
};

struct World {
  MemoryKvStore store;
  ManualClock clock;
  int wakes = 0;
  int finished = 0;
  Committer committer{
      store, clock, RegionState{LogId::Make(RegionId{1}, 7), {}, {}, 0}, {}, [this] { ++wakes; }};
  void Submit() { committer.Submit(std::make_unique<OneKey>(&finished)); }
};

TEST(Committer, WakesItsDriverForTheFirstThatWaitsAlone) {
  World world;
  world.Submit();
  world.Submit();
  EXPECT_EQ(world.wakes, 1);
  ASSERT_TRUE(world.committer.BeginTurn());
  world.Submit();
  EXPECT_EQ(world.wakes, 2) << "the queue was empty again";
  world.committer.EndTurn();
  EXPECT_EQ(world.finished, 2);
  EXPECT_EQ(world.committer.concurrency(), 3u) << "two written, one waiting";
}

TEST(Committer, AskedForMoreItWakesAtThatManyAndAtTheFirstAgainAfterTheNextTurn) {
  World world;
  ASSERT_TRUE(world.committer.WakeAt(3));
  world.Submit();
  world.Submit();
  EXPECT_EQ(world.wakes, 0);
  EXPECT_FALSE(world.committer.WakeAt(2)) << "so many wait already";
  world.Submit();
  EXPECT_EQ(world.wakes, 1);
  ASSERT_TRUE(world.committer.BeginTurn());
  world.committer.EndTurn();
  EXPECT_EQ(world.finished, 3);
  world.Submit();
  EXPECT_EQ(world.wakes, 2);
}

TEST(Committer, ATurnThatFindsNothingForgetsWhatItWasAskedFor) {
  World world;
  ASSERT_TRUE(world.committer.WakeAt(16));
  EXPECT_FALSE(world.committer.BeginTurn());
  world.Submit();
  EXPECT_EQ(world.wakes, 1) << "a lone write after a busy time must not wait for others";
}

TEST(Completions, WakeEachExecutorOnceAndKeepTheOrder) {
  CountingExecutor a, b;
  std::string done;
  const auto write = [&done](char name) {
    return std::make_unique<FunctionWrite>(
        nullptr, "key", [](auto) -> Result<Mutation> { return Mutation{}; },
        [&done, name](const Status& status, const WriteOperation&) {
          done += name;
          done += status.ok() ? '+' : '-';
        });
  };
  Completions completions;
  completions.Done(a, write('1'), {});
  completions.Done(b, write('2'), {});
  completions.Done(a, write('3'), NotFound("gone"));
  EXPECT_TRUE(a.tasks.empty() && b.tasks.empty()) << "nothing goes out before the flush";
  completions.Flush();
  ASSERT_EQ(a.tasks.size(), 1u);
  ASSERT_EQ(b.tasks.size(), 1u);
  a.tasks[0]();
  EXPECT_EQ(done, "1+3-");
  b.tasks[0]();
  EXPECT_EQ(done, "1+3-2+");
}

}  // namespace
}  // namespace everwrite::table
