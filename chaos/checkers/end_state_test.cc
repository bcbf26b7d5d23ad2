// Each checker of the end must see what it is for: small stored histories, three and more of each
// colour, in testdata/end/CHECK.txt. A red one must turn that very check red; a green one none.
#include "chaos/checkers/end_state.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "chaos/checkers/testing/ended_world.h"
#include "tests/support/stories.h"

namespace everwrite::chaos {
namespace {

// Of a red one: what it must be red for. The line goes.
std::string TakeReason(std::string& text) {
  if (!text.starts_with("sees ")) return "";
  const size_t end = text.find('\n');
  const std::string reason = text.substr(5, end - 5);
  text.erase(0, end + 1);
  return reason;
}

class EndChecksTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EndChecksTest, SeesWhatItIsFor) {
  size_t red = 0, green = 0;
  for (everwrite::testing::Story& story :
       everwrite::testing::ReadStories("chaos/checkers/testdata/end/" + GetParam() + ".txt")) {
    SCOPED_TRACE(story.title);
    const std::string sees = TakeReason(story.text);
    testing::EndedWorld world;
    world.Tell(story.text);
    EndView view(world.Stores(), world.history());
    const bool is_red = story.IsRed();
    ASSERT_EQ(is_red, !sees.empty());
    ++(is_red ? red : green);
    for (const EndCheck& check : EndChecks()) {
      const Violations lines = check.run(view);
      if (is_red && check.name == GetParam()) {
        EXPECT_TRUE(std::any_of(
            lines.begin(), lines.end(),
            [&](const std::string& line) { return line.find(sees) != std::string::npos; }))
            << "not: " << sees;
      }
      if (!is_red) {
        EXPECT_TRUE(lines.empty()) << check.name << ": " << lines.front();
      }
    }
  }
  EXPECT_GE(red, 3u);
  EXPECT_GE(green, 3u);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const EndCheck& check : EndChecks()) names.emplace_back(check.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, EndChecksTest, ::testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace everwrite::chaos
