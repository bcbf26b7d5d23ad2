// Port: where continuations run. An event loop in the server, the event queue in the simulator.
#pragma once

#include <functional>

namespace everwrite {

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `task` later on this executor, never inside the call. Thread-safe.
  virtual void Post(std::function<void()> task) = 0;
};

}  // namespace everwrite
