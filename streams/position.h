// Position: where a consumer stands in a shard. Shard iterators are positions as text, and every
// region of the cluster understands those of the others.
//
// In its own region a position is a shard and a sequence: what follows is what comes next. In
// another region it is a set of changes: of the keys of the shard, everything that the region had
// applied up to there (`place`), and what the consumer had seen before in yet other regions
// (`seen`); seen.h says what is done with it.
//
// `place` comes from marks, which are vectors that the region stores now and then beside its
// entries, and from the dots of the entries since: of the keys of a shard the two together name
// just what the region had applied, because every change of them leaves an entry.
//
// The text is base64url of: format (1), region (2), stream (8), shard (8), range (8 + 1), after
// (8), until (8), created (varint), place, count and ranges with vectors of `seen`, and 8 bytes of
// hash over all of it, so that nothing but what a region has written is taken for one. Vectors have
// a varint length in front.
//
// Pure. Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "streams/seen.h"
#include "streams/sequence.h"
#include "streams/shards.h"

namespace everwrite::streams {

constexpr uint64_t kIteratorLifeMs = 15ULL * 60 * 1000;
// A position of a hundred logs is about 2 KB; a consumer's place has one of each open shard (32).
constexpr size_t kPositionTextMax = 64 * 1024;
constexpr size_t kSeenMax = 256;

struct Position {
  RegionId region;
  StreamId stream;
  Sequence shard;
  HashRange range;  // of the shard
  Sequence after;   // entries above it follow
  conflict::Vector
      place;  // what the region had applied at `after`, as far as it concerns the shard
  uint64_t created_ms = 0;
  // What was seen elsewhere, until `until` is reached, from where on it says nothing any more. 0:
  // not known yet, this region has not applied all of it.
  SeenSet seen;
  Sequence until;
};

std::string EncodePosition(const Position& position);
// False for text that EncodePosition cannot have made.
bool DecodePosition(std::string_view text, Position& position);

// What a consumer says that it has seen: positions with commas between them, each followed by the
// event ids, with a "+" before each, of records that it has had since. Positions of other streams,
// and of anything else, are refused.
bool ParseSeen(std::string_view text, StreamId stream, std::vector<Seen>& seen);

}  // namespace everwrite::streams
