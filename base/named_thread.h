// Threads with names: what `top -H`, gdb and perf show instead of the program's.
//
// Thread-safety: any thread.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

namespace everwrite {

// The system's bound (pthread_setname_np(3)); what is longer is cut.
inline constexpr size_t kThreadNameMax = 15;

// Starts a thread of this name that calls `run`.
template <typename Run>
std::thread NamedThread(std::string name, Run run) {
  name.resize(std::min(name.size(), kThreadNameMax));
  return std::thread([name = std::move(name), run = std::move(run)]() mutable {
    // It fails for too long a name alone.
    (void)pthread_setname_np(pthread_self(), name.c_str());
    run();
  });
}

}  // namespace everwrite
