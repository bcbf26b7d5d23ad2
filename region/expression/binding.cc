#include "region/expression/binding.h"

#include <algorithm>

#include "base/base64.h"
#include "region/expression/lexer.h"
#include "region/item/attribute_value.h"
#include "region/item/number.h"

namespace everwrite::expression {
namespace {

using item::ValueType;
using item::ValueView;

// In ADD's and DELETE's complaints.
std::string_view LongTypeName(ValueType type) {
  switch (type) {
    case ValueType::kString: return "STRING";
    case ValueType::kNumber: return "NUMBER";
    case ValueType::kBinary: return "BINARY";
    case ValueType::kBool: return "BOOLEAN";
    case ValueType::kNull: return "NULL";
    case ValueType::kMap: return "MAP";
    case ValueType::kList: return "LIST";
    case ValueType::kStringSet: return "STRING_SET";
    case ValueType::kNumberSet: return "NUMBER_SET";
    case ValueType::kBinarySet: return "BINARY_SET";
  }
  CHECK(false, "a value of unknown type");
}

bool IsOrdered(ValueType type) {
  return type == ValueType::kString || type == ValueType::kNumber || type == ValueType::kBinary;
}

// "AttributeValue: {N:2}"; the bounds of a BETWEEN are scalars.
std::string ShowValue(ValueView value) {
  std::string shown = "AttributeValue: {" + std::string(item::TypeName(value.type())) + ":";
  if (value.Is(ValueType::kBinary)) {
    AppendBase64(shown, value.text());
  } else {
    shown += value.text();
  }
  return shown += '}';
}

int CompareScalars(ValueView left, ValueView right) {
  return left.Is(ValueType::kNumber) ? item::CompareNumberText(left.text(), right.text())
                                     : left.text().compare(right.text());
}

// The checks that need names and values. Nodes stand in the order in which they were parsed,
// operands before what uses them, so one pass finds the service's first error.
class Checker {
 public:
  explicit Checker(const Binding& binding) : binding_(binding), expression_(*binding.expression) {}

  Status Run() const {
    for (const Node& node : expression_.nodes) EW_RETURN_IF_ERROR(Check(node));
    for (const UpdateAction& action : expression_.actions) EW_RETURN_IF_ERROR(Check(action));
    return OkStatus();
  }

  Status Check(const Node& node) const {
    switch (node.type) {
      case Node::Type::kPath:
      case Node::Type::kValue:
      case Node::Type::kAnd:
      case Node::Type::kOr:
      case Node::Type::kNot: return OkStatus();
      case Node::Type::kFunction: return CheckFunction(node);
      case Node::Type::kPlus:
        return CheckTypes(node, "+", [](ValueType type) { return type == ValueType::kNumber; });
      case Node::Type::kMinus:
        return CheckTypes(node, "-", [](ValueType type) { return type == ValueType::kNumber; });
      case Node::Type::kCompare: {
        const std::string_view name = ComparatorName(node.comparator);
        if (node.comparator != Comparator::kEqual && node.comparator != Comparator::kNotEqual) {
          EW_RETURN_IF_ERROR(CheckTypes(node, name, IsOrdered));
        }
        return CheckDistinct(node, name);
      }
      case Node::Type::kBetween:
        EW_RETURN_IF_ERROR(CheckTypes(node, "BETWEEN", IsOrdered));
        EW_RETURN_IF_ERROR(CheckBounds(node));
        return CheckDistinct(node, "BETWEEN");
      case Node::Type::kIn: return CheckDistinct(node, "IN");
    }
    return OkStatus();
  }

