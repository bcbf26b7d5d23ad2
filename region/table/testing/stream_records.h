// What tests of streams share: a table with a stream, and its records as short texts.
#pragma once

#include <string>
#include <vector>

#include "region/table/testing/stream_consumer.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table::testing {

inline constexpr uint64_t kEnabledMs = 1234;
inline constexpr uint64_t kHourMs = 3600 * 1000;

// The table "t" with a stream.
TableDefinition Streamed(StreamView view, uint64_t enabled_ms = kEnabledMs);
void Create(TestRegion& region, const TableDefinition& definition);
void SetStream(TestRegion& region, StreamView view, uint64_t enabled_ms);

// What the consumer has not read yet; without one, all that there is.
std::vector<ConsumedRecord> ReadAll(TestRegion& region, StreamConsumer& consumer);
std::vector<ConsumedRecord> ReadAll(TestRegion& region, uint64_t enabled_ms = kEnabledMs);

// "insert a: - > 1", "modify a: 1 > 2", "remove a: 2 > -"; an image that is not shown is "-".
using Lines = std::vector<std::string>;
std::string Text(const ConsumedRecord& record);
Lines Texts(const std::vector<ConsumedRecord>& records);

}  // namespace everwrite::table::testing
