#include "replicator/log_meter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace everwrite::replicator {
namespace {

const LogId kLog = LogId::Make(RegionId{1}, 77);

streams::RecordBatch Records(uint64_t first, const std::vector<size_t>& sizes) {
  streams::RecordBatch batch{kLog, first, {}};
  for (const size_t size : sizes)
    batch.records.push_back(std::make_shared<const std::string>(size, 'x'));
  return batch;
}

TEST(LogMeterTest, NothingSeenNothingKnown) {
  EXPECT_EQ(LogMeter().BytesBehind(kLog, 3, 9), -1);
  EXPECT_EQ(LogMeter().BytesBehind(kLog, 9, 9), 0);
}

TEST(LogMeterTest, OfOneSizeItIsExact) {
  LogMeter meter;
  for (uint64_t n = 1; n <= 5000; ++n) meter.OnRecords(Records(n, {100}));
  EXPECT_EQ(meter.BytesBehind(kLog, 0, 5000), 500'000);
  EXPECT_EQ(meter.BytesBehind(kLog, 1234, 5000), 376'600);
  EXPECT_EQ(meter.BytesBehind(kLog, 4999, 5000), 100);
  meter.OnRecords(Records(4999, {100, 100}));  // again
  EXPECT_EQ(meter.BytesBehind(kLog, 0, 5000), 500'000);
}

TEST(LogMeterTest, WhatWasWrittenBeforeCountsAsTheAverage) {
  LogMeter meter;
  meter.OnRecords(Records(1001, {50, 150}));
  EXPECT_EQ(meter.BytesBehind(kLog, 1000, 1002), 200);
  EXPECT_EQ(meter.BytesBehind(kLog, 500, 1002), 50'200);
  EXPECT_EQ(meter.BytesBehind(kLog, 500, 600), 10'000);
  EXPECT_EQ(meter.BytesBehind(kLog, 1002, 1004), 200);  // not pushed yet
}

TEST(LogMeterTest, StaysSmallAndNear) {
  Random random(3);
  LogMeter meter;
  std::vector<uint64_t> totals{0};
  for (uint64_t n = 1; n <= 200'000; ++n) {
    const size_t size = 100 + random.Next() % 900;
    totals.push_back(totals.back() + size);
    meter.OnRecords(Records(n, {size}));
  }
  for (int i = 0; i < 200; ++i) {
    const uint64_t after = random.Next() % 200'000;
    const auto exact = static_cast<double>(totals.back() - totals[after]);
    // Off by less than the records between two marks.
    EXPECT_NEAR(static_cast<double>(meter.BytesBehind(kLog, after, 200'000)), exact, 256 * 1000);
  }
}

}  // namespace
}  // namespace everwrite::replicator
