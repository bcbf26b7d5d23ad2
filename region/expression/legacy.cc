#include "region/expression/legacy.h"

#include <algorithm>

#include "region/expression/builder.h"
#include "region/item/number.h"

namespace everwrite::expression {
namespace {

using item::ValueType;
using item::ValueView;
using Op = LegacyOperator;

constexpr const char* kInvalid = "One or more parameter values were invalid: ";
constexpr size_t kAnyNumber = SIZE_MAX;

bool IsScalar(ValueType type) {
  return type == ValueType::kString || type == ValueType::kNumber || type == ValueType::kBinary;
}
bool IsPrefix(ValueType type) { return type == ValueType::kString || type == ValueType::kBinary; }
bool IsElement(ValueType type) { return type <= ValueType::kNull; }
bool IsAny(ValueType) { return true; }

struct Rule {
  Op op;
  std::string_view name;
  size_t arguments;  // kAnyNumber: one or more
  bool (*allowed)(ValueType);
};
// In the order of LegacyOperator.
constexpr Rule kRules[] = {
    {Op::kEqual, "EQ", 1, IsAny},
    {Op::kNotEqual, "NE", 1, IsAny},
    {Op::kIn, "IN", kAnyNumber, IsScalar},
    {Op::kLessOrEqual, "LE", 1, IsScalar},
    {Op::kLess, "LT", 1, IsScalar},
    {Op::kGreaterOrEqual, "GE", 1, IsScalar},
    {Op::kGreater, "GT", 1, IsScalar},
    {Op::kBetween, "BETWEEN", 2, IsScalar},
    {Op::kNotNull, "NOT_NULL", 0, IsAny},
    {Op::kNull, "NULL", 0, IsAny},
    {Op::kContains, "CONTAINS", 1, IsElement},
    {Op::kNotContains, "NOT_CONTAINS", 1, IsElement},
    {Op::kBeginsWith, "BEGINS_WITH", 1, IsPrefix},
};

const Rule& RuleOf(Op op) { return kRules[static_cast<size_t>(op)]; }

Status Invalid(const std::string& what) { return InvalidArgument(kInvalid + what); }

int CompareScalars(ValueView left, ValueView right) {
  return left.Is(ValueType::kNumber) ? item::CompareNumberText(left.text(), right.text())
                                     : left.text().compare(right.text());
}

Comparator ComparatorOf(Op op) {
  switch (op) {
    case Op::kNotEqual: return Comparator::kNotEqual;
    case Op::kLessOrEqual: return Comparator::kLessOrEqual;
    case Op::kLess: return Comparator::kLess;
    case Op::kGreaterOrEqual: return Comparator::kGreaterOrEqual;
    case Op::kGreater: return Comparator::kGreater;
    default: return Comparator::kEqual;
  }
}

NodeIndex Lower(const LegacyCondition& condition, ExpressionBuilder& builder) {
  const NodeIndex attribute = builder.Attribute(condition.attribute);
  std::vector<NodeIndex> values;
  for (const std::string& value : condition.values) values.push_back(builder.Value(value));
  switch (condition.op) {
    case Op::kIn: return builder.In(attribute, values);
    case Op::kBetween: return builder.Between(attribute, values[0], values[1]);
    case Op::kNotNull: return builder.Call(Function::kAttributeExists, {attribute});
    case Op::kNull: return builder.Call(Function::kAttributeNotExists, {attribute});
    case Op::kContains: return builder.Call(Function::kContains, {attribute, values[0]});
    case Op::kBeginsWith: return builder.Call(Function::kBeginsWith, {attribute, values[0]});
    case Op::kNotContains: {
      const NodeIndex exists = builder.Call(Function::kAttributeExists, {attribute});
      const NodeIndex contains = builder.Call(Function::kContains, {attribute, values[0]});
      return builder.Join(Node::Type::kAnd, {exists, builder.Not(contains)});
    }
    default: return builder.Compare(ComparatorOf(condition.op), attribute, values[0]);
  }
}

// A lowered Binding fails only for paths that overlap, and whole names do not.
Binding Finished(ExpressionBuilder& builder, NodeIndex root = 0) {
  Result<Binding> binding = builder.Finish(root);
  return std::move(binding).value();
}

}  // namespace

std::string_view LegacyOperatorName(LegacyOperator op) { return RuleOf(op).name; }

bool LegacyOperatorFromName(std::string_view name, LegacyOperator& op) {
  for (const Rule& rule : kRules) {
    if (rule.name != name) continue;
    op = rule.op;
    return true;
  }
  return false;
}

Status CheckArguments(const LegacyCondition& condition) {
  const Rule& rule = RuleOf(condition.op);
  const size_t count = condition.values.size();
  const std::string name(rule.name);
  if (rule.arguments == kAnyNumber ? count == 0 : count != rule.arguments) {
    return Invalid("Invalid number of argument(s) for the " + name + " ComparisonOperator");
  }
  for (const std::string& value : condition.values) {
    if (ValueView(value).type() == ValueView(condition.values[0]).type()) continue;
    return Invalid("AttributeValues inside AttributeValueList must be of same type");
  }
  for (const std::string& value : condition.values) {
    const ValueType type = ValueView(value).type();
    if (rule.allowed(type)) continue;
    return Invalid("ComparisonOperator " + name + " is not valid for " +
                   std::string(item::TypeName(type)) + " AttributeValue type");
  }
  if (condition.op == Op::kBetween &&
      CompareScalars(ValueView(condition.values[0]), ValueView(condition.values[1])) > 0) {
    return InvalidArgument(
        "The BETWEEN condition was provided a range where the lower bound is greater than the "
        "upper bound");
  }
  return OkStatus();
}

Binding LowerConditions(Kind kind, std::span<const LegacyCondition> conditions,
                        Node::Type and_or_or) {
  ExpressionBuilder builder(kind, Dialect::kLegacy);
  std::vector<NodeIndex> nodes;
  for (const LegacyCondition& condition : conditions) nodes.push_back(Lower(condition, builder));
  return Finished(builder, builder.Join(and_or_or, nodes));
}

Status CheckUpdate(const LegacyUpdate& update) {
  if (!update.value) {
    if (update.action == LegacyUpdate::Action::kDelete) return OkStatus();
    return Invalid("Only DELETE action is allowed when no attribute value is specified");
  }
  const ValueType type = ValueView(*update.value).type();
  const std::string name(item::TypeName(type));
  if (update.action == LegacyUpdate::Action::kDelete && !item::IsSet(type)) {
    return Invalid("DELETE action with value is not supported for the type " + name);
  }
  if (update.action == LegacyUpdate::Action::kAdd && !item::IsSet(type) &&
      type != ValueType::kNumber && type != ValueType::kList) {
    return Invalid("ADD action is not supported for the type " + name);
  }
  return OkStatus();
}

Binding LowerUpdates(std::span<const LegacyUpdate> updates) {
  ExpressionBuilder builder(Kind::kUpdate, Dialect::kLegacy);
  for (const LegacyUpdate& update : updates) {
    const uint32_t path = builder.AddName(update.attribute);
    if (!update.value) {
      builder.AddAction(UpdateAction::Type::kRemove, path);
      continue;
    }
    const UpdateAction::Type type =
        update.action == LegacyUpdate::Action::kPut   ? UpdateAction::Type::kSet
        : update.action == LegacyUpdate::Action::kAdd ? UpdateAction::Type::kAdd
                                                      : UpdateAction::Type::kDelete;
    builder.AddAction(type, path, builder.Value(*update.value));
  }
  return Finished(builder);
}

Binding LowerAttributesToGet(std::span<const std::string> attributes) {
  ExpressionBuilder builder(Kind::kProjection, Dialect::kLegacy);
  for (const std::string& attribute : attributes) {
    builder.AddProjection(builder.AddName(attribute));
  }
  return Finished(builder);
}

}  // namespace everwrite::expression
