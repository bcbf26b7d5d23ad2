// Result<T>: a value, or the Status that says why there is none.
//
//   Result<Number> Parse(std::string_view text);
//   ...
//   EW_ASSIGN_OR_RETURN(Number n, Parse(text));   // returns the Status from the caller on error
//
// std::expected is not in the toolchain's C++20 library. Reading value() of an error is a bug and
// stops the process.
#pragma once

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/status.h"

namespace everwrite {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT
    CHECK(!std::get<1>(state_).ok(), "a Result cannot hold an OK status");
  }

  bool ok() const { return state_.index() == 0; }
  // The error, or OK when there is a value.
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  T& value() & {
    CHECK(ok(), std::get<1>(state_).ToString());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(ok(), std::get<1>(state_).ToString());
    return std::get<0>(state_);
  }
  T&& value() && {
    CHECK(ok(), std::get<1>(state_).ToString());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace everwrite

#define EW_CONCAT_INNER(a, b) a##b
#define EW_CONCAT(a, b) EW_CONCAT_INNER(a, b)

// Returns the Status of `expression` from the enclosing function unless it is OK.
#define EW_RETURN_IF_ERROR(expression)            \
  do {                                            \
    ::everwrite::Status ew_status = (expression); \
    if (!ew_status.ok()) [[unlikely]]             \
      return ew_status;                           \
  } while (false)

// Declares or assigns `left` from the Result `expression`, or returns its Status.
#define EW_ASSIGN_OR_RETURN(left, expression) \
  EW_ASSIGN_OR_RETURN_IMPL(EW_CONCAT(ew_result_, __LINE__), left, expression)
#define EW_ASSIGN_OR_RETURN_IMPL(result, left, expression) \
  auto result = (expression);                              \
  if (!result.ok()) [[unlikely]]                           \
    return result.status();                                \
  left = std::move(result).value()
