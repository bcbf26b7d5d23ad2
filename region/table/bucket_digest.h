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

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  // How another region's digests, of one table, stand to ours of the same buckets, each: of other
  // changes; of the same and equal; of the same, and different.
  enum class Match : uint8_t { kMoving, kEqual, kDiffers };
  std::vector<Match> Compare(TableId table, std::span<const Entry> theirs) const;
  // Up to `limit` buckets at and behind (table, bucket), in order; the first alone.
  std::vector<Entry> List(TableId table, uint32_t bucket, size_t limit) const;
  std::optional<std::pair<TableId, uint16_t>> First(TableId table, uint32_t bucket) const;
  size_t size() const;

  // Up to `limit` of the buckets that were flushed since they were taken last; for the one who
  // shows them to other regions. In key order, and when there are more, from where the last ones
  // ended: each gets its turn. Kept from the first call on.
  std::vector<Entry> TakeMoved(size_t limit);
  void PutBackMoved(TableId table, uint16_t bucket);

 private:
  struct Slot {
    BucketDigest digest;
    bool dirty = false;
  };
  // A place for each bucket of one table, made where one is touched: under load every write looks
  // for its own. They lie in the order in which they were made, without gaps.
  class Buckets {
   public:
    Slot* Find(uint32_t bucket) const {
      return present_[bucket / 64] >> bucket % 64 & 1 ? &SlotAt(places_[bucket]) : nullptr;
    }
    Slot& Make(uint16_t bucket) {
      Slot* const slot = Find(bucket);
      return slot ? *slot : Add(bucket);
    }
    // The first at or behind `bucket` that is there, or that has moved; kBuckets: none.
    uint32_t NextPresent(uint32_t bucket) const { return Next(present_, bucket); }
    uint32_t NextMoved(uint32_t bucket) const { return Next(moved_, bucket); }
    // True when that is news.
    bool SetMoved(uint16_t bucket, bool moved);
    size_t size() const { return size_; }
    size_t CountMoved() const;

   private:
    using Bits = std::array<uint64_t, kBuckets / 64>;
    static constexpr uint32_t kPageSlots = 16;
    using Page = std::array<Slot, kPageSlots>;
    static uint32_t Next(const Bits& bits, uint32_t bucket);
    Slot& Add(uint16_t bucket);
    Slot& SlotAt(uint32_t place) const { return (*pages_[place / kPageSlots])[place % kPageSlots]; }
    std::vector<std::unique_ptr<Page>> pages_;  // slots stay where they are
    uint32_t size_ = 0;
    std::array<uint16_t, kBuckets> places_;  // of those that are present
    Bits present_{};
    Bits moved_{};
  };
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
  // With mutex_ held.
  Slot& Dirty(TableId table, uint16_t bucket);
  size_t SizeNow() const;

  std::vector<Step> steps_;  // of the turn, not seen yet; the turn's own
  std::vector<Lesson> lessons_;
  struct DirtySlot {
    TableId table;
    uint16_t bucket;
    Buckets* buckets;  // in tables_, as the slot
    Slot* slot;
  };
  std::vector<DirtySlot> dirty_;  // Flush's own, as the next: kept for their memory
  std::string encoded_;

  mutable std::mutex mutex_;
  std::map<TableId, Buckets> tables_;             // guarded by mutex_
  bool keep_moved_ = false;                       // guarded by mutex_
  size_t moved_ = 0;                              // buckets, of all tables; guarded by mutex_
  std::pair<TableId, uint32_t> take_moved_at_{};  // guarded by mutex_
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

// Recounts bucket after bucket, all at the moment at which it was made; cheaper than one by one,
// because rows are found where the last bucket ended.
//
// Without a snapshot: when one is given back, RocksDB compacts every file again that was written
// before it and is its keys' last (bottommost), and who counts ten times a second would have each
// memtable written twice. Digests are looked up as they were before and after the rows were opened;
// where they are equal the rows are of that digest, and the few others are counted on their own.
class BucketCounter {
 public:
  // The store must outlive it.
  explicit BucketCounter(const KvStore& store);
  Result<BucketCount> Count(TableId table, uint16_t bucket);
  // The bucket of the first row at or behind this one's begin. None also when it cannot be read.
  std::optional<std::pair<TableId, uint16_t>> FirstWithRows(TableId table, uint16_t bucket);

 private:
  // An iterator that is mostly sent on a little.
  struct Cursor {
    std::unique_ptr<KvIterator> at;
    std::string passed;  // the first key that is not before this is where it stands
    bool placed = false;
    // To the first key at or behind `key`.
    void To(std::string_view key);
  };
  // Empty: there is none.
  static Result<std::string_view> FindDigest(Cursor& digests, std::string_view key);

  const KvStore& store_;
  Cursor before_;  // digests; made in this order
  Cursor rows_;
  Cursor after_;
  std::string bound_;  // of a bucket; for its memory
};

// For tests and the simulator: every bucket, recounted; a line for each that is not sound. Nobody
// may write meanwhile.
Result<std::vector<std::string>> CheckDigests(const KvStore& store, size_t limit = 20);
// The same; `book` is what was loaded from the store.
Result<std::vector<std::string>> CheckDigests(const KvStore& store, const DigestBook& book,
                                              size_t limit = 20);

}  // namespace everwrite::table
