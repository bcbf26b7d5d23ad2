// `everwrite chaos simulate` and `everwrite chaos check`.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "chaos/checkers/end_state.h"
#include "chaos/checkers/live_history.h"
#include "chaos/checkers/observed_checks.h"
#include "chaos/run/report.h"
#include "chaos/sim/run_apart.h"
#include "chaos/sim/shrink.h"
#include "chaos/sim/simulate.h"
#include "cli/commands.h"
#include "region/storage/rocksdb_kv_store.h"

namespace everwrite::cli {

namespace {

constexpr size_t kShrunkMax = 3;  // failures of one run: more of them is rarely more to learn

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return NotFound(path + ": cannot be read");
  return text.str();
}

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text) || !file.flush()) return Unavailable(path + ": cannot be written");
  return {};
}

void TellMarks(const SimulateCommand& command, const chaos::WorldCounts& counts) {
  if (command.marks) return Say(chaos::DescribeMarks(counts));
  std::string never;
  for (const std::string& name : chaos::MarksNeverReached(counts)) never += " " + name;
  Say("rare branches never reached (--marks tells of all):" + (never.empty() ? " none" : never));
}

// Shrinks what has failed, writes it to a file and says how it is run again.
void ShrinkAndTell(const SimulateCommand& command, const chaos::WorldRunner& run,
                   const chaos::Schedule& schedule, const chaos::WorldResult& result,
                   const std::string& path, const std::string& flags) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(command.shrink_seconds);
  const std::string kind = chaos::KindOf(result.violations.front());
  Say("  shrinking it, " + std::to_string(command.shrink_seconds) +
      " s at most (--no-shrink leaves that out): " + kind);
  chaos::ShrinkOptions options;
  options.go_on = [end] { return std::chrono::steady_clock::now() < end; };
  options.progress = [](const std::string& text) { Say("    " + text); };
  const chaos::Shrunk shrunk = chaos::Shrink(schedule, kind, run, options);
  const std::string text = chaos::FormatSchedule(shrunk.schedule);
  if (const Status status = WriteText(path, text); !status.ok()) return (void)ReportError(status);
  std::string shown = "  " + text;
  for (size_t at = 0; (at = shown.find('\n', at)) != std::string::npos && at + 1 < shown.size();)
    shown.replace(at, 1, "\n  "), at += 3;
  Say(shown + "  replay: everwrite chaos simulate --events " + path + flags);
}

}  // namespace

int RunSimulate(const SimulateCommand& command) {
  chaos::SimulateOptions options;
  options.draw.seed = command.seed;
  options.draw.regions = command.regions;
  options.draw.seconds = command.seconds;
  options.draw.small_logs = command.small_logs;
  options.draw.overlapping_losses = command.overlapping_losses;
  options.draw.placed_tables = command.placed_tables;
  options.plants.lying_sync = command.lying_sync;
  options.plants.split_transactions = command.split_transactions;
  options.seeds = command.seeds;
  options.twice = command.twice;
  options.run = chaos::RunInTurn(options.plants);
  const chaos::WorldRunner run_apart = [plants = options.plants](const chaos::Schedule& schedule) {
    return chaos::RunApart(schedule, plants);
  };
  if (!command.save.empty()) {
    const std::string text = chaos::FormatSchedule(chaos::DrawSchedule(options.draw));
    if (const Status status = WriteText(command.save, text); !status.ok())
      return ReportError(status);
    Say("the schedule of seed " + std::to_string(command.seed) + " is in " + command.save);
    return 0;
  }
  const std::string flags = std::string(command.lying_sync ? " --plant-lying-sync" : "") +
                            (command.split_transactions ? " --plant-split-transactions" : "");
  if (!command.events.empty()) {
    bool holds = true;
    for (const std::string& path : command.events) {
      const auto text = ReadText(path);
      if (!text.ok()) return ReportError(text.status());
      const auto schedule = chaos::ParseSchedule(*text, path);
      if (!schedule.ok()) return ReportError(schedule.status());
      chaos::WorldResult result;
      const std::string failure = chaos::RunOne(
          options, *schedule, path, "everwrite chaos simulate --events " + path + flags, result);
      Say(failure.empty() ? path + " holds: " + chaos::Describe(*schedule) : failure);
      if (failure.empty()) continue;
      holds = false;
      if (command.shrink)
        ShrinkAndTell(command, run_apart, *schedule, result, command.out + "/shrunk.events", flags);
    }
    return holds ? 0 : kExitNo;
  }
  size_t shrunk = 0;
  options.on_failure = [&](const chaos::Schedule& schedule, const chaos::WorldResult& result) {
    if (!command.no_shrink && shrunk++ < kShrunkMax)
      ShrinkAndTell(command, run_apart, schedule, result,
                    command.out + "/seed-" + std::to_string(schedule.seed) + ".events", flags);
  };
  const chaos::SimulateSummary summary = chaos::Simulate(options, Say);
  Say(chaos::Describe(summary));
  TellMarks(command, summary.counts);
  return summary.failed == 0 ? 0 : kExitNo;
}

