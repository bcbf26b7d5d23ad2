#include "chaos/run/report.h"

#include <gtest/gtest.h>

namespace everwrite::chaos {
namespace {

constexpr int64_t kSecond = 1'000'000;

ObservedOp Op(const std::string& region, int64_t begin_us, int64_t took_us, Outcome outcome) {
  ObservedOp op;
  op.act = Act::kPut;
  op.session = 1;
  op.region = region;
  op.begin_us = begin_us;
  op.end_us = begin_us + took_us;
  op.outcome = outcome;
  op.items.push_back({"x", 1, 1});
  return op;
}

// Two regions: quiet for 2 s, faults until 6 s, load until 7 s.
struct Example {
  Example() {
    phases = {2 * kSecond, 6 * kSecond, 7 * kSecond, 8 * kSecond};
    for (int i = 0; i < 10; ++i)
      history.ops.push_back(Op("a", kSecond + i * 1000, 2000, Outcome::kAcknowledged));
    for (int i = 0; i < 9; ++i)
      history.ops.push_back(Op("b", 3 * kSecond + i * 1000, 5000, Outcome::kAcknowledged));
    history.ops.push_back(Op("b", 3 * kSecond, 2 * kSecond, Outcome::kUnknown));
    ObservedOp far = Op("b", 3 * kSecond, 900'000, Outcome::kUnknown);
    far.far = true;
    history.ops.push_back(far);
  }
  RunPhases phases;
  ObservedHistory history;
};

TEST(Figures, CountTheOwnRegionsClientsByPhase) {
  const Example example;
  const Figures figures = Summarise(example.history, example.phases, {"a", "b"});
  EXPECT_EQ(figures.operations, 21u);
  EXPECT_EQ(figures.acknowledged_writes, 19u);
  EXPECT_EQ(figures.unknown, 2u);
  EXPECT_DOUBLE_EQ(figures.local_success_percent, 90.0) << "who went far away is not counted";
  EXPECT_EQ(figures.quiet_p99_us, 2000);
  EXPECT_EQ(figures.fault_p99_us, 5000);
  EXPECT_EQ(figures.seconds.at("a")[1].answered, 10u);
  EXPECT_EQ(figures.seconds.at("b")[5].unknown, 1u);
}

TEST(Verdicts, ExpectationsAreHeldAgainstFigures) {
  const Example example;
  const Figures figures = Summarise(example.history, example.phases, {"a", "b"});
  Scenario scenario;
  scenario.checks = {Check::kEndState, Check::kCounters};
  scenario.expect.converged_within = kSecond;
  scenario.expect.local_success_percent = 90.5;
  scenario.expect.local_p99_times = 2.6;
  const auto named = [](const std::vector<Verdict>& verdicts, const std::string& name) {
    for (const Verdict& verdict : verdicts)
      if (verdict.name == name) return verdict;
    ADD_FAILURE() << name;
    return Verdict();
  };
  auto verdicts = JudgeRun(scenario, {}, {}, figures, example.phases);
  EXPECT_EQ(verdicts.size(), 5u);
  EXPECT_TRUE(named(verdicts, "end_state").holds);
  EXPECT_EQ(named(verdicts, "counters").says, "nothing to judge");
  EXPECT_TRUE(named(verdicts, "converged").holds);
  EXPECT_FALSE(named(verdicts, "local_success").holds);
  EXPECT_TRUE(named(verdicts, "local_p99").holds);
  scenario.expect.local_p99_times = 2;
  RunPhases late = example.phases;
  late.converged = 9 * kSecond;
  verdicts = JudgeRun(scenario, {}, {"lost: write 7"}, figures, late);
  EXPECT_FALSE(named(verdicts, "end_state").holds);
  EXPECT_EQ(named(verdicts, "end_state").lines, std::vector<std::string>{"lost: write 7"});
  EXPECT_FALSE(named(verdicts, "converged").holds);
  EXPECT_FALSE(named(verdicts, "local_p99").holds);
  late.converged = -1;
  EXPECT_FALSE(named(JudgeRun(scenario, {}, {}, figures, late), "converged").holds);
}

RunReport Reported() {
  const Example example;
  RunReport report;
  report.name = "f<1>";
  report.description = "one \"cut\" & more";
  report.seed = 7;
  report.replay = "everwrite chaos run f --seed 7";
  report.regions = {"a", "b"};
  report.phases = example.phases;
  Stroke stroke;
  stroke.at = kSecond;
  stroke.until = 3 * kSecond;
  stroke.text = "cut a - b";
  report.strokes.push_back(stroke);
  report.figures = Summarise(example.history, example.phases, report.regions);
  report.lag_ms["a -> b"] = {{kSecond, 20}, {4 * kSecond, 2500}};
  report.conflicts["a"] = {{kSecond, 0}, {4 * kSecond, 3}};
  report.verdicts.push_back({"end_state", false, "1 violations", {"lost: <x>"}});
  return report;
}

TEST(Report, IsOnePageThatNeedsNothingFromOutside) {
  const std::string page = ReportHtml(Reported());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  for (const char* outside : {"http://", "https://", "src=", "@import", "<script", "<link"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  EXPECT_LT(page.find("1 of 1 do not hold"), page.find("<svg")) << "the verdict comes first";
  for (const char* there : {"f&lt;1&gt;", "one &quot;cut&quot; &amp; more", "cut a - b",
                            "lost: &lt;x&gt;", "a -&gt; b", "prefers-color-scheme:dark"})
    EXPECT_NE(page.find(there), std::string::npos) << there;
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find("inf"), std::string::npos);
}

TEST(Report, OfARunWithoutAnythingIsAPageToo) {
  RunReport report;
  report.regions = {"a"};
  const std::string page = ReportHtml(report);
  EXPECT_NE(page.find("Everything holds"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(Report, TheJsonSaysTheSame) {
  const std::string json = ReportJson(Reported());
  for (const char* there :
       {"\"scenario\":\"f<1>\"", "\"passed\":false", "\"check\":\"end_state\"",
        "\"violations\":[\"lost: <x>\"]", "\"at_us\":3000000,\"until_us\":5000000",
        "\"description\":\"one \\\"cut\\\" & more\"", "\"a -> b\":[[1000000,20],[4000000,2500]]"})
    EXPECT_NE(json.find(there), std::string::npos) << there << "\n" << json;
}

}  // namespace
}  // namespace everwrite::chaos
