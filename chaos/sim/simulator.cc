#include "chaos/sim/simulator.h"

#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::chaos {

Random StreamOf(uint64_t seed, std::string_view purpose, uint64_t subject) {
  return Random((seed * 0x9e3779b97f4a7c15ULL ^ Hash64(purpose)) + subject * 0xbf58476d1ce4e5b9ULL);
}

void Simulator::At(Instant when, std::function<void()> run, std::shared_ptr<ProcessState> process) {
  CHECK(when >= now_, "an event in the past");
  if (when == now_) {
    due_now_.push_back({std::move(run), std::move(process)});
    return;
  }
  size_t task = tasks_.size();
  if (free_.empty()) {
    tasks_.push_back({std::move(run), std::move(process)});
  } else {
    task = free_.back();
    free_.pop_back();
    tasks_[task] = {std::move(run), std::move(process)};
  }
  queue_.push({when, next_order_++, task});
}

bool Simulator::TakeNext(Instant end, Task& task) {
  if (next_now_ < due_now_.size() && (queue_.empty() || queue_.top().when > now_)) {
    task = std::move(due_now_[next_now_++]);
    if (next_now_ < due_now_.size()) return true;
    due_now_.clear();
    next_now_ = 0;
    return true;
  }
  if (queue_.empty() || queue_.top().when > end) return false;
  const Due due = queue_.top();
  queue_.pop();
  task = std::exchange(tasks_[due.task], {});
  free_.push_back(due.task);
  now_ = due.when;
  return true;
}

void Simulator::RunUntil(Instant end) {
  for (Task task; TakeNext(end, task); task = {}) {
    ++events_;
    const std::shared_ptr<ProcessState>& process = task.process;
    if (!process || (process->alive && !process->paused)) {
      task.run();
    } else if (process->alive) {
      process->held.push_back(std::move(task.run));
    }
  }
  now_ = end;
}

void Simulator::Trace(uint64_t value) {
  trace_hash_ = (trace_hash_ ^ value) * 0x100000001b3ULL;
  trace_hash_ ^= trace_hash_ >> 29;
}

void Simulator::Trace(std::string_view text) { Trace(Hash64(text)); }

}  // namespace everwrite::chaos
