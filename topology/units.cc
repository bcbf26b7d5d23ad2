#include "topology/units.h"

#include <array>
#include <cctype>
#include <utility>

namespace everwrite::topology {
namespace {

struct Unit {
  std::string_view name;
  uint64_t scale;
};

// "12.5ms" -> 12.5 * scale of "ms", or an error. Exact: at most six decimals, and a whole result.
template <size_t N>
Status ParseScaled(std::string_view text, const std::array<Unit, N>& units,
                   std::string_view example, uint64_t& value) {
  const auto refuse = [&](std::string_view why) {
    return InvalidArgument("\"" + std::string(text) + "\" " + std::string(why) +
                           "; write for example " + std::string(example));
  };
  uint64_t whole = 0;
  uint64_t denominator = 1;
  size_t at = 0;
  bool fraction = false;
  bool digits = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digits = true;
    if (whole > 1'000'000'000'000'000ULL) return refuse("is too large");
    whole = whole * 10 + static_cast<uint64_t>(c - '0');
    if (fraction) denominator *= 10;
    if (denominator > 1'000'000) return refuse("has too many decimals");
  }
  if (!digits) return refuse("is not a number with a unit");
  const std::string_view unit = text.substr(at);
  if (unit.empty() && whole == 0) {
    value = 0;
    return OkStatus();
  }
  if (unit.empty()) return refuse("has no unit");
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    const __int128 scaled = static_cast<__int128>(whole) * known.scale;
    if (scaled % denominator != 0) return refuse("is finer than can be kept");
    const __int128 result = scaled / denominator;
    if (result > (static_cast<__int128>(1) << 62)) return refuse("is too large");
    value = static_cast<uint64_t>(result);
    return OkStatus();
  }
  return refuse("has an unknown unit");
}

constexpr std::array<Unit, 5> kDurations = {
    {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000ULL}}};
constexpr std::array<Unit, 9> kSizes = {{{"B", 1},
                                         {"KB", 1000},
                                         {"MB", 1'000'000},
                                         {"GB", 1'000'000'000},
                                         {"TB", 1'000'000'000'000ULL},
                                         {"KiB", 1ULL << 10},
                                         {"MiB", 1ULL << 20},
                                         {"GiB", 1ULL << 30},
                                         {"TiB", 1ULL << 40}}};

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  uint64_t value = 0;
  EW_RETURN_IF_ERROR(ParseScaled(text, kDurations, "40ms, 1.5s or 24h", value));
  return static_cast<int64_t>(value);
}

Result<uint64_t> ParseBytes(std::string_view text) {
  uint64_t value = 0;
  EW_RETURN_IF_ERROR(ParseScaled(text, kSizes, "128KB, 8MB or 1GiB", value));
  return value;
}

Result<uint64_t> ParseRate(std::string_view text) {
  if (!text.ends_with("/s"))
    return InvalidArgument("\"" + std::string(text) + "\" is not a rate; write for example 10MB/s");
  return ParseBytes(text.substr(0, text.size() - 2));
}

std::string FormatDuration(int64_t micros) {
  for (const auto& [scale, name] : {std::pair<int64_t, const char*>{1'000'000, "s"}, {1000, "ms"}})
    if (micros % scale == 0) return std::to_string(micros / scale) + name;
  return std::to_string(micros) + "us";
}

}  // namespace everwrite::topology
