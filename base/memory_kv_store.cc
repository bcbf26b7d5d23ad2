#include "base/memory_kv_store.h"

#include <algorithm>

namespace everwrite {
namespace {

struct MemorySnapshot : KvSnapshot {
  MemoryKvStore::Maps maps;
};

size_t Index(ColumnFamily family) { return static_cast<size_t>(family); }

}  // namespace

// Walks the live map by key, not by map iterator: writes may happen between two moves.
class MemoryKvStore::Iterator : public KvIterator {
 public:
  Iterator(std::mutex& mutex, const std::shared_ptr<Map>& map, KvRange range)
      : mutex_(mutex), map_(map), range_(std::move(range)) {}

  bool Valid() const override { return valid_; }
  void Seek(std::string_view key) override {
    std::lock_guard lock(mutex_);
    Land(map_->lower_bound(std::max(key, std::string_view(range_.begin))));
  }
  void SeekForPrev(std::string_view key) override {
    std::lock_guard lock(mutex_);
    const bool beyond = !range_.end.empty() && key >= range_.end;
    LandBefore(beyond ? map_->lower_bound(range_.end) : map_->upper_bound(key));
  }
  void Next() override {
    std::lock_guard lock(mutex_);
    CHECK(valid_);
    Land(map_->upper_bound(key_));
  }
  void Prev() override {
    std::lock_guard lock(mutex_);
    CHECK(valid_);
    LandBefore(map_->lower_bound(key_));
  }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }
  Status status() const override { return {}; }

 private:
  void Land(Map::const_iterator at) {
    valid_ = at != map_->end() && at->first >= range_.begin &&
             (range_.end.empty() || at->first < range_.end);
    if (valid_) {
      key_ = at->first;
      value_ = at->second;
    }
  }
  void LandBefore(Map::const_iterator after) {
    if (after == map_->begin()) {
      valid_ = false;
      return;
    }
    Land(std::prev(after));
  }

  std::mutex& mutex_;
  const std::shared_ptr<Map>& map_;  // the store's or a snapshot's, which may be replaced
  const KvRange range_;
  bool valid_ = false;
  std::string key_, value_;
};

MemoryKvStore::MemoryKvStore() {
  for (auto& map : maps_) map = std::make_shared<Map>();
}
MemoryKvStore::~MemoryKvStore() = default;

Result<bool> MemoryKvStore::Get(ColumnFamily family, std::string_view key, std::string* value,
                                const KvSnapshot* snapshot) const {
  std::lock_guard lock(mutex_);
  const Maps& maps = snapshot ? static_cast<const MemorySnapshot*>(snapshot)->maps : maps_;
  const Map& map = *maps[Index(family)];
  const auto at = map.find(key);
  if (at == map.end()) return false;
  value->assign(at->second);
  return true;
}

std::unique_ptr<KvIterator> MemoryKvStore::NewIterator(ColumnFamily family, KvRange range,
                                                       const KvSnapshot* snapshot) const {
  const Maps& maps = snapshot ? static_cast<const MemorySnapshot*>(snapshot)->maps : maps_;
  return std::make_unique<Iterator>(mutex_, maps[Index(family)], std::move(range));
}

std::unique_ptr<KvSnapshot> MemoryKvStore::TakeSnapshot() const {
  auto snapshot = std::make_unique<MemorySnapshot>();
  std::lock_guard lock(mutex_);
  snapshot->maps = maps_;
  return snapshot;
}

MemoryKvStore::Map& MemoryKvStore::Own(ColumnFamily family) {
  std::shared_ptr<Map>& map = maps_[Index(family)];
  if (map.use_count() > 1) map = std::make_shared<Map>(*map);
  return *map;
}

void MemoryKvStore::Apply(const KvBatch& batch, std::vector<Undo>* undo) {
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
        Map& map = Own(family);
        const auto remember = [&](Map::iterator at) {
          if (undo) undo->push_back({family, at->first, std::move(at->second)});
        };
        switch (kind) {
          case KvBatch::Kind::kPut: {
            const auto at = map.find(key);
            if (at == map.end()) {
              if (undo) undo->push_back({family, std::string(key), std::nullopt});
              map.emplace(key, value);
            } else {
              remember(at);
              at->second = value;
            }
            break;
          }
          case KvBatch::Kind::kDelete: {
            const auto at = map.find(key);
            if (at == map.end()) break;
            remember(at);
            map.erase(at);
            break;
          }
          case KvBatch::Kind::kDeleteRange: {
            auto at = map.lower_bound(key);
            while (at != map.end() && at->first < value) {
              remember(at);
              at = map.erase(at);
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
  while (unsynced_.size() > kept_batches) {
    std::vector<Undo>& undo = unsynced_.back();
    for (auto at = undo.rbegin(); at != undo.rend(); ++at) {
      Map& map = Own(at->family);
      if (at->value) {
        map[at->key] = std::move(*at->value);
      } else {
        map.erase(at->key);
      }
    }
    unsynced_.pop_back();
  }
  unsynced_.clear();
}

uint64_t MemoryKvStore::ApproximateBytes(ColumnFamily family, const KvRange& range) const {
  std::lock_guard lock(mutex_);
  const Map& map = *maps_[Index(family)];
  uint64_t bytes = 0;
  for (auto at = map.lower_bound(range.begin);
       at != map.end() && (range.end.empty() || at->first < range.end); ++at)
    bytes += at->first.size() + at->second.size();
  return bytes;
}

void MemoryKvStore::Wipe() {
  std::lock_guard lock(mutex_);
  for (auto& map : maps_) map = std::make_shared<Map>();
  unsynced_.clear();
}

void MemoryKvStore::KeepCopy() {
  std::lock_guard lock(mutex_);
  copy_ = maps_;
}

bool MemoryKvStore::PutBackCopy() {
  std::lock_guard lock(mutex_);
  if (!copy_[0]) return false;
  maps_ = copy_;
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
