// `everwrite chaos simulate` and `everwrite chaos check`.
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "chaos/checkers/end_state.h"
#include "chaos/checkers/live_history.h"
#include "chaos/checkers/observed_checks.h"
#include "chaos/run/report.h"
#include "chaos/sim/simulate.h"
#include "cli/commands.h"
#include "region/storage/rocksdb_kv_store.h"

namespace everwrite::cli {

int RunSimulate(const SimulateCommand& command) {
  chaos::SimulateOptions options;
  options.world.seed = command.seed;
  options.world.regions = command.regions;
  options.world.chaos_seconds = command.seconds;
  options.world.lying_sync = command.lying_sync;
  options.world.small_logs = command.small_logs;
  options.world.placed_tables = command.placed_tables;
  options.world.split_transactions = command.split_transactions;
  options.seeds = command.seeds;
  options.twice = command.twice;
  const auto print = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  const chaos::SimulateSummary summary = chaos::Simulate(options, print);
  print(chaos::Describe(summary));
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
