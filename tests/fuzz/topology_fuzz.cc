// Any text as a topology file: refused with file, line and column, or valid and the same when
// written and read again.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "topology/topology_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite::topology;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = ParseTopology(text, "fuzz.yaml");
  if (!first.ok()) {
    CHECK(first.status().message().find("fuzz.yaml") != std::string::npos);
    return 0;
  }
  const std::string written = WriteTopology(*first);
  const auto again = ParseTopology(written, "again.yaml");
  CHECK(again.ok(), again.status().message());
  CHECK(WriteTopology(*again) == written);
  return 0;
}
