// The network between the simulated regions: for each direction a delay, losses, repeats,
// reordering, and cuts. What is on the way when a direction is cut is lost.
//
// A cut is noticed late, as by the pings of a real connection: whoever is watching is told that the
// peer is down some seconds after the cut, and that it is up soon after the heal.
//
// Thread-safety: none.
#pragma once

#include <functional>
#include <vector>

#include "chaos/sim/simulator.h"

namespace everwrite::chaos {

struct Weather {
  int64_t delay_micros = 20 * kMicrosPerMilli;
  int64_t jitter_micros = 0;  // up to so much more, each message by itself: reorders
  uint64_t loss_permille = 0;
  uint64_t repeat_permille = 0;
};

class SimNetwork {
 public:
  using Watcher = std::function<void(size_t region, size_t peer, bool up)>;

  SimNetwork(Simulator& simulator, size_t regions);

  void SetWeather(size_t from, size_t to, const Weather& weather) {
    At(from, to).weather = weather;
  }
  // One direction.
  void Cut(size_t from, size_t to);
  void Heal(size_t from, size_t to);
  void HealAll();
  bool IsCut(size_t from, size_t to) const { return directions_[from * regions_ + to].cut; }
  // No losses, repeats or jitter any more.
  void CalmDown();

  // Delivers, perhaps, later, perhaps twice.
  void Send(size_t from, size_t to, std::function<void()> deliver);

  void SetWatcher(Watcher watcher) { watcher_ = std::move(watcher); }
  // What the connection between the two looks like to them: up until a cut has been noticed.
  bool IsUp(size_t region, size_t peer) const;

  uint64_t sent() const { return sent_; }
  uint64_t lost() const { return lost_; }

 private:
  struct Direction {
    Weather weather;
    bool cut = false;
    bool noticed = false;  // the connection that needs this direction is known to be down
    uint64_t epoch = 0;    // changes with each cut: messages of an older epoch are lost
    Random random{0};      // of its messages
  };
  Direction& At(size_t from, size_t to) { return directions_[from * regions_ + to]; }
  void Notice(size_t from, size_t to, bool up);

  Simulator& simulator_;
  const size_t regions_;
  std::vector<Direction> directions_;
  Watcher watcher_;
  uint64_t sent_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace everwrite::chaos