namespace {

// A history of `chaos run`: all that clients saw, and the end too when the folders are given.
int CheckObservedHistory(const ChaosCheckCommand& command, const std::string& text,
                         const std::vector<const KvStore*>& stores) {
  auto observed = chaos::ParseObservedHistory(text, command.history);
  if (!observed.ok()) return ReportError(observed.status());
  if (!stores.empty() && stores.size() != observed->regions.size())
    return ReportError(InvalidArgument("the history is of " +
                                       std::to_string(observed->regions.size()) +
                                       " regions: name the data folder of each, in its order"));
  chaos::Violations end_state;
  if (!stores.empty()) end_state = chaos::CheckEndState(stores, CompleteHistory(*observed, stores));
  const chaos::RunPhases phases;
  chaos::Scenario scenario;
  for (size_t i = stores.empty() ? 1 : 0; i < chaos::kChecks; ++i)
    scenario.checks.insert(static_cast<chaos::Check>(i));
  const auto figures = chaos::Summarise(*observed, phases, observed->regions);
  bool holds = true;
  for (const chaos::Verdict& verdict :
       chaos::JudgeRun(scenario, chaos::CheckObserved(*observed), end_state, figures, phases)) {
    if (verdict.name == "converged") continue;  // a file does not tell
    holds &= verdict.holds;
    std::printf("%-9s %-17s %s\n", verdict.holds ? "holds" : "VIOLATED", verdict.name.c_str(),
                verdict.says.c_str());
    for (const std::string& line : verdict.lines) std::printf("          %s\n", line.c_str());
  }
  return holds ? 0 : kExitNo;
}

}  // namespace

int RunChaosCheck(const ChaosCheckCommand& command) {
  std::vector<std::unique_ptr<storage::RocksDbKvStore>> owned;
  std::vector<const KvStore*> stores;
  for (const std::string& folder : command.folders) {
    auto store = storage::RocksDbKvStore::Open(folder + "/db", {});
    if (!store.ok()) return ReportError(store.status());
    owned.push_back(std::move(store).value());
    stores.push_back(owned.back().get());
  }
  std::ifstream file(command.history, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().starts_with(chaos::kObservedHistoryHead))
    return CheckObservedHistory(command, text.str(), stores);
  if (stores.empty()) return ReportError(InvalidArgument("name the regions' data folders"));
  const auto history = chaos::ReadLiveHistory(command.history, stores);
  if (!history.ok()) return ReportError(history.status());
  const chaos::Violations violations = chaos::CheckEndState(stores, *history);
  for (const std::string& line : violations) std::printf("%s\n", line.c_str());
  size_t acknowledged = 0;
  for (const auto& write : history->writes)
    acknowledged += write.outcome == chaos::Outcome::kAcknowledged ? 1 : 0;
  std::printf("checked %zu acknowledged writes against %zu regions: %s\n", acknowledged,
              stores.size(),
              violations.empty() ? "none lost, none vanished, all regions equal" : "VIOLATED");
  return violations.empty() ? 0 : kExitNo;
}

}  // namespace everwrite::cli
