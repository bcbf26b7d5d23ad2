// The table of operations: names, and who answers them, and in what the answer differs from the
// service's. An operation that is not here answers UnknownOperationException; docs/api-coverage.md
// is made from this table and the list of those that are refused.
//
// Thread-safety: constant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace everwrite::api {

class Call;
class Params;

struct Operation {
  std::string_view name;
  // Answers the call, now or later.
  void (*handle)(const Params& params, Call call);
  // For docs/api-coverage.md: in what it differs from the service's. Empty: in nothing that is
  // known.
  std::string_view differs = {};
  bool of_streams = false;  // of DynamoDBStreams_20120810, not DynamoDB_20120810
};

// Row 0 stands for requests that name no operation we have: "Unknown", without a handler.
constexpr size_t kUnknownOperation = 0;
size_t OperationCount();
const Operation& OperationAt(size_t index);
// By "DynamoDB_20120810.GetItem", or "DynamoDBStreams_20120810.GetRecords"; kUnknownOperation when
// there is none.
size_t FindOperation(std::string_view target);

// docs/api-coverage.md. EVERWRITE_UPDATE_DOCS=1 lets the test of this module write it.
std::string ApiCoverage();

}  // namespace everwrite::api
