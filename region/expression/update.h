// Update expressions, from the old item's bytes to the new one's in one merge: attributes that are
// not touched are copied as they are.
//
// All operands are read from the old item. List elements that are set beyond the end are appended
// in order of their indexes; removals close the gaps when all else is done, so every index means
// the old list.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "region/expression/binding.h"

namespace everwrite::expression {

// `old` is the item, or just the key attributes of one that does not exist yet. The result is
// checked against the limits of size and nesting.
Result<std::string> ApplyUpdate(const Binding& update, item::ItemView old);

// Whether all actions take something away (REMOVE, DELETE): such an update does not make an item
// that is not there.
bool OnlyRemoves(const Binding& update);

// UPDATED_OLD of the old item, UPDATED_NEW of the new one: what the paths of the update lead to.
std::string UpdatedPart(const Binding& update, item::ItemView item);

}  // namespace everwrite::expression
