// Bucket digests: a running proof that regions hold the same rows.
//
// The keys of each table are cut into kBuckets buckets by their hash. For each bucket a region
// keeps, in the batch of the very change, `sum`: the sum of the hashes of its live rows, each over
// key, version and content; and `touched`: per log, the number of the last change that had to do
// with the bucket, whether it won here or lost. Two regions with equal `touched` have decided on
// exactly the same changes of the bucket, so by the laws of the resolver their rows must be equal,
// and so must the sums. Regions can be compared at any time and under load: where `touched` differs
// nothing is said, and a difference of the sums is never lag.
//
// Tombstones count as nothing: one region may forget them before another.
//
// The idea of comparing by hashes of ranges is that of anti-entropy by Merkle trees (Dynamo, 2007);
// naming what a hash speaks of by a version vector instead of stopping writes is ours.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "conflict/vector_clock.h"
#include "region/table/layout.h"

namespace everwrite::table {

constexpr int kBucketBits = 12;
constexpr uint32_t kBuckets = 1 << kBucketBits;

// The bucket of a row, by its items key. Buckets are ranges: of users' tables, of the hash that the
// key begins with; the table of tables has one.
uint16_t BucketOf(std::string_view store_key);
// The items keys of a bucket, [begin, end).
KvRange BucketRange(TableId table, uint16_t bucket);

// The hash of a row's content, made where there is time; and with its version and key, made in the
// turn. A tombstone has none: 0.
uint64_t ContentHash(std::string_view image);
uint64_t RowHash(std::string_view store_key, const conflict::Version& version, uint64_t content);
uint64_t RowHash(std::string_view store_key, const StoredItem& row);

struct BucketDigest {
  uint64_t sum = 0;  // of the live rows' hashes, modulo 2^64
  conflict::Vector touched;
  friend bool operator==(const BucketDigest&, const BucketDigest&) = default;
};
std::string DigestKey(TableId table, uint16_t bucket);
// False for what is no digest's key.
bool ParseDigestKey(std::string_view key, TableId& table, uint16_t& bucket);
// All digests in the system family.
KvRange DigestRange();
std::string EncodeBucketDigest(const BucketDigest& digest);
bool DecodeBucketDigest(std::string_view bytes, BucketDigest& digest);

// All digests of a region, in memory and in the store.
//
// What a turn does to a bucket is seen all at once, by Flush: within a turn a digest may not be
// that of any history. (Of two changes of one row in one batch only the last moves the sum.)
//
// Thread-safety: Touch, Learn, Adjust, Drop and Flush in the committer's turn; reading from any
// thread. What is read may be a turn ahead of the store; whoever shows it to others looks at
// `touched`.
class DigestBook {
 public:
  Status Load(const KvStore& store);

  // A change has been decided on: the bucket's sum moves by `delta` (new hash minus old).
  void Touch(TableId table, uint16_t bucket, Dot dot, uint64_t delta);
  // These changes have touched the bucket, and the rows show it already.
  void Learn(TableId table, uint16_t bucket, const conflict::Vector& touched);
  // The table is gone.
  void Drop(TableId table, KvBatch& batch);
  // Shows, and puts, what was touched since the last Flush.
  void Flush(KvBatch& batch);
  // Moves the sum of a bucket without a change: a recount has found it wrong, or a row is put
  // right. The table must be there.
  void Adjust(TableId table, uint16_t bucket, uint64_t delta);

  BucketDigest Get(TableId table, uint16_t bucket) const;
  struct Entry {
    TableId table;
    uint16_t bucket = 0;
    BucketDigest digest;
  };
  // Up to `limit` buckets at and behind (table, bucket), in order.
  std::vector<Entry> List(TableId table, uint32_t bucket, size_t limit) const;
  size_t size() const;

  // The buckets that were flushed since they were taken last, in key order; for the one who shows
  // them to other regions. Kept from the first call on.
  std::vector<Entry> TakeMoved(size_t limit);
  void PutBackMoved(TableId table, uint16_t bucket);

 private:
  struct Slot {
    BucketDigest digest;
    bool dirty = false;
  };
  using Buckets = std::map<uint16_t, Slot>;
  struct Step {
    TableId table;
    uint16_t bucket;
    Dot dot;  // number 0: none
    uint64_t delta = 0;
  };
  struct Lesson {
    TableId table;
    uint16_t bucket;
    conflict::Vector touched;
  };
  Slot& Dirty(TableId table, uint16_t bucket);  // with mutex_ held

  std::vector<Step> steps_;  // of the turn, not seen yet; the turn's own
  std::vector<Lesson> lessons_;
  struct DirtySlot {
    TableId table;
    uint16_t bucket;
    Slot* slot;  // in tables_
  };
  std::vector<DirtySlot> dirty_;  // Flush's own; kept for its memory

  mutable std::mutex mutex_;
  std::map<TableId, Buckets> tables_;             // guarded by mutex_
  bool keep_moved_ = false;                       // guarded by mutex_
  std::set<std::pair<TableId, uint16_t>> moved_;  // guarded by mutex_
};

// One bucket recounted from its rows, at one moment of the store.
struct BucketCount {
  BucketDigest said;  // what the digest of that moment says
  uint64_t sum = 0;   // what the rows say
  uint64_t rows = 0;  // live
  bool sound() const { return said.sum == sum; }
};
// kDataLoss when a row or digest cannot be read.
Result<BucketCount> CountBucket(const KvStore& store, TableId table, uint16_t bucket);
Result<BucketCount> CountBucket(const KvStore& store, TableId table, uint16_t bucket,
                                const KvSnapshot& snapshot);

// For tests and the simulator: every bucket, recounted; a line for each that is not sound or whose
// digest is of a table that is not there. Nobody may write meanwhile.
Result<std::vector<std::string>> CheckDigests(const KvStore& store, size_t limit = 20);

}  // namespace everwrite::table
