// Status: why an operation did not succeed, as a value.
//
// One vocabulary for the whole program. A code says what a caller can do about it; the message is
// for the person who reads it. Inside region/ a message of kInvalidArgument is DynamoDB's own text
// and is sent to the client as it is; region/api/api_error is the only place that knows which code
// becomes which DynamoDB error name. Errors of third-party libraries end in their adapter, as one
// of these.
//
// Thread-safety: a value; distinct objects may be used from distinct threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace everwrite {

enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,     // the request is wrong and stays wrong: ValidationException
  kNotFound,            // the table or resource named is not there
  kAlreadyExists,       // the table or resource is there already, or in use
  kConditionFailed,     // a condition expression was false
  kAborted,             // lost a race; trying again may succeed
  kResourceExhausted,   // a bound was reached (queue, memory, limit)
  kUnavailable,         // cannot serve now; try again later
  kDeadlineExceeded,    // not finished in time; the outcome may be unknown
  kDataLoss,            // stored bytes are not what was written
  kFailedPrecondition,  // the system is not in the state that this needs
  kUnimplemented,
  kInternal,
};

std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // "INVALID_ARGUMENT: message", for logs.
  std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }
inline Status InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
inline Status NotFound(std::string message) { return {StatusCode::kNotFound, std::move(message)}; }
inline Status AlreadyExists(std::string message) {
  return {StatusCode::kAlreadyExists, std::move(message)};
}
inline Status ConditionFailed(std::string message) {
  return {StatusCode::kConditionFailed, std::move(message)};
}
inline Status Aborted(std::string message) { return {StatusCode::kAborted, std::move(message)}; }
inline Status ResourceExhausted(std::string message) {
  return {StatusCode::kResourceExhausted, std::move(message)};
}
inline Status Unavailable(std::string message) {
  return {StatusCode::kUnavailable, std::move(message)};
}
inline Status DeadlineExceeded(std::string message) {
  return {StatusCode::kDeadlineExceeded, std::move(message)};
}
inline Status DataLoss(std::string message) { return {StatusCode::kDataLoss, std::move(message)}; }
inline Status FailedPrecondition(std::string message) {
  return {StatusCode::kFailedPrecondition, std::move(message)};
}
inline Status Unimplemented(std::string message) {
  return {StatusCode::kUnimplemented, std::move(message)};
}
inline Status Internal(std::string message) { return {StatusCode::kInternal, std::move(message)}; }

}  // namespace everwrite
