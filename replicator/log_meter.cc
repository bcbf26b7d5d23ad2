#include "replicator/log_meter.h"

#include <algorithm>
#include <cmath>

namespace everwrite::replicator {

void LogMeter::OnRecords(const streams::RecordBatch& batch) {
  if (batch.empty()) return;
  if (batch.log != log_) {
    *this = LogMeter();
    log_ = batch.log;
  }
  seen_records_ += batch.records.size();
  seen_bytes_ += batch.bytes();
  if (marks_.empty() || batch.first > end_ + 1) {
    // A new beginning: what lies between was not seen.
    marks_.assign(1, {batch.first - 1, 0});
    end_ = batch.first - 1;
    bytes_ = 0;
  }
  uint64_t number = batch.first;
  for (const auto& record : batch.records) {
    if (number++ != end_ + 1) continue;  // pushed before
    ++end_;
    bytes_ += record->size();
    if (end_ - marks_.back().number >= stride_) marks_.push_back({end_, bytes_});
  }
  if (marks_.size() > kMarksMax) Thin();
}

void LogMeter::Thin() {
  std::deque<Mark> kept;
  for (size_t i = 0; i < marks_.size(); i += 2) kept.push_back(marks_[i]);
  marks_ = std::move(kept);
  stride_ *= 2;
}

double LogMeter::BytesAt(uint64_t number) const {
  if (number >= end_) return static_cast<double>(bytes_);
  auto above = std::upper_bound(marks_.begin(), marks_.end(), number,
                                [](uint64_t n, const Mark& mark) { return n < mark.number; });
  const Mark high = above == marks_.end() ? Mark{end_, bytes_} : *above;
  const Mark low = *std::prev(above);  // the first mark is at or below
  const double share =
      static_cast<double>(number - low.number) / static_cast<double>(high.number - low.number);
  return static_cast<double>(low.bytes) + share * static_cast<double>(high.bytes - low.bytes);
}

int64_t LogMeter::BytesBehind(LogId log, uint64_t after, uint64_t head) const {
  if (head <= after) return 0;
  if (seen_records_ == 0) return -1;
  const double average = static_cast<double>(seen_bytes_) / static_cast<double>(seen_records_);
  double bytes = 0;
  if (log != log_ || marks_.empty()) {
    bytes = average * static_cast<double>(head - after);
  } else {
    const uint64_t first = marks_.front().number;
    if (after < first) bytes += average * static_cast<double>(std::min(first, head) - after);
    const uint64_t begin = std::clamp(after, first, end_);
    const uint64_t end = std::clamp(head, first, end_);
    bytes += BytesAt(end) - BytesAt(begin);
    if (head > end_) bytes += average * static_cast<double>(head - std::max(after, end_));
  }
  return static_cast<int64_t>(std::llround(bytes));
}

}  // namespace everwrite::replicator
