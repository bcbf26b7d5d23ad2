// Legacy conditions written out as the text of an expression: what both must agree about, for the
// property test and the fuzz target.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "region/expression/evaluator.h"
#include "region/expression/legacy.h"
#include "region/expression/parser.h"
#include "region/item/attribute_value.h"
#include "region/item/testing/random_item.h"

namespace everwrite::expression::testing {

// One condition, with its name and values as placeholders numbered `at`.
inline std::string TextOf(const LegacyCondition& condition, size_t at) {
  const std::string n = std::to_string(at), name = "#n" + n;
  const auto value = [&](size_t i) { return ":v" + n + "_" + std::to_string(i); };
  switch (condition.op) {
    case LegacyOperator::kEqual: return name + " = " + value(0);
    case LegacyOperator::kNotEqual: return name + " <> " + value(0);
    case LegacyOperator::kLessOrEqual: return name + " <= " + value(0);
    case LegacyOperator::kLess: return name + " < " + value(0);
    case LegacyOperator::kGreaterOrEqual: return name + " >= " + value(0);
    case LegacyOperator::kGreater: return name + " > " + value(0);
    case LegacyOperator::kBetween: return name + " BETWEEN " + value(0) + " AND " + value(1);
    case LegacyOperator::kNotNull: return "attribute_exists(" + name + ")";
    case LegacyOperator::kNull: return "attribute_not_exists(" + name + ")";
    case LegacyOperator::kContains: return "contains(" + name + ", " + value(0) + ")";
    case LegacyOperator::kNotContains:
      return "(attribute_exists(" + name + ") AND NOT contains(" + name + ", " + value(0) + "))";
    case LegacyOperator::kBeginsWith: return "begins_with(" + name + ", " + value(0) + ")";
    case LegacyOperator::kIn: {
      std::string text = name + " IN (";
      for (size_t i = 0; i < condition.values.size(); ++i) text += (i > 0 ? ", " : "") + value(i);
      return text + ")";
    }
  }
  return "";
}

// What the expression that says the same answers of the item.
inline bool AnswerOfText(std::span<const LegacyCondition> conditions, Node::Type and_or_or,
                         item::ItemView item) {
  std::string text;
  Placeholders placeholders;
  item::ItemBuilder values;
  bool any_value = false;
  for (size_t i = 0; i < conditions.size(); ++i) {
    if (i > 0) text += and_or_or == Node::Type::kAnd ? " AND " : " OR ";
    text += TextOf(conditions[i], i);
    CHECK(placeholders.AddName("#n" + std::to_string(i), conditions[i].attribute).ok());
    for (size_t v = 0; v < conditions[i].values.size(); ++v) {
      values.Begin(":v" + std::to_string(i) + "_" + std::to_string(v))
          .append(conditions[i].values[v]);
      any_value = true;
    }
  }
  if (any_value) CHECK(placeholders.SetValues(values.Finish()).ok());
  Result<ExpressionPtr> parsed = Parse(Kind::kCondition, text);
  CHECK(parsed.ok(), parsed.status().ToString());
  Result<Binding> bound = Bind(*parsed, placeholders);
  CHECK(bound.ok(), bound.status().ToString());
  return Matches(*bound, item);
}

inline bool AnswerOfLegacy(std::span<const LegacyCondition> conditions, Node::Type and_or_or,
                           item::ItemView item) {
  return Matches(LowerConditions(Kind::kCondition, conditions, and_or_or), item);
}

// A condition that CheckArguments accepts, on an attribute that `item` has or does not have, mostly
// of values near what it has.
inline LegacyCondition RandomLegacyCondition(Random& random, item::ItemView item) {
  LegacyCondition condition;
  condition.attribute = "absent";
  item::AttributeValue near;
  const size_t size = item.size();
  size_t chosen = size == 0 ? 0 : random.Below(size + 1);
  for (const item::Attribute& attribute : item) {
    if (chosen-- != 0) continue;
    condition.attribute = attribute.name;
    near = item::AttributeValue::From(attribute.value);
    // An element of a container, for CONTAINS.
    if (near.Is(item::ValueType::kList) && !near.list().empty() && random.Chance(1, 2)) {
      const item::AttributeValue element = near.list()[random.Below(near.list().size())];
      near = element;
    }
  }
  do {
    condition.op = static_cast<LegacyOperator>(random.Below(13));
    condition.values.clear();
    for (uint64_t n = random.Below(3); n > 0; --n) {
      condition.values.push_back(
          (random.Chance(1, 2) ? near : item::testing::RandomValue(random, 1)).Encode());
    }
  } while (!CheckArguments(condition).ok());
  return condition;
}

}  // namespace everwrite::expression::testing
