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
//   counts here      once our own vector covers V's entries for P's logs, and P's lives are settled
//   stable           the meet of the counting vectors of all other regions, and of our own
//
// Lives. A region that has lost its disk, or went back to an old copy of it, speaks in a new life
// (a new log) and does not know all that it had written in former ones; yet others may hold it and
// bring it to us. So a word of P's life L counts only when every other region has said, knowing of
// L, how much it holds of P's logs, and all of that has arrived here (and is applied, not waiting).
// Whoever knows of L gets no more from a former life but from others, who say so too. The same goes
// for our own life. And when our own vector goes back, what has counted does so no more until it
// has arrived again: else a tombstone that comes again by its log would be forgotten before an
// older put comes again by another.
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
  // All regions of the topology but our own, and our own.
  Stability(RegionId self, const std::vector<RegionId>& others);

  // What a peer says in one heartbeat.
  struct Word {
    LogId log;  // its current one: its life
    Vector durable;
    std::vector<LogId> lives;  // of the other regions, as it has heard last
    Vector coming;             // of former lives: received, and not applied yet
  };
  // Words of unknown regions are ignored.
  void OnHeartbeat(RegionId peer, const Word& word);
  // Our own durable vector has moved, or our life is another. `coming`: as in a word, of ours.
  void OnApplied(LogId log, const Vector& ours, const Vector& coming = {});

  const Vector& stable() const { return stable_; }

 private:
  // Heartbeats that wait for the peer's own changes to arrive; when full, the newest is replaced.
  static constexpr size_t kWaitingMax = 64;
  struct Peer {
    Word last;
    std::deque<Vector> waiting;  // of its current life
    Vector counted;
  };
  void Recompute();
  // Of the region's changes everything that anybody holds is here, and its life is known to all.
  bool IsSettled(RegionId region, LogId life) const;

  const RegionId self_;
  std::map<RegionId, Peer> peers_;
  LogId log_;
  Vector ours_;
  Vector coming_;
  Vector stable_;
};

}  // namespace everwrite::conflict
