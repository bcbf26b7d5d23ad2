#include "chaos/run/timeline.h"

#include <gtest/gtest.h>

#include <set>

#include "chaos/scenario/scenario_file.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kSecond = 1'000'000;

Scenario Faults(const std::string& faults, int regions = 3) {
  auto scenario = ParseScenario(
      "name: a\ntopology: {regions: " + std::to_string(regions) + "}\nfaults:\n" + faults, "s",
      [](const std::string&) -> Result<topology::Topology> { return NotFound(""); });
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return *scenario;
}

size_t CutAt(const Scenario& scenario, const std::vector<Stroke>& strokes, int64_t now) {
  size_t cut = 0;
  for (const std::string& a : scenario.region_names)
    for (const std::string& b : scenario.region_names)
      cut += a != b && ConditionAt(strokes, {a, b}, {}, now).cut ? 1 : 0;
  return cut;
}

TEST(Timeline, ACutHoldsForItsTimeAndBothWays) {
  const Scenario scenario = Faults("  - {at: 2s, for: 3s, cut: [us-east-1, eu-west-1]}\n");
  const auto strokes = DrawTimeline(scenario, 1);
  EXPECT_EQ(CutAt(scenario, strokes, 2 * kSecond - 1), 0u);
  EXPECT_EQ(CutAt(scenario, strokes, 2 * kSecond), 2u);
  EXPECT_EQ(CutAt(scenario, strokes, 5 * kSecond - 1), 2u);
  EXPECT_EQ(CutAt(scenario, strokes, 5 * kSecond), 0u);
  const Scenario one_way = Faults("  - {cut: [us-east-1, eu-west-1], one_way: true}\n");
  const auto one = DrawTimeline(one_way, 1);
  EXPECT_TRUE(ConditionAt(one, {"us-east-1", "eu-west-1"}, {}, 0).cut);
  EXPECT_FALSE(ConditionAt(one, {"eu-west-1", "us-east-1"}, {}, 0).cut);
}

TEST(Timeline, ShapesOfTheNetworkCutWhatTheySay) {
  const auto cut = [](const std::string& fault, int regions) {
    const Scenario scenario = Faults("  - " + fault + "\n", regions);
    return CutAt(scenario, DrawTimeline(scenario, 7), 0);
  };
  EXPECT_EQ(cut("{isolate: any}", 3), 4u);
  EXPECT_EQ(cut("{isolate: any, one_way: true}", 3), 2u);
  EXPECT_EQ(cut("{split: all}", 3), 6u);
  EXPECT_EQ(cut("{split: [[us-east-1], [eu-west-1]]}", 3), 6u) << "the third is a group by itself";
  EXPECT_EQ(cut("{split: any}", 3), 4u);
  EXPECT_EQ(cut("{chain: all}", 3), 2u);
  EXPECT_EQ(cut("{ring: all}", 5), 10u) << "five of ten links are left";
  EXPECT_EQ(cut("{chain: any}", 5), 12u);
}

TEST(Timeline, AFlapIsManyCuts) {
  const Scenario scenario =
      Faults("  - {at: 1s, for: 10s, cut: [us-east-1, eu-west-1], flap: {off: 2s, on: 1s}}\n");
  const auto strokes = DrawTimeline(scenario, 1);
  ASSERT_EQ(strokes.size(), 4u);
  EXPECT_EQ(CutAt(scenario, strokes, kSecond * 5 / 2), 2u);
  EXPECT_EQ(CutAt(scenario, strokes, kSecond * 7 / 2), 0u);
  EXPECT_EQ(strokes.back().until, 11 * kSecond);
}

TEST(Timeline, WhatIsSlowKeepsWhatIsNotSaid) {
  const Scenario scenario = Faults("  - {slow: all, delay: 80ms}\n");
  const auto condition = ConditionAt(DrawTimeline(scenario, 1), {"us-east-1", "eu-west-1"},
                                     {false, 20'000, 3'000, 9}, 0);
  EXPECT_EQ(condition, (LinkCondition{false, 80'000, 3'000, 9}));
}

