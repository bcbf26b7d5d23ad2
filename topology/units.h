// Durations and sizes as people write them: "40ms", "1.5s", "64KiB", "10MB", "10MB/s".
//
// A number without its unit is refused: 40 of what? Fractions are exact decimals. The Status of a
// refusal says what would be right, without the place in the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace everwrite::topology {

// us, ms, s, m, h; in microseconds.
Result<int64_t> ParseDuration(std::string_view text);
// B, KB, MB, GB, TB (thousands) and KiB, MiB, GiB, TiB (1024s).
Result<uint64_t> ParseBytes(std::string_view text);
// The same a second: "10MB/s".
Result<uint64_t> ParseRate(std::string_view text);

// The shortest exact text: 40000 -> "40ms".
std::string FormatDuration(int64_t micros);

}  // namespace everwrite::topology
