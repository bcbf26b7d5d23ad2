// DynamoDB's arithmetic of consumed capacity. Units are counted in halves, so that they stay whole:
// an eventually consistent read of up to 4 KB is one half.
//
// What a request consumes is kept apart by table and index: a write costs the table a write of the
// larger of the old and new item, and each index what changes in it; a Query of an index costs the
// index, and the table only what is fetched from it beside (Developer Guide, "Provisioned
// throughput considerations" of both kinds of index).
//
// Thread-safety: pure functions and values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "region/table/engine.h"

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

// Half units, by where they were consumed.
struct Consumed {
  uint64_t table = 0;
  std::map<std::string, uint64_t> local, global;  // by index name; only those touched

  uint64_t Total() const;
  void Add(const Consumed& other, uint64_t factor = 1);
};

// What a write costs; nullopt for no item. Nothing changes when both are equal.
Consumed WriteCost(const table::Table& table, std::optional<std::string_view> before,
                   std::optional<std::string_view> after);
// What a write costs the table alone, when the bytes are known.
inline Consumed TableCost(uint64_t half_units) { return {half_units, {}, {}}; }

// Appends {"TableName":"t","CapacityUnits":0.5}; with kIndexes also
// "Table":{"CapacityUnits":0.5} and "GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":…}}.
// `kind` is a second name under which every number is given ("WriteCapacityUnits"), or empty.
void AppendConsumedCapacity(std::string& out, std::string_view table, const Consumed& consumed,
                            CapacityReport report, std::string_view kind = {});

}  // namespace everwrite::api
