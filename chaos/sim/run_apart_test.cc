#include "chaos/sim/run_apart.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace everwrite::chaos {
namespace {

Schedule OfSeed(uint64_t seed) {
  DrawOptions options;
  options.seed = seed;
  return DrawSchedule(options);
}

TEST(RunApart, AWorldAfterOthersIsWhatItIsAlone) {
  WorldProcess process;
  for (const uint64_t seed : {1, 2, 3, 4, 2, 1}) {
    const WorldResult after_others = process.Run(OfSeed(seed));
    const WorldResult alone = RunApart(OfSeed(seed));
    EXPECT_NE(alone.trace_hash, 0u);
    EXPECT_EQ(after_others.trace_hash, alone.trace_hash) << "seed " << seed;
    EXPECT_EQ(after_others.counts.events, alone.counts.events);
    EXPECT_EQ(after_others.counts.marks, alone.counts.marks);
    EXPECT_EQ(after_others.violations, std::vector<std::string>());
  }
}

TEST(RunApart, WhatEndsTheProcessIsAViolationAndTheNextWorldHasANewOne) {
  int worlds = 0;
  WorldProcess process({}, [&worlds] { CHECK(worlds != 1, "nothing is wrong here"); });
  for (worlds = 1; worlds <= 2; ++worlds) {
    const WorldResult result = process.Run(OfSeed(1));
    if (worlds == 2) {
      EXPECT_EQ(result.violations, std::vector<std::string>());
      continue;
    }
    ASSERT_EQ(result.violations.size(), 1u);
    EXPECT_EQ(result.violations[0].find("a CHECK of the product's own: "), 0u);
    EXPECT_NE(result.violations[0].find("nothing is wrong here"), std::string::npos);
  }
}

TEST(RunApart, AScheduleThatCannotBeIsAViolation) {
  Schedule schedule = OfSeed(1);
  schedule.regions = kRegionsMax + 1;
  const WorldResult result = RunApart(schedule);
  ASSERT_EQ(result.violations.size(), 1u);
  EXPECT_NE(result.violations[0].find("the schedule:"), std::string::npos) << result.violations[0];
}

TEST(RunApart, OfManyWorldsTheRedOneIsToldAsItIsAlone) {
  const Plants plants{.lying_sync = true};
  const auto run = RunInTurn(plants);
  size_t red = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    const WorldResult alone = RunApart(OfSeed(seed), plants);
    EXPECT_EQ(run(OfSeed(seed)).violations, alone.violations) << "seed " << seed;
    red += alone.violations.empty() ? 0 : 1;
  }
  EXPECT_GT(red, 0u);
}

}  // namespace
}  // namespace everwrite::chaos
