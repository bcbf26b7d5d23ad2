// HybridClock: a region's source of stamps.
//
// Wall clocks alone lose writes: a region whose clock is behind would stamp an update lower than
// the value it has just read, and last writer wins would throw the update away. A hybrid logical
// clock (Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014) stays near physical time and
// never gives a stamp at or below one it gave or saw:
//
//   Tick(physical)   a stamp for a change of our own: above all before it, at physical time or
//   later Observe(stamp)   a stamp of a change that we apply: every later Tick is above it
//
// The highest stamp given or seen (`last`) is stored with every commit and handed to the next
// start, so a restart never goes back.
//
// Thread-safety: none; the committer owns it.
#pragma once

#include "base/ids.h"

namespace everwrite::conflict {

class HybridClock {
 public:
  explicit HybridClock(Stamp last = {}) : last_(last) {}

  Stamp Tick(uint64_t physical_ms);
  void Observe(Stamp seen);
  Stamp last() const { return last_; }

 private:
  Stamp last_;
};

}  // namespace everwrite::conflict
