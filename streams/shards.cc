#include "streams/shards.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite::streams {
namespace {

constexpr uint8_t kFormat = 1;
// Two shards are merged when both together have less than this part of what splits one.
constexpr uint64_t kQuietPart = 8;

}  // namespace

HashRange HashRange::Half(int which) const {
  CHECK(depth < kDepthMax);
  HashRange half{first, static_cast<uint8_t>(depth + 1)};
  if (which != 0) half.first |= uint64_t{1} << (63 - depth);
  return half;
}

HashRange HashRange::Whole() const {
  CHECK(depth > 0);
  HashRange whole{first, static_cast<uint8_t>(depth - 1)};
  whole.first &= whole.Mask();
  return whole;
}

std::string EncodeShard(const Shard& shard) {
  std::string out(1, static_cast<char>(kFormat));
  PutFixed64(out, shard.parent.value);
  PutFixed64(out, shard.range.first);
  out.push_back(static_cast<char>(shard.range.depth));
  PutFixed64(out, shard.last.value);
  shard.begin.EncodeTo(out);
  return out;
}

bool DecodeShard(std::string_view bytes, Shard& shard) {
  Reader reader(bytes);
  uint8_t format = 0;
  Shard read;
  read.number = shard.number;
  if (!reader.ReadByte(format) || format != kFormat || !reader.ReadFixed64(read.parent.value) ||
      !reader.ReadFixed64(read.range.first) || !reader.ReadByte(read.range.depth) ||
      !read.range.valid() || !reader.ReadFixed64(read.last.value) ||
      !conflict::Vector::Decode(reader.rest(), read.begin))
    return false;
  shard = std::move(read);
  return true;
}

const Shard* ShardTree::Find(Sequence number) const {
  const auto at = shards_.find(number);
  return at == shards_.end() ? nullptr : &at->second;
}

Shard& ShardTree::OpenFor(uint64_t hash) {
  auto at = open_.upper_bound(hash);
  CHECK(at != open_.begin(), "every key has an open shard");
  Shard& shard = shards_.at((--at)->second);
  CHECK(shard.range.Has(hash), "every key has an open shard");
  return shard;
}

void ShardTree::Add(Shard shard) {
  const Sequence number = shard.number;
  if (shard.open()) {
    for (const auto& [first, open] : open_)
      CHECK(!shards_.at(open).range.Overlaps(shard.range), "each key has one open shard");
    open_[shard.range.first] = number;
  }
  CHECK(shards_.emplace(number, std::move(shard)).second, "a shard is added once");
}

void ShardTree::Close(Sequence number, Sequence last) {
  Shard& shard = shards_.at(number);
  CHECK(shard.open() && last > number, "an open shard is closed after it began");
  shard.last = last;
  open_.erase(shard.range.first);
}

void ShardTree::Forget(Sequence number) {
  CHECK(!shards_.at(number).open(), "an open shard is not forgotten");
  shards_.erase(number);
}

void ShardTree::CountAnew() {
  for (const auto& [first, number] : open_) shards_.at(number).recent = 0;
}

std::vector<std::pair<HashRange, Sequence>> ShardTree::Missing() const {
  std::vector<std::pair<HashRange, Sequence>> missing;
  if (any_open()) return missing;
  // The leaves: closed together, and so the ranges that the last open shards had.
  std::map<HashRange, Sequence> leaves;
  std::set<Sequence> parents;
  for (const auto& [number, shard] : shards_) parents.insert(shard.parent);
  for (const auto& [number, shard] : shards_) {
    if (parents.count(number) != 0) continue;
    std::erase_if(leaves, [&](const auto& leaf) { return leaf.first.Overlaps(shard.range); });
    leaves[shard.range] = number;
  }
  // Whatever no leaf has (it may have been trimmed) is filled up, from the whole down.
  std::vector<HashRange> open{{}};
  while (!open.empty()) {
    const HashRange range = open.back();
    open.pop_back();
    const auto at = leaves.find(range);
    bool inside = false;
    for (const auto& [leaf, number] : leaves) inside |= range.Contains(leaf);
    if (at != leaves.end() || !inside) {
      missing.emplace_back(range, at == leaves.end() ? Sequence{} : at->second);
    } else {
      open.push_back(range.Half(1));
      open.push_back(range.Half(0));
    }
  }
  return missing;
}

const Shard* ShardTree::SiblingOf(const Shard& shard) const {
  if (shard.range.depth == 0) return nullptr;
  const HashRange whole = shard.range.Whole();
  const HashRange sibling = whole.Half(shard.range.first == whole.first ? 1 : 0);
  const auto at = open_.find(sibling.first);
  if (at == open_.end()) return nullptr;
  const Shard& found = shards_.at(at->second);
  return found.range == sibling ? &found : nullptr;
}

bool ShardTree::IsEmptySinceSplit(const Shard& shard) const {
  for (const auto& [number, other] : shards_)
    if (shard.range.Contains(other.range) && (number != shard.number || other.records > 0))
      return false;
  return true;
}

std::optional<ShardStep> ShardTree::PlanFor(const Shard& shard, const ShardPolicy& policy,
                                            size_t open, uint64_t now_ms,
                                            uint64_t elapsed_ms) const {
  const auto age_ms = [now_ms](const Shard& of) {
    return now_ms - std::min(now_ms, of.number.milliseconds());
  };
  const uint64_t per_second = elapsed_ms == 0 ? 0 : shard.recent * 1000 / elapsed_ms;
  if (per_second > policy.split_records_per_second && open < policy.open_max &&
      shard.range.depth < HashRange::kDepthMax)
    return ShardStep{ShardStep::Kind::kSplit, shard.number, {}};
  if (shard.records >= policy.records_max || shard.bytes >= policy.bytes_max ||
      (shard.records > 0 && age_ms(shard) >= policy.roll_ms))
    return ShardStep{ShardStep::Kind::kRoll, shard.number, {}};
  const Shard* const sibling = SiblingOf(shard);
  if (sibling && age_ms(*sibling) >= policy.roll_ms && IsEmptySinceSplit(*sibling) &&
      per_second * kQuietPart < policy.split_records_per_second)
    return ShardStep{ShardStep::Kind::kMerge, shard.number, sibling->number};
  return std::nullopt;
}

std::vector<ShardStep> ShardTree::Plan(const ShardPolicy& policy, uint64_t now_ms,
                                       uint64_t elapsed_ms) const {
  std::vector<ShardStep> steps;
  std::set<Sequence> taken;
  size_t open = open_.size();
  for (const auto& [first, number] : open_) {
    if (taken.count(number) != 0) continue;
    const auto step = PlanFor(shards_.at(number), policy, open, now_ms, elapsed_ms);
    if (!step || taken.count(step->other) != 0) continue;
    taken.insert(step->shard);
    if (step->kind == ShardStep::Kind::kMerge) taken.insert(step->other);
    if (step->kind == ShardStep::Kind::kSplit) ++open;
    steps.push_back(*step);
  }
  return steps;
}

std::vector<Sequence> ShardTree::Expired(const ShardPolicy& policy, uint64_t now_ms) const {
  std::vector<Sequence> expired;
  for (const auto& [number, shard] : shards_)
    if (!shard.open() && shard.last.milliseconds() + policy.keep_ms <= now_ms)
      expired.push_back(number);
  return expired;
}

}  // namespace everwrite::streams
