// The Prometheus text: names, labels, and histograms whose buckets add up.
#include "region/metrics/metrics_exporter.h"

#include <gtest/gtest.h>

namespace everwrite::metrics {
namespace {

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(MetricsExporter, CountersAndGaugesAreOneLineEachWithLabels) {
  Registry registry;
  registry.AddCounter("everwrite_requests_total", "Requests.", {{"operation", "Put\"Item"}}).Add(3);
  registry.AddGauge("everwrite_queue", "Depth.").Set(-2);
  const std::string text = ExportPrometheus(registry);
  EXPECT_TRUE(Has(text, "# TYPE everwrite_requests_total counter")) << text;
  EXPECT_TRUE(Has(text, "everwrite_requests_total{operation=\"Put\\\"Item\"} 3\n")) << text;
  EXPECT_TRUE(Has(text, "everwrite_queue -2\n")) << text;
}

TEST(MetricsExporter, AHistogramsBucketsAreCumulativeAndInSeconds) {
  Registry registry;
  Histogram& histogram = registry.AddHistogram("everwrite_seconds", "Latency.");
  histogram.Record(10);          // 10 us
  histogram.Record(1000);        // 1 ms
  histogram.Record(1ULL << 50);  // beyond every bucket
  const std::string text = ExportPrometheus(registry);
  EXPECT_TRUE(Has(text, "everwrite_seconds_count 3\n")) << text;
  EXPECT_TRUE(Has(text, "le=\"+Inf\"} 3\n")) << text;
  EXPECT_TRUE(Has(text, "everwrite_seconds_bucket{le=\"1.6e-05\"} 1\n")) << text;
  EXPECT_TRUE(Has(text, "{le=\"0.000512\"} 1\n")) << text;
  EXPECT_TRUE(Has(text, "{le=\"0.001024\"} 2\n")) << text;
}

}  // namespace
}  // namespace everwrite::metrics
