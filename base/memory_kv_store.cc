#include "base/memory_kv_store.h"

#include <algorithm>

namespace everwrite {
namespace {

size_t Index(ColumnFamily family) { return static_cast<size_t>(family); }

}  // namespace

class MemoryKvStore::Snapshot : public KvSnapshot {
 public:
  // Under the mutex.
  Snapshot(std::mutex& mutex, const Maps& maps) : mutex_(mutex), maps_(maps) {}
  ~Snapshot() override {
    std::lock_guard lock(mutex_);
    maps_ = {};
  }
  const LeafMap& Of(ColumnFamily family) const { return maps_[Index(family)]; }

 private:
  std::mutex& mutex_;
  Maps maps_;
};

// Of the live store: writes may happen between two moves; then the place is looked for again, by
// its key. The place keeps key and value as they were until then.
class MemoryKvStore::Iterator : public KvIterator {
 public:
  // `changes`: of the live store; null of a snapshot, which stays as it is.
  Iterator(std::mutex& mutex, const LeafMap& map, const uint64_t* changes, KvRange range)
      : mutex_(mutex), map_(map), changes_(changes), range_(std::move(range)) {}
  ~Iterator() override {
    std::lock_guard lock(mutex_);
    place_ = {};
  }

  bool Valid() const override { return valid_; }
  void Seek(std::string_view key) override {
    std::lock_guard lock(mutex_);
    Land(map_.LowerBound(std::max(key, std::string_view(range_.begin))));
  }
  void SeekForPrev(std::string_view key) override {
    std::lock_guard lock(mutex_);
    const bool beyond = !range_.end.empty() && key >= range_.end;
    Land(map_.Before(beyond ? map_.LowerBound(range_.end) : map_.UpperBound(key)));
  }
  void Next() override {
    std::lock_guard lock(mutex_);
    CHECK(valid_);
    if (Changed()) return Land(map_.UpperBound(place_->key()));
    map_.Next(place_);
    valid_ = !place_.AtEnd() && IsBelowEnd();  // above the beginning it was
  }
  void Prev() override {
    std::lock_guard lock(mutex_);
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

  std::mutex& mutex_;
  const LeafMap& map_;
  const uint64_t* const changes_;
  const KvRange range_;
  bool valid_ = false;
  uint64_t seen_ = 0;
  LeafMap::Place place_;
};

MemoryKvStore::MemoryKvStore() = default;
MemoryKvStore::~MemoryKvStore() = default;

Result<bool> MemoryKvStore::Get(ColumnFamily family, std::string_view key, std::string* value,
                                const KvSnapshot* snapshot) const {
  std::lock_guard lock(mutex_);
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
  return std::make_unique<Iterator>(mutex_, map, snapshot ? nullptr : &changes_, std::move(range));
}

std::unique_ptr<KvSnapshot> MemoryKvStore::TakeSnapshot() const {
  std::lock_guard lock(mutex_);
  return std::make_unique<Snapshot>(mutex_, maps_);
}

void MemoryKvStore::Apply(const KvBatch& batch, std::vector<Undo>* undo) {
  ++changes_;
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
        LeafMap& map = maps_[Index(family)];
        switch (kind) {
          case KvBatch::Kind::kPut: {
            LeafMap::Held before = map.Put(key, value);
            if (undo) undo->push_back({family, std::string(key), std::move(before)});
            break;
          }
          case KvBatch::Kind::kDelete: {
            LeafMap::Held before = map.Erase(key);
            if (undo && before) undo->push_back({family, std::string(key), std::move(before)});
            break;
          }
          case KvBatch::Kind::kDeleteRange: {
            for (auto at = map.LowerBound(key); !at.AtEnd() && at->key() < value;
                 at = map.LowerBound(key)) {
              LeafMap::Held before = map.Erase(at->key());
              if (undo) undo->push_back({family, std::string(at->key()), std::move(before)});
            }
            break;
          }
        }
      });
}

Status MemoryKvStore::Write(const KvBatch& batch, Sync sync) {
  std::lock_guard lock(mutex_);
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
  std::lock_guard lock(mutex_);
  EW_RETURN_IF_ERROR(write_error_);
  unsynced_.clear();
  return {};
}

void MemoryKvStore::Crash(size_t kept_batches) {
  std::lock_guard lock(mutex_);
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
  std::lock_guard lock(mutex_);
  return maps_[Index(family)].Bytes(range.begin, range.end);
}

void MemoryKvStore::Wipe() {
  std::lock_guard lock(mutex_);
  ++changes_;
  maps_ = {};
  unsynced_.clear();
}

void MemoryKvStore::KeepCopy() {
  std::lock_guard lock(mutex_);
  copy_ = maps_;
}

bool MemoryKvStore::PutBackCopy() {
  std::lock_guard lock(mutex_);
  if (!copy_) return false;
  ++changes_;
  maps_ = *copy_;
  unsynced_.clear();
  return true;
}

size_t MemoryKvStore::unsynced_batches() const {
  std::lock_guard lock(mutex_);
  return unsynced_.size();
}

void MemoryKvStore::FailWrites(Status error) {
  std::lock_guard lock(mutex_);
  write_error_ = std::move(error);
}

}  // namespace everwrite
