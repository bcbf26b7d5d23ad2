#include "region/expression/key_condition.h"

#include <algorithm>
#include <vector>

#include "base/coding.h"

namespace everwrite::expression {
namespace {

using Sort = KeyCondition::Sort;

// One condition on one attribute.
struct Term {
  std::string_view attribute;
  bool lookup = true;  // a key can be looked up by it: KeyConditions may say what it cannot
  Sort comparison = Sort::kEqual;
  item::ValueView low;
  item::ValueView high;
};

Status InvalidOperator(std::string_view name) {
  return InvalidArgument("Invalid operator used in KeyConditionExpression: " + std::string(name));
}
Status InvalidCondition(const std::string& what) {
  return InvalidArgument("Invalid condition in KeyConditionExpression: " + what);
}

Sort SortOf(Comparator comparator) {
  switch (comparator) {
    case Comparator::kLess: return Sort::kLess;
    case Comparator::kLessOrEqual: return Sort::kLessOrEqual;
    case Comparator::kGreater: return Sort::kGreater;
    case Comparator::kGreaterOrEqual: return Sort::kGreaterOrEqual;
    default: return Sort::kEqual;
  }
}

// `:v < sk` is `sk > :v`.
Sort Mirrored(Sort comparison) {
  switch (comparison) {
    case Sort::kLess: return Sort::kGreater;
    case Sort::kLessOrEqual: return Sort::kGreaterOrEqual;
    case Sort::kGreater: return Sort::kLess;
    case Sort::kGreaterOrEqual: return Sort::kLessOrEqual;
    default: return comparison;
  }
}

// What a key condition says, taken apart. Of an expression all faults that need no schema are told
// here; KeyConditions have none.
class Collector {
 public:
  explicit Collector(const Binding& binding)
      : binding_(binding), expression_(*binding.expression) {}

  Status Run() {
    if (expression_.dialect != Dialect::kLegacy) return Collect(expression_.root);
    CollectLegacy(expression_.root);
    return OkStatus();
  }
  const std::vector<Term>& terms() const { return terms_; }

 private:
  Status Collect(NodeIndex index) {
    const Node& node = expression_.nodes[index];
    switch (node.type) {
      case Node::Type::kAnd:
        EW_RETURN_IF_ERROR(Collect(expression_.Child(node, 0)));
        return Collect(expression_.Child(node, 1));
      case Node::Type::kOr: return InvalidOperator("OR");
      case Node::Type::kNot: return InvalidOperator("NOT");
      case Node::Type::kIn: return InvalidOperator("IN");
      case Node::Type::kCompare: return Compare(node);
      case Node::Type::kBetween: return Range(node, "BETWEEN", Sort::kBetween);
      default: break;
    }
    if (node.function != Function::kBeginsWith) return InvalidOperator(FunctionName(node.function));
    return Range(node, "begins_with", Sort::kBeginsWith);
  }

  // Each condition begins with its attribute; one that was lowered to two is still one.
  void CollectLegacy(NodeIndex index) {
    const Node& node = expression_.nodes[index];
    if (node.type == Node::Type::kAnd) {
      CollectLegacy(expression_.Child(node, 0));
      return CollectLegacy(expression_.Child(node, 1));
    }
    const Node* path = &node;
    while (path->type != Node::Type::kPath) path = &expression_.nodes[expression_.Child(*path, 0)];
    Term term{.attribute = binding_.PathAt(path->index)[0].name, .lookup = false};
    if (Find(term.attribute)) return;
    if (node.type == Node::Type::kCompare && node.comparator != Comparator::kNotEqual) {
      term.lookup = true;
      term.comparison = SortOf(node.comparator);
    } else if (node.type == Node::Type::kBetween) {
      term.lookup = true;
      term.comparison = Sort::kBetween;
    } else if (node.type == Node::Type::kFunction && node.function == Function::kBeginsWith) {
      term.lookup = true;
      term.comparison = Sort::kBeginsWith;
    }
    if (term.lookup) {
      term.low = binding_.values[Operand(node, 1).index];
      term.high = binding_.values[Operand(node, node.children_size - 1).index];
    }
    terms_.push_back(term);
  }

  const Term* Find(std::string_view attribute) const {
    for (const Term& term : terms_)
      if (term.attribute == attribute) return &term;
    return nullptr;
  }

  const Node& Operand(const Node& node, uint32_t i) const {
    return expression_.nodes[expression_.Child(node, i)];
  }

  // All operands are paths and values, and one of them is a path.
  Status CheckOperands(const Node& node) const {
    int paths = 0;
    for (uint32_t i = 0; i < node.children_size; ++i) {
      const Node::Type type = Operand(node, i).type;
      if (type != Node::Type::kPath && type != Node::Type::kValue) {
        return InvalidArgument("KeyConditionExpressions cannot contain nested operations");
      }
      if (type == Node::Type::kPath) ++paths;
    }
    if (paths == 0) return InvalidCondition("No key attribute specified");
    return OkStatus();
  }

