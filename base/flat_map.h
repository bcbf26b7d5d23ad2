// FlatMap: a map of few entries, in one piece of memory, sorted by key. To go through it costs what
// an array costs; to look something up, a search by halves; what comes or goes moves those behind
// it. As std::flat_map of C++23.
//
// What comes or goes makes iterators and references void. Keys are not to be changed through them.
//
// Thread-safety: a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace everwrite {

template <typename Key, typename Value>
class FlatMap {
 public:
  using value_type = std::pair<Key, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

  iterator find(const Key& key) { return Find(*this, key); }
  const_iterator find(const Key& key) const { return Find(*this, key); }
  bool contains(const Key& key) const { return find(key) != end(); }
  // CHECKs that it is there.
  Value& at(const Key& key) { return At(*this, key); }
  const Value& at(const Key& key) const { return At(*this, key); }
  Value& operator[](const Key& key) {
    const iterator place = LowerBound(*this, key);
    if (place != end() && place->first == key) return place->second;
    return entries_.emplace(place, key, Value())->second;
  }
  size_t erase(const Key& key) {
    const iterator found = find(key);
    if (found == end()) return 0;
    entries_.erase(found);
    return 1;
  }
  template <typename Predicate>
  friend size_t erase_if(FlatMap& map, Predicate predicate) {
    return std::erase_if(map.entries_, predicate);
  }

 private:
  static constexpr size_t kFew = 8;

  // One after the other where there are few, as mostly.
  template <typename Map>
  static auto LowerBound(Map& map, const Key& key) {
    const auto is_below = [&key](const value_type& entry) { return entry.first < key; };
    auto at = map.begin();
    if (map.size() > kFew) return std::partition_point(at, map.end(), is_below);
    while (at != map.end() && is_below(*at)) ++at;
    return at;
  }
  template <typename Map>
  static auto Find(Map& map, const Key& key) {
    const auto place = LowerBound(map, key);
    return place != map.end() && place->first == key ? place : map.end();
  }
  template <typename Map>
  static auto& At(Map& map, const Key& key) {
    const auto found = Find(map, key);
    CHECK(found != map.end(), "no such key");
    return found->second;
  }

  std::vector<value_type> entries_;
};

}  // namespace everwrite
