// How commands that run until they are told to end take SIGINT, SIGTERM and SIGHUP.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

namespace everwrite::cli {

// SIGINT, SIGTERM and SIGHUP, taken by asking. Made before any thread, so that all of them leave
// the signals to who asks.
class EndSignals {
 public:
  EndSignals() {
    ::sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  // Waits up to `millis` for one; then it stays said.
  bool Wait(int64_t millis) {
    if (said_) return true;
    const struct timespec wait { millis / 1000, millis % 1000 * 1000000 };
    said_ = ::sigtimedwait(&set_, nullptr, &wait) > 0;
    return said_;
  }
  // From now on a signal ends this process at once; the kernel ends its children.
  void NextOneKills() {
    std::thread([set = set_] {
      int signal = 0;
      ::sigwait(&set, &signal);
      std::_Exit(128 + signal);
    }).detach();
  }

 private:
  sigset_t set_;
  bool said_ = false;
};

// The path of this executable.
inline std::string ThisProgram() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "everwrite";
}

}  // namespace everwrite::cli
