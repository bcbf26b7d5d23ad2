// A seeded pseudo-random generator (xoshiro256**, Blackman and Vigna 2018): equal seeds give equal
// sequences on every machine, which is what makes a simulated failure replay. Not for secrets.
#pragma once

#include <cstdint>

namespace everwrite {

class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both included.
  int64_t Between(int64_t low, int64_t high);
  // True `numerator` times out of `denominator`: odds as whole numbers, no floating point.
  bool Chance(uint64_t numerator, uint64_t denominator);

 private:
  uint64_t state_[4];
};

// A seed from the operating system, for places where runs must differ (identifiers, jitter).
uint64_t RandomSeed();

}  // namespace everwrite
