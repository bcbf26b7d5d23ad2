// Stored histories for a checker: testdata files of small stories, each below a line "== TITLE". A
// title begins with "red: ", and then the checker must see it, or with "green: ".
//
// Thread-safety: free functions.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace everwrite::testing {

struct Story {
  std::string title;
  std::string text;  // its lines
  bool IsRed() const { return title.starts_with("red: "); }
};

// `path` from the project's folder. A title of another colour is a failure of the test.
inline std::vector<Story> ReadStories(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  std::vector<Story> stories;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== "))
      stories.push_back({line.substr(3), ""});
    else if (!stories.empty())
      stories.back().text += line + "\n";
  }
  for (const Story& story : stories)
    EXPECT_TRUE(story.IsRed() || story.title.starts_with("green: ")) << story.title;
  return stories;
}

}  // namespace everwrite::testing
