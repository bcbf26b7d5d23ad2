// What a run is expected to reach is judged by small stored histories, three and more of each
// colour: testdata/verdicts.txt. A red one must turn that very verdict red; a green one none.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "chaos/run/report.h"

namespace everwrite::chaos {
namespace {

struct Story {
  bool red = false;
  std::string verdict, title;
  RunPhases phases;
  Scenario scenario;
  std::string history;
};

int64_t Micros(const std::string& seconds) {
  return seconds == "never" ? -1 : static_cast<int64_t>(std::stod(seconds) * 1e6 + 0.5);
}

void ReadExpectations(std::istringstream& words, Expectations& expect) {
  for (std::string word; words >> word;) {
    const std::string value = word.substr(word.find('=') + 1);
    if (word.starts_with("within=")) expect.converged_within = Micros(value);
    if (word.starts_with("success=")) expect.local_success_percent = std::stod(value);
    if (word.starts_with("p99=")) expect.local_p99_times = std::stod(value);
  }
}

std::vector<Story> Stories() {
  std::ifstream in("chaos/run/testdata/verdicts.txt");
  EXPECT_TRUE(in);
  std::vector<Story> stories;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "==") {
      Story& story = stories.emplace_back();
      std::string colour;
      words >> colour >> story.verdict;
      EXPECT_TRUE(colour == "red" || colour == "green") << line;
      story.red = colour == "red";
      story.verdict.pop_back();  // the colon
      story.title = line;
    } else if (first == "phases") {
      std::string begin, end, load, equal;
      words >> begin >> end >> load >> equal;
      stories.back().phases = {Micros(begin), Micros(end), Micros(load), Micros(equal)};
    } else if (first == "expect") {
      ReadExpectations(words, stories.back().scenario.expect);
    } else if (first.starts_with("x")) {
      for (int i = std::stoi(first.substr(1)); i > 0; --i)
        stories.back().history += line.substr(first.size() + 1) + "\n";
    } else if (!stories.empty()) {
      stories.back().history += line + "\n";
    }
  }
  return stories;
}

TEST(Verdicts, SeeWhatTheyAreForAndNothingElse) {
  std::map<std::string, std::map<bool, size_t>> told;
  for (const Story& story : Stories()) {
    SCOPED_TRACE(story.title);
    const auto history = ParseObservedHistory(story.history, story.title);
    ASSERT_TRUE(history.ok()) << history.status().message();
    const Figures figures = Summarise(*history, story.phases, {"a", "b"});
    ++told[story.verdict][story.red];
    bool seen = false;
    for (const Verdict& verdict : JudgeRun(story.scenario, {}, {}, figures, story.phases)) {
      EXPECT_EQ(verdict.holds, !(story.red && verdict.name == story.verdict))
          << verdict.name << ": " << verdict.says;
      seen |= verdict.name == story.verdict;
    }
    EXPECT_TRUE(seen);
  }
  EXPECT_EQ(told.size(), 3u);
  for (auto& [verdict, colours] : told)
    for (const bool red : {false, true}) EXPECT_GE(colours[red], 3u) << verdict;
}

}  // namespace
}  // namespace everwrite::chaos
