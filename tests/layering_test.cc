// Layers point one way: every #include of the project's own headers is checked against
// layering.txt, and pure folders are checked for what would make them impure. (The idea is pebble's
// lint test.)
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace everwrite {
namespace {

namespace fs = std::filesystem;

struct Rules {
  std::map<std::string, std::set<std::string>> may_include;
  std::set<std::string> pure;
  std::set<std::string> adapters;
  std::vector<std::pair<std::string, std::set<std::string>>> only;  // header prefix -> stems
};

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Rules ReadRules() {
  Rules rules;
  std::ifstream in("tests/layering.txt");
  EXPECT_TRUE(in.good()) << "run from the source folder";
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    const std::string left = line.substr(0, colon);
    const auto words = Words(line.substr(colon + 1));
    const std::set<std::string> right(words.begin(), words.end());
    if (left == "pure") {
      rules.pure = right;
    } else if (left == "adapter") {
      rules.adapters = right;
    } else if (left.starts_with("only ")) {
      rules.only.emplace_back(left.substr(5), right);
    } else {
      rules.may_include[left] = right;
    }
  }
  return rules;
}

// The longest entry that is a folder above `path`.
std::string FolderOf(const Rules& rules, const std::string& path) {
  std::string best;
  for (const auto& [folder, allowed] : rules.may_include)
    if (path.starts_with(folder + "/") && folder.size() > best.size()) best = folder;
  return best;
}

std::string Stem(std::string path) {
  path = path.substr(0, path.rfind('.'));
  if (path.ends_with("_test")) path.resize(path.size() - 5);
  return path;
}

bool MatchesAny(const std::set<std::string>& entries, const std::string& stem) {
  return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
    return entry.back() == '/' ? stem.starts_with(entry) : stem == entry;
  });
}

std::vector<std::string> SourceFiles() {
  std::vector<std::string> files;
  for (const char* top : {"base", "conflict", "topology", "streams", "replicator", "region",
                          "chaos", "cli", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string path = entry.path().string();
      if (path.ends_with(".cc") || path.ends_with(".h")) files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool IsTest(const std::string& path) {
  return path.ends_with("_test.cc") || path.find("/testing/") != std::string::npos ||
         path.starts_with("tests/");
}

TEST(Layering, EveryIncludeIsAllowed) {
  const Rules rules = ReadRules();
  size_t checked = 0;
  for (const std::string& path : SourceFiles()) {
    const std::string folder = FolderOf(rules, path);
    ASSERT_FALSE(folder.empty()) << path << " is in a folder that tests/layering.txt does not name";
    const std::set<std::string>& allowed = rules.may_include.at(folder);
    std::ifstream in(path);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.starts_with("#include \"")) {
        const std::string header = line.substr(10, line.rfind('"') - 10);
        if (header.ends_with(".pb.h")) continue;  // generated; the build says who links it
        const std::string target = FolderOf(rules, header);
        const bool ok =
            !target.empty() && (target == folder || allowed.count(target) ||
                                allowed.count(header) || (IsTest(path) && target == "tests"));
        EXPECT_TRUE(ok) << path << ":" << number << " includes " << header << ", but " << folder
                        << " may not include " << (target.empty() ? "that" : target);
        ++checked;
      } else if (line.starts_with("#include <")) {
        const std::string header = line.substr(10, line.rfind('>') - 10);
        for (const auto& [prefix, stems] : rules.only) {
          const bool whole = prefix.find('/') == std::string::npos;
          if (whole ? header.substr(0, header.find('.')) != prefix : !header.starts_with(prefix))
            continue;
          EXPECT_TRUE(IsTest(path) || MatchesAny(stems, Stem(path)))
              << path << ":" << number << " includes <" << header << ">; only its adapter may";
        }
      }
    }
  }
  EXPECT_GT(checked, 100u);
}

TEST(Layering, PureFoldersTouchNeitherThreadNorClockNorChanceNorSystem) {
  const Rules rules = ReadRules();
  const char* const kImpure[] = {"#include <thread>",
                                 "#include <random>",
                                 "#include <chrono>",
                                 "#include <sys/",
                                 "#include <unistd.h>",
                                 "#include <fstream>",
                                 "#include <iostream>",
                                 "#include <filesystem>",
                                 "#include <condition_variable>",
                                 "system_clock",
                                 "steady_clock",
                                 "RandomSeed(",
                                 "getenv(",
                                 "::now()"};
  for (const std::string& path : SourceFiles()) {
    if (IsTest(path) || !rules.pure.count(FolderOf(rules, path))) continue;
    if (MatchesAny(rules.adapters, Stem(path))) continue;
    std::ifstream in(path);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const std::string code = line.substr(0, line.find("//"));
      for (const char* impure : kImpure)
        EXPECT_EQ(code.find(impure), std::string::npos)
            << path << ":" << number << " has " << impure;
    }
  }
}

}  // namespace
}  // namespace everwrite
