// Runs worlds in a process of their own, so that what ends one, a CHECK of the product or running
// for ever, is a violation like any other and the caller goes on.
//
// Thread-safety: none; forks, so there may be no other threads.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <functional>
#include <string>

#include "chaos/sim/world.h"

namespace everwrite::chaos {

// A process that runs one world after the other. What the first ones have touched, memory, code and
// caches, is there for the next: a fresh process for each costs a tenth more.
class WorldProcess {
 public:
  // `before` is called in each new process, first. Null: nothing.
  explicit WorldProcess(const Plants& plants = {}, std::function<void()> before = nullptr);
  ~WorldProcess();  // ends it
  WorldProcess(const WorldProcess&) = delete;
  WorldProcess& operator=(const WorldProcess&) = delete;

  // A world that ends the process is a violation, and the next one gets a new process.
  WorldResult Run(const Schedule& schedule);

 private:
  bool Start();
  void End();
  // Why it has ended without a result.
  std::string Ending();

  const Plants plants_;
  const std::function<void()> before_;
  std::FILE* const errors_;  // what it prints on stderr in the current world
  pid_t child_ = -1;         // -1: there is none
  int socket_ = -1;          // to it
  size_t worlds_ = 0;        // that it has run
};

// One world in a new process.
WorldResult RunApart(const Schedule& schedule, const Plants& plants = {},
                     const std::function<void()>& before = nullptr);

// Of many worlds: each in the process of those before it. One that is red there is run again in a
// new one, and that counts; that the two differ is a violation.
std::function<WorldResult(const Schedule&)> RunInTurn(const Plants& plants);

}  // namespace everwrite::chaos
