// everwrite_planted: which of the planted bugs (planted_bugs.h) do the simulator's worlds show?
// Built by the preset `planted` alone.
//
//   everwrite_planted --list
//   everwrite_planted [--bug NAME] [--enough 50] [--most 500] [--seed 1] [--seconds 20]
//   everwrite_planted --bug NAME --shrink FILE     the first find, made short, to a file
//   everwrite_planted --corpus FOLDER              each NAME.events there must show its bug
//
// Each bug is tried in `enough` seeds, and in up to `most` until one has found it; the product
// without one ("none") in `enough`. Exit status: 0 when all were found and nothing without one, 1
// when not, 2 for bad usage.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "chaos/planted/planted_bugs.h"
#include "chaos/sim/shrink.h"

namespace {

using everwrite::chaos::Hunt;
using everwrite::chaos::PlantedBugInfo;
using everwrite::chaos::PlantedBugs;

constexpr std::chrono::seconds kShrinkTime{90};

void Print(const PlantedBugInfo& info, std::string_view text) {
  std::printf("%-30.*s %.*s\n", static_cast<int>(info.name.size()), info.name.data(),
              static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

int Usage(const std::string& why) {
  std::fprintf(stderr,
               "everwrite_planted: %s\nusage: everwrite_planted --list | --corpus FOLDER | "
               "[--bug NAME] [--shrink FILE] [--enough N] [--most N] [--seed N] [--seconds N]\n",
               why.c_str());
  return 2;
}

bool ShrinkTo(const std::string& path, const PlantedBugInfo& info, const Hunt& hunt) {
  const auto run = [&info](const everwrite::chaos::Schedule& schedule) {
    return everwrite::chaos::RunWithBug(info.bug, schedule);
  };
  everwrite::chaos::ShrinkOptions options;
  const auto end = std::chrono::steady_clock::now() + kShrinkTime;
  options.go_on = [end] { return std::chrono::steady_clock::now() < end; };
  options.progress = [&info](const std::string& text) { Print(info, text); };
  const auto shrunk =
      everwrite::chaos::Shrink(hunt.first, everwrite::chaos::KindOf(hunt.first_sign), run, options);
  const std::string text = everwrite::chaos::FormatSchedule(shrunk.schedule);
  std::printf("%s", text.c_str());
  std::ofstream file(path);
  file << "# Shows the planted bug " << info.name << ": " << info.what << ".\n# "
       << everwrite::chaos::KindOf(hunt.first_sign) << "\n"
       << text;
  return static_cast<bool>(file.flush());
}

// The shrunk cases that are kept: green in the product (world_test), red with their bug.
int RunCorpus(const std::string& folder) {
  size_t files = 0, missed = 0;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry);
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    const PlantedBugInfo* const info = everwrite::chaos::FindPlantedBug(path.stem().string());
    if (path.extension() != ".events" || info == nullptr) continue;
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    const auto schedule = everwrite::chaos::ParseSchedule(text.str(), path.string());
    if (!schedule.ok()) return Usage(schedule.status().ToString());
    const auto result = everwrite::chaos::RunWithBug(info->bug, *schedule);
    ++files;
    missed += result.violations.empty() ? 1 : 0;
    Print(*info, result.violations.empty() ? "NOT FOUND" : result.violations.front());
  }
  std::printf("%zu of %zu files show their bug\n", files - missed, files);
  return missed == 0 && files > 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  std::string only, shrink;
  std::map<std::string, uint64_t> numbers = {
      {"--enough", 50}, {"--most", 500}, {"--seed", 1}, {"--seconds", 20}};
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--list") {
      for (const PlantedBugInfo& info : PlantedBugs()) Print(info, info.what);
      return 0;
    }
    if (i + 1 == count) return Usage(name + " needs a value");
    const char* const value = arguments[++i];
    char* end = nullptr;
    if (name == "--corpus") return RunCorpus(value);
    if (name == "--bug") {
      only = value;
    } else if (name == "--shrink") {
      shrink = value;
    } else if (const auto number = numbers.find(name); number == numbers.end()) {
      return Usage("there is no " + name);
    } else if (number->second = std::strtoull(value, &end, 10); *end != '\0' || end == value) {
      return Usage(name + ": " + value + " is no number");
    }
  }
  if (!shrink.empty() && only.empty()) return Usage("--shrink needs the --bug");
  size_t tried = 0, missed = 0;
  for (const PlantedBugInfo& info : PlantedBugs()) {
    if (!only.empty() && info.name != only) continue;
    everwrite::chaos::DrawOptions draw;
    draw.seed = numbers["--seed"];
    draw.seconds = static_cast<int64_t>(numbers["--seconds"]);
    const Hunt hunt =
        everwrite::chaos::HuntFor(info.bug, draw, shrink.empty() ? numbers["--enough"] : 1,
                                  info.bug == everwrite::PlantedBug::kNone ? 0 : numbers["--most"]);
    ++tried;
    missed += (hunt.found == 0) == (info.bug != everwrite::PlantedBug::kNone) ? 1 : 0;
    std::string text =
        "in " + std::to_string(hunt.found) + " of " + std::to_string(hunt.seeds) + " seeds";
    if (hunt.found > 0)
      text += ", first " + std::to_string(hunt.first.seed) + ": " + hunt.first_sign;
    Print(info, text);
    if (!shrink.empty() && hunt.found > 0 && !ShrinkTo(shrink, info, hunt)) return 1;
  }
  if (tried == 0) return Usage("there is no bug " + only + "; --list names them");
  std::printf("%zu of %zu as they should be\n", tried - missed, tried);
  return missed == 0 ? 0 : 1;
}
