// An ordered map of byte strings whose copies are cheap: two levels, a list of leaves of some dozen
// sorted entries each. A copy shares the leaves; who changes one that is shared copies that leaf
// first. Keys compare as unsigned bytes.
//
// What a Place points at stays as it is while the place is held, whatever is done to the map: a
// place shares its leaf.
//
// Thread-safety: none, and sharing counts: copies, places and maps that share leaves belong under
// one lock.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everwrite {

class LeafMap {
 public:
  struct Entry {
    std::string key;
    std::string value;
  };

 private:
  struct Leaf {
    std::vector<Entry> entries;  // sorted, not empty
    size_t bytes = 0;            // of all keys and values
  };
  using LeafPtr = std::shared_ptr<Leaf>;

 public:
  // An entry, or the end.
  class Place {
   public:
    bool AtEnd() const { return !leaf_; }
    const Entry& operator*() const { return leaf_->entries[index_]; }
    const Entry* operator->() const { return &leaf_->entries[index_]; }

   private:
    friend class LeafMap;
    LeafPtr leaf_;
    size_t number_ = 0;  // of the leaf in the map
    size_t index_ = 0;
  };

  const std::string* Find(std::string_view key) const;  // null: not there
  // The first whose key is not below `key`; the first above it.
  Place LowerBound(std::string_view key) const;
  Place UpperBound(std::string_view key) const;
  // The next or previous one of a place that is not the end; the map must be as it was when the
  // place was taken.
  void Next(Place& place) const;
  void Prev(Place& place) const;
  // The last entry before that place, of the end too; the end: there is none.
  Place Before(const Place& place) const;

  // The value that was there before, if any.
  std::optional<std::string> Put(std::string_view key, std::string_view value);
  std::optional<std::string> Erase(std::string_view key);

  // Of the keys and values in begin <= key < end; an empty end is no bound.
  size_t Bytes(std::string_view begin, std::string_view end) const;

 private:
  static constexpr size_t kEntriesMax = 64;

  // The leaf in whose range the key is; the map must not be empty.
  size_t LeafOf(std::string_view key) const;
  Leaf& Own(size_t number);
  Place At(size_t number, size_t index) const;
  void Split(size_t number, size_t at);

  std::vector<LeafPtr> leaves_;
};

}  // namespace everwrite
