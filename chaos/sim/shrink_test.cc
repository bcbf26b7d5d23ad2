#include "chaos/sim/shrink.h"

#include <gtest/gtest.h>

namespace everwrite::chaos {
namespace {

// Stands for a world that fails whenever `fails` says so.
WorldRunner Failing(std::function<bool(const Schedule&)> fails, size_t* runs = nullptr) {
  return [fails = std::move(fails), runs](const Schedule& schedule) {
    if (runs != nullptr) ++*runs;
    WorldResult result;
    if (fails(schedule)) result.violations.push_back("lost: write 17 in region 2");
    return result;
  };
}

bool Has(const Schedule& schedule, EventKind kind) {
  return std::any_of(schedule.events.begin(), schedule.events.end(),
                     [kind](const Event& event) { return event.kind == kind; });
}

Schedule Drawn(uint64_t seed) {
  DrawOptions options;
  options.seed = seed;
  options.regions = 3;
  return DrawSchedule(options);
}

TEST(Shrink, LeavesWhatTheFailureNeedsAndNothingElse) {
  size_t tried = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Schedule schedule = Drawn(seed);
    const auto fails = [](const Schedule& s) {
      return Has(s, EventKind::kCrash) && Has(s, EventKind::kCut) && s.settings.sessions > 0;
    };
    if (!fails(schedule)) continue;
    ++tried;
    const Shrunk shrunk = Shrink(schedule, KindOf("lost: write 3 in region 1"), Failing(fails));
    EXPECT_TRUE(fails(shrunk.schedule));
    EXPECT_EQ(shrunk.schedule.events.size(), 2u);
    EXPECT_EQ(shrunk.schedule.settings, Settings());
  }
  EXPECT_GT(tried, 5u);
}

TEST(Shrink, ShortensTheTimeAndTakesRegionsOut) {
  const Schedule schedule = Drawn(3);
  const auto fails = [](const Schedule& s) { return s.seconds >= 7 && s.regions >= 2; };
  const Shrunk shrunk = Shrink(schedule, "lost: write # in region #", Failing(fails));
  EXPECT_EQ(shrunk.schedule.seconds, 7);
  EXPECT_EQ(shrunk.schedule.regions, 2u);
  EXPECT_TRUE(shrunk.schedule.events.empty());
}

TEST(Shrink, AnotherKindOfFailureIsNotTheSameFailure) {
  const Schedule schedule = Drawn(3);
  const Shrunk shrunk = Shrink(schedule, "diverged: # is in region # and not in #",
                               Failing([](const Schedule&) { return true; }));
  EXPECT_EQ(shrunk.schedule, schedule);
}

TEST(Shrink, EndsWithItsRunsOrWhenItIsToldTo) {
  size_t runs = 0;
  const auto never = Failing([](const Schedule&) { return true; }, &runs);
  ShrinkOptions options;
  options.runs_max = 5;
  EXPECT_EQ(Shrink(Drawn(3), "lost: write # in region #", never, options).runs, 5u);
  EXPECT_EQ(runs, 5u);
  options.go_on = [] { return false; };
  EXPECT_EQ(Shrink(Drawn(3), "lost: write # in region #", never, options).runs, 0u);
}

}  // namespace
}  // namespace everwrite::chaos
