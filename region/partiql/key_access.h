// Which ranges of keys a WHERE clause can be answered from.
//
// The clause is taken apart into branches, of which each is a conjunction: an IN on a key attribute
// is a branch for each value, an OR that names a key is its branches' together, an AND is every
// combination. What is no condition on a key stays whole, as a filter of its branch. When every
// branch fixes the partition, each is a read of its own (Developer Guide, "PartiQL select
// statements"; the rest was measured at the service: the bound on reads, and that those of one
// partition may not overlap unless one of them is by a sort key that is negated).
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
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
  // All key attributes are fixed to one value each, and nothing else is asked.
  bool one_key = false;
  bool only_key = false;
  // Keyed: the attributes that each branch's filters name, in the order of the partitions' values.
  std::vector<std::vector<std::string>> filtered;
};

// `where` may be null; `schema` has one attribute of each kind at most. Errors: a key attribute
// compared with a value of another type, an empty one, branches that overlap, more than
// kRangesMax reads.
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
