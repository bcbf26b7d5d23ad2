// How conflicts look on a terminal.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/json_value.h"

namespace everwrite::cli {

// One entry of `conflicts list`.
std::string ConflictText(const JsonValue& conflict);
// `conflicts show`: who lost to whom, and where the two differ, attribute by attribute: "-" what
// was lost, "+" what stands there, " " what is the same.
std::string ConflictDiff(const JsonValue& conflict);
// "2026-01-31T12:00:00Z", "2026-01-31 12:00", "2026-01-31" (all UTC) or milliseconds since 1970.
Result<uint64_t> ParseTime(std::string_view text);

}  // namespace everwrite::cli