  Status Compare(const Node& node) {
    if (node.comparator == Comparator::kNotEqual) return InvalidOperator("<>");
    EW_RETURN_IF_ERROR(CheckOperands(node));
    const bool path_first = Operand(node, 0).type == Node::Type::kPath;
    const Node& path = Operand(node, path_first ? 0 : 1);
    const Node& value = Operand(node, path_first ? 1 : 0);
    if (value.type == Node::Type::kPath) {
      return InvalidCondition("Multiple attribute names used in one condition");
    }
    const Sort comparison = SortOf(node.comparator);
    return Add(path, path_first ? comparison : Mirrored(comparison), value, value);
  }

  // BETWEEN and begins_with: the attribute first, then values.
  Status Range(const Node& node, const std::string& name, Sort comparison) {
    EW_RETURN_IF_ERROR(CheckOperands(node));
    if (Operand(node, 0).type != Node::Type::kPath) {
      return InvalidCondition(name + " operator must have the key attribute as its first operand");
    }
    for (uint32_t i = 1; i < node.children_size; ++i) {
      if (Operand(node, i).type == Node::Type::kPath) {
        return InvalidCondition("Multiple attribute names used in one condition");
      }
    }
    return Add(Operand(node, 0), comparison, Operand(node, 1),
               Operand(node, node.children_size - 1));
  }

  Status Add(const Node& path, Sort comparison, const Node& low, const Node& high) {
    const PathSpan elements = binding_.PathAt(path.index);
    if (elements.size() > 1) {
      return InvalidArgument("KeyConditionExpressions cannot have conditions on nested attributes");
    }
    if (Find(elements[0].name)) {
      return InvalidArgument(
          "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition "
          "per key");
    }
    terms_.push_back({.attribute = elements[0].name,
                      .comparison = comparison,
                      .low = binding_.values[low.index],
                      .high = binding_.values[high.index]});
    return OkStatus();
  }

  const Binding& binding_;
  const Expression& expression_;
  std::vector<Term> terms_;
};

// Type and emptiness of an operand, in the words of a Query.
Status CheckValue(const item::KeyAttribute& key, item::ValueView value) {
  constexpr item::ValueType kTypes[] = {item::ValueType::kString, item::ValueType::kNumber,
                                        item::ValueType::kBinary};
  if (!value.Is(kTypes[static_cast<size_t>(key.type)])) {
    return InvalidArgument(
        "One or more parameter values were invalid: Condition parameter type does not match schema "
        "type");
  }
  if (!value.Is(item::ValueType::kNumber) && value.text().empty()) {
    return InvalidArgument(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
        "contain an empty " +
        std::string(value.Is(item::ValueType::kString) ? "string" : "binary") +
        " value. Key: " + key.name);
  }
  return OkStatus();
}

size_t SizeOf(item::ValueView value) {
  return value.Is(item::ValueType::kNumber) ? 0 : value.text().size();
}

// Assigns terms to the attributes of a key. The attributes are looked at in the schema's order, and
// the first that is wrong in any way is the one that is told of.
class Resolver {
 public:
  Resolver(const std::vector<Term>& terms, const item::CompositeKeySchema& schema)
      : terms_(terms), schema_(schema) {}

  Result<KeyCondition> Resolve() {
    EW_RETURN_IF_ERROR(CheckCount());
    EW_RETURN_IF_ERROR(TakePartition());
    EW_RETURN_IF_ERROR(TakeSort());
    EW_RETURN_IF_ERROR(CheckSizes());
    return std::move(condition_);
  }

 private:
  const Term* Find(std::string_view name) const {
    for (const Term& term : terms_)
      if (term.attribute == name) return &term;
    return nullptr;
  }

  static Status Missed(const std::string& name) {
    return InvalidArgument("Query condition missed key schema element: " + name);
  }
  static Status Unsupported() { return InvalidArgument("Query key condition not supported"); }

  Status CheckCount() const {
    constexpr size_t kPlainKeyMax = 2;
    const size_t attributes = schema_.partition.size() + schema_.sort.size();
    if (terms_.size() > std::max(kPlainKeyMax, attributes))
      return InvalidArgument("The number of query conditions (" + std::to_string(terms_.size()) +
                             ") exceeds the number of key attributes defined in the schema (" +
                             std::to_string(attributes) + ")");
    return terms_.size() > attributes ? Unsupported() : OkStatus();
  }

