// Each checker must see what it is for and nothing else: small stored histories, three and more of
// each colour, in testdata/CHECK.txt. A red one must turn that very check red; a green one none.
#include "chaos/checkers/observed_checks.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/stories.h"

namespace everwrite::chaos {
namespace {

std::map<std::string, std::vector<std::string>> Verdicts(const ObservedVerdicts& all) {
  return {{"read_your_writes", all.read_your_writes},
          {"monotonic_reads", all.monotonic_reads},
          {"fresh_reads", all.fresh_reads},
          {"session_tokens", all.session_tokens},
          {"causality", all.causality},
          {"transactions", all.transactions},
          {"counters", all.counters},
          {"resurrection", all.resurrection},
          {"conditions", all.conditions},
          {"integrity", all.integrity},
          {"scans", all.scans}};
}

class ObservedChecks : public ::testing::TestWithParam<std::string> {};

TEST_P(ObservedChecks, SeesWhatItIsForAndNothingElse) {
  const std::string check = GetParam();
  size_t red = 0, green = 0;
  for (const testing::Story& story :
       testing::ReadStories("chaos/checkers/testdata/" + check + ".txt")) {
    const auto history = ParseObservedHistory(story.text, story.title);
    ASSERT_TRUE(history.ok()) << history.status().message();
    const auto verdicts = Verdicts(CheckObserved(*history));
    if (story.IsRed()) {
      ++red;
      EXPECT_FALSE(verdicts.at(check).empty()) << check << ", " << story.title;
      continue;
    }
    ++green;
    for (const auto& [name, lines] : verdicts)
      EXPECT_TRUE(lines.empty()) << check << ", " << story.title << ": " << name << ": "
                                 << lines.front();
  }
  EXPECT_GE(red, 3u);
  EXPECT_GE(green, 3u);
}

INSTANTIATE_TEST_SUITE_P(All, ObservedChecks,
                         ::testing::Values("read_your_writes", "monotonic_reads", "fresh_reads",
                                           "session_tokens", "causality", "transactions",
                                           "counters", "resurrection", "conditions", "integrity",
                                           "scans"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace everwrite::chaos
