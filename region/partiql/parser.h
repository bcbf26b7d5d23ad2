// From the text of a PartiQL statement to its syntax: operator precedence over one recursive
// descent, in the manner of the reference parser, whose complaints are the service's.
//
//   OR < AND < NOT < (= <> IS IN) < (< <= > >= BETWEEN LIKE) < (+ - ||) < (* / %)
//
// Errors are kInvalidArgument with DynamoDB's message ("Statement wasn't well formed, can't be
// processed: Unexpected token after expression").
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "region/partiql/ast.h"

namespace everwrite::partiql {

// Of nested parentheses, literals and functions: so that recursion is bounded.
inline constexpr int kDepthMax = 200;
// Of binary operators in a statement: a chain of them is a tree as high as it is long, and whoever
// walks it goes as deep.
inline constexpr int kOperatorsMax = 1000;

Result<ParsedPtr> ParseStatement(std::string_view text);

}  // namespace everwrite::partiql
