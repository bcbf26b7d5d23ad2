// What became of a write, as every region tells it.
#include "region/table/write_fate.h"

#include <gtest/gtest.h>

#include "region/table/layout.h"
#include "region/table/testing/test_region.h"
#include "streams/change_log.h"

namespace everwrite::table {
namespace {

using testing::TestRegion;
using State = WriteFate::State;

class WriteFateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    a_.CreateTable("t");
    ASSERT_TRUE(b_.PullFrom(a_).ok());
  }

  // The receipt of a put (empty value: a deletion) that is done here.
  static conflict::Version Write(TestRegion& region, std::string pk, std::string value) {
    conflict::Version written;
    region.engine->Write(
        std::make_unique<testing::FunctionWrite>(
            region.engine->FindTable("t"), testing::TestKey(pk),
            [=](std::optional<std::string_view>) -> Result<Mutation> {
              if (value.empty())
                return Mutation{Mutation::Kind::kDelete, testing::TestItem(pk, "")};
              return Mutation{Mutation::Kind::kPut, testing::TestItem(pk, value)};
            },
            [&](const Status& status, const WriteOperation& operation) {
              EXPECT_TRUE(status.ok());
              written = operation.committed;
            }),
        region.executor);
    region.RunAll();
    return written;
  }
  static WriteFate FateIn(TestRegion& region, const conflict::Version& write) {
    const auto fate = FindFate(region.store, region.engine->State().applied, write);
    EXPECT_TRUE(fate.ok()) << fate.status().ToString();
    return fate.ok() ? *fate : WriteFate();
  }

  TestRegion a_{1}, b_{2};
};

TEST_F(WriteFateTest, ItIsPendingUntilItComesAndCurrentUntilItIsOverwritten) {
  const auto first = Write(a_, "k", "one");
  EXPECT_EQ(FateIn(a_, first).state, State::kCurrent);
  EXPECT_EQ(FateIn(b_, first).state, State::kPending);
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  const WriteFate there = FateIn(b_, first);
  EXPECT_EQ(there.state, State::kCurrent);
  EXPECT_EQ(there.key, testing::TestKey("k"));

  b_.clock.physical_ms += 5;
  const auto second = Write(b_, "k", "two");
  ASSERT_TRUE(a_.PullFrom(b_).ok());
  for (TestRegion* region : {&a_, &b_}) {
    const WriteFate fate = FateIn(*region, first);
    EXPECT_EQ(fate.state, State::kSuperseded);
    EXPECT_EQ(fate.by, second);
    EXPECT_FALSE(fate.by_deletes);
    EXPECT_EQ(FateIn(*region, second).state, State::kCurrent);
  }
  Write(a_, "k", "");
  EXPECT_TRUE(FateIn(a_, second).by_deletes);
}

TEST_F(WriteFateTest, OfTwoThatDidNotKnowEachOtherTheLoserIsLostToTheWinnerInBothRegions) {
  const auto loser = Write(a_, "k", "one");
  b_.clock.physical_ms += 5;
  const auto winner = Write(b_, "k", "two");
  ASSERT_TRUE(a_.PullFrom(b_).ok());
  ASSERT_TRUE(b_.PullFrom(a_).ok());
  for (TestRegion* region : {&a_, &b_}) {
    const WriteFate fate = FateIn(*region, loser);
    EXPECT_EQ(fate.state, State::kLost);
    EXPECT_EQ(fate.by, winner);
    EXPECT_EQ(FateIn(*region, winner).state, State::kCurrent);
  }
  // It stays lost to that one, whatever comes after.
  Write(b_, "k", "three");
  EXPECT_EQ(FateIn(b_, loser).by, winner);
  EXPECT_EQ(FateIn(b_, winner).state, State::kSuperseded);
}

TEST_F(WriteFateTest, WhatTheLogNoLongerHoldsIsForgottenButALoserIsNot) {
  const auto loser = Write(a_, "k", "one");
  b_.clock.physical_ms += 5;
  const auto winner = Write(b_, "k", "two");
  ASSERT_TRUE(a_.PullFrom(b_).ok());
  KvBatch batch;
  for (const auto& write : {loser, winner})
    streams::TrimChanges(batch, write.dot.log, write.dot.number + 1);
  ASSERT_TRUE(a_.store.Write(batch, Sync::kYes).ok());
  EXPECT_EQ(FateIn(a_, winner).state, State::kForgotten);
  EXPECT_EQ(FateIn(a_, loser).state, State::kLost);
  EXPECT_EQ(FateIn(a_, loser).by, winner);
}

TEST_F(WriteFateTest, AReceiptThatNobodyGaveIsRefused) {
  auto write = Write(a_, "k", "one");
  write.stamp.value += 1;
  const auto fate = FindFate(a_.store, a_.engine->State().applied, write);
  EXPECT_EQ(fate.status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(FindFate(a_.store, a_.engine->State().applied, {}).ok());
}

}  // namespace
}  // namespace everwrite::table
