// Metrics: no count is lost among threads, buckets cover every value, and names keep their kind.
#include "base/metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/random.h"

namespace everwrite {
namespace {

TEST(Metrics, NoCountIsLostAmongThreads) {
  Registry registry;
  Counter& counter = registry.AddCounter("c_total", "help");
  Histogram& histogram = registry.AddHistogram("h_seconds", "help");
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 10000; ++i) {
        counter.Add();
        histogram.Record(i);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.Value(), 120000u);
  EXPECT_EQ(histogram.Snapshot().count, 120000u);
  EXPECT_EQ(histogram.Snapshot().sum, 12ULL * 10000 * 9999 / 2);
}

TEST(Metrics, EveryValueLiesInItsBucketAndBucketsAreOrdered) {
  for (size_t bucket = 1; bucket < Histogram::kBuckets; ++bucket) {
    ASSERT_GT(Histogram::UpperBound(bucket), Histogram::UpperBound(bucket - 1)) << bucket;
    if (bucket + 1 < Histogram::kBuckets) {
      ASSERT_EQ(Histogram::BucketOf(Histogram::UpperBound(bucket)), bucket);
      ASSERT_EQ(Histogram::BucketOf(Histogram::UpperBound(bucket) + 1), bucket + 1);
    }
  }
  Random random(7);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t value = random.Next() >> (24 + random.Below(40));
    const size_t bucket = Histogram::BucketOf(value);
    ASSERT_LE(value, Histogram::UpperBound(bucket));
    ASSERT_LE(Histogram::UpperBound(bucket), value + value / 4) << value;
  }
  EXPECT_EQ(Histogram::BucketOf(~0ULL), Histogram::kBuckets - 1);
}

TEST(Metrics, AQuantileIsWithinAQuarterOfTheTruth) {
  Registry registry;
  Histogram& histogram = registry.AddHistogram("h_seconds", "help");
  EXPECT_EQ(histogram.Snapshot().Quantile(99, 100), 0u);
  for (uint64_t i = 1; i <= 1000; ++i) histogram.Record(i);
  const auto snapshot = histogram.Snapshot();
  EXPECT_GE(snapshot.Quantile(1, 2), 500u);
  EXPECT_LE(snapshot.Quantile(1, 2), 625u);
  EXPECT_GE(snapshot.Quantile(99, 100), 990u);
  EXPECT_LE(snapshot.Quantile(99, 100), 1240u);
  EXPECT_EQ(snapshot.Quantile(0, 1), 1u);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameObject) {
  Registry registry;
  Counter& a = registry.AddCounter("c_total", "help", {{"x", "1"}});
  Counter& b = registry.AddCounter("c_total", "help", {{"x", "2"}});
  EXPECT_NE(&a, &b);
  EXPECT_EQ(&a, &registry.AddCounter("c_total", "help", {{"x", "1"}}));
}

TEST(Metrics, ASnapshotHasFamiliesByNameWithTheirLabels) {
  Registry registry;
  registry.AddGauge("b", "a gauge").Set(-3);
  registry.AddCounter("a_total", "a counter", {{"k", "v"}}).Add(5);
  registry.AddCallback("c", "asked", {}, [] { return 2.5; });
  const auto families = registry.Snapshot();
  ASSERT_EQ(families.size(), 3u);
  EXPECT_EQ(families[0].name, "a_total");
  EXPECT_EQ(families[0].samples[0].labels.at("k"), "v");
  EXPECT_EQ(families[0].samples[0].value, 5);
  EXPECT_EQ(families[1].samples[0].value, -3);
  EXPECT_EQ(families[2].samples[0].value, 2.5);
}

TEST(Metrics, LabelsThatAClientChoosesCannotFillTheMemory) {
  Registry registry;
  for (size_t i = 0; i < kMaxSeries + 50; ++i) {
    registry.AddCounter("c_total", "help", {{"table", std::to_string(i)}}).Add();
  }
  EXPECT_EQ(registry.Snapshot()[0].samples.size(), kMaxSeries);
}

TEST(MetricsDeathTest, ANameHasOneKind) {
  Registry registry;
  registry.AddCounter("x", "help");
  EXPECT_DEATH(registry.AddGauge("x", "help"), "two kinds");
}

}  // namespace
}  // namespace everwrite
