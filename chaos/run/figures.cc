// Figures and verdicts of a run (report.h).
#include <algorithm>
#include <cstdio>

#include "chaos/run/report.h"
#include "topology/units.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kSecond = 1'000'000;

int64_t Percentile(std::vector<int64_t>& values, size_t percent) {
  if (values.empty()) return 0;
  const size_t at = std::min(values.size() - 1, values.size() * percent / 100);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

std::string Milliseconds(int64_t micros) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f ms", static_cast<double>(micros) / 1000);
  return text;
}

std::string Percent(double percent) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f %%", percent);
  return text;
}

Verdict FromLines(Check check, const std::vector<std::string>& lines, const std::string& judged) {
  Verdict verdict;
  verdict.name = kCheckNames[static_cast<size_t>(check)];
  verdict.holds = lines.empty();
  verdict.says = lines.empty() ? judged : std::to_string(lines.size()) + " violations";
  verdict.lines.assign(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(
                                                          std::min(lines.size(), kMaxLines)));
  return verdict;
}

}  // namespace

Figures Summarise(const ObservedHistory& history, const RunPhases& phases,
                  const std::vector<std::string>& regions) {
  Figures figures;
  const auto seconds = static_cast<size_t>(phases.load_end / kSecond + 1);
  std::map<std::string, std::vector<std::vector<int64_t>>> latencies;
  for (const std::string& region : regions) {
    figures.seconds[region].resize(seconds);
    latencies[region].resize(seconds);
  }
  std::vector<int64_t> quiet, faulty;
  uint64_t answered = 0, asked = 0;
  for (const ObservedOp& op : history.ops) {
    if ((!op.IsRead() && !op.IsWrite()) || op.last) continue;
    ++figures.operations;
    figures.unknown += op.outcome == Outcome::kUnknown ? 1 : 0;
    figures.acknowledged_writes +=
        op.IsWrite() && op.outcome == Outcome::kAcknowledged ? op.items.size() : 0;
    const auto second = static_cast<size_t>(std::max<int64_t>(op.end_us, 0) / kSecond);
    const auto region = figures.seconds.find(op.region);
    if (op.far || region == figures.seconds.end()) continue;
    const bool known = op.outcome != Outcome::kUnknown;
    if (second < seconds) {
      RegionSecond& figure = region->second[second];
      (known ? figure.answered : figure.unknown) += 1;
      if (known) latencies[op.region][second].push_back(op.end_us - op.begin_us);
    }
    const bool in_faults = op.begin_us >= phases.faults_begin && op.begin_us < phases.faults_end;
    asked += in_faults ? 1 : 0;
    answered += in_faults && known ? 1 : 0;
    if (known && op.begin_us < phases.faults_begin && op.begin_us >= kSecond)
      quiet.push_back(op.end_us - op.begin_us);
    if (known && in_faults) faulty.push_back(op.end_us - op.begin_us);
  }
  for (auto& [region, by_second] : latencies) {
    for (size_t i = 0; i < seconds; ++i) {
      figures.seconds[region][i].p50_us = Percentile(by_second[i], 50);
      figures.seconds[region][i].p99_us = Percentile(by_second[i], 99);
    }
  }
  if (asked != 0)
    figures.local_success_percent =
        100.0 * static_cast<double>(answered) / static_cast<double>(asked);
  figures.quiet_p99_us = Percentile(quiet, 99);
  figures.fault_p99_us = Percentile(faulty, 99);
  return figures;
}

std::vector<Verdict> JudgeRun(const Scenario& scenario, const ObservedVerdicts& observed,
                              const std::vector<std::string>& end_state, const Figures& figures,
                              const RunPhases& phases) {
  std::vector<Verdict> verdicts;
  const auto add = [&](Check check, const std::vector<std::string>& lines, size_t count,
                       const char* what) {
    if (scenario.checks.count(check) != 0)
      verdicts.push_back(FromLines(
          check, lines, count == 0 ? "nothing to judge" : std::to_string(count) + " " + what));
  };
  add(Check::kEndState, end_state, figures.acknowledged_writes,
      "acknowledged writes: none lost, none vanished, all regions equal");
  add(Check::kReadYourWrites, observed.read_your_writes, observed.judged_reads, "reads");
  add(Check::kMonotonicReads, observed.monotonic_reads, observed.judged_reads, "reads");
  add(Check::kFreshReads, observed.fresh_reads, observed.judged_reads, "reads");
  add(Check::kSessionTokens, observed.session_tokens, observed.judged_far_reads,
      "reads of known items in other regions");
  add(Check::kCausality, observed.causality, observed.judged_causes,
      "reads of what an effect had named");
  add(Check::kTransactions, observed.transactions, observed.judged_snapshots, "snapshots");
  add(Check::kCounters, observed.counters, observed.judged_counts, "values of counters");
  add(Check::kResurrection, observed.resurrection, observed.judged_deletions,
      "reads of items that had been deleted and created again");
  add(Check::kConditions, observed.conditions, observed.judged_conditions, "conditional writes");
  add(Check::kIntegrity, observed.integrity, observed.judged_reads, "reads");
  add(Check::kScans, observed.scans, observed.judged_scanned, "items that scans had to show");

  const int64_t took = phases.converged - phases.load_end;
  const Expectations& expect = scenario.expect;
  Verdict& converged = verdicts.emplace_back();
  converged.name = "converged";
  converged.holds = phases.converged >= 0 && took <= expect.converged_within;
  converged.says = (phases.converged < 0 ? std::string("not equal") : Milliseconds(took)) +
                   " after the load; within " + topology::FormatDuration(expect.converged_within) +
                   " is expected";
  if (expect.local_success_percent) {
    Verdict& success = verdicts.emplace_back();
    success.name = "local_success";
    success.holds = figures.local_success_percent >= *expect.local_success_percent;
    success.says = Percent(figures.local_success_percent) + " under faults; at least " +
                   Percent(*expect.local_success_percent) + " is expected";
  }
  if (expect.local_p99_times) {
    Verdict& slow = verdicts.emplace_back();
    slow.name = "local_p99";
    const double most = *expect.local_p99_times * static_cast<double>(figures.quiet_p99_us);
    slow.holds = static_cast<double>(figures.fault_p99_us) <= most;
    slow.says = Milliseconds(figures.fault_p99_us) + " under faults, " +
                Milliseconds(figures.quiet_p99_us) + " before; at most " +
                Milliseconds(static_cast<int64_t>(most)) + " is expected";
  }
  return verdicts;
}

bool RunReport::Passed() const {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.holds; });
}

}  // namespace everwrite::chaos
