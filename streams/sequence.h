// The names by which consumers of DynamoDB Streams know places: sequence numbers and shard ids.
//
// A region gives each of its stream records, and each shard, a sequence: the next number of one
// rising order of the region, all tables together. It holds the time in its high bits, so what is
// expired is a range, and what a region gives after its data was put back to an older copy is above
// all that it gave before.
//
//   sequence number   "1", the sequence in 20 digits, the region's id in 5: 26 digits that order as
//                     numbers and as text. Those of one region mean nothing in another, and are
//                     refused there: positions are carried with iterators (position.h).
//   shard id          "shardId-", the sequence at which it began in 20 digits, "-", 8 digits of
//                     hash of stream, region and sequence: an id that was never given is told from
//                     one whose shard has been trimmed.
//   event id          the change's dot in 32 hexadecimal digits: 16 of the log, 16 of the number.
//                     The same in every region.
//
// Thread-safety: values and pure functions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace everwrite::streams {

struct Sequence {
  uint64_t value = 0;  // 0: before the first
  static constexpr int kCounterBits = 20;
  uint64_t milliseconds() const { return value >> kCounterBits; }
  static Sequence At(uint64_t milliseconds) { return {milliseconds << kCounterBits}; }
  // The next one, at this time; never lower than the last, whatever the clock says.
  static Sequence After(Sequence last, uint64_t now_ms);
  friend auto operator<=>(const Sequence&, const Sequence&) = default;
};

// One incarnation of a table's stream; the same in all regions.
struct StreamId {
  uint64_t value = 0;
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

std::string SequenceText(Sequence sequence, RegionId region);
// False when it is not one of this region's.
bool ParseSequence(std::string_view text, RegionId region, Sequence& sequence);

std::string ShardIdText(StreamId stream, RegionId region, Sequence shard);
// False when this region never gave it to a shard of that stream.
bool ParseShardId(std::string_view text, StreamId stream, RegionId region, Sequence& shard);

constexpr size_t kEventIdSize = 32;
std::string EventId(Dot dot);
bool ParseEventId(std::string_view text, Dot& dot);

}  // namespace everwrite::streams
