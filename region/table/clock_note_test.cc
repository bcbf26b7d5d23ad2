#include "region/table/clock_note.h"

#include <gtest/gtest.h>

#include "base/memory_kv_store.h"
#include "region/table/layout.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::ManualClock;
using testing::TestRegion;

constexpr int64_t kHour = 3'600'000;

// A process: its corrected clock, which has read the note of the one before.
struct Process {
  Process(KvStore& store, const Clock& raw, bool applies = true) : clock(raw), note(store, clock) {
    EXPECT_TRUE(note.Restore(applies).ok());
  }
  CorrectedClock clock;
  ClockNote note;
};

class ClockNoteTest : public ::testing::Test {
 protected:
  ClockNoteTest() { raw_.physical_ms = 10 * kHour; }
  int64_t CorrectionOfANewProcess(bool applies = true) {
    return Process(store_, raw_, applies).clock.correction_ms();
  }
  MemoryKvStore store_;
  ManualClock raw_;
};

TEST_F(ClockNoteTest, AClockThatWasAheadStartsCorrected) {
  Process(store_, raw_).note.Correct(-kHour);
  raw_.physical_ms += 5000;
  EXPECT_EQ(CorrectionOfANewProcess(), -kHour);
  EXPECT_EQ(CorrectionOfANewProcess(), -kHour) << "the note stays";
}

TEST_F(ClockNoteTest, OneThatWasBehindStartsAsItIs) {
  Process process(store_, raw_);
  process.note.Correct(-kHour);
  process.note.Correct(kHour);
  EXPECT_EQ(process.clock.correction_ms(), kHour);
  EXPECT_EQ(CorrectionOfANewProcess(), 0);
}

TEST_F(ClockNoteTest, OneThatIsRightAgainStartsAsItIs) {
  Process process(store_, raw_);
  process.note.Correct(-kHour);
  process.note.Correct(0);
  EXPECT_EQ(CorrectionOfANewProcess(), 0);
}

TEST_F(ClockNoteTest, WhatWasSetBackMeanwhileStartsAsItIs) {
  {
    Process process(store_, raw_);
    process.note.Correct(-kHour);
    raw_.physical_ms += 20 * 60'000;
    process.note.Keep();
  }
  // Twenty minutes later, and by then the clock is right.
  raw_.physical_ms += 20 * 60'000 - kHour;
  EXPECT_EQ(CorrectionOfANewProcess(), 0);
  raw_.physical_ms += 2 * kHour;
  EXPECT_EQ(CorrectionOfANewProcess(), 0) << "it is not remembered any more";
}

TEST_F(ClockNoteTest, AnotherMachinesClockIsAnother) {
  Process(store_, raw_).note.Correct(-kHour);
  EXPECT_EQ(CorrectionOfANewProcess(/*applies=*/false), 0);
  EXPECT_EQ(CorrectionOfANewProcess(), 0);
}

TEST_F(ClockNoteTest, ADamagedNoteIsSaid) {
  KvBatch batch;
  batch.Put(ColumnFamily::kSystem, kClockKey, "no note");
  ASSERT_TRUE(store_.Write(batch, Sync::kNo).ok());
  CorrectedClock clock(raw_);
  EXPECT_EQ(ClockNote(store_, clock).Restore(true).code(), StatusCode::kDataLoss);
}

// It has been told, and is started again while it hears nobody.
TEST(ClockOfARegion, AnHourAheadStampsNoWriteAheadAfterARestart) {
  TestRegion region(1);
  region.CreateTable("t");
  const int64_t now_ms = static_cast<int64_t>(region.clock.physical_ms);
  region.clock.physical_ms += kHour;
  const auto start = [&] {
    RegionEngineOptions options;
    options.region = RegionId{1};
    options.admission.peers = {RegionId{2}, RegionId{3}};
    region.engine = RegionEngine::Open(region.store, region.clock, options, 100, [] {}).value();
  };
  start();
  streams::PeerProgress progress;
  progress.clock_judged = true;
  progress.clock_correction_ms = -kHour;
  region.engine->OnProgress(progress);

  region.engine.reset();
  start();
  region.clock.physical_ms += 4000;  // it has waited for its peers' word
  region.engine->TickAdmission(region.executor);
  region.RunAll();
  ASSERT_TRUE(region.Put("t", "k", "v").ok());
  const auto stamp_ms = static_cast<int64_t>(region.engine->CommittedState().clock.milliseconds());
  EXPECT_NEAR(stamp_ms, now_ms, 5000);
}

}  // namespace
}  // namespace everwrite::table
