// Child processes that are kept alive: started, watched, started again when they end, and stopped
// so that none is left.
//
// Each child leads a process group of its own and is told by the kernel to die with this process
// (PR_SET_PDEATHSIG), so that not even a SIGKILL of the parent leaves one behind. Its standard
// output and error go to a log file, appended to. A child that ends is started again after a delay
// that doubles from 100 ms to 5 s, and begins anew once a child has lived for 10 s. Exit statuses
// that starting again cannot mend (`final_statuses`: usage, configuration) end the supervision of
// that child.
//
// Threads: one thread of its own, from which all children are started: the kernel's rule speaks of
// the parent *thread*. All methods may be called from any thread. The destructor stops everything.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace everwrite::chaos {

struct ProcessSpec {
  std::string name;                  // unique; for logs and listings
  std::vector<std::string> command;  // [0] is looked up in PATH unless it has a slash
  std::string log_file;              // created when missing; its folder must exist
  std::vector<int> final_statuses = {2, 78};
  bool restart = true;
  int64_t longest_delay_ms = 5000;                 // before it is started again
  std::map<std::string, std::string> environment;  // beside that of this process
  // Before every start, on the supervisor's thread: nothing of the process runs then, and its
  // command may be changed. Must not call the supervisor.
  std::function<void(ProcessSpec&)> before_start;
};

struct ProcessInfo {
  std::string name;
  pid_t pid = 0;  // 0 when it does not run now
  uint32_t restarts = 0;
  bool finished = false;  // will not be started again by itself
  int exit_status = 0;    // of the last end; 128 + signal when a signal ended it
  std::string log_file;
};

class Supervisor {
 public:
  explicit Supervisor(Logger log);
  ~Supervisor();

  // Starts it and keeps it running. kUnavailable when the first start fails (no such program).
  Status Start(ProcessSpec spec);
  std::vector<ProcessInfo> List() const;
  // Sends a signal to a running child by its pid, as a fault would; it is started again as usual.
  Status Signal(const std::string& name, int signal);
  // Starts a child again that had ended for good; kFailedPrecondition when it has not.
  Status Revive(const std::string& name);
  // SIGTERM to those named, SIGKILL to the groups of who is left after `grace_ms`. Returns
  // when they are gone.
  void Stop(const std::vector<std::string>& names, int64_t grace_ms);
  // The last started first, all at once.
  void StopAll(int64_t grace_ms);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The last `max_bytes` of a file, from a line's beginning; empty when it cannot be read.
std::string FileTail(const std::string& path, size_t max_bytes);

}  // namespace everwrite::chaos