 private:
  Status CheckFunction(const Node& node) const {
    const std::string_view name = FunctionName(node.function);
    switch (node.function) {
      case Function::kAttributeExists:
      case Function::kAttributeNotExists:
      case Function::kIfNotExists:
        if (Operand(node, 0).type == Node::Type::kPath) return OkStatus();
        return Invalid("Operator or function requires a document path; operator or function: " +
                       std::string(name));
      case Function::kAttributeType:
        EW_RETURN_IF_ERROR(CheckDistinct(node, name));
        return CheckTypeName(Operand(node, 1));
      case Function::kBeginsWith:
        EW_RETURN_IF_ERROR(CheckTypes(node, name, [](ValueType type) {
          return type == ValueType::kString || type == ValueType::kBinary;
        }));
        return CheckDistinct(node, name);
      case Function::kContains: return CheckDistinct(node, name);
      case Function::kSize:
        return CheckTypes(node, name, [](ValueType type) {
          return type != ValueType::kNumber && type != ValueType::kBool && type != ValueType::kNull;
        });
      case Function::kListAppend:
        return CheckTypes(node, name, [](ValueType type) { return type == ValueType::kList; });
    }
    return OkStatus();
  }

  Status CheckTypeName(const Node& operand) const {
    if (operand.type != Node::Type::kValue) {
      return IncorrectType("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
    }
    const ValueView value = binding_.values[operand.index];
    if (!value.Is(ValueType::kString)) {
      return IncorrectType("attribute_type", item::TypeName(value.type()));
    }
    ValueType type;
    if (item::TypeFromName(value.text(), type)) return OkStatus();
    return Invalid("Invalid attribute type name found; type: " + std::string(value.text()) +
                   ", valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}");
  }

  Status CheckBounds(const Node& node) const {
    const Node &low = Operand(node, 1), &high = Operand(node, 2);
    if (low.type != Node::Type::kValue || high.type != Node::Type::kValue) return OkStatus();
    const ValueView lower = binding_.values[low.index], upper = binding_.values[high.index];
    const std::string bounds =
        "; lower bound operand: " + ShowValue(lower) + ", upper bound operand: " + ShowValue(upper);
    if (lower.type() != upper.type()) {
      return Invalid("The BETWEEN operator requires same data type for lower and upper bounds" +
                     bounds);
    }
    if (CompareScalars(lower, upper) <= 0) return OkStatus();
    return Invalid(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound" +
        bounds);
  }

  // The type that an operand of an update is bound to have, but for what an item may have instead.
  std::optional<ValueType> AssignedType(const Node& node) const {
    if (node.type == Node::Type::kFunction && node.function == Function::kIfNotExists)
      return AssignedType(Operand(node, 1));
    return StaticType(node);
  }

 private:
  // Whatever type an operand is known to have before there is an item.
  std::optional<ValueType> StaticType(const Node& node) const {
    if (node.type == Node::Type::kValue) return binding_.values[node.index].type();
    if (node.type == Node::Type::kPlus || node.type == Node::Type::kMinus)
      return ValueType::kNumber;
    if (node.type > Node::Type::kMinus) return ValueType::kBool;  // a condition
    if (node.type != Node::Type::kFunction) return std::nullopt;
    if (IsPredicate(node.function)) return ValueType::kBool;
    if (node.function == Function::kSize) return ValueType::kNumber;
    if (node.function == Function::kListAppend) return ValueType::kList;
    return std::nullopt;
  }

  Status CheckTypes(const Node& node, std::string_view name, bool (*allowed)(ValueType)) const {
    for (uint32_t i = 0; i < node.children_size; ++i) {
      const std::optional<ValueType> type = StaticType(Operand(node, i));
      if (type && !allowed(*type)) return IncorrectType(name, item::TypeName(*type));
    }
    return OkStatus();
  }

  Status CheckDistinct(const Node& node, std::string_view name) const {
    const Node& first = Operand(node, 0);
    if (first.type != Node::Type::kPath) return OkStatus();
    const PathSpan path = binding_.PathAt(first.index);
    for (uint32_t i = 1; i < node.children_size; ++i) {
      const Node& other = Operand(node, i);
      if (other.type != Node::Type::kPath) continue;
      const PathSpan other_path = binding_.PathAt(other.index);
      if (!std::equal(path.begin(), path.end(), other_path.begin(), other_path.end())) continue;
      return Invalid(
          "The first operand must be distinct from the remaining operands for this "
          "operator or function; operator: " +
          std::string(name) + ", first operand: " + PathText(path));
    }
    return OkStatus();
  }

  Status Check(const UpdateAction& action) const {
    const bool add = action.type == UpdateAction::Type::kAdd;
    if (!add && action.type != UpdateAction::Type::kDelete) return OkStatus();
    const ValueType type = binding_.values[expression_.nodes[action.operand].index].type();
    if (item::IsSet(type) || (add && type == ValueType::kNumber)) return OkStatus();
    const std::string name = add ? "ADD" : "DELETE";
    return Invalid("Incorrect operand type for operator or function; operator: " + name +
                   ", operand type: " + std::string(LongTypeName(type)) +
                   ", typeSet: ALLOWED_FOR_" + name + "_OPERAND");
  }

  const Node& Operand(const Node& node, uint32_t i) const {
    return expression_.nodes[expression_.Child(node, i)];
  }
  Status IncorrectType(std::string_view name, std::string_view type) const {
    return Invalid("Incorrect operand type for operator or function; operator or function: " +
                   std::string(name) + ", operand type: " + std::string(type));
  }
  Status Invalid(const std::string& message) const {
    if (expression_.dialect == Dialect::kPartiql) return InvalidArgument(message);
    return InvalidArgument("Invalid " + std::string(KindName(expression_.kind)) + ": " + message);
  }

  const Binding& binding_;
  const Expression& expression_;
};

// Looks the placeholders up.
class Resolver {
 public:
  Resolver(Binding& binding, Placeholders& placeholders, const std::string& invalid)
      : binding_(binding), placeholders_(placeholders), invalid_(invalid) {
    binding.elements.resize(binding.expression->elements.size());
    binding.values.resize(binding.expression->values.size());
  }

