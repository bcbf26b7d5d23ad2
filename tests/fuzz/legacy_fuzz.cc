// Legacy conditions against the expressions that say the same: equal answers of any item. The input
// is eight bytes that conditions are drawn from, and an item.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "region/expression/testing/legacy_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite;              // NOLINT
  using namespace everwrite::expression;  // NOLINT
  constexpr size_t kSeedBytes = 8;
  if (size < kSeedBytes) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Random random(LoadFixed64(input.data()));
  std::string bytes(input.substr(kSeedBytes));
  if (!item::IsWellFormedItem(bytes)) bytes = item::testing::RandomItem(random);
  const item::ItemView item(bytes);
  for (const item::Attribute& attribute : item) {
    if (attribute.name.empty()) return 0;  // no attribute is called so
  }
  std::vector<LegacyCondition> conditions;
  for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
    conditions.push_back(expression::testing::RandomLegacyCondition(random, item));
  }
  const auto how = random.Chance(1, 2) ? Node::Type::kAnd : Node::Type::kOr;
  CHECK(expression::testing::AnswerOfLegacy(conditions, how, item) ==
        expression::testing::AnswerOfText(conditions, how, item));
  return 0;
}
