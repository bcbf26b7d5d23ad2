// Shards: how a table's stream is cut into pieces that can be read side by side, and in which order
// pieces follow each other.
//
// A shard has the records of a range of key hashes from one sequence to another. The open ones
// together have all keys, each key one. A consumer reads a shard when it has read its parent to the
// end, so for each item the chain of shards from the oldest to the open one must be a chain of
// parents:
//
//   roll    a shard is closed and a child of the same range follows, when it is old or large
//   split   ... two children, each with half of the range, when much is written
//   merge   two shards whose ranges are halves of one are closed and one child follows. A shard has
//           one parent (DynamoDB has no field for a second), so this is done only when one of the
//           two has had no record since the split, as far back as anything is kept, and that for
//           as long as a roll takes: nobody needs to wait for a shard in which nothing is.
//
//           +-- A (0*) --- roll --- C (0*) --+
//   root ---+                                +--- E (all), child of C, when B's range is empty
//           +-- B (1*) ----------------------+
//
// Ranges are prefixes of the hash, so halves are halves again and ranges never overlap in part.
// Shards are trimmed whole, some time after all of their records are old enough.
//
// Pure. Thread-safety: values; a tree belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "streams/sequence.h"

namespace everwrite::streams {

// The hashes whose first `depth` bits are those of `first`; the other bits of `first` are 0.
struct HashRange {
  static constexpr int kDepthMax = 16;
  uint64_t first = 0;
  uint8_t depth = 0;

  bool Has(uint64_t hash) const { return ((hash ^ first) & Mask()) == 0; }
  bool Contains(const HashRange& other) const { return depth <= other.depth && Has(other.first); }
  bool Overlaps(const HashRange& other) const { return Contains(other) || other.Contains(*this); }
  // The lower (0) or upper (1) half. Not at kDepthMax.
  HashRange Half(int which) const;
  // The range of which this is a half. Not of the whole.
  HashRange Whole() const;
  bool valid() const { return depth <= kDepthMax && (first & ~Mask()) == 0; }
  friend auto operator<=>(const HashRange&, const HashRange&) = default;

 private:
  uint64_t Mask() const { return depth == 0 ? 0 : ~uint64_t{0} << (64 - depth); }
};

struct Shard {
  Sequence number;  // at which it began: its name
  Sequence parent;  // 0: none
  HashRange range;
  Sequence last;           // at which it was closed, above all of its records; 0: open
  conflict::Vector begin;  // what the region had applied when it began

  // Not stored. Records, shadows included, and their bytes; after a restart what was there before
  // counts as one. `recent`: since the policy looked last.
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t recent = 0;

  bool open() const { return last.value == 0; }
};

std::string EncodeShard(const Shard& shard);  // without its number
bool DecodeShard(std::string_view bytes, Shard& shard);

struct ShardPolicy {
  uint64_t keep_ms = 24ULL * 3600 * 1000;  // after a shard is closed
  uint64_t roll_ms = 4ULL * 3600 * 1000;   // of a shard in which something is
  uint64_t records_max = 1'000'000;
  uint64_t bytes_max = 1ULL << 30;
  uint64_t split_records_per_second = 1000;
  size_t open_max = 32;
  uint64_t entries_per_mark = 256;  // of one shard (position.h)
};

struct ShardStep {
  enum class Kind : uint8_t { kRoll, kSplit, kMerge };
  Kind kind = Kind::kRoll;
  Sequence shard;  // the parent
  Sequence other;  // kMerge: the empty one
  friend bool operator==(const ShardStep&, const ShardStep&) = default;
};

class ShardTree {
 public:
  const std::map<Sequence, Shard>& all() const { return shards_; }
  const Shard* Find(Sequence number) const;
  bool any_open() const { return !open_.empty(); }
  // The open shard of a key. There must be one.
  Shard& OpenFor(uint64_t hash);

  // A shard that was stored, or a new one: open shards must not overlap.
  void Add(Shard shard);
  void Close(Sequence number, Sequence last);
  void Forget(Sequence number);  // a closed one
  void CountAnew();              // `recent`, of all

  // Ranges that have no open shard, and below each the closed shard that it should follow (0:
  // none): what a stream needs that is begun, or turned on again.
  std::vector<std::pair<HashRange, Sequence>> Missing() const;

  // What should be done now. `elapsed_ms` is the time in which `recent` was counted.
  std::vector<ShardStep> Plan(const ShardPolicy& policy, uint64_t now_ms,
                              uint64_t elapsed_ms) const;
  // Closed shards that are old enough to go, oldest first.
  std::vector<Sequence> Expired(const ShardPolicy& policy, uint64_t now_ms) const;

 private:
  std::optional<ShardStep> PlanFor(const Shard& shard, const ShardPolicy& policy, size_t open,
                                   uint64_t now_ms, uint64_t elapsed_ms) const;
  // The open shard of the other half of this one's range, if it has just that range.
  const Shard* SiblingOf(const Shard& shard) const;
  bool IsEmptySinceSplit(const Shard& shard) const;

  std::map<Sequence, Shard> shards_;
  std::map<uint64_t, Sequence> open_;  // by the first hash of the range
};

}  // namespace everwrite::streams