  Status All() {
    for (size_t i = 0; i < binding_.elements.size(); ++i) EW_RETURN_IF_ERROR(Element(i));
    for (size_t i = 0; i < binding_.values.size(); ++i) EW_RETURN_IF_ERROR(Value(i));
    return OkStatus();
  }

  Status Operand(const Node& node) {
    if (node.type == Node::Type::kValue) return Value(node.index);
    if (node.type != Node::Type::kPath) return OkStatus();
    const Path& path = binding_.expression->paths[node.index];
    for (uint32_t i = 0; i < path.size; ++i) EW_RETURN_IF_ERROR(Element(path.begin + i));
    return OkStatus();
  }

 private:
  Status Element(size_t i) {
    const PathElement& element = binding_.expression->elements[i];
    ResolvedElement& resolved = binding_.elements[i];
    if (element.type == PathElement::Type::kIndex) {
      resolved.is_index = true;
      resolved.index = element.index;
    } else if (element.type == PathElement::Type::kName) {
      resolved.name = element.name;
    } else {
      const std::string* name = placeholders_.UseName(element.name);
      if (name == nullptr) {
        return InvalidArgument(invalid_ +
                               "An expression attribute name used in the document path is not "
                               "defined; attribute name: " +
                               element.name);
      }
      resolved.name = *name;
    }
    return OkStatus();
  }

  Status Value(size_t i) {
    const std::string& placeholder = binding_.expression->values[i];
    const std::optional<ValueView> value = placeholders_.UseValue(placeholder);
    if (!value) {
      return InvalidArgument(invalid_ +
                             "An expression attribute value used in expression is not defined; "
                             "attribute value: " +
                             placeholder);
    }
    binding_.values[i] = *value;
    return OkStatus();
  }

