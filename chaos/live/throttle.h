// A process that gets less of the machine than it wants: a share of a processor, or so much memory.
//
// Thread-safety: none; use from one thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "base/result.h"

namespace everwrite::chaos {

// Stops and continues a process many times a second, so that it runs `percent` of the time. This
// needs no privileges. A thread of its own; `pid` is called on it, and gives 0 when nothing runs.
class CpuShare {
 public:
  CpuShare(std::function<pid_t()> pid, double percent);
  // Goes on when this returns.
  ~CpuShare();

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// A control group (version 1 or 2) with a bound on memory. The kernel ends who needs more.
class MemoryLimit {
 public:
  // kFailedPrecondition when this machine or user cannot have one, with the reason. Groups that
  // earlier runs have left and that are empty are taken away.
  static Result<MemoryLimit> Make(const std::string& name, uint64_t bytes);
  MemoryLimit(MemoryLimit&& other) noexcept;
  MemoryLimit& operator=(MemoryLimit&&) = delete;
  // Everything in it goes back to where it would be without it.
  ~MemoryLimit();

  // Takes the process in; cheap when it is in already.
  Status Add(pid_t pid);

 private:
  MemoryLimit(std::string parent, std::string folder)
      : parent_(std::move(parent)), folder_(std::move(folder)) {}
  std::string parent_;
  std::string folder_;  // empty: moved away
  pid_t last_ = 0;
};

}  // namespace everwrite::chaos
