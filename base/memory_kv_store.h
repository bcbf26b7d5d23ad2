// KvStore in memory, for tests and the simulator, with a crash: Crash() forgets every batch that no
// sync has covered, as a power cut does to a write-ahead log.
//
// One ordered map a column family (leaf_map.h). A write logs how to undo itself until a sync passes
// it; a snapshot shares the maps, and later writes copy the nodes that they change.
//
// Thread-safety: as the port asks (one mutex around everything), unless it is told that one thread
// uses it alone, as the simulator does with every step of an iterator.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/leaf_map.h"

namespace everwrite {

class MemoryKvStore : public KvStore {
 public:
  using Maps = std::array<LeafMap, kColumnFamilyCount>;

  enum class Threads : uint8_t { kMany, kOne };

  explicit MemoryKvStore(Threads threads = Threads::kMany);
  ~MemoryKvStore() override;

  Result<bool> Get(ColumnFamily family, std::string_view key, std::string* value,
                   const KvSnapshot* snapshot = nullptr) const override;
  std::unique_ptr<KvIterator> NewIterator(ColumnFamily family, KvRange range,
                                          const KvSnapshot* snapshot = nullptr) const override;
  std::unique_ptr<KvSnapshot> TakeSnapshot() const override;
  Status Write(const KvBatch& batch, Sync sync) override;
  Status SyncLog() override;
  uint64_t ApproximateBytes(ColumnFamily family, const KvRange& range) const override;

  // The power goes: the store is as it was after the last sync, plus the first `kept` of the
  // batches written since (a real log may have reached the disk in part, but never out of order).
  void Crash(size_t kept_batches = 0);
  size_t unsynced_batches() const;

  // The disk is gone: everything is.
  void Wipe();
  // A copy of the disk as it is now; and that copy put back in its place. False: there is none.
  void KeepCopy();
  bool PutBackCopy();

  // Every later Write and SyncLog returns this error, until it is cleared with OK.
  void FailWrites(Status error);

 private:
  struct Undo {
    ColumnFamily family;
    std::string key;
    LeafMap::Held before;  // what was there
  };
  class Snapshot;
  class Iterator;
  void Apply(const KvBatch& batch, std::vector<Undo>* undo);

  // Null: nothing needs to be locked.
  std::mutex* mutex() const { return threads_ == Threads::kMany ? &mutex_ : nullptr; }

  const Threads threads_;
  mutable std::mutex mutex_;
  Maps maps_;
  uint64_t changes_ = 0;  // counts whatever changes maps_
  std::optional<Maps> copy_;
  std::vector<std::vector<Undo>> unsynced_;  // one entry a batch, oldest first
  Status write_error_;
};

}  // namespace everwrite
