#include "region/expression/evaluator.h"

#include <charconv>

#include "region/item/number.h"

namespace everwrite::expression {
namespace {

using item::ValueType;
using item::ValueView;

// The length that size() shows of a string: UTF-16 code units, as the service's language counts
// them.
size_t StringLength(std::string_view text) {
  size_t units = 0;
  for (char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if ((byte & 0xc0) != 0x80) ++units;  // the first byte of a character
    if (byte >= 0xf0) ++units;           // beyond the first plane: two units
  }
  return units;
}

std::optional<size_t> SizeOf(ValueView value) {
  switch (value.type()) {
    case ValueType::kString: return StringLength(value.text());
    case ValueType::kBinary: return value.text().size();
    case ValueType::kMap: return value.map().size();
    case ValueType::kList: return value.list().size();
    case ValueType::kStringSet:
    case ValueType::kNumberSet:
    case ValueType::kBinarySet: return value.set().size();
    default: return std::nullopt;
  }
}

// The order of two values of one ordered type; nothing when there is no order between them.
std::optional<int> Order(ValueView left, ValueView right) {
  if (left.type() != right.type()) return std::nullopt;
  switch (left.type()) {
    case ValueType::kNumber: return item::CompareNumberText(left.text(), right.text());
    case ValueType::kString:
    case ValueType::kBinary: return left.text().compare(right.text());
    default: return std::nullopt;
  }
}

bool Contains(ValueView container, ValueView wanted) {
  switch (container.type()) {
    case ValueType::kString:
    case ValueType::kBinary:
      return wanted.type() == container.type() &&
             container.text().find(wanted.text()) != std::string_view::npos;
    case ValueType::kStringSet:
    case ValueType::kNumberSet:
    case ValueType::kBinarySet:
      return wanted.type() == item::ElementType(container.type()) &&
             container.set().Contains(wanted.text());
    case ValueType::kList:
      for (ValueView element : container.list()) {
        if (element == wanted) return true;
      }
      return false;
    default: return false;
  }
}

std::string EncodedBool(bool value) {
  std::string encoded;
  item::PutBool(encoded, value);
  return encoded;
}

class Evaluator {
 public:
  Evaluator(const Binding& binding, item::ItemView item)
      : binding_(binding), expression_(*binding.expression), item_(item) {}

  bool Holds(NodeIndex index) const;

 private:
  // The value of an operand, with room for one that is computed.
  struct Operand {
    std::optional<ValueView> value;
    char computed[24];
  };

  void Evaluate(NodeIndex index, Operand& out) const;
  void EvaluateSize(const Node& node, Operand& out) const;
  bool Compare(const Node& node) const;
  bool Between(const Node& node) const;
  bool In(const Node& node) const;
  bool Predicate(const Node& node) const;

