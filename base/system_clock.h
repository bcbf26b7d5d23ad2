// The operating system's clock behind the Clock port. Thread-safe.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace everwrite {

class SystemClock : public Clock {
 public:
  // `offset_ms`: added to physical time, for tests of clocks that are wrong.
  explicit SystemClock(int64_t offset_ms = 0);
  Instant Now() const override;
  uint64_t PhysicalMillis() const override;
  // Physical time goes wrong while the process runs, for tests: jumps to another offset, goes on in
  // steps of `grain_ms` only (0: it does not), or stands still.
  struct Fault {
    int64_t offset_ms = 0;
    int64_t grain_ms = 0;
    bool frozen = false;
  };
  void SetFault(const Fault& fault);

 private:
  const int64_t anchor_micros_;  // wall clock minus monotonic clock at construction
  std::atomic<int64_t> offset_ms_;
  std::atomic<int64_t> grain_ms_{0};
  std::atomic<int64_t> frozen_at_ms_{-1};  // what it shows, with its offset; -1: it goes
};

}  // namespace everwrite
