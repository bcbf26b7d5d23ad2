#include "region/expression/key_condition.h"

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

// Type, emptiness and size of an operand, in the words of a Query. The encoders know the rules.
Status CheckValue(const item::KeySchema& schema, const item::KeyAttribute& key,
                  item::ValueView value) {
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
  return &key == &schema.partition ? item::EncodePartition(schema, value).status()
                                   : item::EncodeSortValue(schema, value).status();
}

}  // namespace

Result<KeyCondition> ResolveKeyCondition(const Binding& binding, const item::KeySchema& schema) {
  if (binding.expression->dialect == Dialect::kLegacy) {
    EW_RETURN_IF_ERROR(CheckLegacyKeyConditions(binding, schema));
  }
  Collector collector(binding);
  EW_RETURN_IF_ERROR(collector.Collect(binding.expression->root));
  const std::vector<Term>& terms = collector.terms();
  if (terms.size() > 2) return InvalidArgument("Conditions can be of length 1 or 2 only");
  const Term *partition = nullptr, *sort = nullptr;
  for (const Term& term : terms) {
    if (term.attribute == schema.partition.name) partition = &term;
    if (schema.sort && term.attribute == schema.sort->name) sort = &term;
  }
  auto missed = [](const std::string& name) {
    return InvalidArgument("Query condition missed key schema element: " + name);
  };
  if (partition == nullptr) return missed(schema.partition.name);
  if (partition->comparison != Sort::kEqual || (terms.size() == 2 && !schema.sort)) {
    return InvalidArgument("Query key condition not supported");
  }
  if (terms.size() == 2 && sort == nullptr) return missed(schema.sort->name);
  EW_RETURN_IF_ERROR(CheckValue(schema, schema.partition, partition->low));
  KeyCondition condition;
  condition.partition = partition->low;
  if (sort == nullptr) return condition;
  EW_RETURN_IF_ERROR(CheckValue(schema, *schema.sort, sort->low));
  EW_RETURN_IF_ERROR(CheckValue(schema, *schema.sort, sort->high));
  condition.sort = sort->comparison;
  condition.low = sort->low;
  condition.high = sort->high;
  return condition;
}

Result<KeyRange> RangeOf(const KeyCondition& condition, const item::KeySchema& schema) {
  EW_ASSIGN_OR_RETURN(const std::string partition,
                      item::EncodePartition(schema, condition.partition));
  KeyRange range{partition, PrefixEnd(partition)};
  if (condition.sort == Sort::kAll) return range;
  EW_ASSIGN_OR_RETURN(const std::string low_value, item::EncodeSortValue(schema, condition.low));
  EW_ASSIGN_OR_RETURN(const std::string high_value, item::EncodeSortValue(schema, condition.high));
  const std::string low = partition + low_value;
  // A key is its partition and sort value and nothing more: the next key possible is one zero byte
  // on.
  auto after = [&](const std::string& value) { return partition + value + std::string(1, '\0'); };
  switch (condition.sort) {
    case Sort::kAll: break;
    case Sort::kEqual: range = {low, after(low_value)}; break;
    case Sort::kLess: range.end = low; break;
    case Sort::kLessOrEqual: range.end = after(low_value); break;
    case Sort::kGreater: range.begin = after(low_value); break;
    case Sort::kGreaterOrEqual: range.begin = low; break;
    case Sort::kBetween: range = {low, after(high_value)}; break;
    case Sort::kBeginsWith: {
      // Without the two bytes that end ordered bytes: what they begin with, all such values do.
      constexpr size_t kTerminatorBytes = 2;
      const std::string prefix = low.substr(0, low.size() - kTerminatorBytes);
      range = {prefix, PrefixEnd(prefix)};
      break;
    }
  }
  return range;
}

}  // namespace everwrite::expression
