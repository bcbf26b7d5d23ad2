#include "region/partiql/lowering.h"

#include <algorithm>
#include <charconv>

#include "region/item/item.h"

namespace everwrite::partiql {
namespace {

using expression::Comparator;
using expression::Function;
using expression::Node;
using expression::NodeIndex;
using expression::PathElement;
using expression::UpdateAction;
using Type = Expr::Type;

struct FunctionRow {
  std::string_view name;
  Function function;
  size_t operands;
};
// What a condition may call.
constexpr FunctionRow kConditionFunctions[] = {
    {"attribute_exists", Function::kAttributeExists, 1},
    {"attribute_not_exists", Function::kAttributeNotExists, 1},
    {"attribute_type", Function::kAttributeType, 2},
    {"begins_with", Function::kBeginsWith, 2},
    {"contains", Function::kContains, 2},
    {"size", Function::kSize, 1},
};
constexpr FunctionRow kUpdateFunctions[] = {
    {"if_not_exists", Function::kIfNotExists, 2},
    {"list_append", Function::kListAppend, 2},
};

template <size_t n>
const FunctionRow* FindFunction(const FunctionRow (&rows)[n], std::string_view name) {
  for (const FunctionRow& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

Status Unrecognized(const Expr& call) {
  return InvalidArgument("Unrecognized function: " + call.text + PositionText(call.at));
}

Status CheckArguments(const Expr& call, size_t wanted) {
  if (call.children.size() == wanted) return OkStatus();
  return InvalidArgument(
      "Incorrect number of operands for operator or function; operator or function: " + call.text +
      ", number of operands: " + std::to_string(call.children.size()));
}

std::string UpperCase(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

bool ComparatorOf(std::string_view text, Comparator& comparator) {
  constexpr Comparator kAll[] = {Comparator::kEqual,   Comparator::kNotEqual,
                                 Comparator::kLess,    Comparator::kLessOrEqual,
                                 Comparator::kGreater, Comparator::kGreaterOrEqual};
  for (const Comparator candidate : kAll) {
    if (expression::ComparatorName(candidate) != text) continue;
    comparator = candidate;
    return true;
  }
  return false;
}

// The types of attribute values that IS may name, by the name as written.
bool TypeOfName(std::string_view name, std::string_view& type) {
  constexpr struct {
    std::string_view name, type;
  } kRows[] = {{"null", "NULL"}, {"bool", "BOOL"}, {"boolean", "BOOL"},
               {"blob", "B"},    {"string", "S"},  {"numeric", "N"},
               {"struct", "M"},  {"tuple", "M"},   {"list", "L"}};
  for (const auto& row : kRows) {
    if (row.name != name) continue;
    type = row.type;
    return true;
  }
  return false;
}

bool IsBoolean(const Expr& expr) {
  if (expr.type == Type::kIs) return true;
  if (expr.type == Type::kOperator) {
    constexpr std::string_view kArithmetic[] = {"+", "-", "*", "/", "%", "||"};
    return std::find(std::begin(kArithmetic), std::end(kArithmetic), expr.text) ==
           std::end(kArithmetic);
  }
  return expr.type == Type::kCall && expr.text != "size";
}

}  // namespace

const std::string* AttributeOf(const Expr& expr) {
  return expr.type == Type::kVariable ? &expr.text : nullptr;
}

Result<std::vector<PathElement>> PathOf(const Expr& expr) {
  const Expr& root = expr.type == Type::kPath ? *expr.children[0] : expr;
  if (root.type != Type::kVariable) {
    return InvalidArgument("Unexpected path component" + PositionOf(root));
  }
  std::vector<PathElement> elements(1);
  elements[0].name = root.text;
  for (const PathStep& step : expr.steps) {
    PathElement& element = elements.emplace_back();
    switch (step.type) {
      case PathStep::Type::kName: element.name = step.name; continue;
      case PathStep::Type::kWildcard:
        return InvalidArgument("Wildcard path component like a[*].b are not supported" +
                               PositionText(step.at));
      case PathStep::Type::kUnpivot:
        return InvalidArgument("Unpivot path component like a.*.b are not supported" +
                               PositionText(step.at));
      case PathStep::Type::kElement: break;
    }
    const Expr& inner = *step.element;
    if (inner.type == Type::kString) {
      element.name = inner.text;
      continue;
    }
    if (inner.type != Type::kNumber) {
      return InvalidArgument("Unexpected path component" + PositionOf(inner));
    }
    element.type = PathElement::Type::kIndex;
    std::string_view digits = inner.text;
    if (digits == "-0") digits.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), element.index);
    if (error != std::errc() || end != digits.data() + digits.size() || element.index > INT32_MAX) {
      return InvalidArgument("List index is not within the allowable range; index: [" + inner.text +
                             "]" + PositionText(inner.at));
    }
  }
  for (const PathElement& element : elements) {
    if (element.type == PathElement::Type::kName && element.name.empty()) {
      return InvalidArgument("Path component cannot be an empty string");
    }
  }
  if (elements.size() > expression::kPathElementsMax) {
    return InvalidArgument("The document path has too many nesting levels; nesting levels: " +
                           std::to_string(elements.size()));
  }
  return elements;
}

void AppendConjuncts(const Expr& where, std::vector<const Expr*>& out) {
  if (where.type != Type::kOperator || where.text != "and") return out.push_back(&where);
  AppendConjuncts(*where.children[0], out);
  AppendConjuncts(*where.children[1], out);
}

// --- conditions --------------------------------------------------------------------------------

Result<NodeIndex> Lowering::Condition(const Expr& expr) { return Boolean(expr, Place::kWhere); }

Result<NodeIndex> Lowering::AndOperand(const Expr& expr) { return Boolean(expr, Place::kAndOr); }

Result<NodeIndex> Lowering::Boolean(const Expr& expr, Place place) {
  if (expr.type == Type::kMissing) {
    return InvalidArgument("MISSING must be compared using IS operator");
  }
  if (expr.type == Type::kIs) return TypeTest(expr);
  if (expr.type == Type::kOperator) {
    if (expr.text == "and") return Joined(expr, Node::Type::kAnd);
    if (expr.text == "or") return Joined(expr, Node::Type::kOr);
    if (expr.text == "not") {
      EW_ASSIGN_OR_RETURN(const NodeIndex inner, Boolean(*expr.children[0], Place::kNot));
      return builder_.Not(inner);
    }
    return Comparison(expr);
  }
  if (expr.type == Type::kCall && expr.text != "size") return Predicate(expr);
  switch (place) {
    case Place::kWhere:
      return InvalidArgument("WHERE clause must contain an expression that resolves to a boolean");
    case Place::kAndOr: return InvalidArgument("The arguments to AND/OR must be Expressions");
    case Place::kNot: break;
  }
  return InvalidArgument("The argument to NOT must be a Type or Expression");
}

// A chain of one operator is one balanced tree.
Result<NodeIndex> Lowering::Joined(const Expr& expr, Node::Type and_or_or) {
  std::vector<const Expr*> parts;
  const Expr* at = &expr;
  while (at->type == Type::kOperator && at->text == expr.text) {
    parts.push_back(at->children[1].get());
    at = at->children[0].get();
  }
  parts.push_back(at);
  std::reverse(parts.begin(), parts.end());
  std::vector<NodeIndex> nodes;
  for (const Expr* part : parts) {
    EW_ASSIGN_OR_RETURN(const NodeIndex node, Boolean(*part, Place::kAndOr));
    nodes.push_back(node);
  }
  return builder_.Join(and_or_or, nodes);
}

Result<NodeIndex> Lowering::Comparison(const Expr& expr) {
  if (expr.text == "in") return InList(expr);
  Comparator comparator = Comparator::kEqual;
  const bool compares = ComparatorOf(expr.text, comparator);
  if (!compares && expr.text != "between") {
    return InvalidArgument("Unsupported operator in Condition Expression. Operator: " + expr.text);
  }
  std::vector<NodeIndex> operands;
  for (const ExprPtr& child : expr.children) {
    EW_ASSIGN_OR_RETURN(const NodeIndex operand, Operand(*child));
    operands.push_back(operand);
  }
  if (compares) return builder_.Compare(comparator, operands[0], operands[1]);
  return builder_.Between(operands[0], operands[1], operands[2]);
}

Result<NodeIndex> Lowering::InList(const Expr& expr) {
  const Expr& list = *expr.children[1];
  const bool sequence = list.type == Type::kList || list.type == Type::kBag;
  if (!sequence || list.children.empty()) {
    return InvalidArgument(
        "IN operator must have a left hand argument of type Variable Reference and right hand "
        "argument of type Seq with at least one member");
  }
  if (list.children.size() > expression::kInOperandsMax) {
    return InvalidArgument(
        "The IN operator is provided with too many operands; number of "
        "operands: " +
        std::to_string(list.children.size()));
  }
  EW_ASSIGN_OR_RETURN(const NodeIndex left, Operand(*expr.children[0]));
  std::vector<NodeIndex> members;
  for (const ExprPtr& child : list.children) {
    EW_ASSIGN_OR_RETURN(const NodeIndex member, Operand(*child));
    members.push_back(member);
  }
  return builder_.In(left, members);
}

Result<NodeIndex> Lowering::TypeTest(const Expr& expr) {
  const Expr& operand = *expr.children[0];
  std::string_view type;
  const bool missing = expr.text == "missing";
  if (!missing && !TypeOfName(expr.text, type)) {
    const std::string name = expr.text == "int" ? "INTEGER" : UpperCase(expr.text);
    return InvalidArgument(
        "Unsupported data type for IS operator: " + name +
        ". Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, "
        "LIST]" +
        PositionText(expr.at));
  }
  if (operand.type != Type::kVariable && operand.type != Type::kPath && !IsValue(operand)) {
    return InvalidArgument(
        "The left hand side argument to IS must be a Variable Reference, Literal, or Path");
  }
  EW_ASSIGN_OR_RETURN(const NodeIndex value, Operand(operand));
  if (missing) {
    return builder_.Call(expr.negated ? Function::kAttributeExists : Function::kAttributeNotExists,
                         {value});
  }
  std::string name;
  item::PutScalar(name, item::ValueType::kString, type);
  const NodeIndex test = builder_.Call(Function::kAttributeType, {value, builder_.Value(name)});
  return expr.negated ? builder_.Not(test) : test;
}

Result<NodeIndex> Lowering::Predicate(const Expr& expr) {
  const FunctionRow* row = FindFunction(kConditionFunctions, expr.text);
  if (row == nullptr) return Unrecognized(expr);
  EW_RETURN_IF_ERROR(CheckArguments(expr, row->operands));
  return Call(expr, row->function);
}

Result<NodeIndex> Lowering::Call(const Expr& expr, Function function) {
  std::vector<NodeIndex> operands;
  for (const ExprPtr& child : expr.children) {
    EW_ASSIGN_OR_RETURN(const NodeIndex operand, Operand(*child));
    operands.push_back(operand);
  }
  return builder_.Call(function, operands);
}

Result<NodeIndex> Lowering::Operand(const Expr& expr) {
  if (expr.type == Type::kVariable || expr.type == Type::kPath) {
    EW_ASSIGN_OR_RETURN(std::vector<PathElement> path, PathOf(expr));
    return builder_.Path(builder_.AddPath(std::move(path)));
  }
  if (IsValue(expr)) {
    EW_ASSIGN_OR_RETURN(const std::string value, ValueOf(expr, parameters_));
    return builder_.Value(value);
  }
  if (expr.type == Type::kMissing)
    return InvalidArgument("MISSING must be compared using IS operator");
  if (expr.type == Type::kStatement) return InvalidArgument("Unsupported operation: Select");
  if (expr.type == Type::kCall && expr.text == "size") {
    EW_RETURN_IF_ERROR(CheckArguments(expr, 1));
    return Call(expr, Function::kSize);
  }
  if (IsBoolean(expr)) return Boolean(expr, Place::kWhere);  // compared as BOOL
  return InvalidArgument("Unsupported operator in Condition Expression. Operator: " + expr.text);
}

// --- updates -----------------------------------------------------------------------------------

Status Lowering::AddOperation(const Operation& operation) {
  if (operation.type == Operation::Type::kRemove) {
    EW_ASSIGN_OR_RETURN(std::vector<PathElement> path, PathOf(*operation.target));
    builder_.AddAction(UpdateAction::Type::kRemove, builder_.AddPath(std::move(path)));
    return OkStatus();
  }
  for (const Assignment& assignment : operation.assignments) {
    EW_RETURN_IF_ERROR(AddAssignment(assignment));
  }
  return OkStatus();
}

Status Lowering::AddAssignment(const Assignment& assignment) {
  const Expr& value = *assignment.value;
  if (value.type == Type::kCall && (value.text == "set_add" || value.text == "set_delete")) {
    return AddSetOperation(assignment, value.text == "set_add");
  }
  EW_ASSIGN_OR_RETURN(std::vector<PathElement> path, PathOf(*assignment.target));
  EW_ASSIGN_OR_RETURN(const NodeIndex operand, NewValue(value));
  builder_.AddAction(UpdateAction::Type::kSet, builder_.AddPath(std::move(path)), operand);
  return OkStatus();
}

// `a = set_add(a, <<…>>)` is ADD a, set_delete is DELETE.
Status Lowering::AddSetOperation(const Assignment& assignment, bool add) {
  const Expr& call = *assignment.value;
  const std::string name = add ? "SET_ADD" : "SET_DELETE";
  if (call.children.size() != 2) {
    return InvalidArgument(name + " must have exactly two arguments" + PositionText(call.at));
  }
  EW_ASSIGN_OR_RETURN(std::vector<PathElement> target, PathOf(*assignment.target));
  const Expr &first = *call.children[0], &second = *call.children[1];
  bool same = first.type == Type::kVariable || first.type == Type::kPath;
  if (same) {
    EW_ASSIGN_OR_RETURN(const std::vector<PathElement> path, PathOf(first));
    same = std::equal(path.begin(), path.end(), target.begin(), target.end(),
                      [](const PathElement& a, const PathElement& b) {
                        return a.type == b.type && a.index == b.index && a.name == b.name;
                      });
  }
  if (!same) {
    return InvalidArgument("The first argument to " + name + " must equal the assignment value" +
                           PositionText(call.at));
  }
  const Status not_a_set = InvalidArgument("The second argument to " + name +
                                           " must be a value with type SET" + PositionOf(first));
  if (!IsValue(second)) return not_a_set;
  EW_ASSIGN_OR_RETURN(const std::string value, ValueOf(second, parameters_));
  if (!item::IsSet(item::ValueView(value).type())) return not_a_set;
  builder_.AddAction(add ? UpdateAction::Type::kAdd : UpdateAction::Type::kDelete,
                     builder_.AddPath(std::move(target)), builder_.Value(value));
  return OkStatus();
}

Result<NodeIndex> Lowering::NewValue(const Expr& expr) {
  switch (expr.type) {
    case Type::kVariable:
    case Type::kPath: return Operand(expr);
    case Type::kMissing: return InvalidArgument("MISSING must be compared using IS operator");
    case Type::kIs: return InvalidArgument("IS operator is not supported in update expressions");
    case Type::kStatement: return InvalidArgument("Unsupported operation: Select");
    case Type::kOperator: break;
    case Type::kCall: {
      const FunctionRow* row = FindFunction(kUpdateFunctions, expr.text);
      if (row == nullptr && FindFunction(kConditionFunctions, expr.text) != nullptr) {
        return InvalidArgument("The function is not allowed in an update expression; function: " +
                               expr.text);
      }
      if (row == nullptr) return Unrecognized(expr);
      EW_RETURN_IF_ERROR(CheckArguments(expr, row->operands));
      std::vector<NodeIndex> operands;
      for (const ExprPtr& child : expr.children) {
        EW_ASSIGN_OR_RETURN(const NodeIndex operand, NewValue(*child));
        operands.push_back(operand);
      }
      return builder_.Call(row->function, operands);
    }
    default: {
      EW_ASSIGN_OR_RETURN(const std::string value, ValueOf(expr, parameters_));
      return builder_.Value(value);
    }
  }
  if ((expr.text != "+" && expr.text != "-") || expr.children.size() != 2) {
    return InvalidArgument("Unsupported operator in Update Expression. Operator: " + expr.text);
  }
  EW_ASSIGN_OR_RETURN(const NodeIndex left, NewValue(*expr.children[0]));
  EW_ASSIGN_OR_RETURN(const NodeIndex right, NewValue(*expr.children[1]));
  return builder_.Sum(expr.text == "+" ? Node::Type::kPlus : Node::Type::kMinus, left, right);
}

}  // namespace everwrite::partiql
