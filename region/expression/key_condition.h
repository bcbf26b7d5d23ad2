// KeyConditionExpression: what a Query selects, out of the general condition syntax.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>

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
  item::ValueView partition;
  Sort sort = Sort::kAll;
  item::ValueView low;   // the operand; the lower one of kBetween
  item::ValueView high;  // kBetween
};

// Borrows from the binding's values.
Result<KeyCondition> ResolveKeyCondition(const Binding& binding, const item::KeySchema& schema);

// The range of encoded keys (region/item/key.h) that a condition selects.
struct KeyRange {
  std::string begin;  // included
  std::string end;    // excluded; empty: no bound
};
Result<KeyRange> RangeOf(const KeyCondition& condition, const item::KeySchema& schema);

}  // namespace everwrite::expression
