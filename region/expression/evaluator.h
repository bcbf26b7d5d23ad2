// Conditions and filters, evaluated on the compact item: no tree is built and nothing is allocated.
//
// A comparison of values of different types, or with an attribute that is not there, is false; only
// <> is then true. NOT turns that around, as the service does.
//
// Thread-safety: pure functions.
#pragma once

#include "region/expression/binding.h"

namespace everwrite::expression {

// `condition` is of kind kCondition or kFilter. An item that does not exist is an empty one.
bool Matches(const Binding& condition, item::ItemView item);

}  // namespace everwrite::expression
