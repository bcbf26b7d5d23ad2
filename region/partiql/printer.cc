#include "region/partiql/printer.h"

#include <algorithm>

namespace everwrite::partiql {
namespace {

using Type = Expr::Type;

std::string Quoted(char quote, const std::string& text) {
  std::string out(1, quote);
  for (char c : text) {
    out.push_back(c);
    if (c == quote) out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

std::string PrintList(const std::vector<ExprPtr>& members) {
  std::string out;
  for (const ExprPtr& member : members) out += (out.empty() ? "" : ", ") + Print(*member);
  return out;
}

std::string PrintSteps(const std::vector<PathStep>& steps) {
  std::string out;
  for (const PathStep& step : steps) {
    switch (step.type) {
      case PathStep::Type::kName: out += "." + Quoted('"', step.name); break;
      case PathStep::Type::kElement: out += "[" + Print(*step.element) + "]"; break;
      case PathStep::Type::kWildcard: out += "[*]"; break;
      case PathStep::Type::kUnpivot: out += ".*"; break;
    }
  }
  return out;
}

// A root that is no name stands in parentheses.
std::string PrintPath(const Expr& path) {
  const Expr& root = *path.children[0];
  const bool name = root.type == Type::kVariable;
  return (name ? Print(root) : "(" + Print(root) + ")") + PrintSteps(path.steps);
}

std::string PrintOperator(const Expr& expr) {
  if (expr.children.size() == 1) return "(" + expr.text + " " + Print(*expr.children[0]) + ")";
  std::string out = "(" + Print(*expr.children[0]) + " " + expr.text + " ";
  std::string right = Print(*expr.children[1]);
  // After IN, parentheses are a list: an operator there stands without.
  if (expr.text == "in" && expr.children[1]->type == expr.type)
    right = right.substr(1, right.size() - 2);
  out += right;
  if (expr.children.size() == 3) out += " and " + Print(*expr.children[2]);
  return out + ")";
}

std::string PrintTypeName(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string PrintOperation(const Operation& operation) {
  std::string out;
  switch (operation.type) {
    case Operation::Type::kDelete: return "";
    case Operation::Type::kRemove: return " REMOVE " + Print(*operation.target);
    case Operation::Type::kInsert:
      // Brackets next to a name would be a step of its path.
      return " INSERT INTO " + Print(*operation.target) + " (" + Print(*operation.value) + ")";
    case Operation::Type::kInsertValue:
      return " INSERT INTO " + Print(*operation.target) + " VALUE " + Print(*operation.value);
    case Operation::Type::kSet: break;
  }
  for (const Assignment& assignment : operation.assignments) {
    out += out.empty() ? " SET " : ", ";
    out += Print(*assignment.target) + " = " + Print(*assignment.value);
  }
  return out;
}

std::string PrintReturning(const Statement& statement) {
  std::string out;
  for (const ReturningElement& element : statement.returning) {
    out += out.empty() ? " RETURNING " : ", ";
    out += std::string(ReturningText(element.mapping)) + " ";
    out += element.column ? Print(*element.column) : "*";
  }
  return out;
}

std::string PrintSelect(const Statement& select) {
  std::string out = "SELECT ";
  if (select.distinct) out += "DISTINCT ";
  if (select.select_value) out += "VALUE ";
  out += select.star ? "*" : PrintList(select.projection);
  out += " FROM " + Print(*select.source);
  if (select.where) out += " WHERE " + Print(*select.where);
  for (size_t i = 0; i < select.order_by.size(); ++i) {
    out += i == 0 ? " ORDER BY " : ", ";
    out += Print(*select.order_by[i].key) + (select.order_by[i].descending ? " DESC" : "");
  }
  return out;
}

std::string PrintStatement(const Statement& statement) {
  if (statement.type == Statement::Type::kSelect) return PrintSelect(statement);
  const std::string where = statement.where ? " WHERE " + Print(*statement.where) : "";
  std::string operations;
  for (const Operation& operation : statement.operations) operations += PrintOperation(operation);
  const std::string returning = PrintReturning(statement);
  if (statement.type == Statement::Type::kInsert) return operations.substr(1) + returning;
  const std::string source = Print(*statement.source);
  if (statement.from_first) return "FROM " + source + where + operations + returning;
  const bool removes_item = statement.operations[0].type == Operation::Type::kDelete;
  return (removes_item ? "DELETE FROM " : "UPDATE ") + source + operations + where + returning;
}

bool Same(const ExprPtr& a, const ExprPtr& b) {
  return a == nullptr || b == nullptr ? a == b : SameSyntax(*a, *b);
}

template <typename T, typename Equal>
bool SameAll(const std::vector<T>& a, const std::vector<T>& b, Equal&& equal) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

bool SameOperation(const Operation& a, const Operation& b) {
  return a.type == b.type && Same(a.target, b.target) && Same(a.value, b.value) &&
         SameAll(a.assignments, b.assignments, [](const Assignment& x, const Assignment& y) {
           return Same(x.target, y.target) && Same(x.value, y.value);
         });
}

bool SameStatement(const Statement& a, const Statement& b) {
  return a.type == b.type && a.name == b.name && a.distinct == b.distinct && a.star == b.star &&
         a.select_value == b.select_value && a.from_first == b.from_first &&
         SameAll(a.projection, b.projection, Same) && Same(a.source, b.source) &&
         Same(a.where, b.where) && SameAll(a.operations, b.operations, SameOperation) &&
         SameAll(a.order_by, b.order_by,
                 [](const OrderKey& x, const OrderKey& y) {
                   return x.descending == y.descending && Same(x.key, y.key);
                 }) &&
         SameAll(a.returning, b.returning,
                 [](const ReturningElement& x, const ReturningElement& y) {
                   return x.mapping == y.mapping && Same(x.column, y.column);
                 });
}

bool IsPrintableStatement(const Statement& statement) {
  const auto printable = [](const ExprPtr& expr) { return expr == nullptr || IsPrintable(*expr); };
  if (statement.type == Statement::Type::kOther || statement.aliased || statement.joined ||
      statement.projection_aliased || !statement.unsupported_clause.empty()) {
    return false;
  }
  for (const Operation& operation : statement.operations) {
    if (operation.at_clause || operation.on_conflict || !printable(operation.target) ||
        !printable(operation.value)) {
      return false;
    }
    for (const Assignment& assignment : operation.assignments) {
      if (!printable(assignment.target) || !printable(assignment.value)) return false;
    }
  }
  for (const ReturningElement& element : statement.returning) {
    if (!printable(element.column)) return false;
  }
  for (const OrderKey& key : statement.order_by) {
    if (!printable(key.key)) return false;
  }
  return printable(statement.source) && printable(statement.where) &&
         std::all_of(statement.projection.begin(), statement.projection.end(), printable);
}

}  // namespace

std::string Print(const Expr& expr) {
  switch (expr.type) {
    case Type::kString: return Quoted('\'', expr.text);
    case Type::kNumber:
    case Type::kBool: return expr.text;
    case Type::kNull: return "null";
    case Type::kMissing: return "missing";
    case Type::kIon: return "`" + expr.text + "`";
    case Type::kParameter: return "?";
    case Type::kVariable: return expr.quoted ? Quoted('"', expr.text) : expr.text;
    case Type::kPath: return PrintPath(expr);
    case Type::kList: return "[" + PrintList(expr.children) + "]";
    case Type::kBag: return "<<" + PrintList(expr.children) + ">>";
    case Type::kStruct: {
      std::string out;
      for (size_t i = 0; i + 1 < expr.children.size(); i += 2) {
        out += (out.empty() ? "" : ", ") + Print(*expr.children[i]) + ": " +
               Print(*expr.children[i + 1]);
      }
      return "{" + out + "}";
    }
    case Type::kCall:
      return (expr.quoted ? Quoted('"', expr.text) : expr.text) + "(" + PrintList(expr.children) +
             ")";
    case Type::kOperator: return PrintOperator(expr);
    case Type::kIs:
      return "(" + Print(*expr.children[0]) + (expr.negated ? " is not " : " is ") +
             PrintTypeName(expr.text) + ")";
    case Type::kStatement: return "(" + PrintStatement(*expr.statement) + ")";
  }
  return "";
}

bool SameSyntax(const Expr& a, const Expr& b) {
  if (a.type != b.type || a.text != b.text || a.index != b.index || a.negated != b.negated ||
      a.quoted != b.quoted || !SameAll(a.children, b.children, Same)) {
    return false;
  }
  const auto same_step = [](const PathStep& x, const PathStep& y) {
    return x.type == y.type && x.name == y.name && Same(x.element, y.element);
  };
  if (!SameAll(a.steps, b.steps, same_step)) return false;
  if (!a.statement || !b.statement) return a.statement == b.statement;
  return SameStatement(*a.statement, *b.statement);
}

bool IsPrintable(const Expr& expr) {
  for (const ExprPtr& child : expr.children) {
    if (!IsPrintable(*child)) return false;
  }
  for (const PathStep& step : expr.steps) {
    if (step.element && !IsPrintable(*step.element)) return false;
  }
  // After IN, a parenthesis would begin a list.
  if (expr.type == Type::kOperator && expr.text == "in" &&
      expr.children[1]->type == Type::kOperator && Print(*expr.children[1])[1] == '(') {
    return false;
  }
  return !expr.statement || IsPrintableStatement(*expr.statement);
}

}  // namespace everwrite::partiql
