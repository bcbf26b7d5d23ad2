// From the text of an expression to its syntax: one lexer and one recursive descent for all kinds.
//
//   condition  = and ("OR" and)*
//   and        = not ("AND" not)*
//   not        = "NOT"* primary
//   primary    = "(" condition ")" | function | operand comparator operand
//              | operand "BETWEEN" operand "AND" operand
//              | operand "IN" "(" operand ("," operand)* ")"
//   operand    = path | value | function | "(" operand ")"
//   projection = path ("," path)*
//   update     = ("SET" path "=" sum ("," …)* | "REMOVE" path ("," …)*
//              | ("ADD" | "DELETE") path value ("," …)*)*, each section once
//   sum        = operand (("+" | "-") operand)? | "(" sum ")"
//   path       = name ("." name | "[" number "]")*
//   name       = [A-Za-z][A-Za-z0-9_]* | "#"[A-Za-z0-9_]+
//
// Errors are kInvalidArgument with DynamoDB's message ("Invalid ConditionExpression: …"). What can
// be said of the text alone is said here: syntax, size and number of operators, reserved words,
// functions and their number of operands, redundant parentheses. What needs names and values is
// said by Bind.
//
// The messages were compared with DynamoDB Local 1.25.
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "region/expression/ast.h"

namespace everwrite::expression {

Result<ExpressionPtr> Parse(Kind kind, std::string_view text);

}  // namespace everwrite::expression
