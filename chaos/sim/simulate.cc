#include "chaos/sim/simulate.h"

#include <cinttypes>
#include <cstdio>

namespace everwrite::chaos {
namespace {

constexpr uint64_t kProgressSeeds = 100;

std::string Hex(uint64_t value) {
  char buffer[20];
  std::snprintf(buffer, sizeof buffer, "%016" PRIx64, value);
  return buffer;
}

}  // namespace

WorldResult SimulateOne(const SimulateOptions& options, uint64_t seed, std::string& failure) {
  WorldOptions world = options.world;
  world.seed = seed;
  WorldResult result = RunWorld(world);
  if (options.twice) {
    const uint64_t again = RunWorld(world).trace_hash;
    if (again != result.trace_hash)
      result.violations.push_back("not deterministic: trace " + Hex(result.trace_hash) + " and " +
                                  Hex(again));
  }
  failure.clear();
  if (result.violations.empty()) return result;
  failure = "seed " + std::to_string(seed) + " FAILED (faults: " + result.faults + ")\n";
  for (const std::string& line : result.violations) failure += "  " + line + "\n";
  failure += "  replay: everwrite chaos simulate --seeds 1 --seed " + std::to_string(seed) +
             " --seconds " + std::to_string(options.world.chaos_seconds) + " --regions " +
             std::to_string(options.world.regions) +
             (options.world.small_logs ? " --small-logs" : "") +
             (options.world.placed_tables ? " --placed-tables" : "") +
             (options.world.lying_sync ? " --plant-lying-sync" : "") +
             (options.world.split_transactions ? " --plant-split-transactions" : "");
  return result;
}

SimulateSummary Simulate(const SimulateOptions& options,
                         const std::function<void(const std::string&)>& print) {
  SimulateSummary summary;
  for (uint64_t i = 0; i < options.seeds; ++i) {
    std::string failure;
    const uint64_t seed = options.world.seed + i;
    const WorldResult result = SimulateOne(options, seed, failure);
    ++summary.seeds;
    summary.failed += failure.empty() ? 0 : 1;
    summary.writes += result.writes;
    summary.acknowledged += result.acknowledged;
    summary.reads += result.reads;
    summary.conflicts += result.conflicts;
    summary.transactions += result.transactions;
    summary.expired += result.expired;
    summary.streamed += result.streamed;
    summary.moved += result.moved;
    summary.placed += result.placed;
    summary.crashes += result.crashes;
    summary.lost_disks += result.lost_disks;
    summary.fillings += result.fillings;
    summary.lost_with_disk += result.lost_with_disk;
    summary.cuts += result.cuts;
    summary.events += result.events;
    summary.simulated_micros += result.simulated_micros;
    if (!failure.empty()) print(failure);
    if (options.seeds == 1)
      print("seed " + std::to_string(seed) + " trace " + Hex(result.trace_hash) +
            " faults: " + result.faults);
    if (summary.seeds % kProgressSeeds == 0 && summary.seeds < options.seeds)
      print(Describe(summary));
  }
  return summary;
}

std::string Describe(const SimulateSummary& s) {
  const auto number = [](uint64_t value) { return std::to_string(value); };
  return number(s.seeds) + " seeds, " + number(s.failed) + " failed; simulated " +
         number(s.simulated_micros / 1'000'000) + " s, " + number(s.writes) + " writes (" +
         number(s.acknowledged) + " acknowledged), " + number(s.reads) + " reads, " +
         number(s.conflicts) + " ledger entries, " + number(s.transactions) + " transactions, " +
         number(s.expired) + " expired, " + number(s.streamed) + " stream records (" +
         number(s.moved) + " moves), " + number(s.placed) + " replicas moved, " +
         number(s.crashes) + " crashes, " + number(s.cuts) + " cuts, " + number(s.lost_disks) +
         " lost disks (with " + number(s.lost_with_disk) +
         " acknowledged writes that nobody else had), " + number(s.fillings) + " fillings, " +
         number(s.events) + " events";
}

}  // namespace everwrite::chaos