  const Binding& binding_;
  const Expression& expression_;
  item::ItemView item_;
};

// The parser bounds the depth of an expression, in operators and in parentheses.
bool Evaluator::Holds(NodeIndex index) const {
  const Node& node = expression_.nodes[index];
  switch (node.type) {
    case Node::Type::kAnd:
      return Holds(expression_.Child(node, 0)) && Holds(expression_.Child(node, 1));
    case Node::Type::kOr:
      return Holds(expression_.Child(node, 0)) || Holds(expression_.Child(node, 1));
    case Node::Type::kNot: return !Holds(expression_.Child(node, 0));
    case Node::Type::kCompare: return Compare(node);
    case Node::Type::kBetween: return Between(node);
    case Node::Type::kIn: return In(node);
    case Node::Type::kFunction: return Predicate(node);
    default: CHECK(false, "the parser lets no operand stand for a condition");
  }
}

void Evaluator::Evaluate(NodeIndex index, Operand& out) const {
  const Node& node = expression_.nodes[index];
  switch (node.type) {
    case Node::Type::kPath: out.value = FindPath(item_, binding_.PathAt(node.index)); return;
    case Node::Type::kValue: out.value = binding_.values[node.index]; return;
    case Node::Type::kFunction:
      if (!IsPredicate(node.function)) return EvaluateSize(node, out);
      break;
    case Node::Type::kPlus:
    case Node::Type::kMinus: CHECK(false, "not an operand of a condition");
    default: break;
  }
  // PartiQL compares what conditions answer.
  static const std::string kAnswers[] = {EncodedBool(false), EncodedBool(true)};
  out.value = ValueView(kAnswers[Holds(index) ? 1 : 0]);
}

void Evaluator::EvaluateSize(const Node& node, Operand& out) const {
  CHECK(node.function == Function::kSize, "the only function of a condition that has a value");
  Operand operand;
  Evaluate(expression_.Child(node, 0), operand);
  const std::optional<size_t> size = operand.value ? SizeOf(*operand.value) : std::nullopt;
  if (!size) return;
  // A number in the compact form: type, length, text.
  char* const text = out.computed + 2;
  const char* const end = std::to_chars(text, out.computed + sizeof out.computed, *size).ptr;
  out.computed[0] = static_cast<char>(ValueType::kNumber);
  out.computed[1] = static_cast<char>(end - text);
  out.value = ValueView(std::string_view(out.computed, static_cast<size_t>(end - out.computed)));
}

bool Evaluator::Compare(const Node& node) const {
  Operand left, right;
  Evaluate(expression_.Child(node, 0), left);
  Evaluate(expression_.Child(node, 1), right);
  const bool both = left.value && right.value;
  if (node.comparator == Comparator::kEqual) return both && *left.value == *right.value;
  if (node.comparator == Comparator::kNotEqual) return !both || !(*left.value == *right.value);
  const std::optional<int> order = both ? Order(*left.value, *right.value) : std::nullopt;
  if (!order) return false;
  switch (node.comparator) {
    case Comparator::kLess: return *order < 0;
    case Comparator::kLessOrEqual: return *order <= 0;
    case Comparator::kGreater: return *order > 0;
    default: return *order >= 0;
  }
}

bool Evaluator::Between(const Node& node) const {
  Operand value, low, high;
  Evaluate(expression_.Child(node, 0), value);
  Evaluate(expression_.Child(node, 1), low);
  Evaluate(expression_.Child(node, 2), high);
  if (!value.value || !low.value || !high.value) return false;
  const std::optional<int> above = Order(*value.value, *low.value);
  const std::optional<int> below = Order(*value.value, *high.value);
  return above && below && *above >= 0 && *below <= 0;
}

bool Evaluator::In(const Node& node) const {
  Operand value;
  Evaluate(expression_.Child(node, 0), value);
  if (!value.value) return false;
  for (uint32_t i = 1; i < node.children_size; ++i) {
    Operand candidate;
    Evaluate(expression_.Child(node, i), candidate);
    if (candidate.value && *candidate.value == *value.value) return true;
  }
  return false;
}

bool Evaluator::Predicate(const Node& node) const {
  Operand first, second;
  Evaluate(expression_.Child(node, 0), first);
  if (node.function == Function::kAttributeExists) return first.value.has_value();
  if (node.function == Function::kAttributeNotExists) return !first.value.has_value();
  Evaluate(expression_.Child(node, 1), second);
  if (!first.value || !second.value) return false;
  switch (node.function) {
    case Function::kAttributeType:
      return item::TypeName(first.value->type()) == second.value->text();
    case Function::kBeginsWith:
      return first.value->type() == second.value->type() &&
             (first.value->Is(ValueType::kString) || first.value->Is(ValueType::kBinary)) &&
             first.value->text().starts_with(second.value->text());
    case Function::kContains: return Contains(*first.value, *second.value);
    default: CHECK(false, "not a predicate");
  }
}

}  // namespace

bool Matches(const Binding& condition, item::ItemView item) {
  return Evaluator(condition, item).Holds(condition.expression->root);
}

}  // namespace everwrite::expression
