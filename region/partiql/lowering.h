// Conditions and assignments of PartiQL lowered onto expressions (region/expression): one evaluator
// for all languages.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "region/expression/builder.h"
#include "region/partiql/ast.h"
#include "region/partiql/literal.h"

namespace everwrite::partiql {

// The elements of a document path; errors for what is none.
Result<std::vector<expression::PathElement>> PathOf(const Expr& expr);
// The attribute's name, if the expression is a whole attribute: a variable.
const std::string* AttributeOf(const Expr& expr);

// The parts of a condition that are joined by AND.
void AppendConjuncts(const Expr& where, std::vector<const Expr*>& out);

class Lowering {
 public:
  Lowering(expression::ExpressionBuilder& builder, Parameters parameters)
      : builder_(builder), parameters_(parameters) {}

  // A WHERE clause, or a part of one.
  Result<expression::NodeIndex> Condition(const Expr& expr);
  // The same for what stands beside an AND.
  Result<expression::NodeIndex> AndOperand(const Expr& expr);
  // SET and REMOVE.
  Status AddOperation(const Operation& operation);

 private:
  enum class Place : uint8_t { kWhere, kAndOr, kNot };
  Result<expression::NodeIndex> Boolean(const Expr& expr, Place place);
  Result<expression::NodeIndex> Joined(const Expr& expr, expression::Node::Type and_or_or);
  Result<expression::NodeIndex> Comparison(const Expr& expr);
  Result<expression::NodeIndex> InList(const Expr& expr);
  Result<expression::NodeIndex> TypeTest(const Expr& expr);
  Result<expression::NodeIndex> Predicate(const Expr& expr);
  Result<expression::NodeIndex> Operand(const Expr& expr);
  Result<expression::NodeIndex> Call(const Expr& expr, expression::Function function);
  Status AddAssignment(const Assignment& assignment);
  Status AddSetOperation(const Assignment& assignment, bool add);
  Result<expression::NodeIndex> NewValue(const Expr& expr);

  expression::ExpressionBuilder& builder_;
  Parameters parameters_;
};

}  // namespace everwrite::partiql
