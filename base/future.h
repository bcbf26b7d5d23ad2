// A version to come, for tests of clusters whose regions run different versions.
//
// The program `everwrite_future` (cli/CMakeLists.txt) is this version with fields that this version
// does not know in all that regions say to each other: what a rolling upgrade meets. No other build
// has them.
#pragma once

namespace everwrite {

#ifdef EVERWRITE_FUTURE
inline constexpr bool kFuture = true;
#else
inline constexpr bool kFuture = false;
#endif
// The number of such a field, in change records and in messages alike.
inline constexpr int kFutureField = 1000;

}  // namespace everwrite
