#include "base/metrics.h"

#include "base/check.h"

namespace everwrite {

size_t MetricStripe() {
  static std::atomic<size_t> next{0};
  thread_local const size_t stripe = next.fetch_add(1, std::memory_order_relaxed) % kMetricStripes;
  return stripe;
}

uint64_t Counter::Value() const {
  uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

uint64_t Histogram::UpperBound(size_t bucket) {
  if (bucket < (1U << kSubBits)) return bucket;
  const size_t octave = (bucket >> kSubBits) + 1;
  const uint64_t sub = bucket & ((1U << kSubBits) - 1);
  const uint64_t width = 1ULL << (octave - kSubBits);
  return (1ULL << octave) + (sub + 1) * width - 1;
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot snapshot;
  for (const Shard& shard : shards_) {
    for (size_t i = 0; i < kBuckets; ++i) {
      const uint64_t count = shard.buckets[i].load(std::memory_order_relaxed);
      snapshot.buckets[i] += count;
      snapshot.count += count;
    }
    snapshot.sum += shard.sum.load(std::memory_order_relaxed);
  }
  return snapshot;
}

uint64_t HistogramSnapshot::Quantile(uint64_t numerator, uint64_t denominator) const {
  if (count == 0) return 0;
  // The rank-th smallest value, ranks from 1: the smallest rank that covers the wanted share.
  uint64_t rank = (count * numerator + denominator - 1) / denominator;
  if (rank == 0) rank = 1;
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) return Histogram::UpperBound(i);
  }
  return Histogram::UpperBound(buckets.size() - 1);
}

Registry::Series& Registry::FindOrAdd(std::string_view name, std::string_view help,
                                      MetricLabels labels, MetricKind kind) {
  auto family = families_.find(name);
  if (family == families_.end()) {
    family = families_.emplace(std::string(name), Family{std::string(help), kind, {}}).first;
  }
  CHECK(family->second.kind == kind, "a metric's name was used for two kinds");
  const auto found = family->second.series.find(labels);
  if (found != family->second.series.end()) return found->second;
  if (series_count_ >= kMaxSeries) return overflow_[kind];
  ++series_count_;
  return family->second.series[std::move(labels)];
}

Counter& Registry::AddCounter(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  Series& series = FindOrAdd(name, help, std::move(labels), MetricKind::kCounter);
  if (series.counter == nullptr) series.counter = std::make_unique<Counter>();
  return *series.counter;
}

Gauge& Registry::AddGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  Series& series = FindOrAdd(name, help, std::move(labels), MetricKind::kGauge);
  if (series.gauge == nullptr) series.gauge = std::make_unique<Gauge>();
  return *series.gauge;
}

Histogram& Registry::AddHistogram(std::string_view name, std::string_view help, MetricLabels labels,
                                  double scale) {
  const std::lock_guard lock(mutex_);
  Series& series = FindOrAdd(name, help, std::move(labels), MetricKind::kHistogram);
  if (series.histogram == nullptr) series.histogram = std::make_unique<Histogram>(scale);
  return *series.histogram;
}

void Registry::AddCallback(std::string_view name, std::string_view help, MetricLabels labels,
                           std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  FindOrAdd(name, help, std::move(labels), MetricKind::kGauge).read = std::move(read);
}

std::vector<MetricFamily> Registry::Snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<MetricFamily> result;
  result.reserve(families_.size());
  for (const auto& [name, family] : families_) {
    MetricFamily& out = result.emplace_back();
    out.name = name;
    out.help = family.help;
    out.kind = family.kind;
    out.samples.reserve(family.series.size());
    for (const auto& [labels, series] : family.series) {
      MetricSample& sample = out.samples.emplace_back();
      sample.labels = labels;
      if (series.counter != nullptr) sample.value = static_cast<double>(series.counter->Value());
      if (series.gauge != nullptr) sample.value = static_cast<double>(series.gauge->Value());
      if (series.read) sample.value = series.read();
      if (series.histogram != nullptr) {
        sample.histogram = series.histogram->Snapshot();
        sample.scale = series.histogram->scale();
      }
    }
  }
  return result;
}

}  // namespace everwrite
