// Runs a fuzz target over the files of its corpus, then over many small changes of each, without
// libFuzzer: this is what CTest does with every target, with any compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 2000;

void Run(const std::string& input) {
  // A copy of the exact size, so that a sanitizer sees a read beyond its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string Mutate(std::string input, everwrite::Random& random) {
  const size_t changes = 1 + random.Below(4);
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = random.Below(input.size() + 1);
    switch (random.Below(4)) {
      case 0: input.insert(at, 1, static_cast<char>(random.Next())); break;
      case 1:
        if (at < input.size()) input.erase(at, 1 + random.Below(4));
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(random.Next());
        break;
      default: input.insert(at, input.substr(0, random.Below(16))); break;
    }
  }
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  size_t inputs = 0;
  everwrite::Random random(1);
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(in), {}};
      Run(input);
      for (int m = 0; m < kMutationsPerFile; ++m) Run(Mutate(input, random));
      inputs += 1 + kMutationsPerFile;
    }
  }
  Run("");
  std::printf("%zu inputs\n", inputs);
  return inputs == 0;  // an empty corpus tests nothing
}
