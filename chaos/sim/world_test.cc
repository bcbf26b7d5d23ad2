// Hundreds of seeds of the product's own cores, each replayed to the same trace; and the proof that
// the checkers see what they are for.
#include "chaos/sim/world.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/clock.h"
#include "chaos/sim/shrink.h"
#include "chaos/sim/simulate.h"

namespace everwrite::chaos {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// CTest runs it in parts (sim_long_1, ...), each of other seeds, side by side.
TEST(World, NoSeedViolatesAnything) {
  SimulateOptions options;
  options.draw.seed = FromEnvironment("EVERWRITE_FIRST_SEED", 1);
  options.draw.seconds = static_cast<int64_t>(FromEnvironment("EVERWRITE_SECONDS", 20));
  options.seeds = FromEnvironment("EVERWRITE_SEEDS", 200);
  const SimulateSummary summary =
      Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  std::printf("%s\n%s", Describe(summary).c_str(), DescribeMarks(summary.counts).c_str());
  EXPECT_EQ(summary.failed, 0u);
  // The worlds are not empty: each kind of thing has happened.
  EXPECT_GT(summary.counts.acknowledged, summary.seeds * 100);
  EXPECT_GT(summary.counts.conflicts, summary.seeds);
  EXPECT_GT(summary.counts.transactions, summary.seeds * 20);
  EXPECT_GT(summary.counts.expired, summary.seeds * 10);
  EXPECT_GT(summary.counts.streamed, summary.seeds * 100);
  EXPECT_GT(summary.counts.moved, summary.seeds * 5);
  EXPECT_GT(summary.counts.crashes, summary.seeds);
  EXPECT_GT(summary.counts.cuts, summary.seeds / 2);
  if (summary.counts.simulated_micros < 4000 * kMicrosPerSecond) return;
  // Every rare branch was come to, but for these; unit tests go there.
  const std::set<std::string> explained = {
      "buckets-differ",
      "row-repaired",      // only damaged rows lead there, and disks do not rot here
      "filling-forsakes",  // a disk is lost only while all other regions are whole; see below
      "write-held-back",   // one that is under way when a peer says that it holds more: a moment
      "apply-retried",
      "change-after-forgetting",  // once in some thousands; a file of the corpus goes there
      "batch-overlaps",  // of a batch that is late and another session's: some in a hundred
      "chunk-refused",   // against peers and processes that do not keep to the rules
  };
  for (const std::string& name : MarksNeverReached(summary.counts))
    EXPECT_TRUE(explained.count(name)) << name << " was never reached";
}

// Worlds that have shown something once, made short (docs/testing.md). With the planted bug that a
// file is named after `./dev planted --corpus` sees it red.
TEST(World, TheCorpusHolds) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("chaos/sim/corpus"))
    if (entry.path().extension() == ".events") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto schedule = ParseSchedule(text, path.string());
    ASSERT_TRUE(schedule.ok()) << schedule.status().message();
    EXPECT_EQ(RunWorld(*schedule).violations, std::vector<std::string>()) << path;
  }
  EXPECT_GE(paths.size(), 10u);
}

TEST(World, ASeedReplaysToTheSameTrace) {
  SimulateOptions options;
  options.draw.seed = 5000;
  options.seeds = 10;
  options.twice = true;
  const SimulateSummary summary =
      Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  EXPECT_EQ(summary.failed, 0u);
}

TEST(World, TwoAndFiveRegionsConvergeToo) {
  for (const size_t regions : {2, 5}) {
    SimulateOptions options;
    options.draw.seed = 9000;
    options.draw.regions = regions;
    options.seeds = 10;
    EXPECT_EQ(Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); })
                  .failed,
              0u);
  }
}

TEST(World, TablesWhoseReplicasComeAndGoConverge) {
  SimulateOptions options;
  options.draw.seed = 101;
  options.seeds = 20;
  const SimulateSummary summary =
      Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  EXPECT_EQ(summary.failed, 0u);
  EXPECT_GT(summary.counts.placed, 10u);
}

// One after the other, while a region is still being filled: what only lost disks had is given up,
// and nothing else.
TEST(World, DisksThatAreLostWhileOthersAreFilledTakeOnlyWhatTheyHadAlone) {
  SimulateOptions options;
  options.draw.overlapping_losses = true;
  options.seeds = 60;
  const SimulateSummary summary =
      Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  EXPECT_EQ(summary.failed, 0u);
  EXPECT_GT(summary.counts.marks[static_cast<size_t>(Mark::kFillingForsakes)], 0u);
}

TEST(World, RegionsThatAreCutLooseByASmallLogComeBack) {
  SimulateOptions options;
  options.draw.seed = 101;
  options.draw.small_logs = true;
  options.seeds = 60;
  const SimulateSummary summary =
      Simulate(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  EXPECT_EQ(summary.failed, 0u);
  EXPECT_GT(summary.counts.fillings, 60u);
}

TEST(World, ATransactionAppliedChangeByChangeIsFound) {
  SimulateOptions options;
  options.plants.split_transactions = true;
  options.seeds = 30;
  size_t seen = 0;
  (void)Simulate(options, [&](const std::string& line) {
    seen += line.find("shows half a transaction") != std::string::npos ? 1 : 0;
  });
  EXPECT_GT(seen, 0u) << "by a reader, not only by the end state";
}

TEST(World, AnIndexEntryThatIsNotDeletedIsFound) {
  SimulateOptions options;
  options.plants.forgets_index_deletes = true;
  options.seeds = 10;
  size_t seen = 0;
  (void)Simulate(options, [&](const std::string& line) {
    seen += line.find("which no row has") != std::string::npos ? 1 : 0;
  });
  EXPECT_GT(seen, 5u);
}

TEST(World, AStreamRecordThatIsLostIsFound) {
  SimulateOptions options;
  options.plants.loses_stream_entries = true;
  options.seeds = 20;
  size_t by_the_store = 0, by_a_consumer = 0;
  (void)Simulate(options, [&](const std::string& line) {
    by_the_store += line.find("has no entry in the stream") != std::string::npos ? 1 : 0;
    by_a_consumer += line.find("the stream's consumer") != std::string::npos ? 1 : 0;
  });
  EXPECT_GT(by_the_store, 2u);
  EXPECT_GT(by_a_consumer, 2u);
}

// Found, made short, written to a file; and the file shows the bug, and nothing without it.
TEST(World, AcknowledgingBeforeTheSyncIsFoundAndShrunk) {
  Plants plants;
  plants.lying_sync = true;
  const WorldRunner run = [&](const Schedule& schedule) { return RunWorld(schedule, plants); };
  Schedule schedule;
  WorldResult result;
  for (DrawOptions draw; draw.seed <= 30 && result.violations.empty(); ++draw.seed) {
    schedule = DrawSchedule(draw);
    result = run(schedule);
  }
  ASSERT_FALSE(result.violations.empty());
  const std::string kind = KindOf(result.violations.front());
  ShrinkOptions options;
  options.runs_max = 80;
  const Shrunk shrunk = Shrink(schedule, kind, run, options);
  const std::string text = FormatSchedule(shrunk.schedule);
  std::printf("%s", text.c_str());
  EXPECT_LE(shrunk.schedule.events.size(), 5u);
  const auto replayed = ParseSchedule(text, "shrunk.events");
  ASSERT_TRUE(replayed.ok());
  EXPECT_TRUE(HasKind(run(*replayed), kind));
  EXPECT_TRUE(RunWorld(*replayed).violations.empty());
}

}  // namespace
}  // namespace everwrite::chaos
