#include "chaos/sim/simulator.h"

#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::chaos {

Random StreamOf(uint64_t seed, std::string_view purpose, uint64_t subject) {
  return Random((seed * 0x9e3779b97f4a7c15ULL ^ Hash64(purpose)) + subject * 0xbf58476d1ce4e5b9ULL);
}

void Simulator::At(Instant when, std::function<void()>&& run, ProcessState* process) {
  CHECK(when >= now_, "an event in the past");
  if (free_.empty()) free_.push_back(&tasks_.emplace_back());
  Task* const task = free_.back();
  free_.pop_back();
  task->run = std::move(run);
  task->process = process;
  if (when == now_) {
    due_now_.push_back(task);
  } else {
    queue_.push({when, next_order_++, task});
  }
}

Simulator::Task* Simulator::TakeNext(Instant end) {
  if (next_now_ < due_now_.size() && (queue_.empty() || queue_.top().when > now_)) {
    Task* const task = due_now_[next_now_++];
    if (next_now_ < due_now_.size()) return task;
    due_now_.clear();
    next_now_ = 0;
    return task;
  }
  if (queue_.empty() || queue_.top().when > end) return nullptr;
  const Due due = queue_.top();
  queue_.pop();
  now_ = due.when;
  return due.task;
}

void Simulator::RunUntil(Instant end) {
  while (Task* const task = TakeNext(end)) {
    ++events_;
    ProcessState* const process = task->process;
    if (process == nullptr || (process->alive && !process->paused)) {
      task->run();
    } else if (process->alive) {
      process->held.push_back(std::move(task->run));
    }
    task->run = nullptr;
    free_.push_back(task);
  }
  now_ = end;
}

void Simulator::Trace(uint64_t value) {
  trace_hash_ = (trace_hash_ ^ value) * 0x100000001b3ULL;
  trace_hash_ ^= trace_hash_ >> 29;
}

void Simulator::Trace(std::string_view text) { Trace(Hash64(text)); }

}  // namespace everwrite::chaos
