// Port: an ordered key-value store with column families, atomic batches and snapshots.
//
// RocksDB stands behind it in production (region/storage/rocksdb_kv_store), ordered maps in tests
// and simulation (base/memory_kv_store, which can crash). Keys compare as unsigned bytes.
//
// Thread-safety: every method of KvStore may be called from any thread. Batches, iterators and
// snapshots belong to one thread at a time. Iterators and snapshots must go before their store.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/status.h"

namespace everwrite {

enum class ColumnFamily : uint8_t {
  kItems,    // table, hash, key -> version and item
  kIndexes,  // secondary indexes
  kChanges,  // (log, number) -> change record
  kLedger,   // losing writes
  kSystem,   // what the region knows of itself
  kStreams,  // tables' streams, in the region's own order
};
constexpr int kColumnFamilyCount = 6;

// A write is either in the operating system's hands (kNo: survives the process) or on disk (kYes:
// survives the machine) before Write returns.
enum class Sync : uint8_t { kNo, kYes };

// An atomic batch of writes, applied in order. One buffer; clearing keeps its memory.
class KvBatch {
 public:
  enum class Kind : uint8_t { kPut = 1, kDelete = 2, kDeleteRange = 3 };

  KvBatch() = default;
  // What is moved from is empty.
  KvBatch(KvBatch&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        size_(std::exchange(other.size_, 0)),
        room_(std::exchange(other.room_, 0)),
        count_(std::exchange(other.count_, 0)) {}
  KvBatch& operator=(KvBatch&& other) noexcept {
    KvBatch taken(std::move(other));
    std::swap(buffer_, taken.buffer_);
    std::swap(size_, taken.size_);
    std::swap(room_, taken.room_);
    std::swap(count_, taken.count_);
    return *this;
  }

  void Put(ColumnFamily family, std::string_view key, std::string_view value);
  void Delete(ColumnFamily family, std::string_view key);
  // Deletes begin <= key < end.
  void DeleteRange(ColumnFamily family, std::string_view begin, std::string_view end);

  size_t count() const { return count_; }
  size_t bytes() const { return size_; }
  bool empty() const { return count_ == 0; }
  void Clear();

  // Calls visit(Kind, ColumnFamily, key, value or end) for each operation in order.
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    std::string_view rest(buffer_.get(), size_);
    Kind kind;
    ColumnFamily family;
    std::string_view key, value;
    while (Next(rest, kind, family, key, value)) visit(kind, family, key, value);
  }

 private:
  struct Head;
  void Append(Kind kind, ColumnFamily family, std::string_view key, std::string_view value);
  static bool Next(std::string_view& rest, Kind& kind, ColumnFamily& family, std::string_view& key,
                   std::string_view& value);
  char* MakeRoom(size_t bytes);  // at the end

  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  size_t room_ = 0;
  size_t count_ = 0;
};

class KvSnapshot {
 public:
  virtual ~KvSnapshot() = default;
};

// Positioned on an entry or not (Valid). key() and value() stay good until the next move.
class KvIterator {
 public:
  virtual ~KvIterator() = default;
  virtual bool Valid() const = 0;
  virtual void Seek(std::string_view key) = 0;         // first entry >= key
  virtual void SeekForPrev(std::string_view key) = 0;  // last entry <= key
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // Not OK when a read failed: an iterator that is not Valid may have ended for that reason.
  virtual Status status() const = 0;
};

// Bounds on what an iterator may see; empty strings mean no bound. Copied at creation.
struct KvRange {
  std::string begin;  // included
  std::string end;    // excluded
};

class KvStore {
 public:
  virtual ~KvStore() = default;
  // True and the value when the key is there, false when it is not. `snapshot` may be null: the
  // newest.
  virtual Result<bool> Get(ColumnFamily family, std::string_view key, std::string* value,
                           const KvSnapshot* snapshot = nullptr) const = 0;
  virtual std::unique_ptr<KvIterator> NewIterator(ColumnFamily family, KvRange range,
                                                  const KvSnapshot* snapshot = nullptr) const = 0;
  virtual std::unique_ptr<KvSnapshot> TakeSnapshot() const = 0;
  // All of the batch or nothing. After an error the outcome on disk is unknown and every later
  // write fails too: what could not be synced must not be built upon.
  virtual Status Write(const KvBatch& batch, Sync sync) = 0;
  // Makes every earlier Write durable.
  virtual Status SyncLog() = 0;
  // About how much the keys and values of a range take on disk, at little cost.
  virtual uint64_t ApproximateBytes(ColumnFamily family, const KvRange& range) const = 0;
};

}  // namespace everwrite
