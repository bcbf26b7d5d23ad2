#include "region/partiql/planner.h"

#include <algorithm>

#include "region/expression/builder.h"
#include "region/item/item.h"
#include "region/partiql/key_access.h"
#include "region/partiql/lowering.h"

namespace everwrite::partiql {
namespace {

using expression::Binding;
using expression::Dialect;
using expression::ExpressionBuilder;
using expression::NodeIndex;
using expression::PathElement;
using Type = Expr::Type;

constexpr const char* kIncompleteKey =
    "Where clause does not contain a mandatory equality on all key attributes";
constexpr const char* kMissingKey = "Key attribute should be present in the item: Key ";
constexpr const char* kManyKeys = "Multiple conditions on same key ";
constexpr const char* kKeyTypeMismatch =
    "Key attribute's data type should match its data type in table's schema: Key ";
constexpr const char* kKeyTypeUnfit = "Key value must be of type S, N, or B. Key name: ";

// --- outlines ----------------------------------------------------------------------------------

bool IsTableName(std::string_view name) {
  constexpr size_t kNameLow = 3, kNameHigh = 255;
  return name.size() >= kNameLow && name.size() <= kNameHigh &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

// What a message calls an expression where a statement should stand.
std::string OperationName(const Expr& expr) {
  switch (expr.type) {
    case Type::kIs: return "IsType";
    case Type::kVariable: return "VariableReference";
    case Type::kPath: return "Path";
    case Type::kParameter: return "Parameter";
    case Type::kOperator: return "NAry";
    case Type::kCall: return "Call";
    case Type::kList:
    case Type::kBag: return "Seq";
    case Type::kStruct: return "Struct";
    case Type::kMissing: return "LiteralMissing";
    default: return "Literal";
  }
}

Status ReadSource(const Expr& source, Outline& out) {
  const Expr& root = source.type == Type::kPath ? *source.children[0] : source;
  if (root.type != Type::kVariable) return InvalidArgument("Unexpected from source");
  if (source.steps.size() > 1) {
    return InvalidArgument("A path may contain at most 2 components in the FROM clause");
  }
  for (const PathStep& step : source.steps) {
    if (step.type == PathStep::Type::kName) {
      out.index = step.name;
      if (out.index.empty()) return InvalidArgument("Path component cannot be an empty string");
    } else if (step.type == PathStep::Type::kElement) {
      return InvalidArgument("Invalid list expression in source.");
    } else {
      return InvalidArgument(
          "Invalid path dot component in this operation, expecting either an IDENTIFIER or STAR.");
    }
  }
  out.table = root.text;
  if (out.table.empty()) return InvalidArgument("Path component cannot be an empty string");
  if (IsTableName(out.table) && (out.index.empty() || IsTableName(out.index))) return OkStatus();
  return InvalidArgument(
      "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', "
      "'_', '.'.");
}

Status ReadReturning(const Statement& statement, Outline& out) {
  if (statement.returning.empty()) return OkStatus();
  if (out.kind == Kind::kInsert) return InvalidArgument("RETURNING is not supported in INSERT");
  if (statement.returning.size() > 1) {
    return InvalidArgument("Invalid syntax with multiple returning elements in RETURNING clause");
  }
  const ReturningElement& element = statement.returning[0];
  if (element.column) {
    return InvalidArgument(
        "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
  }
  out.returning = element.mapping;
  if (out.kind != Kind::kDelete || out.returning == Returning::kAllOld) return OkStatus();
  return InvalidArgument("Invalid returning clause: RETURNING " +
                         std::string(ReturningText(out.returning)) +
                         " *. Only RETURNING ALL OLD * is allowed in DELETE statements.");
}

Status OutlineSelect(const Statement& select, Outline& out) {
  out.kind = Kind::kSelect;
  if (select.select_value) {
    return InvalidArgument("Select projection doesn't support value or pivot keywords");
  }
  if (select.distinct) return InvalidArgument("Unsupported token in expression: DISTINCT");
  if (select.joined) {
    return InvalidArgument("Only select from a single table or index is supported.");
  }
  if (select.aliased || select.projection_aliased) {
    return InvalidArgument("Aliasing is not supported");
  }
  if (!select.unsupported_clause.empty()) {
    return InvalidArgument("Unsupported clause: " + select.unsupported_clause);
  }
  EW_RETURN_IF_ERROR(ReadSource(*select.source, out));
  if (!select.order_by.empty() && !select.where) {
    return InvalidArgument("Must have WHERE clause in the statement when using ORDER BY clause.");
  }
  return OkStatus();
}

Status OutlineInsert(const Statement& insert, Outline& out) {
  out.kind = Kind::kInsert;
  const Operation& operation = insert.operations[0];
  if (operation.type == Operation::Type::kInsert) {
    return InvalidArgument("Unsupported operation: InsertOp");
  }
  if (operation.at_clause) return InvalidArgument("AT is not supported in insert statements.");
  if (operation.on_conflict) return InvalidArgument("Unsupported clause: ON CONFLICT");
  if (operation.target->type == Type::kPath) {
    return InvalidArgument(
        "FROM clause may only contain a single table name in data manipulation statements");
  }
  return ReadSource(*operation.target, out);
}

Status OutlineChange(const Statement& statement, Outline& out) {
  const bool removes_item = statement.operations[0].type == Operation::Type::kDelete;
  out.kind = removes_item ? Kind::kDelete : Kind::kUpdate;
  if (statement.joined) {
    return InvalidArgument(
        "FROM clause may only contain a single table name in data manipulation statements");
  }
  if (statement.aliased) return InvalidArgument("Aliasing is not supported");
  EW_RETURN_IF_ERROR(ReadSource(*statement.source, out));
  if (!out.index.empty()) {
    return InvalidArgument("This operation is not supported on an index");
  }
  for (const Operation& operation : statement.operations) {
    if (operation.type == Operation::Type::kInsert ||
        operation.type == Operation::Type::kInsertValue) {
      return InvalidArgument("Unsupported FROM ... WHERE ... clause in INSERT statement.");
    }
  }
  return OkStatus();
}

// EXISTS(SELECT …) at the top.
const Statement* SelectInside(const Expr& root) {
  if (root.type != Type::kCall || root.text != "exists" || root.children.size() != 1) {
    return nullptr;
  }
  const Expr& inner = *root.children[0];
  const bool select =
      inner.type == Type::kStatement && inner.statement->type == Statement::Type::kSelect;
  return select ? inner.statement.get() : nullptr;
}

// --- conditions --------------------------------------------------------------------------------

// All of `conjuncts` as one condition, checked.
Result<Binding> LowerConjuncts(const std::vector<const Expr*>& conjuncts, Parameters parameters,
                               expression::Kind kind) {
  ExpressionBuilder builder(kind, Dialect::kPartiql);
  Lowering lowering(builder, parameters);
  std::vector<NodeIndex> nodes;
  for (const Expr* conjunct : conjuncts) {
    EW_ASSIGN_OR_RETURN(const NodeIndex node, conjuncts.size() == 1
                                                  ? lowering.Condition(*conjunct)
                                                  : lowering.AndOperand(*conjunct));
    nodes.push_back(node);
  }
  const NodeIndex root = builder.Join(expression::Node::Type::kAnd, nodes);
  EW_ASSIGN_OR_RETURN(Binding binding, builder.Finish(root));
  EW_RETURN_IF_ERROR(expression::CheckOperands(binding));
  return binding;
}

// Takes the equalities on the key out of the conjuncts. Of two on one attribute a write accepts
// none, and EXISTS the first, with the other as a condition.
Result<std::string> TakeKey(std::vector<const Expr*>& conjuncts, Parameters parameters,
                            const item::KeySchema& schema, bool exists) {
  const item::CompositeKeySchema composite(schema);
  item::ItemBuilder key;
  const auto take = [&](const item::KeyAttribute& attribute) -> Status {
    std::string first;
    for (size_t i = 0; i < conjuncts.size();) {
      const auto equality = EqualityOf(*conjuncts[i], composite);
      if (!equality || equality->attribute->name != attribute.name) {
        ++i;
        continue;
      }
      if (first.empty()) {
        EW_ASSIGN_OR_RETURN(first, KeyValueOf(attribute, *equality->value, parameters));
        key.Begin(attribute.name).append(first);
      } else {
        EW_ASSIGN_OR_RETURN(const std::string value, ValueOf(*equality->value, parameters));
        if (value != first && exists) {
          ++i;
          continue;
        }
        if (value != first) {
          return InvalidArgument(kManyKeys + attribute.name +
                                 ". Only single item Update/Insert/Delete are supported");
        }
      }
      conjuncts.erase(conjuncts.begin() + static_cast<ptrdiff_t>(i));
    }
    return first.empty() ? InvalidArgument(kIncompleteKey) : OkStatus();
  };
  EW_RETURN_IF_ERROR(take(schema.partition));
  if (schema.sort) EW_RETURN_IF_ERROR(take(*schema.sort));
  return key.Finish();
}

// --- columns -----------------------------------------------------------------------------------

// The name of a column: the last step of its path, with its indexes.
std::string ColumnName(const std::vector<PathElement>& path) {
  size_t name = path.size() - 1;
  while (name > 0 && path[name].type == PathElement::Type::kIndex) --name;
  std::string text = path[name].name;
  for (size_t i = name + 1; i < path.size(); ++i) {
    text += "[" + std::to_string(path[i].index) + "]";
  }
  return text;
}

void AddName(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

Status ReadColumns(const Statement& select, SelectPlan& plan) {
  ExpressionBuilder builder(expression::Kind::kProjection, Dialect::kPartiql);
  plan.star = select.star;
  for (const ExprPtr& item : select.projection) {
    if (item->type == Type::kPath && !item->steps.empty() &&
        item->steps.back().type == PathStep::Type::kUnpivot) {
      return InvalidArgument("Changing item's hierarchy while reading isn't supported");
    }
    EW_ASSIGN_OR_RETURN(std::vector<PathElement> path, PathOf(*item));
    SelectPlan::Column column;
    column.name = ColumnName(path);
    for (const SelectPlan::Column& other : plan.columns) {
      if (other.name == column.name) {
        return InvalidArgument("Duplicate identifiers in select clause: " + column.name);
      }
    }
    AddName(plan.selected, path[0].name);
    column.path = builder.AddPath(std::move(path));
    plan.columns.push_back(std::move(column));
  }
  EW_ASSIGN_OR_RETURN(plan.columns_of, builder.Finish());
  std::vector<expression::PathSpan> paths;
  for (const SelectPlan::Column& column : plan.columns) {
    paths.insert(paths.begin(), plan.columns_of.PathAt(column.path));
  }
  return expression::PathTree().Build(paths);
}

// Behind the hash that spreads partitions, encoded keys are in the order of their values.
std::string_view ValuesOf(const Range& range) {
  constexpr size_t kHashBytes = 8;
  return std::string_view(range.begin).substr(std::min(kHashBytes, range.begin.size()));
}

void SortPartitions(std::vector<Range>& ranges, bool descending) {
  std::stable_sort(ranges.begin(), ranges.end(), [=](const Range& a, const Range& b) {
    return descending ? ValuesOf(b) < ValuesOf(a) : ValuesOf(a) < ValuesOf(b);
  });
}

// Several ranges of one partition stand together, ascending.
void ReverseWithinPartitions(std::vector<Range>& ranges) {
  for (size_t begin = 0; begin < ranges.size();) {
    size_t end = begin + 1;
    const std::string_view hash = std::string_view(ranges[begin].begin).substr(0, 8);
    while (end < ranges.size() && ranges[end].begin.starts_with(hash)) ++end;
    std::sort(ranges.begin() + static_cast<ptrdiff_t>(begin),
              ranges.begin() + static_cast<ptrdiff_t>(end),
              [](const Range& a, const Range& b) { return b.begin < a.begin; });
    begin = end;
  }
}

Status ReadOrder(const Statement& select, bool keyed, const item::CompositeKeySchema& schema,
                 SelectPlan& plan) {
  for (const OrderKey& key : select.order_by) {
    const std::string* name = AttributeOf(*key.key);
    if (name == nullptr) {
      return InvalidArgument("Argument to ORDER BY must be of type VariableReference. Type: " +
                             (key.key->type == Type::kPath ? std::string("PATH") : key.key->text));
    }
  }
  if (select.order_by.empty()) return OkStatus();
  if (!keyed) {
    return InvalidArgument(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER "
        "BY clause.");
  }
  for (const OrderKey& key : select.order_by) {
    const std::string& name = *AttributeOf(*key.key);
    if (schema.Has(name)) continue;
    return InvalidArgument("Variable reference " + name +
                           " in ORDER BY clause must be part of the primary key");
  }
  // Partitions stand in the order of the statement, unless their key is to decide; within one, the
  // sort key does.
  for (const OrderKey& key : select.order_by) {
    const std::string* name = AttributeOf(*key.key);
    const bool sorts = std::any_of(schema.sort.begin(), schema.sort.end(),
                                   [&](const auto& attribute) { return attribute.name == *name; });
    if (sorts) {
      plan.descending = key.descending;
    } else {
      SortPartitions(plan.ranges, key.descending);
    }
  }
  if (plan.descending) ReverseWithinPartitions(plan.ranges);
  return OkStatus();
}

}  // namespace

Result<Outline> OutlineOf(const Parsed& parsed, size_t parameters) {
  const Expr& root = *parsed.root;
  Outline out;
  if (const Statement* inside = SelectInside(root)) {
    out.statement = inside;
    EW_RETURN_IF_ERROR(OutlineSelect(*inside, out));
    out.kind = Kind::kExists;
  } else if (root.type != Type::kStatement) {
    return InvalidArgument("Unsupported operation: " + OperationName(root));
  } else {
    out.statement = root.statement.get();
    switch (out.statement->type) {
      case Statement::Type::kSelect: EW_RETURN_IF_ERROR(OutlineSelect(*out.statement, out)); break;
      case Statement::Type::kInsert: EW_RETURN_IF_ERROR(OutlineInsert(*out.statement, out)); break;
      case Statement::Type::kChange: EW_RETURN_IF_ERROR(OutlineChange(*out.statement, out)); break;
      case Statement::Type::kOther:
        return InvalidArgument("Unsupported operation: " + out.statement->name);
    }
    EW_RETURN_IF_ERROR(ReadReturning(*out.statement, out));
  }
  if (parsed.parameters != parameters) {
    return InvalidArgument("Number of parameters in request and statement don't match.");
  }
  return out;
}

Result<std::string> ItemOfInsert(const Outline& outline, Parameters parameters) {
  const Expr& value = *outline.statement->operations[0].value;
  if (value.type != Type::kStruct) {
    return InvalidArgument(
        "Unsupported format in item expression. Please use struct format {...} to express item "
        "values for insert statement." +
        PositionOf(value));
  }
  return ItemOf(value, parameters);
}

Result<std::string> PlanInsert(const Outline& outline, Parameters parameters,
                               const item::KeySchema& schema) {
  EW_ASSIGN_OR_RETURN(std::string item, ItemOfInsert(outline, parameters));
  const item::ItemView view(item);
  const auto check = [&view](const item::KeyAttribute& attribute) -> Status {
    const auto found = view.Find(attribute.name);
    if (!found) {
      return InvalidArgument(kMissingKey + attribute.name);
    }
    if (found->Is(TypeOfKey(attribute.type))) return OkStatus();
    return InvalidArgument(kKeyTypeMismatch + attribute.name);
  };
  EW_RETURN_IF_ERROR(check(schema.partition));
  if (schema.sort) EW_RETURN_IF_ERROR(check(*schema.sort));
  return item;
}

Result<ChangePlan> PlanChange(const Outline& outline, Parameters parameters,
                              const item::KeySchema& schema) {
  ChangePlan plan;
  if (outline.kind == Kind::kUpdate) {
    ExpressionBuilder builder(expression::Kind::kUpdate, Dialect::kPartiql);
    Lowering lowering(builder, parameters);
    for (const Operation& operation : outline.statement->operations) {
      EW_RETURN_IF_ERROR(lowering.AddOperation(operation));
    }
    EW_ASSIGN_OR_RETURN(plan.update, builder.Finish());
    EW_RETURN_IF_ERROR(expression::CheckOperands(*plan.update));
  }
  std::vector<const Expr*> conjuncts;
  if (!outline.statement->where) return InvalidArgument(kIncompleteKey);
  AppendConjuncts(*outline.statement->where, conjuncts);
  EW_ASSIGN_OR_RETURN(plan.key_item,
                      TakeKey(conjuncts, parameters, schema, outline.kind == Kind::kExists));
  if (!conjuncts.empty()) {
    EW_ASSIGN_OR_RETURN(plan.condition,
                        LowerConjuncts(conjuncts, parameters, expression::Kind::kCondition));
    EW_RETURN_IF_ERROR(expression::CheckKeyUse(*plan.condition, schema));
  }
  if (plan.update) EW_RETURN_IF_ERROR(expression::CheckKeyUse(*plan.update, schema));
  return plan;
}

bool IsIncompleteKey(std::string_view message) {
  return message == kIncompleteKey || message.starts_with(kMissingKey);
}

bool IsOtherKey(std::string_view message) {
  return message.starts_with(kKeyTypeMismatch) || message.starts_with(kKeyTypeUnfit) ||
         message.starts_with(kManyKeys);
}

Result<std::optional<Binding>> PlanFilter(const Outline& outline, Parameters parameters) {
  if (!outline.statement->where) return std::optional<Binding>();
  EW_ASSIGN_OR_RETURN(Binding filter, LowerConjuncts({outline.statement->where.get()}, parameters,
                                                     expression::Kind::kFilter));
  return std::optional<Binding>(std::move(filter));
}

Result<SelectPlan> PlanSelect(const Outline& outline, Parameters parameters,
                              std::optional<Binding> filter, const item::CompositeKeySchema& schema,
                              const item::KeySchema& table) {
  const Statement& select = *outline.statement;
  SelectPlan plan;
  EW_RETURN_IF_ERROR(ReadColumns(select, plan));
  EW_RETURN_IF_ERROR(expression::CheckKeyUse(plan.columns_of, table));
  plan.filter = std::move(filter);
  if (plan.filter) EW_RETURN_IF_ERROR(expression::CheckKeyUse(*plan.filter, table));
  EW_ASSIGN_OR_RETURN(KeyAccess access, AccessOf(select.where.get(), parameters, schema));
  plan.scan = !access.keyed;
  plan.ranges = std::move(access.ranges);
  EW_RETURN_IF_ERROR(ReadOrder(select, access.keyed, schema, plan));
  if (plan.scan) plan.ranges.emplace_back();
  plan.single_item = access.one_key;
  plan.only_key = access.only_key;
  plan.filtered = std::move(access.filtered);
  return plan;
}

std::string ProjectRow(const SelectPlan& plan, item::ItemView item) {
  item::ItemBuilder row;
  for (const SelectPlan::Column& column : plan.columns) {
    const auto value = expression::FindPath(item, plan.columns_of.PathAt(column.path));
    if (value) row.Add(column.name, *value);
  }
  return row.Finish();
}

}  // namespace everwrite::partiql
