// A planted bug: a resolver without a tie-break, which is linked in instead of the product's (the
// build compiles conflict/resolver.cc once more, with EVERWRITE_PLANTED_NO_TIE_BREAK). Equal stamps
// then keep whatever came first, and regions end in different states: the checkers must say so, or
// the regions themselves, whose convergence guards notice it and put it right while they run.
#include <gtest/gtest.h>

#include "chaos/sim/simulate.h"

namespace everwrite::chaos {
namespace {

TEST(PlantedBug, WithoutATieBreakRegionsDivergeAndTheCheckersSayIt) {
  SimulateOptions options;
  options.seeds = 60;
  std::string said;
  const SimulateSummary summary = Simulate(options, [&](const std::string& line) { said += line; });
  EXPECT_GT(summary.failed, 0u);
  EXPECT_TRUE(said.find("diverged") != std::string::npos ||
              said.find("the convergence guard of region") != std::string::npos)
      << said;
}

}  // namespace
}  // namespace everwrite::chaos
