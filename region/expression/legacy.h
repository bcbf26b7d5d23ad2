// The legacy conditional parameters (Expected, QueryFilter, ScanFilter, KeyConditions,
// AttributeUpdates, AttributesToGet) lowered onto expressions: after this, nothing knows where a
// condition came from. Source: Developer Guide, "Legacy conditional parameters".
//
// They differ from the expression that says the same in:
// - NOT_CONTAINS is false of an attribute that is not there (NOT contains(…) is true);
// - ADD appends to a list;
// - names are whole attribute names: no paths, no reserved words, "a.b" is one name;
// - a type that does not fit is "Type mismatch for attribute to update".
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "region/expression/binding.h"
#include "region/item/key.h"

namespace everwrite::expression {

enum class LegacyOperator : uint8_t {
  kEqual,
  kNotEqual,
  kIn,
  kLessOrEqual,
  kLess,
  kGreaterOrEqual,
  kGreater,
  kBetween,
  kNotNull,
  kNull,
  kContains,
  kNotContains,
  kBeginsWith,
};
constexpr std::string_view kLegacyOperatorSet =
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]";
std::string_view LegacyOperatorName(LegacyOperator op);  // "EQ", "NE", …
bool LegacyOperatorFromName(std::string_view name, LegacyOperator& op);

struct LegacyCondition {
  std::string attribute;
  LegacyOperator op = LegacyOperator::kEqual;
  std::vector<std::string> values;  // compact form
};

// The number and types of the values, and that BETWEEN's bounds are in order.
Status CheckArguments(const LegacyCondition& condition);

// Conditions that are all to hold (kAnd), or one of which is (kOr); at least one.
Binding LowerConditions(Kind kind, std::span<const LegacyCondition> conditions,
                        Node::Type and_or_or);

struct LegacyUpdate {
  enum class Action : uint8_t { kPut, kAdd, kDelete };
  std::string attribute;
  Action action = Action::kPut;
  std::optional<std::string> value;  // compact form
};

Status CheckUpdate(const LegacyUpdate& update);
// No attribute twice.
Binding LowerUpdates(std::span<const LegacyUpdate> updates);
Binding LowerAttributesToGet(std::span<const std::string> attributes);

}  // namespace everwrite::expression
