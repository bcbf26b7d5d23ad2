// A region that stays away does not fill the disk; what consumers of streams may rely on is kept.
#include "streams/retention.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace everwrite::streams {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 1);
const LogId kB = LogId::Make(RegionId{2}, 1);

// Number n was made at second n (kA) or second n / 2 (kB: two share a stamp); each takes 10 bytes.
Result<Stamp> StampOf(Dot dot) {
  return Stamp::Make((dot.log == kA ? dot.number : dot.number / 2) * 1000, 0);
}
uint64_t BytesOf(LogId, uint64_t from, uint64_t through) { return (through - from + 1) * 10; }

TEST(CutPoints, NothingGoesBelowTheBound) {
  const std::map<LogId, LogExtent> logs = {{kA, {1, 100}}, {kB, {1, 200}}};
  const auto points = CutPoints(logs, {3000, 1'000'000, 0}, StampOf, BytesOf);
  ASSERT_TRUE(points.ok());
  EXPECT_TRUE(points->empty());
}

TEST(CutPoints, TheOldestOfAllLogsGoFirst) {
  // 1,000 bytes each; kB's are the older ones, second for second.
  const std::map<LogId, LogExtent> logs = {{kA, {101, 200}}, {kB, {101, 200}}};
  const auto points = CutPoints(logs, {1000, 1'000'000, 0}, StampOf, BytesOf);
  ASSERT_TRUE(points.ok());
  // kA is of seconds 101 to 200, kB of 50 to 100: 90 changes are left, all of kA.
  EXPECT_EQ(points->at(kB), 201u);
  EXPECT_EQ(points->at(kA), 111u);
}

TEST(CutPoints, WhatIsYoungIsKeptWhateverItTakes) {
  const std::map<LogId, LogExtent> logs = {{kA, {1, 200}}};
  const auto points = CutPoints(logs, {100, 200'000, 150'000}, StampOf, BytesOf);
  ASSERT_TRUE(points.ok());
  EXPECT_EQ(points->at(kA), 50u);
}

TEST(CutPoints, ChangesOfOneStampAreNotCutApart) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    const uint64_t last = 20 + random.Below(200);
    const std::map<LogId, LogExtent> logs = {{kB, {2, last}}};
    const uint64_t bytes_max = 10 + random.Below(10 * last);
    const auto points = CutPoints(logs, {bytes_max, 1'000'000, 0}, StampOf, BytesOf);
    ASSERT_TRUE(points.ok());
    if (BytesOf(kB, 2, last) <= bytes_max) {
      EXPECT_TRUE(points->empty());
      continue;
    }
    const uint64_t first = points->at(kB);
    EXPECT_TRUE(first % 2 == 0 || first == last + 1) << first;
    EXPECT_LE((last + 1 - first) * 10, bytes_max);
    // Not more than it takes: one more stamp would not fit.
    if (first >= 4) {
      EXPECT_GT((last + 1 - (first - 2)) * 10, bytes_max - bytes_max / 10);
    }
  }
}

}  // namespace
}  // namespace everwrite::streams
