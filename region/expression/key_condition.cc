#include "region/expression/key_condition.h"

#include <algorithm>
#include <vector>

#include "base/coding.h"
#include "region/expression/legacy.h"

namespace everwrite::expression {
namespace {

using Sort = KeyCondition::Sort;

// One condition on one attribute.
struct Term {
  std::string_view attribute;
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

class Collector {
 public:
  explicit Collector(const Binding& binding)
      : binding_(binding), expression_(*binding.expression) {}

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
  const std::vector<Term>& terms() const { return terms_; }

 private:
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
      return InvalidArgument(
          "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
          "allowed: Key: " +
          std::string(elements[0].name));
    }
    for (const Term& term : terms_) {
      if (term.attribute == elements[0].name) {
        return InvalidArgument("KeyConditionExpressions must only contain one condition per key");
      }
    }
    terms_.push_back(
        {elements[0].name, comparison, binding_.values[low.index], binding_.values[high.index]});
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

// Assigns terms to the attributes of a key.
class Resolver {
 public:
  Resolver(const std::vector<Term>& terms, const item::CompositeKeySchema& schema)
      : terms_(terms), schema_(schema) {}

  Result<KeyCondition> Resolve() {
    EW_RETURN_IF_ERROR(TakePartition());
    EW_RETURN_IF_ERROR(TakeSort());
    EW_RETURN_IF_ERROR(CheckValues());
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

  Status TakePartition() {
    for (const item::KeyAttribute& key : schema_.partition)
      if (!Find(key.name)) return Missed(key.name);
    for (const item::KeyAttribute& key : schema_.partition) {
      const Term& term = *Find(key.name);
      if (term.comparison != Sort::kEqual) return Unsupported();
      condition_.partition.push_back(term.low);
    }
    return OkStatus();
  }

  Status TakeSort() {
    size_t open = terms_.size() - schema_.partition.size();
    for (const item::KeyAttribute& key : schema_.sort) {
      if (open == 0) return OkStatus();
      const Term* term = Find(key.name);
      if (!term) return Missed(key.name);
      // Only the last of the conditions may be another than equality.
      if (--open > 0 && term->comparison != Sort::kEqual) return Unsupported();
      if (open > 0) {
        condition_.equal.push_back(term->low);
        continue;
      }
      condition_.sort = term->comparison;
      condition_.low = term->low;
      condition_.high = term->high;
    }
    return open == 0 ? OkStatus() : Unsupported();
  }

  Status CheckValues() const {
    for (size_t i = 0; i < condition_.partition.size(); ++i)
      EW_RETURN_IF_ERROR(CheckValue(schema_.partition[i], condition_.partition[i]));
    EW_RETURN_IF_ERROR(item::EncodeCompositePartition(schema_, condition_.partition).status());
    size_t bytes = 0;
    for (size_t i = 0; i < condition_.equal.size(); ++i) {
      EW_RETURN_IF_ERROR(CheckValue(schema_.sort[i], condition_.equal[i]));
      bytes += SizeOf(condition_.equal[i]);
    }
    if (condition_.sort == Sort::kAll) return OkStatus();
    const item::KeyAttribute& last = schema_.sort[condition_.equal.size()];
    for (const item::ValueView value : {condition_.low, condition_.high}) {
      EW_RETURN_IF_ERROR(CheckValue(last, value));
      EW_RETURN_IF_ERROR(item::CheckSortSize(bytes + SizeOf(value)));
    }
    return OkStatus();
  }

  const std::vector<Term>& terms_;
  const item::CompositeKeySchema& schema_;
  KeyCondition condition_;
};

}  // namespace

Result<KeyCondition> ResolveKeyCondition(const Binding& binding,
                                         const item::CompositeKeySchema& schema) {
  if (binding.expression->dialect == Dialect::kLegacy) {
    EW_RETURN_IF_ERROR(CheckLegacyKeyConditions(binding, schema));
  }
  Collector collector(binding);
  EW_RETURN_IF_ERROR(collector.Collect(binding.expression->root));
  const std::vector<Term>& terms = collector.terms();
  constexpr size_t kPlainKeyMax = 2;  // the bound of keys that have one attribute of each kind
  if (terms.size() > std::max(kPlainKeyMax, schema.partition.size() + schema.sort.size()))
    return InvalidArgument("Conditions can be of length 1 or 2 only");
  return Resolver(terms, schema).Resolve();
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
