#include "chaos/sim/sim_network.h"

namespace everwrite::chaos {

SimNetwork::SimNetwork(Simulator& simulator, size_t regions)
    : simulator_(simulator), regions_(regions), directions_(regions * regions) {
  for (size_t i = 0; i < directions_.size(); ++i)
    directions_[i].random = simulator.Stream("direction", i);
}

void SimNetwork::Cut(size_t from, size_t to) {
  Direction& direction = At(from, to);
  if (direction.cut) return;
  direction.cut = true;
  const uint64_t epoch = ++direction.epoch;
  const int64_t noticed = direction.random.Between(2, 5) * kMicrosPerSecond;
  simulator_.After(noticed, [this, from, to, epoch] {
    if (At(from, to).epoch == epoch && At(from, to).cut) Notice(from, to, false);
  });
}

void SimNetwork::Heal(size_t from, size_t to) {
  Direction& direction = At(from, to);
  if (!direction.cut) return;
  direction.cut = false;
  const uint64_t epoch = ++direction.epoch;
  simulator_.After(direction.random.Between(20, 300) * kMicrosPerMilli, [this, from, to, epoch] {
    if (At(from, to).epoch == epoch && At(from, to).noticed) Notice(from, to, true);
  });
}

void SimNetwork::HealAll() {
  for (size_t from = 0; from < regions_; ++from)
    for (size_t to = 0; to < regions_; ++to) Heal(from, to);
}

void SimNetwork::CalmDown() {
  for (Direction& direction : directions_) {
    direction.weather.jitter_micros = 0;
    direction.weather.loss_permille = 0;
    direction.weather.repeat_permille = 0;
  }
}

void SimNetwork::Send(size_t from, size_t to, std::function<void()> deliver) {
  ++sent_;
  Direction& direction = At(from, to);
  Random& random = direction.random;
  if (direction.cut || random.Chance(direction.weather.loss_permille, 1000)) {
    ++lost_;
    return;
  }
  const int copies = random.Chance(direction.weather.repeat_permille, 1000) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const int64_t delay =
        direction.weather.delay_micros + random.Between(0, direction.weather.jitter_micros);
    simulator_.After(delay, [this, from, to, epoch = direction.epoch,
                             deliver = copy + 1 < copies ? deliver : std::move(deliver)] {
      if (At(from, to).epoch == epoch) {
        deliver();
      } else {
        ++lost_;
      }
    });
  }
}

bool SimNetwork::IsUp(size_t region, size_t peer) const {
  return !directions_[region * regions_ + peer].noticed &&
         !directions_[peer * regions_ + region].noticed;
}

void SimNetwork::Notice(size_t from, size_t to, bool up) {
  const bool was_up = IsUp(from, to);
  At(from, to).noticed = !up;
  // Connections need both directions: both ends lose theirs, whichever direction is cut.
  if (IsUp(from, to) == was_up || !watcher_) return;
  watcher_(from, to, !was_up);
  watcher_(to, from, !was_up);
}

}  // namespace everwrite::chaos
