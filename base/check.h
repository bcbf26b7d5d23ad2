// CHECK: what cannot happen is checked, in release builds too. A failed check writes one line to
// standard error and aborts: a process whose memory contradicts itself must not go on to write it
// to disk. Bad input is never a CHECK; it is a Status.
#pragma once

#include <string_view>

namespace everwrite {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view message);

}  // namespace everwrite

// The message may be any expression that converts to std::string_view; it is evaluated only on
// failure.
#define CHECK(condition, ...)                                                                    \
  do {                                                                                           \
    if (!(condition)) [[unlikely]]                                                               \
      ::everwrite::CheckFailed(__FILE__, __LINE__, #condition, ::std::string_view{__VA_ARGS__}); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false && (condition))
#else
#define DCHECK(condition, ...) CHECK(condition, __VA_ARGS__)
#endif
