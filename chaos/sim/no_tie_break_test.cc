// A planted bug: a resolver without a tie-break, which is linked in instead of the product's (the
// build compiles conflict/resolver.cc once more, with EVERWRITE_PLANTED_NO_TIE_BREAK). Equal stamps
// then keep whatever came first, and regions end in different states: the checkers must say so.
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
  EXPECT_NE(said.find("diverged"), std::string::npos);
}

}  // namespace
}  // namespace everwrite::chaos
