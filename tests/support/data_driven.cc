#include "tests/support/data_driven.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace everwrite::testing {
namespace {

Command ParseCommand(const std::string& line, const std::string& position) {
  std::istringstream in(line);
  Command command;
  command.position = position;
  in >> command.name;
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos)
      command.words.push_back(word);
    else
      command.args[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return command;
}

int64_t ParseNumber(const std::string& text, const std::string& position) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0')
    ADD_FAILURE() << position << ": \"" << text << "\" is no number";
  return value;
}

}  // namespace

int64_t Command::Number(const std::string& key) const {
  const auto at = args.find(key);
  if (at != args.end()) return ParseNumber(at->second, position);
  ADD_FAILURE() << position << ": " << name << " needs " << key << "=";
  return 0;
}

int64_t Command::Number(const std::string& key, int64_t otherwise) const {
  return Has(key) ? Number(key) : otherwise;
}

int64_t Command::NumberWord(size_t index) const {
  if (index < words.size()) return ParseNumber(words[index], position);
  ADD_FAILURE() << position << ": " << name << " needs more words";
  return 0;
}

void RunDataDriven(const std::string& path, const std::function<std::string(const Command&)>& run) {
  std::ifstream in(path);
  ASSERT_TRUE(in.good()) << path << " cannot be read; run from the source folder";
  const bool rewrite = std::getenv("EVERWRITE_REWRITE") != nullptr;
  std::string rewritten;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    rewritten += line + "\n";
    if (line.empty() || line[0] == '#') continue;
    const Command command = ParseCommand(line, path + ":" + std::to_string(number));
    std::string expected;
    if (std::getline(in, line)) ++number;
    if (line != "----") {
      ASSERT_TRUE(rewrite && line.empty()) << command.position << ": ---- must follow the command";
    }
    while (std::getline(in, line)) {
      ++number;
      if (line.empty()) break;
      expected += line + "\n";
    }
    const std::string actual = run(command);
    if (!rewrite) {
      EXPECT_EQ(actual, expected) << command.position << ": " << command.name;
      if (::testing::Test::HasFatalFailure()) return;
    }
    rewritten += "----\n" + actual + "\n";
  }
  in.close();
  if (!rewrite) return;
  while (rewritten.ends_with("\n\n")) rewritten.pop_back();
  std::ofstream(path) << rewritten;
}

std::vector<std::string> FilesIn(const std::string& folder, const std::string& suffix) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().string().ends_with(suffix)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace everwrite::testing
