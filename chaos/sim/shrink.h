// Makes a schedule that fails as short as it can, without losing the failure: fewer events (delta
// debugging, Zeller and Hildebrandt 2002), a shorter time, fewer regions and clients, fewer kinds
// of work, calmer weather. What is kept is a violation of the same kind (KindOf), not the same
// text.
//
// Every candidate is run. Pure but for what `run` does; deterministic when that is.
#pragma once

#include <functional>
#include <string>

#include "chaos/sim/simulate.h"

namespace everwrite::chaos {

struct ShrinkOptions {
  size_t runs_max = 400;
  // Asked before each run; false: what is found so far is the result. Null: always.
  std::function<bool()> go_on;
  // Told each time something could be left out. Null: nobody.
  std::function<void(const std::string&)> progress;
};

struct Shrunk {
  Schedule schedule;  // fails with `kind`, as the one that was given
  size_t runs = 0;
};

Shrunk Shrink(const Schedule& schedule, const std::string& kind, const WorldRunner& run,
              const ShrinkOptions& options = {});

}  // namespace everwrite::chaos
