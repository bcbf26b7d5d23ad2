// TextCache: values by text, bounded in entries and in bytes; the one used longest ago goes first.
// For what is parsed from texts that come again and again.
//
// Thread-safety: belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace everwrite {

struct TextCacheOptions {
  size_t entries_max = 512;
  size_t bytes_max = 1024 * 1024;
};

template <typename Value>
class TextCache {
 public:
  explicit TextCache(const TextCacheOptions& options) : options_(options) {}
  TextCache(const TextCache&) = delete;
  TextCache& operator=(const TextCache&) = delete;

  // Null when it is not there; else valid until the next Insert. Texts of different kinds differ.
  const Value* Find(uint8_t kind, std::string_view text) {
    const auto found = by_key_.find({kind, text});
    if (found == by_key_.end()) {
      ++misses_;
      return nullptr;
    }
    ++hits_;
    recent_.splice(recent_.begin(), recent_, found->second);
    return &found->second->value;
  }

  // After a Find that found nothing. `bytes` is what the value takes, roughly; one that takes more
  // than there is room for is not kept.
  void Insert(uint8_t kind, std::string_view text, Value value, size_t bytes) {
    bytes += text.size() + kEntryOverheadBytes;
    if (bytes > options_.bytes_max || options_.entries_max == 0) return;
    while (by_key_.size() >= options_.entries_max || bytes_ + bytes > options_.bytes_max) {
      EvictOldest();
    }
    recent_.push_front({kind, std::string(text), std::move(value), bytes});
    by_key_.emplace(Key{kind, recent_.front().text}, recent_.begin());
    bytes_ += bytes;
  }

  size_t entries() const { return by_key_.size(); }
  size_t bytes() const { return bytes_; }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  // List node, hash node and bucket of one entry.
  static constexpr size_t kEntryOverheadBytes = 160;

  struct Key {
    uint8_t kind;
    std::string_view text;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct HashKey {
    size_t operator()(const Key& key) const {
      return std::hash<std::string_view>()(key.text) ^ key.kind;
    }
  };
  struct Entry {
    uint8_t kind;
    std::string text;
    Value value;
    size_t bytes;
  };

  void EvictOldest() {
    const Entry& oldest = recent_.back();
    bytes_ -= oldest.bytes;
    by_key_.erase({oldest.kind, oldest.text});
    recent_.pop_back();
  }

  const TextCacheOptions options_;
  std::list<Entry> recent_;  // used last first; keys borrow its texts
  std::unordered_map<Key, typename std::list<Entry>::iterator, HashKey> by_key_;
  size_t bytes_ = 0;
  uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace everwrite
