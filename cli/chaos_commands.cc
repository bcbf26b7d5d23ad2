// `everwrite chaos simulate` and `everwrite chaos check`.
#include <cstdio>
#include <memory>

#include "chaos/checkers/end_state.h"
#include "chaos/checkers/live_history.h"
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

int RunChaosCheck(const ChaosCheckCommand& command) {
  std::vector<std::unique_ptr<storage::RocksDbKvStore>> owned;
  std::vector<const KvStore*> stores;
  for (const std::string& folder : command.folders) {
    auto store = storage::RocksDbKvStore::Open(folder + "/db", {});
    if (!store.ok()) return ReportError(store.status());
    owned.push_back(std::move(store).value());
    stores.push_back(owned.back().get());
  }
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
