#include "chaos/sim/schedule.h"

#include <gtest/gtest.h>

namespace everwrite::chaos {
namespace {

std::string ErrorOf(std::string_view text) {
  const auto schedule = ParseSchedule(text, "x.events");
  return schedule.ok() ? "" : schedule.status().message();
}

TEST(Schedule, WhatASeedDrawsIsReadBackAsItWasWritten) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    DrawOptions options;
    options.seed = seed;
    const Schedule schedule = DrawSchedule(options);
    const auto read = ParseSchedule(FormatSchedule(schedule), "x.events");
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, schedule);
    EXPECT_EQ(DrawSchedule(options), schedule);
  }
}

TEST(Schedule, SeedsDrawEveryKindOfEventAndSetEverySetting) {
  std::set<EventKind> kinds;
  std::set<std::string_view> settings;
  std::set<size_t> regions;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    DrawOptions options;
    options.seed = seed;
    if (seed % 2 == 0) options.seconds = 300;
    options.overlapping_losses = seed % 3 == 0;
    const Schedule schedule = DrawSchedule(options);
    regions.insert(schedule.regions);
    for (const Event& event : schedule.events) kinds.insert(event.kind);
    for (const SettingInfo& info : SettingInfos())
      if (schedule.settings.*info.field != Settings().*info.field) settings.insert(info.name);
  }
  for (const EventInfo& info : EventInfos()) EXPECT_TRUE(kinds.count(info.kind)) << info.name;
  for (const SettingInfo& info : SettingInfos())
    EXPECT_TRUE(settings.count(info.name)) << info.name;
  EXPECT_EQ(regions, (std::set<size_t>{2, 3, 4, 5}));
}

TEST(Schedule, AFileSaysWhatItMeansAndTheRestIsDefault) {
  const auto schedule = ParseSchedule(
      "# found by chance\n"
      "everwrite-events 1\n"
      "seed 17\n"
      "regions 2   # enough\n"
      "\n"
      "hot-keys 3\n"
      "at 0 clock 1 off-ms -20\n"
      "at 1.25 crash 2 for 0.5 keeps 30\n"
      "at 1.25 cut-one-way 2 1 for 3\n",
      "x.events");
  ASSERT_TRUE(schedule.ok()) << schedule.status().ToString();
  EXPECT_EQ(schedule->seed, 17u);
  EXPECT_EQ(schedule->regions, 2u);
  EXPECT_EQ(schedule->settings.hot_keys, 3);
  EXPECT_EQ(schedule->settings.think_ms, Settings().think_ms);
  ASSERT_EQ(schedule->events.size(), 3u);
  EXPECT_EQ(schedule->events[0].amount, -20);
  EXPECT_EQ(schedule->events[1], (Event{1'250'000, EventKind::kCrash, 1, 0, 500'000, 30}));
  EXPECT_EQ(schedule->events[2], (Event{1'250'000, EventKind::kCutOneWay, 1, 0, 3'000'000, 0}));
}

TEST(Schedule, ABadFileIsRefusedWithItsLineAndTheMend) {
  EXPECT_EQ(ErrorOf(""), "x.events:1: the file is empty");
  EXPECT_EQ(ErrorOf("seed 1\n"), "x.events:1: a file of events begins with 'everwrite-events 1'");
  EXPECT_EQ(ErrorOf("everwrite-events 2\n"),
            "x.events:1: the version of the format is a whole number from 1 to 1, not '2'");
  const std::string head = "everwrite-events 1\n";
  EXPECT_EQ(ErrorOf(head + "hot-keys many\n"),
            "x.events:2: hot-keys is a whole number from 1 to 100000, not 'many'");
  EXPECT_EQ(ErrorOf(head + "regions 10\n"),
            "x.events:2: regions is a whole number from 1 to 9, not '10'");
  EXPECT_NE(ErrorOf(head + "hot-key 3\n").find("there is no setting 'hot-key'"), std::string::npos);
  EXPECT_NE(ErrorOf(head + "at 1 explode 2\n").find("x.events:2: there is no event 'explode'"),
            std::string::npos);
  EXPECT_EQ(ErrorOf(head + "at 1 crash 4 for 1 keeps 0\n"),
            "x.events:2: a region is a whole number from 1 to 3, not '4'");
  EXPECT_EQ(ErrorOf(head + "at 1 crash 2 keeps 0\n"), "x.events:2: 'for' comes here, not 'keeps'");
  EXPECT_EQ(ErrorOf(head + "at 1 cut 2 2 for 1\n"), "x.events:2: name two different regions");
  EXPECT_EQ(ErrorOf(head + "at 1 index 2 now\n"), "x.events:2: nothing comes after this: 'now'");
  EXPECT_EQ(
      ErrorOf(head + "at 2 index 2\nat 1 index 2\n"),
      "x.events:3: events stand in the order of their times; this one is earlier than the one "
      "before it");
  EXPECT_NE(ErrorOf(head + "at -1 index 2\n").find("x.events:2: the time of an event"),
            std::string::npos);
  EXPECT_NE(ErrorOf(head + "at 1 index 2\nregions 2\n").find("x.events:3"), std::string::npos);
}

}  // namespace
}  // namespace everwrite::chaos
