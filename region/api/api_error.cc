#include "region/api/api_error.h"

#include "base/log.h"

namespace everwrite::api {
namespace {

constexpr std::string_view kDynamo = "com.amazonaws.dynamodb.v20120810#";
constexpr std::string_view kValidate = "com.amazon.coral.validate#";
constexpr std::string_view kEverwrite = "everwrite#";
constexpr std::string_view kService = "com.amazon.coral.service#";

struct Row {
  std::string_view prefix;
  std::string_view name;
  int http_status;
};

Row RowOf(ErrorType type) {
  switch (type) {
    case ErrorType::kNone: break;
    case ErrorType::kValidation: return {kValidate, "ValidationException", 400};
    case ErrorType::kSerialization: return {kService, "SerializationException", 400};
    case ErrorType::kUnknownOperation: return {kService, "UnknownOperationException", 400};
    case ErrorType::kResourceNotFound: return {kDynamo, "ResourceNotFoundException", 400};
    case ErrorType::kResourceInUse: return {kDynamo, "ResourceInUseException", 400};
    case ErrorType::kLimitExceeded: return {kDynamo, "LimitExceededException", 400};
    case ErrorType::kConditionalCheckFailed:
      return {kDynamo, "ConditionalCheckFailedException", 400};
    case ErrorType::kDuplicateItem: return {kDynamo, "DuplicateItemException", 400};
    case ErrorType::kTransactionConflict: return {kDynamo, "TransactionConflictException", 400};
    case ErrorType::kTableNotFound: return {kDynamo, "TableNotFoundException", 400};
    case ErrorType::kContinuousBackupsUnavailable:
      return {kDynamo, "ContinuousBackupsUnavailableException", 400};
    case ErrorType::kGlobalTableNotFound: return {kDynamo, "GlobalTableNotFoundException", 400};
    case ErrorType::kExpiredIterator: return {kDynamo, "ExpiredIteratorException", 400};
    case ErrorType::kTrimmedDataAccess: return {kDynamo, "TrimmedDataAccessException", 400};
    case ErrorType::kTransactionCanceled: return {kDynamo, "TransactionCanceledException", 400};
    case ErrorType::kIdempotentParameterMismatch:
      return {kDynamo, "IdempotentParameterMismatchException", 400};
    case ErrorType::kThrottling: return {kDynamo, "ThrottlingException", 400};
    case ErrorType::kMissingAuthenticationToken:
      return {kService, "MissingAuthenticationTokenException", 400};
    case ErrorType::kIncompleteSignature: return {kService, "IncompleteSignatureException", 400};
    case ErrorType::kInvalidSignature: return {kService, "InvalidSignatureException", 400};
    case ErrorType::kInternalServerError: return {kDynamo, "InternalServerError", 500};
    case ErrorType::kRegionBehind: return {kEverwrite, "RegionBehindException", 503};
    case ErrorType::kServiceUnavailable: return {kService, "ServiceUnavailableException", 503};
  }
  return {"", "", 200};
}

}  // namespace

std::string_view ErrorName(ErrorType type) { return RowOf(type).name; }
int HttpStatusOf(ErrorType type) { return RowOf(type).http_status; }

void AppendErrorBody(std::string& out, const ApiError& error) {
  const Row row = RowOf(error.type);
  out.append("{\"__type\":\"").append(row.prefix).append(row.name).append("\"");
  if (!error.reasons_json.empty())
    out.append(",\"CancellationReasons\":").append(error.reasons_json);
  if (!error.message.empty()) {
    // The service writes this one's with a capital; clients take either.
    out += error.type == ErrorType::kTransactionCanceled ? ",\"Message\":" : ",\"message\":";
    AppendJsonString(out, error.message);
  }
  if (!error.item_json.empty()) out.append(",\"Item\":").append(error.item_json);
  out += "}";
}

ApiError ErrorOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk: return {};
    case StatusCode::kInvalidArgument: return {ErrorType::kValidation, status.message(), ""};
    case StatusCode::kNotFound: return {ErrorType::kResourceNotFound, status.message(), ""};
    case StatusCode::kAlreadyExists: return {ErrorType::kResourceInUse, status.message(), ""};
    case StatusCode::kConditionFailed:
      return {ErrorType::kConditionalCheckFailed, status.message(), ""};
    case StatusCode::kAborted: return {ErrorType::kTransactionConflict, status.message(), ""};
    case StatusCode::kResourceExhausted: return {ErrorType::kThrottling, status.message(), ""};
    case StatusCode::kUnimplemented: return {ErrorType::kValidation, status.message(), ""};
    case StatusCode::kUnavailable:
    case StatusCode::kFailedPrecondition:
      return {ErrorType::kServiceUnavailable,
              "The service cannot complete your request now. Try again in a moment.", ""};
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kDataLoss:
    case StatusCode::kInternal: break;
  }
  return {ErrorType::kInternalServerError, "Internal server error", ""};
}

}  // namespace everwrite::api
