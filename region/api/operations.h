// The table of operations: names, and who answers them. An operation that is not here answers
// UnknownOperationException.
//
// Thread-safety: constant.
#pragma once

#include <cstddef>
#include <string_view>

namespace everwrite::api {

class Call;
class Params;

struct Operation {
  std::string_view name;
  // Answers the call, now or later.
  void (*handle)(const Params& params, Call call);
};

// Row 0 stands for requests that name no operation we have: "Unknown", without a handler.
constexpr size_t kUnknownOperation = 0;
size_t OperationCount();
const Operation& OperationAt(size_t index);
// By "DynamoDB_20120810.GetItem"; kUnknownOperation when there is none.
size_t FindOperation(std::string_view target);

}  // namespace everwrite::api
