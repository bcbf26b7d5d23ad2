// Appending, reading in order, trimming: and what a reader is told where the log does not reach.
#include "streams/change_log.h"

#include <gtest/gtest.h>

#include "base/memory_kv_store.h"
#include "streams/retention.h"

namespace everwrite::streams {
namespace {

const LogId kLog = LogId::Make(RegionId{1}, 5);
const LogId kOther = LogId::Make(RegionId{1}, 6);

void Append(MemoryKvStore& store, LogId log, uint64_t from, uint64_t through) {
  KvBatch batch;
  for (uint64_t n = from; n <= through; ++n)
    AppendChange(batch, {log, n}, "record " + std::to_string(n));
  ASSERT_TRUE(store.Write(batch, Sync::kYes).ok());
}

TEST(ChangeLog, ReadsOneLogInOrderAndNoFurtherThanAsked) {
  MemoryKvStore store;
  Append(store, kLog, 1, 300);
  Append(store, kOther, 1, 5);
  const auto batch = ReadChanges(store, kLog, 10, 20, 1 << 20).value();
  EXPECT_EQ(batch.first, 11u);
  EXPECT_EQ(batch.last(), 20u);
  EXPECT_EQ(*batch.records.front(), "record 11");
  EXPECT_TRUE(ReadChanges(store, kLog, 20, 20, 100)->empty());
}

TEST(ChangeLog, AReadIsBoundedButGivesAtLeastOneRecord) {
  MemoryKvStore store;
  Append(store, kLog, 1, 100);
  EXPECT_EQ(ReadChanges(store, kLog, 0, 100, 1)->records.size(), 1u);
  EXPECT_EQ(ReadChanges(store, kLog, 0, 100, 20)->records.size(), 3u);
}

TEST(ChangeLog, AHoleIsToldAndNeverSkipped) {
  MemoryKvStore store;
  Append(store, kLog, 1, 3);
  Append(store, kLog, 5, 6);
  EXPECT_EQ(ReadChanges(store, kLog, 0, 6, 1 << 20).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(ReadChanges(store, kLog, 6, 9, 1 << 20).status().code(), StatusCode::kDataLoss);
}

TEST(ChangeLog, TrimmingForgetsThatLogAloneAndIsRemembered) {
  MemoryKvStore store;
  Append(store, kLog, 1, 10);
  Append(store, kOther, 1, 10);
  KvBatch batch;
  TrimChanges(batch, kLog, 4);
  ASSERT_TRUE(store.Write(batch, Sync::kYes).ok());
  EXPECT_EQ(ReadChanges(store, kLog, 3, 10, 1 << 20)->records.size(), 7u);
  EXPECT_FALSE(ReadChanges(store, kLog, 2, 10, 1 << 20).ok());
  EXPECT_EQ(ReadChanges(store, kOther, 0, 10, 1 << 20)->records.size(), 10u);
  const auto first_held = ReadFirstHeld(store).value();
  EXPECT_EQ(first_held, (std::map<LogId, uint64_t>{{kLog, 4}}));
}

// Number n was made at n seconds.
Result<Stamp> AtItsSecond(uint64_t number) { return Stamp::Make(number * 1000, 0); }

TEST(Retention, KeepsWhatIsYoungAndWhatAPeerStillLacks) {
  RetentionInput input;
  input.applied = 1000;
  input.keep_ms = 100 * 1000;
  input.now_ms = 600 * 1000;
  input.durable_everywhere = 1000;
  EXPECT_EQ(TrimPoint(input, AtItsSecond).value(), 500u)
      << "numbers below 500 are older than 100 s";
  input.durable_everywhere = 300;
  EXPECT_EQ(TrimPoint(input, AtItsSecond).value(), 301u);
  input.durable_everywhere = 0;
  EXPECT_EQ(TrimPoint(input, AtItsSecond).value(), 1u) << "a region never heard of holds all back";
  input.first_held = 400;
  EXPECT_EQ(TrimPoint(input, AtItsSecond).value(), 400u) << "never goes back";
}

TEST(Retention, AsksOnlyForNumbersThatAreHeld) {
  for (uint64_t first = 1; first < 20; ++first) {
    for (uint64_t everywhere = 0; everywhere < 22; ++everywhere) {
      RetentionInput input{first, 20, everywhere, 1000 * 1000, 1000};
      const auto point = TrimPoint(input, [&](uint64_t number) -> Result<Stamp> {
        EXPECT_GE(number, first);
        EXPECT_LE(number, 20u);
        return AtItsSecond(number);
      });
      EXPECT_EQ(point.value(), std::max(first, std::min<uint64_t>(everywhere, 20) + 1));
    }
  }
}

}  // namespace
}  // namespace everwrite::streams
