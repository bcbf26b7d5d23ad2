// Any text as a number: its canonical text parses to itself, and the order of encoded numbers is
// the order of their values.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "region/item/number.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using everwrite::item::Number;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t middle = text.find(' ');
  const auto left = Number::Parse(text.substr(0, middle));
  if (!left.ok()) return 0;
  std::string canonical, ordered;
  left->AppendTo(canonical);
  const auto again = Number::Parse(canonical);
  CHECK(again.ok());
  std::string twice;
  again->AppendTo(twice);
  CHECK(canonical == twice);
  left->AppendOrdered(ordered);
  std::string_view in(ordered);
  Number back = *left;
  CHECK(Number::TakeOrdered(in, back) && in.empty());
  if (middle == std::string_view::npos) return 0;
  const auto right = Number::Parse(text.substr(middle + 1));
  if (!right.ok()) return 0;
  std::string right_text, right_ordered;
  right->AppendTo(right_text);
  right->AppendOrdered(right_ordered);
  const int by_value = everwrite::item::CompareNumberText(canonical, right_text);
  const int by_bytes = ordered.compare(right_ordered);
  CHECK((by_value < 0) == (by_bytes < 0) && (by_value == 0) == (by_bytes == 0));
  return 0;
}
