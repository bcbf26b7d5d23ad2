#include "streams/seen.h"

#include <algorithm>
#include <bitset>
#include <map>

namespace everwrite::streams {

SeenSet::SeenSet(const std::vector<Seen>& seen, const HashRange& within) {
  std::map<HashRange, conflict::Vector> merged;
  for (const Seen& one : seen) {
    if (!one.range.Overlaps(within)) continue;
    merged[one.range.Contains(within) ? within : one.range].Merge(one.vector);
  }
  for (auto& [range, vector] : merged) seen_.push_back({range, std::move(vector)});
}

bool SeenSet::Covers(uint64_t hash, Dot dot, size_t& at) const {
  const auto covers = [&](const Seen& one) {
    return one.range.Has(hash) && one.vector.Covers(dot);
  };
  if (at < seen_.size() && covers(seen_[at])) return true;
  const auto found = std::find_if(seen_.begin(), seen_.end(), covers);
  if (found == seen_.end()) return false;
  at = static_cast<size_t>(found - seen_.begin());
  return true;
}

conflict::Vector SeenSet::LeastOf(const HashRange& range) const {
  conflict::Vector vector;
  bool finer = false;
  for (const Seen& one : seen_) {
    if (one.range.Contains(range)) {
      vector.Merge(one.vector);
    } else if (range.Contains(one.range)) {
      finer = true;
    }
  }
  if (!finer) return vector;
  // Halves know what the whole knows: sets of their ranges contain it too.
  conflict::Vector least = LeastOf(range.Half(0));
  least.Meet(LeastOf(range.Half(1)));
  return least;
}

bool SeenSet::IsWithin(const conflict::Vector& applied) const {
  return std::all_of(seen_.begin(), seen_.end(),
                     [&](const Seen& one) { return applied.Covers(one.vector); });
}

void SeenSet::CutTo(const conflict::Vector& applied) {
  for (Seen& one : seen_) one.vector.Meet(applied);
}

void SeenFilter::Maker::Note(std::string_view key, const conflict::Version& version) {
  if (filter_.set_.Covers(HashOfKey(key), version.dot, part_)) {
    keys_.append(key);
    covered_.push_back({keys_.size(), version});
  } else if (filter_.highest_.find(key) == filter_.highest_.end()) {
    filter_.highest_.emplace(std::string(key), conflict::Version());
  }
}

SeenFilter SeenFilter::Maker::Make() && {
  auto& highest = filter_.highest_;
  // Few items have an entry that is not in the set: of nearly all others a bit of their keys'
  // hashes tells that they have none.
  std::bitset<size_t{1} << 14> asked;
  const auto bit_of = [&asked](std::string_view key) { return HashOfKey(key) % asked.size(); };
  for (const auto& [key, version] : highest) asked.set(bit_of(key));
  size_t begin = 0;
  for (const Covered& covered : covered_) {
    const std::string_view key(keys_.data() + begin, covered.key - begin);
    begin = covered.key;
    if (!asked[bit_of(key)]) continue;
    const auto at = highest.find(key);
    if (at != highest.end()) at->second = std::max(at->second, covered.version);
  }
  std::erase_if(highest, [](const auto& entry) { return entry.second == conflict::Version(); });
  return std::move(filter_);
}

bool SeenFilter::Shows(std::string_view key, const conflict::Version& version) const {
  if (set_.Covers(HashOfKey(key), version.dot)) return false;
  const auto at = highest_.find(key);
  return at == highest_.end() || at->second < version;
}

uint64_t HashOfKey(std::string_view key) { return LoadFixed64(key.data()); }

}  // namespace everwrite::streams