  Binding& binding_;
  Placeholders& placeholders_;
  const std::string& invalid_;
};

// A condition by itself; what it is made of stands before it.
bool IsClause(const Node& node) {
  switch (node.type) {
    case Node::Type::kCompare:
    case Node::Type::kBetween:
    case Node::Type::kIn: return true;
    case Node::Type::kFunction: return IsPredicate(node.function);
    default: return false;
  }
}

Status BuildTree(Binding& binding, const std::string& invalid) {
  const Expression& expression = *binding.expression;
  std::vector<PathSpan> paths;
  for (uint32_t path : expression.projection) paths.push_back(binding.PathAt(path));
  for (const UpdateAction& action : expression.actions) {
    paths.push_back(binding.PathAt(action.path));
  }
  if (paths.empty()) return OkStatus();
  Status status = binding.tree.Build(paths);
  return status.ok() ? status : InvalidArgument(invalid + status.message());
}

// The first clause with a fault is the one that is told of; in it what is not defined comes before
// what has a wrong type.
Status BindClauses(const Binding& binding, Resolver& resolver) {
  const std::vector<Node>& nodes = binding.expression->nodes;
  const Checker checker(binding);
  size_t clause = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    EW_RETURN_IF_ERROR(resolver.Operand(nodes[i]));
    if (!IsClause(nodes[i])) continue;
    for (; clause <= i; ++clause) EW_RETURN_IF_ERROR(checker.Check(nodes[clause]));
  }
  return OkStatus();
}

}  // namespace

// --- placeholders ------------------------------------------------------------------------------

Status Placeholders::AddName(std::string_view placeholder, std::string_view name) {
  if (!IsPlaceholder(placeholder, '#')) {
    return InvalidArgument("ExpressionAttributeNames contains invalid key: Syntax error; key: \"" +
                           std::string(placeholder) + "\"");
  }
  if (name.empty()) {
    return InvalidArgument(
        "ExpressionAttributeNames contains invalid value: Empty attribute name for key " +
        std::string(placeholder));
  }
  if (name.size() > item::kAttributeNameBytesMax) {
    return InvalidArgument(
        "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be "
        "less than 65536 bytes for key " +
        std::string(placeholder));
  }
  for (Name& known : names_) {
    if (known.placeholder == placeholder) {
      known.name = name;
      return OkStatus();
    }
  }
  names_.push_back({std::string(placeholder), std::string(name)});
  return OkStatus();
}

Status Placeholders::SetValues(std::string values) {
  size_t count = 0;
  for (const item::Attribute& value : item::ItemView(values)) {
    ++count;
    if (!IsPlaceholder(value.name, ':')) {
      return InvalidArgument(
          "ExpressionAttributeValues contains invalid key: Syntax error; key: \"" +
          std::string(value.name) + "\"");
    }
  }
  values_ = std::make_unique<const std::string>(std::move(values));
  value_used_.assign(count, false);
  return OkStatus();
}

const std::string* Placeholders::UseName(std::string_view placeholder) {
  for (Name& name : names_) {
    if (name.placeholder != placeholder) continue;
    name.used = true;
    return &name.name;
  }
  return nullptr;
}

std::optional<ValueView> Placeholders::UseValue(std::string_view placeholder) {
  if (values_ == nullptr) return std::nullopt;
  size_t at = 0;
  for (const item::Attribute& value : item::ItemView(*values_)) {
    if (value.name == placeholder) {
      value_used_[at] = true;
      return value.value;
    }
    ++at;
  }
  return std::nullopt;
}

Status Placeholders::CheckAllUsed() const {
  auto unused = [](const char* parameter, const std::string& keys) {
    return InvalidArgument("Value provided in " + std::string(parameter) +
                           " unused in expressions: keys: {" + keys + "}");
  };
  std::string keys;
  auto list = [&keys](std::string_view key) {
    if (!keys.empty()) keys += ", ";
    keys += key;
  };
  for (const Name& name : names_) {
    if (!name.used) list(name.placeholder);
  }
  if (!keys.empty()) return unused("ExpressionAttributeNames", keys);
  if (values_ == nullptr) return OkStatus();
  size_t at = 0;
  for (const item::Attribute& value : item::ItemView(*values_)) {
    if (!value_used_[at++]) list(value.name);
  }
  if (!keys.empty()) return unused("ExpressionAttributeValues", keys);
  return OkStatus();
}

// --- binding -----------------------------------------------------------------------------------

Result<Binding> Bind(ExpressionPtr expression, Placeholders& placeholders) {
  const std::string invalid = "Invalid " + std::string(KindName(expression->kind)) + ": ";
  Binding binding;
  binding.expression = std::move(expression);
  Resolver resolver(binding, placeholders, invalid);
  const Kind kind = binding.expression->kind;
  if (kind == Kind::kUpdate || kind == Kind::kProjection) {
    EW_RETURN_IF_ERROR(resolver.All());
    EW_RETURN_IF_ERROR(BuildTree(binding, invalid));
    EW_RETURN_IF_ERROR(CheckOperands(binding));
  } else {
    EW_RETURN_IF_ERROR(BindClauses(binding, resolver));
  }
  return binding;
}

Status CheckOperands(const Binding& binding) { return Checker(binding).Run(); }

std::optional<ValueView> FindPath(item::ItemView item, PathSpan path) {
  std::optional<ValueView> value = item.Find(path[0].name);
  for (size_t i = 1; value && i < path.size(); ++i) {
    if (path[i].is_index) {
      value = value->Is(ValueType::kList) ? value->list().At(path[i].index) : std::nullopt;
    } else {
      value = value->Is(ValueType::kMap) ? value->map().Find(path[i].name) : std::nullopt;
    }
  }
  return value;
}

namespace {

bool IsKey(const item::KeySchema& schema, std::string_view name) {
  return name == schema.partition.name || (schema.sort && name == schema.sort->name);
}

template <typename IsPartOf>
Status CheckNotLookedInto(const Binding& binding, std::string_view what, IsPartOf is_part) {
  for (uint32_t i = 0; i < binding.expression->paths.size(); ++i) {
    const PathSpan path = binding.PathAt(i);
    if (path.size() == 1 || !is_part(path[0].name)) continue;
    return InvalidArgument(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        "allowed: " +
        std::string(what) + ": " + std::string(path[0].name));
  }
  return OkStatus();
}

}  // namespace

Status CheckKeyUse(const Binding& binding, const item::KeySchema& schema) {
  for (const UpdateAction& action : binding.expression->actions) {
    const std::string_view name = binding.PathAt(action.path)[0].name;
    if (!IsKey(schema, name)) continue;
    return InvalidArgument("One or more parameter values were invalid: Cannot update attribute " +
                           std::string(name) + ". This attribute is part of the key");
  }
  return CheckNotLookedInto(binding, "Key",
                            [&](std::string_view name) { return IsKey(schema, name); });
}

Status CheckIndexKeyUse(const Binding& binding, const item::CompositeKeySchema& schema,
                        std::string_view index) {
  EW_RETURN_IF_ERROR(CheckNotLookedInto(binding, "IndexKey",
                                        [&](std::string_view name) { return schema.Has(name); }));
  // What an attribute is set to may be known before there is an item.
  for (const UpdateAction& action : binding.expression->actions) {
    if (action.type == UpdateAction::Type::kRemove) continue;
    const Node& operand = binding.expression->nodes[action.operand];
    const PathSpan path = binding.PathAt(action.path);
    if (operand.type != Node::Type::kValue || path.size() != 1) continue;
    const item::KeyAttribute* key = schema.Find(path[0].name);
    if (key == nullptr) continue;
    EW_RETURN_IF_ERROR(item::CheckIndexKeyType(*key, index, binding.values[operand.index].type()));
  }
  return OkStatus();
}

Status CheckFilterNamesNoKey(const Binding& filter, const item::CompositeKeySchema& schema) {
  // The schema's order decides which of several is told.
  for (const auto* attributes : {&schema.partition, &schema.sort}) {
    for (const item::KeyAttribute& attribute : *attributes) {
      for (uint32_t i = 0; i < filter.expression->paths.size(); ++i) {
        if (filter.PathAt(i)[0].name != attribute.name) continue;
        const bool legacy = filter.expression->dialect == Dialect::kLegacy;
        return InvalidArgument(
            std::string(legacy ? "QueryFilter" : "Filter Expression") +
            " can only contain non-primary key attributes: Primary key attribute: " +
            attribute.name);
      }
    }
  }
  return OkStatus();
}

}  // namespace everwrite::expression
