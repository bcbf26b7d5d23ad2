#include "base/leaf_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace everwrite {
namespace {

size_t LowerIndex(const std::vector<LeafMap::Entry>& entries, std::string_view key) {
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), key,
      [](const LeafMap::Entry& entry, std::string_view than) { return entry.key < than; });
  return static_cast<size_t>(at - entries.begin());
}

}  // namespace

size_t LeafMap::LeafOf(std::string_view key) const {
  const auto after = std::upper_bound(
      leaves_.begin(), leaves_.end(), key,
      [](std::string_view than, const LeafPtr& leaf) { return than < leaf->entries.front().key; });
  return after == leaves_.begin() ? 0 : static_cast<size_t>(after - leaves_.begin()) - 1;
}

LeafMap::Leaf& LeafMap::Own(size_t number) {
  LeafPtr& leaf = leaves_[number];
  if (leaf.use_count() > 1) leaf = std::make_shared<Leaf>(*leaf);
  return *leaf;
}

LeafMap::Place LeafMap::At(size_t number, size_t index) const {
  Place place;
  if (number < leaves_.size() && index == leaves_[number]->entries.size()) {
    ++number;
    index = 0;
  }
  place.number_ = number;
  place.index_ = index;
  if (number < leaves_.size()) place.leaf_ = leaves_[number];
  return place;
}

const std::string* LeafMap::Find(std::string_view key) const {
  if (leaves_.empty()) return nullptr;
  const std::vector<Entry>& entries = leaves_[LeafOf(key)]->entries;
  const size_t index = LowerIndex(entries, key);
  return index < entries.size() && entries[index].key == key ? &entries[index].value : nullptr;
}

LeafMap::Place LeafMap::LowerBound(std::string_view key) const {
  if (leaves_.empty()) return {};
  const size_t number = LeafOf(key);
  return At(number, LowerIndex(leaves_[number]->entries, key));
}

LeafMap::Place LeafMap::UpperBound(std::string_view key) const {
  Place place = LowerBound(key);
  if (!place.AtEnd() && place->key == key) Next(place);
  return place;
}

void LeafMap::Next(Place& place) const {
  if (place.index_ + 1 < place.leaf_->entries.size()) {
    ++place.index_;
  } else {
    place = At(place.number_ + 1, 0);
  }
}

void LeafMap::Prev(Place& place) const {
  if (place.index_ > 0) {
    --place.index_;
  } else {
    place = Before(place);
  }
}

LeafMap::Place LeafMap::Before(const Place& place) const {
  if (place.index_ > 0) return At(place.number_, place.index_ - 1);
  if (place.number_ == 0 || leaves_.empty()) return {};
  return At(place.number_ - 1, leaves_[place.number_ - 1]->entries.size() - 1);
}

std::optional<std::string> LeafMap::Put(std::string_view key, std::string_view value) {
  const bool first = leaves_.empty();
  if (first) leaves_.push_back(std::make_shared<Leaf>());
  const size_t number = first ? 0 : LeafOf(key);
  Leaf& leaf = Own(number);
  const size_t index = LowerIndex(leaf.entries, key);
  if (index < leaf.entries.size() && leaf.entries[index].key == key) {
    std::string& there = leaf.entries[index].value;
    leaf.bytes += value.size() - there.size();
    return std::exchange(there, std::string(value));
  }
  leaf.bytes += key.size() + value.size();
  leaf.entries.insert(leaf.entries.begin() + static_cast<ptrdiff_t>(index),
                      Entry{std::string(key), std::string(value)});
  // What grows at its end, as a log does, leaves full leaves behind.
  if (leaf.entries.size() > kEntriesMax)
    Split(number, index == kEntriesMax ? kEntriesMax : kEntriesMax / 2);
  return std::nullopt;
}

void LeafMap::Split(size_t number, size_t at) {
  Leaf& left = *leaves_[number];
  auto right = std::make_shared<Leaf>();
  const auto from = left.entries.begin() + static_cast<ptrdiff_t>(at);
  right->entries.reserve(kEntriesMax + 1);
  right->entries.assign(std::make_move_iterator(from), std::make_move_iterator(left.entries.end()));
  left.entries.erase(from, left.entries.end());
  for (const Entry& entry : right->entries) right->bytes += entry.key.size() + entry.value.size();
  left.bytes -= right->bytes;
  leaves_.insert(leaves_.begin() + static_cast<ptrdiff_t>(number) + 1, std::move(right));
}

std::optional<std::string> LeafMap::Erase(std::string_view key) {
  if (!Find(key)) return std::nullopt;
  const size_t number = LeafOf(key);
  Leaf& leaf = Own(number);
  const auto at = leaf.entries.begin() + static_cast<ptrdiff_t>(LowerIndex(leaf.entries, key));
  std::optional<std::string> before = std::move(at->value);
  leaf.bytes -= key.size() + before->size();
  leaf.entries.erase(at);
  if (leaf.entries.empty()) leaves_.erase(leaves_.begin() + static_cast<ptrdiff_t>(number));
  return before;
}

size_t LeafMap::Bytes(std::string_view begin, std::string_view end) const {
  size_t bytes = 0;
  Place place = LowerBound(begin);
  const auto within = [end](const Entry& entry) { return end.empty() || entry.key < end; };
  while (!place.AtEnd() && within(*place)) {
    const Leaf& leaf = *place.leaf_;
    if (place.index_ == 0 && within(leaf.entries.back())) {
      bytes += leaf.bytes;
      place = At(place.number_ + 1, 0);
    } else {
      bytes += place->key.size() + place->value.size();
      Next(place);
    }
  }
  return bytes;
}

}  // namespace everwrite
