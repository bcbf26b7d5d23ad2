#include "replicator/latency_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace everwrite::replicator {
namespace {

constexpr Instant kStart{1'000'000};

TEST(LatencyWindowTest, NothingIsKnownOfNothing) {
  EXPECT_EQ(LatencyWindow().Read(kStart).count, 0U);
  EXPECT_EQ(LatencyWindow().Read(kStart).p99_ms, -1);
}

TEST(LatencyWindowTest, SmallOnesAreExact) {
  LatencyWindow window;
  for (int ms = 1; ms <= 50; ++ms) window.Add(ms, kStart);
  const auto read = window.Read(kStart);
  EXPECT_EQ(read.count, 50U);
  EXPECT_EQ(read.p50_ms, 25);
  EXPECT_EQ(read.p99_ms, 50);
  EXPECT_EQ(read.max_ms, 50);
}

TEST(LatencyWindowTest, QuantilesAreNearThoseOfASortedList) {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    LatencyWindow window;
    std::vector<int64_t> all;
    const int64_t top = int64_t{1} << (1 + random.Next() % 30);
    for (int i = 0; i < 500; ++i) {
      all.push_back(static_cast<int64_t>(random.Next() % static_cast<uint64_t>(top)));
      window.Add(all.back(), kStart);
    }
    std::sort(all.begin(), all.end());
    const auto read = window.Read(kStart);
    EXPECT_EQ(read.max_ms, all.back());
    for (const auto& [told, exact] : {std::pair{read.p50_ms, all[249]}, {read.p99_ms, all[494]}}) {
      EXPECT_GE(told, exact);
      EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * 1.04 + 1);
    }
  }
}

TEST(LatencyWindowTest, TheOldIsForgotten) {
  LatencyWindow window;
  window.Add(900, kStart);
  window.Add(10, kStart + LatencyWindow::kSpanUs);
  EXPECT_EQ(window.Read(kStart + LatencyWindow::kSpanUs).max_ms, 900);
  EXPECT_EQ(window.Read(kStart + 2 * LatencyWindow::kSpanUs).max_ms, 10);
  EXPECT_EQ(window.Read(kStart + 3 * LatencyWindow::kSpanUs).count, 0U);
}

TEST(LatencyWindowTest, WhatCannotBeIsBounded) {
  LatencyWindow window;
  window.Add(-5, kStart);
  EXPECT_EQ(window.Read(kStart).max_ms, 0);
  window.Add(INT64_MAX, kStart);
  EXPECT_EQ(window.Read(kStart).p50_ms, 0);
}

}  // namespace
}  // namespace everwrite::replicator
