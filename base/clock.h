// Port: time. Pure code takes `now` as an argument or reads one of these; the simulator has its
// own.
#pragma once

#include <cstdint>

namespace everwrite {

// A point on a monotonic clock, in microseconds since an arbitrary start. Never goes back.
struct Instant {
  int64_t micros = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant a, int64_t micros) { return Instant{a.micros + micros}; }
  friend int64_t operator-(Instant a, Instant b) { return a.micros - b.micros; }
};

constexpr int64_t kMicrosPerMilli = 1000;
constexpr int64_t kMicrosPerSecond = 1000 * 1000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
  // Physical time: milliseconds since the Unix epoch, from the monotonic clock anchored to the wall
  // clock once at construction, so that a step of the wall clock does not move it.
  virtual uint64_t PhysicalMillis() const = 0;
};

}  // namespace everwrite
