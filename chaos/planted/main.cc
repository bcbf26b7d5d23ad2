// everwrite_planted: which of the planted bugs (planted_bugs.h) do the simulator's worlds show?
// Built by the preset `planted` alone.
//
//   everwrite_planted --list
//   everwrite_planted [--bug NAME] [--enough 50] [--most 500] [--seed 1] [--seconds 20]
//
// Each bug is tried in `enough` seeds, and in up to `most` until one has found it; the product
// without one ("none") in `enough`. Exit status: 0 when all were found and nothing without one, 1
// when not, 2 for bad usage.
#include <cstdio>
#include <cstdlib>
#include <map>

#include "chaos/planted/planted_bugs.h"

namespace {

using everwrite::chaos::PlantedBugInfo;
using everwrite::chaos::PlantedBugs;

void Print(const PlantedBugInfo& info, std::string_view text) {
  std::printf("%-30.*s %.*s\n", static_cast<int>(info.name.size()), info.name.data(),
              static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

int Usage(const std::string& why) {
  std::fprintf(stderr,
               "everwrite_planted: %s\nusage: everwrite_planted --list | [--bug NAME] [--enough N] "
               "[--most N] [--seed N] [--seconds N]\n",
               why.c_str());
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  std::string only;
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
    if (name == "--bug") {
      only = value;
    } else if (const auto number = numbers.find(name); number == numbers.end()) {
      return Usage("there is no " + name);
    } else if (number->second = std::strtoull(value, &end, 10); *end != '\0' || end == value) {
      return Usage(name + ": " + value + " is no number");
    }
  }
  size_t tried = 0, missed = 0;
  for (const PlantedBugInfo& info : PlantedBugs()) {
    if (!only.empty() && info.name != only) continue;
    everwrite::chaos::WorldOptions world;
    world.seed = numbers["--seed"];
    world.chaos_seconds = static_cast<int64_t>(numbers["--seconds"]);
    const everwrite::chaos::Hunt hunt =
        everwrite::chaos::HuntFor(info.bug, world, numbers["--enough"],
                                  info.bug == everwrite::PlantedBug::kNone ? 0 : numbers["--most"]);
    ++tried;
    missed += (hunt.found == 0) == (info.bug != everwrite::PlantedBug::kNone) ? 1 : 0;
    std::string text =
        "in " + std::to_string(hunt.found) + " of " + std::to_string(hunt.seeds) + " seeds";
    if (hunt.found > 0)
      text += ", first " + std::to_string(hunt.first_seed) + ": " + hunt.first_sign;
    Print(info, text);
  }
  if (tried == 0) return Usage("there is no bug " + only + "; --list names them");
  std::printf("%zu of %zu as they should be\n", tried - missed, tried);
  return missed == 0 ? 0 : 1;
}
