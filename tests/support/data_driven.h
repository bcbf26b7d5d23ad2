// Data-driven tests: a text file of commands, each with the output that is expected of it.
//
//   # a comment
//   write region=1 count=2
//   ----
//   1 commits 1..2
//
// A command is one line; the output stands below the dashes and ends at an empty line. With
// EVERWRITE_REWRITE=1 in the environment the file is written again with the output that came, to be
// read as a diff. (The way of cockroachdb/datadriven and etcd's interaction tests.)
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace everwrite::testing {

struct Command {
  std::string name;                         // the first word
  std::vector<std::string> words;           // further words without "="
  std::map<std::string, std::string> args;  // key=value
  std::string position;                     // "file:line", for messages

  bool Has(const std::string& key) const { return args.count(key) != 0; }
  // Missing or no number: the test fails and 0 is given.
  int64_t Number(const std::string& key) const;
  int64_t Number(const std::string& key, int64_t otherwise) const;
  int64_t NumberWord(size_t index) const;
};

// Runs every command of the file through `run` and expects its output. Paths are from the source
// folder.
void RunDataDriven(const std::string& path, const std::function<std::string(const Command&)>& run);

// The files of a folder that end with `suffix`, sorted.
std::vector<std::string> FilesIn(const std::string& folder, const std::string& suffix);

}  // namespace everwrite::testing
