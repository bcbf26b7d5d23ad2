#include "region/metrics/metrics_exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace everwrite::metrics {
namespace {

constexpr int kFirstOctave = 4;
constexpr int kLastOctave = 36;

prometheus::ClientMetric::Histogram ConvertHistogram(const MetricSample& sample) {
  prometheus::ClientMetric::Histogram out;
  const HistogramSnapshot& histogram = sample.histogram;
  uint64_t cumulative = 0;
  size_t bucket = 0;
  for (int octave = kFirstOctave; octave <= kLastOctave; ++octave) {
    const uint64_t bound = (1ULL << octave) - 1;  // the largest value of the octave below
    for (; bucket < histogram.buckets.size() && Histogram::UpperBound(bucket) <= bound; ++bucket) {
      cumulative += histogram.buckets[bucket];
    }
    prometheus::ClientMetric::Bucket& target = out.bucket.emplace_back();
    target.cumulative_count = cumulative;
    target.upper_bound = static_cast<double>(1ULL << octave) * sample.scale;
  }
  prometheus::ClientMetric::Bucket& last = out.bucket.emplace_back();
  last.cumulative_count = histogram.count;
  last.upper_bound = std::numeric_limits<double>::infinity();
  out.sample_count = histogram.count;
  out.sample_sum = static_cast<double>(histogram.sum) * sample.scale;
  return out;
}

prometheus::MetricFamily ConvertFamily(const everwrite::MetricFamily& family) {
  prometheus::MetricFamily out;
  out.name = family.name;
  out.help = family.help;
  switch (family.kind) {
    case MetricKind::kCounter: out.type = prometheus::MetricType::Counter; break;
    case MetricKind::kGauge: out.type = prometheus::MetricType::Gauge; break;
    case MetricKind::kHistogram: out.type = prometheus::MetricType::Histogram; break;
  }
  for (const MetricSample& sample : family.samples) {
    prometheus::ClientMetric& metric = out.metric.emplace_back();
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    switch (family.kind) {
      case MetricKind::kCounter: metric.counter.value = sample.value; break;
      case MetricKind::kGauge: metric.gauge.value = sample.value; break;
      case MetricKind::kHistogram: metric.histogram = ConvertHistogram(sample); break;
    }
  }
  return out;
}

}  // namespace

std::string ExportPrometheus(const Registry& registry) {
  std::vector<prometheus::MetricFamily> families;
  for (const everwrite::MetricFamily& family : registry.Snapshot()) {
    families.push_back(ConvertFamily(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace everwrite::metrics
