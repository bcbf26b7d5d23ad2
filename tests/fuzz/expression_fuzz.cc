// Any text as an expression of each kind: parsed or refused with a message, never a crash or a
// hang.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "region/expression/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using everwrite::expression::Kind;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Kind kind :
       {Kind::kCondition, Kind::kFilter, Kind::kKeyCondition, Kind::kProjection, Kind::kUpdate}) {
    const auto first = everwrite::expression::Parse(kind, text);
    const auto again = everwrite::expression::Parse(kind, text);
    CHECK(first.ok() == again.ok());
    if (!first.ok()) CHECK(!first.status().message().empty() && first.status() == again.status());
  }
  return 0;
}
