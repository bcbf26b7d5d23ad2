// Metrics: counters, gauges and latency histograms that cost no lock where they are counted.
//
//   Registry registry;
//   Counter& requests = registry.AddCounter("everwrite_requests_total", "Requests answered.",
//                                           {{"operation", "PutItem"}});
//   requests.Add();
//   Histogram& latency = registry.AddHistogram("everwrite_request_seconds", "Latency.");
//   latency.Record(micros);
//
// A counter and a histogram are kept in kMetricStripes copies on cache lines of their own; a thread
// counts in the copy that it was given at its first use, with one relaxed atomic add. Reading sums
// the copies: a snapshot taken while others count is not a point in time, but no count is lost.
//
// A histogram has 4 buckets an octave (values are at most 25% above their bucket's lower bound)
// over all of 1 .. 2^40, so there is nothing to configure and merging is exact. Values are whole
// numbers in the unit of the caller; `scale` turns them into the unit that is exported (seconds, by
// Prometheus' rules).
//
// Names are Prometheus names. Adding the same name and labels again gives the same object; with
// another kind it is a bug (CHECK). At most kMaxSeries objects a registry: what comes after shares
// one that is not exported, so a label whose values a client chooses cannot fill the memory.
//
// Thread-safety: everything, any thread. Registration and snapshots take a mutex; counting does
// not. Objects live as long as their registry.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace everwrite {

constexpr size_t kMetricStripes = 8;
constexpr size_t kMaxSeries = 10000;
constexpr double kMicrosToSeconds = 1e-6;

// The stripe that the calling thread counts in.
size_t MetricStripe();

class Counter {
 public:
  void Add(uint64_t count = 1) {
    cells_[MetricStripe()].value.fetch_add(count, std::memory_order_relaxed);
  }
  uint64_t Value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<uint64_t> value{0};
  };
  std::array<Cell, kMetricStripes> cells_;
};

class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t value) { value_.fetch_add(value, std::memory_order_relaxed); }
  int64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

struct HistogramSnapshot;

class Histogram {
 public:
  static constexpr size_t kSubBits = 2;  // 4 buckets an octave
  static constexpr size_t kOctaves = 40;
  static constexpr size_t kBuckets = (kOctaves << kSubBits) + 1;

  explicit Histogram(double scale) : scale_(scale) {}

  void Record(uint64_t value) {
    Shard& shard = shards_[MetricStripe()];
    shard.buckets[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
    shard.sum.fetch_add(value, std::memory_order_relaxed);
  }
  HistogramSnapshot Snapshot() const;
  double scale() const { return scale_; }

  // The bucket of a value, and the largest value of a bucket (the last has no upper bound).
  static size_t BucketOf(uint64_t value) {
    if (value < (1U << kSubBits)) return value;
    const int octave = std::bit_width(value) - 1;
    const uint64_t sub = (value >> (octave - static_cast<int>(kSubBits))) & ((1U << kSubBits) - 1);
    const size_t bucket = (static_cast<size_t>(octave - 1) << kSubBits) + sub;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  static uint64_t UpperBound(size_t bucket);

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kBuckets> buckets{};
    std::atomic<uint64_t> sum{0};
  };
  const double scale_;
  std::array<Shard, kMetricStripes> shards_;
};

struct HistogramSnapshot {
  std::array<uint64_t, Histogram::kBuckets> buckets{};
  uint64_t count = 0;
  uint64_t sum = 0;
  // The upper bound of the bucket in which the `numerator`/`denominator` quantile lies; 0 when
  // empty.
  uint64_t Quantile(uint64_t numerator, uint64_t denominator) const;
};

// Sorted by name, so that equal label sets compare equal.
using MetricLabels = std::map<std::string, std::string>;

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

struct MetricSample {
  MetricLabels labels;
  double value = 0;             // counters and gauges
  HistogramSnapshot histogram;  // histograms
  double scale = 1;             // histograms: exported unit per recorded unit
};
struct MetricFamily {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::kCounter;
  std::vector<MetricSample> samples;
};

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& AddHistogram(std::string_view name, std::string_view help, MetricLabels labels = {},
                          double scale = kMicrosToSeconds);
  // A gauge that is asked at each snapshot, under the registry's mutex: `read` must be quick, must
  // not use the registry, and must work until the registry is gone.
  void AddCallback(std::string_view name, std::string_view help, MetricLabels labels,
                   std::function<double()> read);

  // Families by name, samples by labels.
  std::vector<MetricFamily> Snapshot() const;

 private:
  struct Series {
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
  };
  struct Family {
    std::string help;
    MetricKind kind;
    std::map<MetricLabels, Series> series;
  };
  // The series to fill or return; `mutex_` held.
  Series& FindOrAdd(std::string_view name, std::string_view help, MetricLabels labels,
                    MetricKind kind);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
  size_t series_count_ = 0;
  std::map<MetricKind, Series> overflow_;
};

}  // namespace everwrite
