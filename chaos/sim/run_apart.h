// Runs a world in a process of its own, so that what ends it, a CHECK of the product or running for
// ever, is a violation like any other and the caller goes on.
//
// Thread-safety: none; forks, so there may be no other threads.
#pragma once

#include <functional>

#include "chaos/sim/world.h"

namespace everwrite::chaos {

// `before` is called in the new process, first. Null: nothing.
WorldResult RunApart(const Schedule& schedule, const Plants& plants = {},
                     const std::function<void()>& before = nullptr);

}  // namespace everwrite::chaos
