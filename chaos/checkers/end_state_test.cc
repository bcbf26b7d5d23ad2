// Each checker of the end must see what it is for: small stored histories, three and more of each
// colour, in testdata/end/CHECK.txt. A red one must turn that very check red; a green one none.
#include "chaos/checkers/end_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "chaos/checkers/testing/ended_world.h"

namespace everwrite::chaos {
namespace {

struct Story {
  std::string title;  // "red: ..." or "green: ..."
  std::string sees;   // of a red one, what it must be red for
  std::string text;
};

std::vector<Story> Stories(const std::string& check) {
  std::ifstream in("chaos/checkers/testdata/end/" + check + ".txt");
  EXPECT_TRUE(in) << check;
  std::vector<Story> stories;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== "))
      stories.push_back({line.substr(3), "", ""});
    else if (line.starts_with("sees "))
      stories.back().sees = line.substr(5);
    else if (!stories.empty())
      stories.back().text += line + "\n";
  }
  return stories;
}

class EndChecksTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EndChecksTest, SeesWhatItIsFor) {
  size_t red = 0, green = 0;
  for (const Story& story : Stories(GetParam())) {
    SCOPED_TRACE(story.title);
    testing::EndedWorld world;
    world.Tell(story.text);
    EndView view(world.Stores(), world.history());
    const bool is_red = story.title.starts_with("red: ");
    ASSERT_TRUE(is_red || story.title.starts_with("green: "));
    ASSERT_EQ(is_red, !story.sees.empty());
    ++(is_red ? red : green);
    for (const EndCheck& check : EndChecks()) {
      const Violations lines = check.run(view);
      if (is_red && check.name == GetParam()) {
        EXPECT_TRUE(std::any_of(
            lines.begin(), lines.end(),
            [&](const std::string& line) { return line.find(story.sees) != std::string::npos; }))
            << "not: " << story.sees;
      }
      if (!is_red) EXPECT_TRUE(lines.empty()) << check.name << ": " << lines.front();
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
