// Literals and parameters of a statement as attribute values.
//
// Errors are kInvalidArgument with DynamoDB's message; a fault inside a value names the path to it,
// which begins with "root".
//
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "region/partiql/ast.h"

namespace everwrite::partiql {

// The parameters of a request, in the compact form (region/item/item.h).
using Parameters = std::span<const std::string>;

// Whether it is a value by itself: a literal, a parameter, or a container.
bool IsValue(const Expr& expr);
// Appends the compact form. Not of what IsValue refuses: that is an unsupported data type.
Status AppendValue(const Expr& expr, Parameters parameters, std::string& out);
Result<std::string> ValueOf(const Expr& expr, Parameters parameters);
// The attributes of a struct, as an item.
Result<std::string> ItemOf(const Expr& expr, Parameters parameters);

}  // namespace everwrite::partiql
