// The syntax of PartiQL statements, as parsed. What of it DynamoDB runs is the planner's business
// (planner.h); here is all that its parser reads.
//
// Thread-safety: immutable once parsed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "region/partiql/lexer.h"

namespace everwrite::partiql {

struct Expr;
struct Statement;
using ExprPtr = std::unique_ptr<Expr>;

// One step of a path behind its root.
struct PathStep {
  enum class Type : uint8_t {
    kName,      // .name or ."name"
    kElement,   // [expression]
    kWildcard,  // [*]
    kUnpivot,   // .*
  };
  Type type = Type::kName;
  std::string name;
  ExprPtr element;
  Position at;
};

struct Expr {
  enum class Type : uint8_t {
    kString,  // text
    kNumber,  // text, with its sign
    kBool,    // text: "true" or "false"
    kNull,
    kMissing,
    kIon,        // text
    kParameter,  // index
    kVariable,   // text
    kPath,       // children[0] the root, steps
    kList,       // children
    kBag,        // children
    kStruct,     // children: key, value, key, value, …
    kCall,       // text: name in lower case; children: arguments
    kOperator,   // text: "and", "=", "not", "between", …; one to three children
    kIs,         // text: type in lower case; children[0]; negated
    kStatement,  // statement
  };
  Type type = Type::kNull;
  std::string text;
  uint32_t index = 0;
  bool negated = false;
  bool quoted = false;  // kVariable
  std::vector<ExprPtr> children;
  std::vector<PathStep> steps;
  std::unique_ptr<Statement> statement;
  Position at;

  Expr() = default;
  Expr(Type type, std::string text, Position at);
  ~Expr();
};

// " at 1:24:4", and nothing for a path: the service's messages have no place for one.
inline std::string PositionOf(const Expr& expr) {
  return expr.type == Expr::Type::kPath ? "" : PositionText(expr.at);
}

struct Assignment {
  ExprPtr target;
  ExprPtr value;
};

// A part of a statement that changes something.
struct Operation {
  enum class Type : uint8_t {
    kSet,     // assignments
    kRemove,  // target
    kDelete,
    kInsertValue,  // target, value
    kInsert,       // target, value: of the form that takes a bag of values
  };
  Type type = Type::kSet;
  std::vector<Assignment> assignments;
  ExprPtr target;
  ExprPtr value;
  bool at_clause = false;
  bool on_conflict = false;
};

enum class Returning : uint8_t { kNone, kAllOld, kModifiedOld, kAllNew, kModifiedNew };
std::string_view ReturningText(Returning returning);  // "ALL OLD"

struct ReturningElement {
  Returning mapping = Returning::kNone;
  ExprPtr column;  // null: *
};

struct OrderKey {
  ExprPtr key;
  bool descending = false;
};

struct Statement {
  enum class Type : uint8_t {
    kSelect,
    kChange,  // UPDATE, DELETE, FROM … SET: source, operations, where
    kInsert,  // operations[0]
    kOther,   // parsed, and not DynamoDB's: name
  };
  Type type = Type::kSelect;
  std::string name;

  // SELECT
  bool distinct = false;
  bool select_value = false;
  bool star = false;
  std::vector<ExprPtr> projection;
  bool projection_aliased = false;
  std::vector<OrderKey> order_by;
  std::string unsupported_clause;  // "GROUP BY", "LIMIT at 1:2:3", …

  // FROM
  ExprPtr source;
  bool aliased = false;
  bool joined = false;
  bool from_first = false;

  ExprPtr where;
  std::vector<Operation> operations;
  std::vector<ReturningElement> returning;
};

// A whole text.
struct Parsed {
  ExprPtr root;             // mostly a kStatement, but EXISTS(SELECT …) is a kCall
  uint32_t parameters = 0;  // how many ? there are
};
using ParsedPtr = std::shared_ptr<const Parsed>;

}  // namespace everwrite::partiql
