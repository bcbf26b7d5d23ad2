// DynamoDB's arithmetic of consumed capacity. Units are counted in halves, so that they stay whole:
// an eventually consistent read of up to 4 KB is one half.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace everwrite::api {

enum class CapacityReport : uint8_t { kNone, kTotal, kIndexes };

// A value of ReturnConsumedCapacity that was found to be legal; absent is kNone.
inline CapacityReport CapacityReportOf(std::string_view text) {
  return text == "TOTAL"     ? CapacityReport::kTotal
         : text == "INDEXES" ? CapacityReport::kIndexes
                             : CapacityReport::kNone;
}

// For reading so many bytes as one request: an item, or all items that a page looked at.
inline uint64_t ReadHalfUnits(size_t bytes, bool consistent) {
  constexpr size_t kReadUnitBytes = 4096;
  const uint64_t blocks = bytes == 0 ? 1 : (bytes + kReadUnitBytes - 1) / kReadUnitBytes;
  return consistent ? 2 * blocks : blocks;
}

// For writing an item; `bytes` is the larger of the old and the new one.
inline uint64_t WriteHalfUnits(size_t bytes) {
  constexpr size_t kWriteUnitBytes = 1024;
  return 2 * (bytes == 0 ? 1 : (bytes + kWriteUnitBytes - 1) / kWriteUnitBytes);
}

inline void AppendUnits(std::string& out, uint64_t half_units) {
  out.append(std::to_string(half_units / 2)).append(half_units % 2 ? ".5" : ".0");
}

// {"TableName":"t","CapacityUnits":0.5}; with kIndexes also "Table":{"CapacityUnits":0.5}.
inline void AppendConsumedCapacity(std::string& out, std::string_view table, uint64_t half_units,
                                   CapacityReport report) {
  out.append("{\"TableName\":\"").append(table).append("\",\"CapacityUnits\":");
  AppendUnits(out, half_units);
  if (report == CapacityReport::kIndexes) {
    out += ",\"Table\":{\"CapacityUnits\":";
    AppendUnits(out, half_units);
    out += "}";
  }
  out += "}";
}

}  // namespace everwrite::api
