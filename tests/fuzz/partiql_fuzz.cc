// Any text as a PartiQL statement: parsed or refused with a message. What is parsed prints to a
// text that parses to the same. What is planned is well formed, and the ranges of a SELECT hold
// every item that its WHERE accepts.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "region/expression/evaluator.h"
#include "region/expression/update.h"
#include "region/item/attribute_value.h"
#include "region/partiql/parser.h"
#include "region/partiql/planner.h"
#include "region/partiql/printer.h"

namespace {

using namespace everwrite;           // NOLINT
using namespace everwrite::partiql;  // NOLINT

const item::KeySchema kSchema{{"pk", item::KeyType::kString}, {{"sk", item::KeyType::kNumber}}};

std::string ItemOfKeys(const std::string& pk, int sk) {
  item::ItemBuilder builder;
  builder.AddInteger("n", sk);
  builder.AddString("pk", pk);
  builder.AddString("s", pk + "x");
  builder.AddInteger("sk", sk);
  return builder.Finish();
}

void CheckRoundTrip(const Parsed& parsed) {
  if (!IsPrintable(*parsed.root)) return;
  const std::string printed = Print(*parsed.root);
  const Result<ParsedPtr> again = ParseStatement(printed);
  if (!again.ok()) {
    // The parentheses that printing adds may nest it too deeply.
    CHECK(again.status().message().ends_with("nested too deeply"), printed);
    return;
  }
  CHECK(SameSyntax(*parsed.root, *(*again)->root), printed);
  CHECK(parsed.parameters == (*again)->parameters, printed);
}

void CheckSelect(const Outline& outline, Parameters parameters) {
  Result<std::optional<expression::Binding>> filter = PlanFilter(outline, parameters);
  if (!filter.ok()) return;
  const Result<SelectPlan> plan = PlanSelect(outline, parameters, std::move(filter).value(),
                                             item::CompositeKeySchema(kSchema), kSchema);
  if (!plan.ok()) {
    CHECK(!plan.status().message().empty());
    return;
  }
  for (const char* pk : {"a", "b", "x"}) {
    for (int sk = -1; sk <= 3; ++sk) {
      const std::string item = ItemOfKeys(pk, sk);
      CHECK(item::IsWellFormedItem(ProjectRow(*plan, item::ItemView(item))));
      if (plan->filter && !expression::Matches(*plan->filter, item::ItemView(item))) continue;
      const std::string key = item::EncodeKeyOfItem(kSchema, item::ItemView(item)).value();
      int holding = 0;
      for (const Range& range : plan->ranges) {
        holding += key >= range.begin && (range.end.empty() || key < range.end);
      }
      CHECK(holding == 1, "an item that the WHERE accepts is read once");
    }
  }
}

void CheckChange(const Outline& outline, Parameters parameters) {
  const Result<ChangePlan> plan = PlanChange(outline, parameters, kSchema);
  if (!plan.ok()) return;
  CHECK(item::IsWellFormedItem(plan->key_item));
  CHECK(item::EncodeKey(kSchema, item::ItemView(plan->key_item)).ok() ||
        plan->key_item.size() > item::kSortKeyBytesMax);
  const std::string item = ItemOfKeys("a", 1);
  if (plan->condition) (void)expression::Matches(*plan->condition, item::ItemView(item));
  if (!plan->update) return;
  const Result<std::string> updated = expression::ApplyUpdate(*plan->update, item::ItemView(item));
  CHECK(!updated.ok() || item::IsWellFormedItem(*updated));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Values of a request are UTF-8: its JSON was.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!item::IsValidUtf8(text)) return 0;
  const Result<ParsedPtr> parsed = ParseStatement(text);
  if (!parsed.ok()) {
    CHECK(parsed.status().message().starts_with("Statement wasn't well formed"));
    return 0;
  }
  CheckRoundTrip(**parsed);
  std::vector<std::string> parameters;
  for (uint32_t i = 0; i < (*parsed)->parameters; ++i) {
    parameters.push_back(i % 2 == 0 ? item::AttributeValue::String("a").Encode()
                                    : item::AttributeValue::Number("1").Encode());
  }
  const Result<Outline> outline = OutlineOf(**parsed, parameters.size());
  if (!outline.ok()) return 0;
  switch (outline->kind) {
    case Kind::kSelect: CheckSelect(*outline, parameters); break;
    case Kind::kInsert: {
      const Result<std::string> item = PlanInsert(*outline, parameters, kSchema);
      CHECK(!item.ok() || item::IsWellFormedItem(*item));
      break;
    }
    default: CheckChange(*outline, parameters);
  }
  return 0;
}