TEST(Timeline, ClocksJumpAndDrift) {
  const Scenario scenario = Faults(
      "  - {at: 1s, for: 4s, clock: us-east-1, jump: -10m}\n"
      "  - {at: 3s, for: 10s, clock: us-east-1, drift: 500ms}\n");
  const auto strokes = DrawTimeline(scenario, 1);
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 2 * kSecond).offset_us, -600 * kSecond);
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 4 * kSecond).offset_us, -600 * kSecond + kSecond / 2);
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 7 * kSecond).offset_us, 2 * kSecond);
  EXPECT_EQ(ClockAt(strokes, "eu-west-1", 4 * kSecond).offset_us, 0);
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 60 * kSecond).offset_us, 0);
}

TEST(Timeline, ClocksAreCoarseAndStandStill) {
  const Scenario scenario = Faults(
      "  - {at: 1s, for: 4s, clock: us-east-1, grain: 500ms}\n"
      "  - {at: 3s, for: 10s, clock: us-east-1, frozen: true}\n");
  const auto strokes = DrawTimeline(scenario, 1);
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 2 * kSecond), (ClockCondition{0, 500'000, false}));
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 4 * kSecond), (ClockCondition{0, 500'000, true}));
  EXPECT_EQ(ClockAt(strokes, "us-east-1", 6 * kSecond), (ClockCondition{0, 0, true}));
}

TEST(Timeline, WhatRisesFailsTheNextCallEachTime) {
  const auto strokes = DrawTimeline(Faults("  - {disk_error: any, sync: 5, once: true, rising: "
                                           "true, every: 1s, for: 1s, times: 3}\n"),
                                    1);
  ASSERT_EQ(strokes.size(), 3u);
  EXPECT_EQ(strokes[0].fault.fail_sync, 5u);
  EXPECT_EQ(strokes[2].fault.fail_sync, 7u);
  EXPECT_EQ(strokes[2].fault.fail_write, 0u);
  EXPECT_TRUE(strokes[2].text.ends_with(" fails sync 7")) << strokes[2].text;
}

TEST(Timeline, AFaultOfAllRegionsIsAStrokeForEach) {
  const auto strokes = DrawTimeline(Faults("  - {at: 1s, power_cut: all}\n"), 1);
  ASSERT_EQ(strokes.size(), 3u);
  EXPECT_EQ(strokes[1].text, "power cut of eu-west-1");
  EXPECT_EQ(strokes[1].until, strokes[1].at);
}

TEST(Timeline, PacketsAreLostWhereAndWhileTheyAre) {
  const auto strokes = DrawTimeline(
      Faults("  - {for: 2s, packets: [us-east-1, eu-west-1], one_way: true, loss: 2%}\n"
             "  - {for: 2s, black_hole: all, over: 600B}\n"),
      1);
  const auto condition = ConditionAt(strokes, {"us-east-1", "eu-west-1"}, {}, 0);
  EXPECT_DOUBLE_EQ(condition.loss_percent, 2);
  EXPECT_EQ(condition.over_bytes, 600u);
  EXPECT_FALSE(condition.cut);
  EXPECT_DOUBLE_EQ(ConditionAt(strokes, {"eu-west-1", "us-east-1"}, {}, 0).loss_percent, 0);
  EXPECT_EQ(ConditionAt(strokes, {"us-east-1", "eu-west-1"}, {}, 3 * kSecond), LinkCondition());
}

TEST(Timeline, TheSeedDecidesAndNothingElse) {
  const Scenario scenario = Faults("  - {kill: any, of: any, every: 500ms, times: 40}\n");
  const auto texts = [&scenario](uint64_t seed) {
    std::vector<std::string> all;
    for (const Stroke& stroke : DrawTimeline(scenario, seed)) all.push_back(stroke.text);
    return all;
  };
  EXPECT_EQ(texts(1), texts(1));
  EXPECT_NE(texts(1), texts(2));
  const auto drawn = texts(3);
  EXPECT_EQ(drawn.size(), 40u);
  EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), 9u)
      << "three kinds of processes of three regions";
}

TEST(Timeline, WhatComesAgainEndsWithTheFaults) {
  Scenario scenario = Faults("  - {at: 1s, kill: region, of: us-east-1, every: 2s}\n");
  scenario.duration = 10 * kSecond;
  EXPECT_EQ(DrawTimeline(scenario, 1).size(), 5u);
}

}  // namespace
}  // namespace everwrite::chaos
