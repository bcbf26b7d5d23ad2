#include "chaos/sim/simulator.h"

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::chaos {

Random StreamOf(uint64_t seed, std::string_view purpose, uint64_t subject) {
  return Random((seed * 0x9e3779b97f4a7c15ULL ^ Hash64(purpose)) + subject * 0xbf58476d1ce4e5b9ULL);
}

void Simulator::At(Instant when, std::function<void()> run) {
  CHECK(when >= now_, "an event in the past");
  queue_.push({when, next_order_++, std::move(run)});
}

void Simulator::RunUntil(Instant end) {
  while (!queue_.empty() && queue_.top().when <= end) {
    // The queue gives const access only; the event is popped before it can be looked at again.
    std::function<void()> run = std::move(const_cast<Event&>(queue_.top()).run);
    now_ = queue_.top().when;
    queue_.pop();
    ++events_;
    run();
  }
  now_ = end;
}

void Simulator::Trace(uint64_t value) {
  trace_hash_ = (trace_hash_ ^ value) * 0x100000001b3ULL;
  trace_hash_ ^= trace_hash_ >> 29;
}

void Simulator::Trace(std::string_view text) { Trace(Hash64(text)); }

}  // namespace everwrite::chaos