  static Status CheckTerm(const item::KeyAttribute& key, const Term& term) {
    if (!term.lookup)
      return InvalidArgument("Attempted conditional constraint is not an indexable operation");
    EW_RETURN_IF_ERROR(CheckValue(key, term.low));
    return CheckValue(key, term.high);
  }

  Status TakePartition() {
    for (const item::KeyAttribute& key : schema_.partition) {
      const Term* term = Find(key.name);
      if (!term) return Missed(key.name);
      EW_RETURN_IF_ERROR(CheckTerm(key, *term));
      if (term->comparison != Sort::kEqual) return Unsupported();
      condition_.partition.push_back(term->low);
    }
    return OkStatus();
  }

  Status TakeSort() {
    size_t open = terms_.size() - schema_.partition.size();
    if (open > 0) EW_RETURN_IF_ERROR(CheckNoGap());
    for (const item::KeyAttribute& key : schema_.sort) {
      if (open == 0) return OkStatus();
      const Term* term = Find(key.name);
      if (!term) return Missed(key.name);
      EW_RETURN_IF_ERROR(CheckTerm(key, *term));
      if (--open > 0) {
        condition_.equal.push_back(term->low);
        continue;
      }
      condition_.sort = term->comparison;
      condition_.low = term->low;
      condition_.high = term->high;
    }
    return open == 0 ? OkStatus() : Unsupported();
  }

  // Of several sort attributes all before the last that has a condition must be equal to something.
  Status CheckNoGap() const {
    size_t last = schema_.sort.size();
    while (last > 0 && !Find(schema_.sort[last - 1].name)) --last;
    std::string open;
    for (size_t i = 0; i + 1 < last; ++i) {
      const Term* term = Find(schema_.sort[i].name);
      if (term && term->comparison == Sort::kEqual) continue;
      open.append(open.empty() ? "" : ", ").append(schema_.sort[i].name);
    }
    if (open.empty()) return OkStatus();
    return InvalidArgument("RANGE key attributes " + open +
                           " must have equality conditions specified in the query because a "
                           "condition is present on key attribute " +
                           schema_.sort[last - 1].name);
  }

  Status CheckSizes() const {
    EW_RETURN_IF_ERROR(item::EncodeCompositePartition(schema_, condition_.partition).status());
    if (condition_.sort == Sort::kAll) return OkStatus();
    size_t bytes = 0;
    for (const item::ValueView value : condition_.equal) bytes += SizeOf(value);
    EW_RETURN_IF_ERROR(item::CheckSortSize(bytes + SizeOf(condition_.low)));
    return item::CheckSortSize(bytes + SizeOf(condition_.high));
  }

  const std::vector<Term>& terms_;
  const item::CompositeKeySchema& schema_;
  KeyCondition condition_;
};

}  // namespace

Status CheckKeyCondition(const Binding& binding) { return Collector(binding).Run(); }

Result<KeyCondition> ResolveKeyCondition(const Binding& binding,
                                         const item::CompositeKeySchema& schema) {
  Collector collector(binding);
  EW_RETURN_IF_ERROR(collector.Run());
  return Resolver(collector.terms(), schema).Resolve();
}

Result<KeyRange> RangeOf(const KeyCondition& condition, const item::CompositeKeySchema& schema) {
  KeyRange range;
  EW_ASSIGN_OR_RETURN(range.partition, item::EncodeCompositePartition(schema, condition.partition));
  std::string prefix = range.partition;
  for (const item::ValueView value : condition.equal) item::AppendSortValue(value, prefix);
  range.begin = prefix;
  range.end = PrefixEnd(prefix);
  if (condition.sort == Sort::kAll) return range;
  std::string low = prefix, high = prefix;
  item::AppendSortValue(condition.low, low);
  item::AppendSortValue(condition.high, high);
  // An encoded value delimits itself, so what begins with it is what has it, whatever follows.
  switch (condition.sort) {
    case Sort::kAll: break;
    case Sort::kEqual:
      range.begin = low;
      range.end = PrefixEnd(low);
      break;
    case Sort::kLess: range.end = low; break;
    case Sort::kLessOrEqual: range.end = PrefixEnd(low); break;
    case Sort::kGreater: range.begin = PrefixEnd(low); break;
    case Sort::kGreaterOrEqual: range.begin = low; break;
    case Sort::kBetween:
      range.begin = low;
      range.end = PrefixEnd(high);
      break;
    case Sort::kBeginsWith: {
      // Without the two bytes that end ordered bytes: what they begin with, all such values do.
      constexpr size_t kTerminatorBytes = 2;
      range.begin = low.substr(0, low.size() - kTerminatorBytes);
      range.end = PrefixEnd(range.begin);
      break;
    }
  }
  return range;
}

}  // namespace everwrite::expression
