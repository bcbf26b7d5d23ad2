// Which ranges of keys a WHERE clause can be answered from.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "region/item/key.h"
#include "region/partiql/ast.h"
#include "region/partiql/literal.h"
#include "region/partiql/planner.h"

namespace everwrite::partiql {

// The type of the values of a key attribute.
inline item::ValueType TypeOfKey(item::KeyType type) {
  constexpr item::ValueType kTypes[] = {item::ValueType::kString, item::ValueType::kNumber,
                                        item::ValueType::kBinary};
  return kTypes[static_cast<size_t>(type)];
}

struct KeyAccess {
  // False: no range is implied, all of the table has to be looked at.
  bool keyed = false;
  std::vector<Range> ranges;
  size_t branches = 0;  // of OR, at the top
  // All key attributes are fixed to one value each, and nothing else is asked.
  bool one_key = false;
  bool only_key = false;
};

// `where` may be null. Errors: a key attribute compared with a value of another type, an empty one,
// OR branches that overlap, more than kRangesMax ranges.
Result<KeyAccess> AccessOf(const Expr* where, Parameters parameters,
                           const item::CompositeKeySchema& schema);

// A key attribute and the value it must be equal to, if that is what a condition says.
struct KeyEquality {
  const item::KeyAttribute* attribute = nullptr;
  const Expr* value = nullptr;
};
std::optional<KeyEquality> EqualityOf(const Expr& condition,
                                      const item::CompositeKeySchema& schema);
// The value, or the error of one that has not the attribute's type.
Result<std::string> KeyValueOf(const item::KeyAttribute& attribute, const Expr& value,
                               Parameters parameters);

}  // namespace everwrite::partiql
