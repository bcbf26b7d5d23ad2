// Stability: what every region has applied, and had applied before all that it sent since.
//
// A tombstone may be forgotten when no change can arrive any more that does not know it: otherwise
// an old put, delayed somewhere, would bring the deleted item back. "Every region has applied the
// delete" is not enough: a region may have written the item before it applied the delete, and that
// write may still be under way. So a region's word "I have durably applied V" counts only once
// everything that the region itself had written until then has arrived here: whatever it writes
// later knows V.
//
//   heartbeat of P:  V (P's durable vector; its entries for P's own logs say how far P had written)
//   counts here      once our own vector covers V's entries for P's logs
//   stable           the meet of the counting vectors of all other regions, and of our own
//
// A region never heard of holds everything back: stable is empty until all have spoken. Never a
// timer. (The idea is the "causal stability" of Baquero, Almeida and Shoker 2014.)
//
// Thread-safety: none.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "conflict/vector_clock.h"

namespace everwrite::conflict {

class Stability {
 public:
  // All regions of the topology but our own.
  explicit Stability(const std::vector<RegionId>& others);

  // `durable` as the peer said it in one heartbeat. Words of unknown regions are ignored.
  void OnHeartbeat(RegionId peer, const Vector& durable);
  // Our own durable vector has moved.
  void OnApplied(const Vector& ours);

  const Vector& stable() const { return stable_; }

 private:
  // Heartbeats that wait for the peer's own changes to arrive; when full, the newest is replaced.
  static constexpr size_t kWaitingMax = 64;
  struct Peer {
    std::deque<Vector> waiting;
    Vector counted;
  };
  void Recompute();

  std::map<RegionId, Peer> peers_;
  Vector ours_;
  Vector stable_;
};

}  // namespace everwrite::conflict
