// KeyConditionExpression: what a Query selects, out of the general condition syntax.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "region/expression/binding.h"
#include "region/item/key.h"

namespace everwrite::expression {

struct KeyCondition {
  enum class Sort : uint8_t {
    kAll,
    kEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kBetween,
    kBeginsWith
  };
  std::vector<item::ValueView> partition;  // of each partition attribute
  // Of sort attributes from the first on: those that are to be equal, then one with `sort`. For all
  // that are equal `sort` speaks of the last.
  std::vector<item::ValueView> equal;
  Sort sort = Sort::kAll;
  item::ValueView low;   // the operand; the lower one of kBetween
  item::ValueView high;  // kBetween
};

// Whatever is wrong with a key condition on any table.
Status CheckKeyCondition(const Binding& binding);

// Of a table's or an index's key. Every partition attribute must be equal to a value; of the sort
// attributes the first ones may have conditions, and all but the last of those must be equalities
// (Developer Guide, "Multi-attribute keys"). Borrows from the binding's values.
Result<KeyCondition> ResolveKeyCondition(const Binding& binding,
                                         const item::CompositeKeySchema& schema);

// The range of encoded keys (region/item/key.h) that a condition selects; what may stand behind the
// key in an index's entry makes no difference.
struct KeyRange {
  std::string partition;  // what all keys of the partition begin with
  std::string begin;      // included
  std::string end;        // excluded; empty: no bound
};
Result<KeyRange> RangeOf(const KeyCondition& condition, const item::CompositeKeySchema& schema);

}  // namespace everwrite::expression
