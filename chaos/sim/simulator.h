// Simulator: one thread, one virtual clock, one queue of events. Everything that happens in a
// simulated world is an event here, in the order of (time, insertion), so a seed gives one history
// and always the same one.
//
// The trace hash is over everything that is passed to Trace(), in order: two runs of one seed must
// end with the same hash, whatever the build.
//
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"

namespace everwrite::chaos {

// A stream of chance of its own for each purpose and subject, so that one of them does not disturb
// the others.
Random StreamOf(uint64_t seed, std::string_view purpose, uint64_t subject = 0);

// What an event needs to know of the process that it belongs to, if it does.
struct ProcessState {
  bool alive = true;
  bool paused = false;
  std::vector<std::function<void()>> held;  // in the order in which they came due
};

class Simulator {
 public:
  explicit Simulator(uint64_t seed) : seed_(seed) {}

  Instant now() const { return now_; }
  Random Stream(std::string_view purpose, uint64_t subject = 0) const {
    return StreamOf(seed_, purpose, subject);
  }
  uint64_t events() const { return events_; }

  // Of a process: not at all once it is dead; when it goes on, if it is paused.
  void At(Instant when, std::function<void()>&& run, ProcessState* process = nullptr);
  void After(int64_t micros, std::function<void()>&& run) { At(now_ + micros, std::move(run)); }
  // Stays until the simulator goes, as events of a process stay in the queue when it is dead.
  ProcessState* NewProcess() { return &processes_.emplace_back(); }
  // Runs events until the queue is empty or the next one is after `end`; the clock then stands at
  // `end`.
  void RunUntil(Instant end);

  void Trace(uint64_t value);
  void Trace(std::string_view text);
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  struct Task {
    std::function<void()> run;
    ProcessState* process = nullptr;
  };
  // Small, as the heap moves it about.
  struct Due {
    Instant when;
    uint64_t order;
    Task* task;
  };
  struct Later {
    bool operator()(const Due& a, const Due& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  Task* TakeNext(Instant end);  // null: none until then

  const uint64_t seed_;
  Instant now_;
  uint64_t next_order_ = 0;
  uint64_t events_ = 0;
  uint64_t trace_hash_ = 0xcbf29ce484222325ULL;
  std::priority_queue<Due, std::vector<Due>, Later> queue_;
  std::deque<ProcessState> processes_;
  std::deque<Task> tasks_;  // they run where they are
  std::vector<Task*> free_;
  // What was put in since the clock has stood where it stands, for that very time: it comes after
  // all that the queue has for it. From next_now_ on it is still to be run.
  std::vector<Task*> due_now_;
  size_t next_now_ = 0;
};

// An executor whose tasks die with the process they belong to: what a crashed process had posted
// never runs. Make one a process; Kill it at the crash. While it is paused nothing runs; what comes
// due waits, and runs at once, in order, when it is resumed.
class ProcessExecutor : public Executor {
 public:
  explicit ProcessExecutor(Simulator& simulator)
      : simulator_(simulator), state_(simulator.NewProcess()) {}
  ~ProcessExecutor() override { Kill(); }
  void Post(std::function<void()> task) override { PostAfter(0, std::move(task)); }
  void PostAfter(int64_t micros, std::function<void()>&& task) {
    simulator_.At(simulator_.now() + micros, std::move(task), state_);
  }
  void Kill() {
    state_->alive = false;
    state_->held.clear();
  }
  void Pause() { state_->paused = true; }
  void Resume() {
    state_->paused = false;
    std::vector<std::function<void()>> held;
    held.swap(state_->held);
    for (auto& task : held) Post(std::move(task));
  }
  bool paused() const { return state_->paused; }
  size_t held() const { return state_->held.size(); }

 private:
  Simulator& simulator_;
  ProcessState* const state_;
};

}  // namespace everwrite::chaos
