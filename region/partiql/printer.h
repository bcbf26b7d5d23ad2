// Syntax back to a text that parses to the same, and the comparison that says so: what the fuzz
// target and the property test check the parser with.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "region/partiql/ast.h"

namespace everwrite::partiql {

std::string Print(const Expr& expr);
// Equal but for positions.
bool SameSyntax(const Expr& a, const Expr& b);
// False for what is parsed only to be refused, of which not all is kept: aliases, joins, clauses
// that are not supported, CREATE and DROP.
bool IsPrintable(const Expr& expr);

}  // namespace everwrite::partiql
