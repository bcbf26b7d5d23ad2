// What a chaos run came to: figures by second, verdicts, and the page and the JSON that show them.
//
// Pure. Thread-safety: values and free functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "chaos/checkers/observed_checks.h"
#include "chaos/observed_history.h"
#include "chaos/run/timeline.h"
#include "chaos/scenario/scenario.h"

namespace everwrite::chaos {

// When what happened, in microseconds since the load began.
struct RunPhases {
  int64_t faults_begin = 0;
  int64_t faults_end = 0;  // healed
  int64_t load_end = 0;
  int64_t converged = -1;  // all regions had applied the same; -1: never within the time
};

// One second of one region's own clients.
struct RegionSecond {
  uint64_t answered = 0;  // carried out, or refused for a reason
  uint64_t unknown = 0;
  int64_t p50_us = 0;
  int64_t p99_us = 0;
};

struct Figures {
  std::map<std::string, std::vector<RegionSecond>> seconds;  // by region
  uint64_t operations = 0;
  uint64_t acknowledged_writes = 0;
  uint64_t unknown = 0;
  double local_success_percent = 100;  // from the first fault to healed
  int64_t quiet_p99_us = 0;            // of the warm-up
  int64_t fault_p99_us = 0;
};

Figures Summarise(const ObservedHistory& history, const RunPhases& phases,
                  const std::vector<std::string>& regions);

struct Verdict {
  std::string name;
  bool holds = true;
  std::string says;                // what was judged, or why it does not hold
  std::vector<std::string> lines;  // the violations, at most kMaxLines
};
inline constexpr size_t kMaxLines = 20;

// `end_state` is what CheckEndState found.
std::vector<Verdict> JudgeRun(const Scenario& scenario, const ObservedVerdicts& observed,
                              const std::vector<std::string>& end_state, const Figures& figures,
                              const RunPhases& phases);

struct Sample {
  int64_t at_us = 0;
  int64_t value = 0;
};

struct RunReport {
  std::string name;
  std::string description;
  uint64_t seed = 0;
  std::string replay;  // the command that does it again
  std::vector<std::string> regions;
  std::vector<Stroke> strokes;
  RunPhases phases;
  Figures figures;
  std::map<std::string, std::vector<Sample>> lag_ms;     // by "a -> b"
  std::map<std::string, std::vector<Sample>> conflicts;  // by region
  std::vector<Verdict> verdicts;

  bool Passed() const;
};

// One page without anything from outside.
std::string ReportHtml(const RunReport& report);
std::string ReportJson(const RunReport& report);

}  // namespace everwrite::chaos
