// The only place of DynamoDB's error names, their prefixes and HTTP codes, and of the mapping from
// our own Status. Messages are DynamoDB's own wherever the service is known to say something.
//
// Thread-safety: values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace everwrite::api {

enum class ErrorType : uint8_t {
  kNone,
  kValidation,
  kSerialization,
  kUnknownOperation,
  kResourceNotFound,
  kResourceInUse,
  kLimitExceeded,
  kConditionalCheckFailed,
  kDuplicateItem,
  kTransactionConflict,
  kTableNotFound,
  kContinuousBackupsUnavailable,
  kGlobalTableNotFound,
  kExpiredIterator,
  kTrimmedDataAccess,
  kTransactionCanceled,
  kIdempotentParameterMismatch,
  kThrottling,
  kMissingAuthenticationToken,
  kIncompleteSignature,
  kInvalidSignature,
  kInternalServerError,
  kServiceUnavailable,
  kRegionBehind,  // our own: a session token that was not reached in time
};

struct ApiError {
  ErrorType type = ErrorType::kNone;
  std::string message;
  // ConditionalCheckFailedException with ReturnValuesOnConditionCheckFailure: the item as DynamoDB
  // JSON.
  std::string item_json;
  // TransactionCanceledException: CancellationReasons, an array.
  std::string reasons_json = {};

  bool ok() const { return type == ErrorType::kNone; }
};

// "ValidationException": the name behind the #, for metrics and logs. Empty for kNone.
std::string_view ErrorName(ErrorType type);
int HttpStatusOf(ErrorType type);
// {"__type":"com.amazon.coral.validate#ValidationException","message":"..."}
void AppendErrorBody(std::string& out, const ApiError& error);
// What the client may know of a Status that is not OK. Texts of internal errors stay inside.
ApiError ErrorOf(const Status& status);

// For functions that report through a reference: `return Fail(error, ErrorType::kValidation,
// "...");`
inline bool Fail(ApiError& error, ErrorType type, std::string message) {
  error.type = type;
  error.message = std::move(message);
  return false;
}
inline bool FailValidation(ApiError& error, std::string message) {
  return Fail(error, ErrorType::kValidation, std::move(message));
}

}  // namespace everwrite::api
