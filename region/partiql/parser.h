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

Result<ParsedPtr> ParseStatement(std::string_view text);

}  // namespace everwrite::partiql
