#include "chaos/sim/simulate.h"

#include <algorithm>
#include <cctype>
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

std::string ReplayLine(const SimulateOptions& options, uint64_t seed) {
  const DrawOptions& draw = options.draw;
  return "everwrite chaos simulate --seeds 1 --seed " + std::to_string(seed) + " --seconds " +
         std::to_string(draw.seconds) +
         (draw.regions == 0 ? "" : " --regions " + std::to_string(draw.regions)) +
         (draw.small_logs ? " --small-logs" : "") +
         (draw.overlapping_losses ? " --overlapping-losses" : "") +
         (draw.placed_tables ? "" : " --no-placed-tables") +
         (options.plants.lying_sync ? " --plant-lying-sync" : "") +
         (options.plants.split_transactions ? " --plant-split-transactions" : "");
}

}  // namespace

std::string KindOf(const std::string& violation) {
  std::string kind;
  for (size_t at = 0; at < violation.size();) {
    const size_t end = std::min(violation.find(' ', at), violation.size());
    const bool numbered = std::any_of(violation.begin() + static_cast<std::ptrdiff_t>(at),
                                      violation.begin() + static_cast<std::ptrdiff_t>(end),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!kind.empty()) kind += ' ';
    kind += numbered ? "#" : violation.substr(at, end - at);
    at = end + 1;
  }
  return kind;
}

bool HasKind(const WorldResult& result, const std::string& kind) {
  return std::any_of(result.violations.begin(), result.violations.end(),
                     [&kind](const std::string& line) { return KindOf(line) == kind; });
}

std::string RunOne(const SimulateOptions& options, const Schedule& schedule,
                   const std::string& what, const std::string& replay, WorldResult& result) {
  const auto run = [&] {
    return options.run ? options.run(schedule) : RunWorld(schedule, options.plants);
  };
  result = run();
  if (options.twice) {
    const uint64_t again = run().trace_hash;
    if (again != result.trace_hash)
      result.violations.push_back("not deterministic: trace " + Hex(result.trace_hash) + " and " +
                                  Hex(again));
  }
  if (result.violations.empty()) return "";
  std::string failure = what + " FAILED (" + Describe(schedule) + ")\n";
  for (const std::string& line : result.violations) failure += "  " + line + "\n";
  return failure + "  replay: " + replay;
}

SimulateSummary Simulate(const SimulateOptions& options,
                         const std::function<void(const std::string&)>& print) {
  SimulateSummary summary;
  for (uint64_t i = 0; i < options.seeds; ++i) {
    DrawOptions draw = options.draw;
    draw.seed += i;
    const Schedule schedule = DrawSchedule(draw);
    const std::string what = "seed " + std::to_string(draw.seed);
    WorldResult result;
    const std::string failure =
        RunOne(options, schedule, what, ReplayLine(options, draw.seed), result);
    ++summary.seeds;
    summary.counts += result.counts;
    if (!failure.empty()) {
      ++summary.failed;
      print(failure);
      if (options.on_failure) options.on_failure(schedule, result);
    }
    if (options.seeds == 1)
      print(what + " trace " + Hex(result.trace_hash) + ": " + Describe(schedule));
    if (summary.seeds % kProgressSeeds == 0 && summary.seeds < options.seeds)
      print(Describe(summary));
  }
  return summary;
}

std::string Describe(const SimulateSummary& summary) {
  const auto number = [](uint64_t value) { return std::to_string(value); };
  const WorldCounts& c = summary.counts;
  return number(summary.seeds) + " seeds, " + number(summary.failed) + " failed; simulated " +
         std::to_string(c.simulated_micros / 1'000'000) + " s, " + number(c.writes) + " writes (" +
         number(c.acknowledged) + " acknowledged), " + number(c.reads) + " reads, " +
         number(c.conflicts) + " ledger entries, " + number(c.transactions) + " transactions, " +
         number(c.expired) + " expired, " + number(c.streamed) + " stream records (" +
         number(c.moved) + " moves), " + number(c.roamed) + " answers to roaming clients, " +
         number(c.placed) + " replicas moved, " + number(c.crashes) + " crashes, " +
         number(c.cuts) + " cuts, " + number(c.pauses) + " pauses, " + number(c.disk_failures) +
         " failed disks, " + number(c.lost_disks) + " lost disks (with " +
         number(c.lost_with_disk) + " acknowledged writes that nobody else had, " +
         number(c.saved_by_peers) + " that others had), " + number(c.fillings) + " fillings, " +
         number(c.events) + " events";
}

std::vector<std::string> MarksNeverReached(const WorldCounts& counts) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kMarkCount; ++i)
    if (counts.marks[i] == 0) names.emplace_back(MarkInfos()[i].name);
  return names;
}

std::string DescribeMarks(const WorldCounts& counts) {
  std::string text;
  for (size_t i = 0; i < kMarkCount; ++i) {
    const MarkInfo& info = MarkInfos()[i];
    char line[200];
    std::snprintf(line, sizeof line, "%12" PRIu64 "  %-24.*s %.*s\n", counts.marks[i],
                  static_cast<int>(info.name.size()), info.name.data(),
                  static_cast<int>(info.what.size()), info.what.data());
    text += line;
  }
  return text;
}

}  // namespace everwrite::chaos
