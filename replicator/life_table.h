// LifeTable: which processes say that they are a region, as we hear them (messages.h, Hello). There
// should be one of each region; the peers of a region are who can tell when there are two, and tell
// both in their heartbeats.
//
// Pure.
#pragma once

#include <map>
#include <vector>

#include "base/clock.h"
#include "replicator/messages.h"

namespace everwrite::replicator {

class LifeTable {
 public:
  // True for one that was not known: it waits for our word.
  bool OnHello(RegionId peer, const Hello& hello, Instant now);
  // What the peer's region is told of itself: those heard in the last while, oldest first.
  std::vector<streams::PeerWord::Sighting> Sightings(RegionId peer, Instant now) const;

 private:
  // Then one that was not heard again is forgotten.
  static constexpr int64_t kForgetMicros = 10 * kMicrosPerSecond;
  struct Seen {
    streams::Life life;
    Instant first;
    Instant last;
  };
  std::map<RegionId, std::vector<Seen>> seen_;  // in the order in which they came
};

}  // namespace everwrite::replicator
