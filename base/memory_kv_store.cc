#include "base/memory_kv_store.h"

#include <algorithm>

namespace everwrite {
namespace {

size_t Index(ColumnFamily family) { return static_cast<size_t>(family); }

// Of the mutex, if there is one.
class Lock {
 public:
  explicit Lock(std::mutex* mutex) : mutex_(mutex) {
    if (mutex_) mutex_->lock();
  }
  ~Lock() {
    if (mutex_) mutex_->unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  std::mutex* const mutex_;
};

}  // namespace

class MemoryKvStore::Snapshot : public KvSnapshot {
 public:
  // Under the mutex.
  Snapshot(std::mutex* mutex, const Maps& maps) : mutex_(mutex), maps_(maps) {}
  ~Snapshot() override {
    const Lock lock(mutex_);
    maps_ = {};
  }
  const LeafMap& Of(ColumnFamily family) const { return maps_[Index(family)]; }

 private:
  std::mutex* const mutex_;
  Maps maps_;
};

// Of the live store: writes may happen between two moves; then the place is looked for again, by
// its key. The place keeps key and value as they were until then.
class MemoryKvStore::Iterator : public KvIterator {
 public:
  // `changes`: of the live store; null of a snapshot, which stays as it is.
  Iterator(std::mutex* mutex, const LeafMap& map, const uint64_t* changes, KvRange range)
      : mutex_(mutex), map_(map), changes_(changes), range_(std::move(range)) {}
  ~Iterator() override {
    const Lock lock(mutex_);
    place_ = {};
  }

  bool Valid() const override { return valid_; }
  void Seek(std::string_view key) override {
    const Lock lock(mutex_);
    Land(map_.LowerBound(std::max(key, std::string_view(range_.begin))));
  }
  void SeekForPrev(std::string_view key) override {
    const Lock lock(mutex_);
    const bool beyond = !range_.end.empty() && key >= range_.end;
    Land(map_.Before(beyond ? map_.LowerBound(range_.end) : map_.UpperBound(key)));
  }
  void Next() override {
    const Lock lock(mutex_);
    CHECK(valid_);
    if (Changed()) return Land(map_.UpperBound(place_->key()));
    map_.Next(place_);
    valid_ = !place_.AtEnd() && IsBelowEnd();  // above the beginning it was
  }
  void Prev() override {
    const Lock lock(mutex_);
    CHECK(valid_);
    if (Changed()) return Land(map_.Before(map_.LowerBound(place_->key())));
    map_.Prev(place_);
    Landed();
  }
  std::string_view key() const override { return place_->key(); }
  std::string_view value() const override { return place_->value(); }
  Status status() const override { return {}; }

 private:
  bool Changed() const { return changes_ && *changes_ != seen_; }
  void Land(LeafMap::Place place) {
    place_ = std::move(place);
    Landed();
  }
  bool IsBelowEnd() const { return range_.end.empty() || place_->key() < range_.end; }
  void Landed() {
    valid_ = !place_.AtEnd() && place_->key() >= range_.begin && IsBelowEnd();
    if (changes_) seen_ = *changes_;
  }

  std::mutex* const mutex_;
  const LeafMap& map_;
  const uint64_t* const changes_;
  const KvRange range_;
  bool valid_ = false;
  uint64_t seen_ = 0;
  LeafMap::Place place_;
};

MemoryKvStore::MemoryKvStore(Threads threads) : threads_(threads) {}
MemoryKvStore::~MemoryKvStore() = default;

Result<bool> MemoryKvStore::Get(ColumnFamily family, std::string_view key, std::string* value,
                                const KvSnapshot* snapshot) const {
  const Lock lock(mutex());
  const LeafMap& map =
      snapshot ? static_cast<const Snapshot*>(snapshot)->Of(family) : maps_[Index(family)];
  const LeafMap::Entry* const found = map.Find(key);
  if (!found) return false;
  value->assign(found->value());
  return true;
}

std::unique_ptr<KvIterator> MemoryKvStore::NewIterator(ColumnFamily family, KvRange range,
                                                       const KvSnapshot* snapshot) const {
  const LeafMap& map =
      snapshot ? static_cast<const Snapshot*>(snapshot)->Of(family) : maps_[Index(family)];
  return std::make_unique<Iterator>(mutex(), map, snapshot ? nullptr : &changes_, std::move(range));
}

std::unique_ptr<KvSnapshot> MemoryKvStore::TakeSnapshot() const {
  const Lock lock(mutex());
  return std::make_unique<Snapshot>(mutex(), maps_);
}

void MemoryKvStore::Apply(const KvBatch& batch, std::vector<Undo>* undo) {
  ++changes_;
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
        LeafMap& map = maps_[Index(family)];
        switch (kind) {
          case KvBatch::Kind::kPut: {
            if (!undo) {
              map.Set(key, value);
              break;
            }
            LeafMap::Held before = map.Put(key, value);
            undo->push_back({family, std::string(key), std::move(before)});
            break;
          }
          case KvBatch::Kind::kDelete: {
            LeafMap::Held before = map.Erase(key);
            if (undo && before) undo->push_back({family, std::string(key), std::move(before)});
            break;
          }
          case KvBatch::Kind::kDeleteRange: {
            std::vector<LeafMap::Held> gone;
            map.EraseRange(key, value, undo ? &gone : nullptr);
            for (LeafMap::Held& entry : gone) {
              std::string erased(entry->key());
              undo->push_back({family, std::move(erased), std::move(entry)});
            }
            break;
          }
        }
      });
}

Status MemoryKvStore::Write(const KvBatch& batch, Sync sync) {
  const Lock lock(mutex());
  EW_RETURN_IF_ERROR(write_error_);
  if (sync == Sync::kYes) {
    Apply(batch, nullptr);
    unsynced_.clear();
  } else {
    Apply(batch, &unsynced_.emplace_back());
  }
  return {};
}

Status MemoryKvStore::SyncLog() {
  const Lock lock(mutex());
  EW_RETURN_IF_ERROR(write_error_);
  unsynced_.clear();
  return {};
}

void MemoryKvStore::Crash(size_t kept_batches) {
  const Lock lock(mutex());
  ++changes_;
  while (unsynced_.size() > kept_batches) {
    std::vector<Undo>& undo = unsynced_.back();
    for (auto at = undo.rbegin(); at != undo.rend(); ++at) {
      LeafMap& map = maps_[Index(at->family)];
      if (at->before) {
        map.Put(at->key, at->before->value());
      } else {
        map.Erase(at->key);
      }
    }
    unsynced_.pop_back();
  }
  unsynced_.clear();
}

uint64_t MemoryKvStore::ApproximateBytes(ColumnFamily family, const KvRange& range) const {
  const Lock lock(mutex());
  return maps_[Index(family)].Bytes(range.begin, range.end);
}

void MemoryKvStore::Wipe() {
  const Lock lock(mutex());
  ++changes_;
  maps_ = {};
  unsynced_.clear();
}

void MemoryKvStore::KeepCopy() {
  const Lock lock(mutex());
  copy_ = maps_;
}

bool MemoryKvStore::PutBackCopy() {
  const Lock lock(mutex());
  if (!copy_) return false;
  ++changes_;
  maps_ = *copy_;
  unsynced_.clear();
  return true;
}

size_t MemoryKvStore::unsynced_batches() const {
  const Lock lock(mutex());
  return unsynced_.size();
}

void MemoryKvStore::FailWrites(Status error) {
  const Lock lock(mutex());
  write_error_ = std::move(error);
}

}  // namespace everwrite
