// SeenSet: what a consumer has seen of a stream in other regions, and what is left for it to see in
// this one.
//
// The problem. Regions apply changes in different orders, so "the place after this record" is no
// number that two regions share. What they share are dots and versions. What a consumer has read of
// a shard is: of the keys of a hash range, the changes of a vector (position.h). That is a set of
// changes and means the same everywhere.
//
// In this region the consumer goes through the entries in this region's order. An entry is shown
// unless
//   - it is in the set: it was shown before; or
//   - an entry of the same item that is in the set has a higher version: the item had a later
//     content when the consumer left, there this change would have lost, and no record was due.
// So of each item the versions that the consumer sees keep rising, no change is shown twice, and
// what is left out was shown or overwritten. One thing more is shown than this region shows others:
// a change that left the item as it was here, when the consumer has seen a content in between that
// never was here (it lost).
//
// The second rule needs all of the set to be known here: as long as this region has not applied all
// of it, nothing is shown. And it looks at entries that come later than the one in question, so
// whoever reads notes all entries of the set, from where it stands to where this region had applied
// all of the set, before it decides. From there on every entry is new.
//
// Pure. Thread-safety: values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "conflict/version.h"
#include "streams/shards.h"

namespace everwrite::streams {

// Of the keys in `range`, everything that `vector` covers.
struct Seen {
  HashRange range;
  conflict::Vector vector;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class SeenSet {
 public:
  SeenSet() = default;
  // The union of these, as far as they are about keys of `within`.
  SeenSet(const std::vector<Seen>& seen, const HashRange& within);

  bool empty() const { return seen_.empty(); }
  const std::vector<Seen>& seen() const { return seen_; }

  bool Covers(uint64_t hash, Dot dot) const {
    size_t at = 0;
    return Covers(hash, dot, at);
  }
  // The same for who asks of many: `at` is the part that is looked at first, and then the one that
  // covers it.
  bool Covers(uint64_t hash, Dot dot, size_t& at) const;
  // Of every key of `range`, everything that `vector` covers.
  bool CoversAll(const HashRange& range, const conflict::Vector& vector) const {
    return LeastOf(range).Covers(vector);
  }
  // What it covers of every key of `range`.
  conflict::Vector LeastOf(const HashRange& range) const;
  // All of it is within `applied`.
  bool IsWithin(const conflict::Vector& applied) const;
  // Leaves only what is within `applied`.
  void CutTo(const conflict::Vector& applied);
  friend bool operator==(const SeenSet&, const SeenSet&) = default;

 private:
  std::vector<Seen> seen_;  // sorted by range, no range twice
};

// Decides which entries are shown, as above; of the entries that were noted when it was made.
class SeenFilter {
 public:
  class Maker;
  const SeenSet& set() const { return set_; }
  size_t size() const { return highest_.size(); }  // items kept
  bool Shows(std::string_view key, const conflict::Version& version) const;
  // The same of a change that left the item as it was.
  bool ShowsHidden(std::string_view key, const conflict::Version& version) const {
    return highest_.find(key) != highest_.end() && Shows(key, version);
  }

 private:
  explicit SeenFilter(SeenSet set) : set_(std::move(set)) {}
  SeenSet set_;
  struct HashOfText {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return Hash64(text); }
  };
  // Of the set, by key: of the items that have an entry which is not in the set.
  std::unordered_map<std::string, conflict::Version, HashOfText, std::equal_to<>> highest_;
};

// Notes each entry between the place where the consumer stands and the one where all of the set is
// known. Nearly all are in the set, and most are of items that have no other entry there, of which
// nothing will ever be asked: so they are laid aside as they come, and looked through at the end.
class SeenFilter::Maker {
 public:
  explicit Maker(SeenSet set) : filter_(std::move(set)) {}
  void Note(std::string_view key, const conflict::Version& version);
  SeenFilter Make() &&;

 private:
  struct Covered {
    size_t key;  // where its key ends in keys_; it begins where the one before ends
    conflict::Version version;
  };
  SeenFilter filter_;
  size_t part_ = 0;  // of the set, that covered the last one
  std::vector<Covered> covered_;
  std::string keys_;
};

// The hash that an encoded key begins with (region/item/key.h).
uint64_t HashOfKey(std::string_view key);

}  // namespace everwrite::streams
