#include "base/leaf_map.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"
#include "base/coding.h"

namespace everwrite {
namespace {

constexpr size_t kEntriesMax = 64;
constexpr uint32_t kAhead = 4;  // entries that Next fetches before they are asked for

// Eight bytes of a key as a number that compares as they do; what is missing counts as zeros.
uint64_t HeadOf(std::string_view key, size_t from) {
  const size_t end = from + 8;
  if (key.size() >= end) return LoadFixed64(key.data() + from);
  if (key.size() <= from) return 0;
  const size_t missing = end - key.size();
  if (key.size() >= 8) return LoadFixed64(key.data() + key.size() - 8) << (8 * missing);
  uint64_t head = 0;
  for (size_t i = from; i < key.size(); ++i) head = head << 8 | static_cast<unsigned char>(key[i]);
  return head << (8 * missing);
}

size_t Shared(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  if (std::memcmp(a.data(), b.data(), size) == 0) return size;  // mostly
  size_t shared = 0;
  while (shared < size && a[shared] == b[shared]) ++shared;
  return shared;
}

}  // namespace

LeafMap::Entry* LeafMap::Entry::Make(std::string_view key, std::string_view value) {
  CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX, "an entry of 4 GiB");
  void* const memory = ::operator new(sizeof(Entry) + key.size() + value.size());
  Entry* const entry = new (memory) Entry();
  entry->key_size_ = static_cast<uint32_t>(key.size());
  entry->value_size_ = static_cast<uint32_t>(value.size());
  char* const bytes = reinterpret_cast<char*>(entry + 1);
  std::copy(key.begin(), key.end(), bytes);
  std::copy(value.begin(), value.end(), bytes + key.size());
  return entry;
}

bool LeafMap::Entry::Take(std::string_view value) {
  if (holders_ != 1 || value.size() != value_size_) return false;
  std::copy(value.begin(), value.end(), reinterpret_cast<char*>(this + 1) + key_size_);
  return true;
}

void LeafMap::Entry::Release(Entry* entry) {
  // With its size, which saves the allocator a search.
  if (--entry->holders_ == 0) ::operator delete(entry, sizeof(Entry) + entry->size());
}

// Entries of a leaf in order; of an inner node the children, each with an entry that bears the key
// from which on its own are (that entry may have left the map).
struct LeafMap::Node {
  uint32_t holders = 1;
  bool leaf = true;
  uint32_t count = 0;
  size_t shared = 0;  // all keys begin with the first so many bytes of the first
  size_t bytes = 0;   // of all keys and values below
  // What all keys begin with, as far as there is room: most searches then see no key but the last.
  std::array<char, 32> prefix;
  // Of each key the eight bytes behind what is shared, and the eight behind those: where the keys
  // of several tables or logs meet, the first eight are equal. With room for one too many, until
  // the node is split.
  std::array<uint64_t, kEntriesMax + 1> heads;
  std::array<uint64_t, kEntriesMax + 1> nexts;
  std::array<Entry*, kEntriesMax + 1> entries;
  std::array<Node*, kEntriesMax + 1> children;

  Node() = default;
  Node(const Node& other)
      : leaf(other.leaf),
        count(other.count),
        shared(other.shared),
        bytes(other.bytes),
        prefix(other.prefix) {
    std::copy_n(other.heads.begin(), count, heads.begin());
    std::copy_n(other.nexts.begin(), count, nexts.begin());
    std::copy_n(other.entries.begin(), count, entries.begin());
    for (size_t i = 0; i < count; ++i) ++entries[i]->holders_;
    if (leaf) return;
    std::copy_n(other.children.begin(), count, children.begin());
    for (size_t i = 0; i < count; ++i) ++children[i]->holders;
  }
  Node& operator=(const Node&) = delete;
  ~Node() {
    for (size_t i = 0; i < count; ++i) Entry::Release(entries[i]);
    if (leaf) return;
    for (size_t i = 0; i < count; ++i) Release(children[i]);
  }
  static void Release(Node* node) {
    if (--node->holders == 0) delete node;
  }

  struct Spot {
    size_t at;   // how many keys are below
    bool there;  // the one at `at` is the key itself
  };
  Spot Search(std::string_view key) const {
    if (count == 0) return {0, false};
    if (!BeginsAlike(key))
      if (const int order = CompareBeginning(key); order != 0)
        return {order < 0 ? size_t{0} : count, false};
    const uint64_t head = HeadOf(key, shared);
    size_t low = FirstNot(heads, 0, count, [head](uint64_t other) { return other < head; });
    if (low == count || heads[low] != head) return {low, false};
    size_t high = low + 1;  // mostly only one has this head
    if (high < count && heads[high] == head) {
      high = FirstNot(heads, high, count, [head](uint64_t other) { return other <= head; });
      const uint64_t next = HeadOf(key, shared + 8);
      low = FirstNot(nexts, low, high, [next](uint64_t other) { return other < next; });
      if (low == high || nexts[low] != next) return {low, false};
      high = FirstNot(nexts, low, high, [next](uint64_t other) { return other <= next; });
    }
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      const int order = entries[middle]->key().compare(key);
      if (order == 0) return {middle, true};
      (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
    }
    return {low, false};
  }
  // Of the numbers from `from` to `to`, which `before` divides; by halves. A form without branches
  // is no faster: what is guessed is fetched meanwhile, and half of the guesses are right.
  template <typename Numbers, typename Before>
  static size_t FirstNot(const Numbers& numbers, size_t from, size_t to, Before before) {
    if (from == to) return from;
    const uint64_t* at = numbers.data() + from;
    size_t rest = to - from;
    for (; rest > 1; rest -= rest / 2) at += before(at[rest / 2 - 1]) ? rest / 2 : 0;
    return static_cast<size_t>(at - numbers.data()) + (before(*at) ? 1 : 0);
  }
  // Whether the key begins as all keys here do; false also where that is not seen at once. Mostly
  // it does, and eight bytes at a time need no call.
  bool BeginsAlike(std::string_view key) const {
    if (shared < 8 || shared > prefix.size() || key.size() < shared) return shared == 0;
    uint64_t differences = LoadFixed64(&prefix[shared - 8]) ^ LoadFixed64(&key[shared - 8]);
    for (size_t i = 0; i + 8 < shared; i += 8)
      differences |= LoadFixed64(&prefix[i]) ^ LoadFixed64(&key[i]);
    return differences == 0;
  }
  // Of the first `shared` bytes with those of all keys here.
  int CompareBeginning(std::string_view key) const {
    const size_t near = std::min(shared, prefix.size());
    const int order = key.substr(0, near).compare({prefix.data(), near});
    if (order != 0 || near == shared) return order;
    return key.substr(0, shared).compare(entries[0]->key().substr(0, shared));
  }
  // How many bytes the key shares with all keys here.
  size_t CommonWith(std::string_view key) const {
    const std::string_view near(prefix.data(), std::min(shared, prefix.size()));
    if (const size_t common = Shared(near, key); common < near.size() || near.size() == shared)
      return common;
    return Shared(entries[0]->key().substr(0, shared), key);
  }
  // The child in whose range the key is.
  size_t ChildOf(std::string_view key) const {
    const auto [at, there] = Search(key);
    return there ? at : std::max<size_t>(at, 1) - 1;
  }

  void KeepPrefix(std::string_view key, size_t size) {
    shared = size;
    std::copy_n(key.begin(), std::min(size, prefix.size()), prefix.begin());
  }
  void FitHeads(size_t shared_now) {
    KeepPrefix(entries[0]->key(), shared_now);
    for (size_t i = 0; i < count; ++i) {
      heads[i] = HeadOf(entries[i]->key(), shared);
      nexts[i] = HeadOf(entries[i]->key(), shared + 8);
    }
  }
  // Of an inner node: a key below all others comes into the first child.
  void LowerFirst(Entry* entry) {
    ++entry->holders_;
    const size_t common = CommonWith(entry->key());
    Entry::Release(std::exchange(entries[0], entry));
    FitHeads(common);
  }
  // Takes over what the arguments hold.
  void Insert(size_t at, Entry* entry, Node* child) {
    const std::string_view key = entry->key();
    if (count == 0) {
      KeepPrefix(key, key.size());
    } else if (const size_t common = CommonWith(key); common < shared) {
      FitHeads(common);
    }
    std::copy_backward(heads.begin() + at, heads.begin() + count, heads.begin() + count + 1);
    std::copy_backward(nexts.begin() + at, nexts.begin() + count, nexts.begin() + count + 1);
    std::copy_backward(entries.begin() + at, entries.begin() + count, entries.begin() + count + 1);
    heads[at] = HeadOf(key, shared);
    nexts[at] = HeadOf(key, shared + 8);
    entries[at] = entry;
    if (!leaf) {
      std::copy_backward(children.begin() + at, children.begin() + count,
                         children.begin() + count + 1);
      children[at] = child;
    }
    ++count;
  }
  // Those from `from` to `to`.
  void Remove(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) Entry::Release(entries[i]);
    std::copy(heads.begin() + to, heads.begin() + count, heads.begin() + from);
    std::copy(nexts.begin() + to, nexts.begin() + count, nexts.begin() + from);
    std::copy(entries.begin() + to, entries.begin() + count, entries.begin() + from);
    if (!leaf) {
      for (size_t i = from; i < to; ++i) Release(children[i]);
      std::copy(children.begin() + to, children.begin() + count, children.begin() + from);
    }
    count -= static_cast<uint32_t>(to - from);
  }
  // Of those at and behind `from`.
  size_t BytesFrom(size_t from) const {
    size_t sum = 0;
    for (size_t i = from; i < count; ++i) sum += leaf ? entries[i]->size() : children[i]->bytes;
    return sum;
  }
};

LeafMap::LeafMap(const LeafMap& other) : root_(other.root_) {
  if (root_) ++root_->holders;
}

LeafMap::~LeafMap() {
  if (root_) Node::Release(root_);
}

void LeafMap::Own(Node*& node) {
  if (node->holders == 1) return;
  Node* const copy = new Node(*node);
  --node->holders;
  node = copy;
}

const LeafMap::Entry* LeafMap::Find(std::string_view key) const {
  const Node* node = root_;
  if (!node) return nullptr;
  while (!node->leaf) node = node->children[node->ChildOf(key)];
  const auto [at, there] = node->Search(key);
  return there ? node->entries[at] : nullptr;
}

// To the first or last entry below `node`, and on from there if the place has a step for it.
void LeafMap::Descend(Place& place, const Node* node, bool last) const {
  while (true) {
    CHECK(place.depth_ < Place::kDepthMax);
    const uint32_t index = last ? node->count - 1 : 0;
    place.path_[place.depth_++] = {node, index};
    if (node->leaf) break;
    node = node->children[index];
  }
  place.entry_ =
      Held(place.path_[place.depth_ - 1].node->entries[place.path_[place.depth_ - 1].index]);
}

LeafMap::Place LeafMap::LowerBound(std::string_view key) const {
  Place place;
  if (!root_) return place;
  const Node* node = root_;
  while (!node->leaf) {
    CHECK(place.depth_ < Place::kDepthMax);
    const size_t index = node->ChildOf(key);
    place.path_[place.depth_++] = {node, static_cast<uint32_t>(index)};
    node = node->children[index];
  }
  CHECK(place.depth_ < Place::kDepthMax);
  const size_t at = node->Search(key).at;
  if (at < node->count) {
    place.path_[place.depth_++] = {node, static_cast<uint32_t>(at)};
    place.entry_ = Held(node->entries[at]);
  } else {
    place.path_[place.depth_++] = {node, node->count - 1};
    Next(place);
  }
  return place;
}

LeafMap::Place LeafMap::UpperBound(std::string_view key) const {
  Place place = LowerBound(key);
  if (!place.AtEnd() && place->key() == key) Next(place);
  return place;
}

void LeafMap::Next(Place& place) const {
  while (place.depth_ > 0) {
    auto& [node, index] = place.path_[place.depth_ - 1];
    if (++index < node->count) {
      if (node->leaf) {
        // Who goes on finds it at hand: entries lie anywhere in memory.
        if (index + kAhead < node->count) __builtin_prefetch(node->entries[index + kAhead]);
        place.entry_ = Held(node->entries[index]);
      } else {
        Descend(place, node->children[index], false);
      }
      return;
    }
    --place.depth_;
  }
  place.entry_ = Held();
}

void LeafMap::Prev(Place& place) const {
  while (place.depth_ > 0) {
    auto& [node, index] = place.path_[place.depth_ - 1];
    if (index > 0) {
      --index;
      if (node->leaf) {
        place.entry_ = Held(node->entries[index]);
      } else {
        Descend(place, node->children[index], true);
      }
      return;
    }
    --place.depth_;
  }
  place.entry_ = Held();
}

LeafMap::Place LeafMap::Before(const Place& place) const {
  Place before = place;
  if (!place.AtEnd()) {
    Prev(before);
  } else if (root_) {
    before.depth_ = 0;
    Descend(before, root_, true);
  }
  return before;
}

LeafMap::Split LeafMap::SplitNode(Node& left, size_t at) {
  Node* const right = new Node();
  right->leaf = left.leaf;
  right->count = static_cast<uint32_t>(left.count - at);
  std::copy_n(left.entries.begin() + at, right->count, right->entries.begin());
  if (!left.leaf) std::copy_n(left.children.begin() + at, right->count, right->children.begin());
  left.count = static_cast<uint32_t>(at);
  right->bytes = right->BytesFrom(0);
  left.bytes -= right->bytes;
  // Sorted: what the first and the last share, all do.
  for (Node* const node : {&left, right})
    node->FitHeads(Shared(node->entries[0]->key(), node->entries[node->count - 1]->key()));
  return {right, Held(right->entries[0])};
}

LeafMap::Entry* LeafMap::Coming::Make() {
  if (!entry) entry.entry_ = Entry::Make(key, value);
  return entry.entry_;
}

LeafMap::Split LeafMap::PutInto(Node*& node, Coming& coming) {
  Own(node);
  auto [at, there] = node->Search(coming.key);
  if (!node->leaf) {
    if (at == 0 && !there) node->LowerFirst(coming.Make());
    if (at > 0 && !there) --at;
    Split split = PutInto(node->children[at], coming);
    if (split.right) node->Insert(++at, std::exchange(split.from.entry_, nullptr), split.right);
  } else if (!there) {
    coming.more = coming.Make()->size();
    node->Insert(at, std::exchange(coming.entry.entry_, nullptr), nullptr);
  } else if (Entry*& entry = node->entries[at]; coming.keeps_before || !entry->Take(coming.value)) {
    coming.more = coming.Make()->size() - entry->size();
    std::swap(entry, coming.entry.entry_);
    if (coming.keeps_before) coming.before = std::move(coming.entry);
  }
  node->bytes += coming.more;
  if (node->count <= kEntriesMax) return {};
  // What grows at its end, as a log does, leaves full nodes behind.
  return SplitNode(*node, at == kEntriesMax ? kEntriesMax : kEntriesMax / 2);
}

LeafMap::Held LeafMap::Put(std::string_view key, std::string_view value) {
  return Put(Coming{key, value, /*keeps_before=*/true, {}, {}});
}

void LeafMap::Set(std::string_view key, std::string_view value) {
  Put(Coming{key, value, /*keeps_before=*/false, {}, {}});
}

LeafMap::Held LeafMap::Put(Coming coming) {
  if (!root_) root_ = new Node();
  Split split = PutInto(root_, coming);
  if (!split.right) return std::move(coming.before);
  Node* const above = new Node();
  above->leaf = false;
  above->bytes = root_->bytes + split.right->bytes;
  ++root_->entries[0]->holders_;
  above->Insert(0, root_->entries[0], root_);
  above->Insert(1, std::exchange(split.from.entry_, nullptr), split.right);
  root_ = above;
  return std::move(coming.before);
}

// True: the node is empty now.
bool LeafMap::EraseFrom(Node*& node, std::string_view key, Held& before) {
  Own(node);
  if (node->leaf) {
    const auto [at, there] = node->Search(key);
    if (!there) return false;
    before = Held(node->entries[at]);
    node->Remove(at, at + 1);
  } else {
    const size_t at = node->ChildOf(key);
    if (EraseFrom(node->children[at], key, before)) node->Remove(at, at + 1);
  }
  if (before) node->bytes -= before->size();
  return node->count == 0;
}

LeafMap::Held LeafMap::Erase(std::string_view key) {
  Held before;
  if (root_) TakeRoot(EraseFrom(root_, key, before));
  return before;
}

bool LeafMap::EraseRangeFrom(Node*& node, std::string_view begin, std::string_view end,
                             std::vector<Held>* before) {
  Own(node);
  if (node->leaf) {
    const size_t from = node->Search(begin).at;
    const size_t to = node->Search(end).at;
    for (size_t i = from; i < to; ++i) {
      node->bytes -= node->entries[i]->size();
      if (before) before->push_back(Held(node->entries[i]));
    }
    node->Remove(from, to);
  } else {
    size_t at = node->ChildOf(begin);
    for (size_t rest = node->ChildOf(end) + 1 - at; rest > 0; --rest) {
      const size_t bytes = node->children[at]->bytes;
      const bool empty = EraseRangeFrom(node->children[at], begin, end, before);
      node->bytes -= bytes - node->children[at]->bytes;
      if (empty) {
        node->Remove(at, at + 1);
      } else {
        ++at;
      }
    }
  }
  return node->count == 0;
}

void LeafMap::EraseRange(std::string_view begin, std::string_view end, std::vector<Held>* before) {
  const Place first = LowerBound(begin);
  if (first.AtEnd() || first->key() >= end) return;  // no shared node is copied for nothing
  TakeRoot(EraseRangeFrom(root_, begin, end, before));
}

// After something was erased.
void LeafMap::TakeRoot(bool empty) {
  if (empty) Node::Release(std::exchange(root_, nullptr));
  while (root_ && !root_->leaf && root_->count == 1) {
    Node* const only = root_->children[0];
    ++only->holders;
    Node::Release(root_);
    root_ = only;
  }
}

size_t LeafMap::BytesBelow(const Node& node, std::string_view key) {
  const size_t at = node.leaf ? node.Search(key).at : node.ChildOf(key);
  const size_t before = node.bytes - node.BytesFrom(at);
  return node.leaf ? before : before + BytesBelow(*node.children[at], key);
}

size_t LeafMap::Bytes(std::string_view begin, std::string_view end) const {
  if (!root_ || (!end.empty() && end <= begin)) return 0;
  return (end.empty() ? root_->bytes : BytesBelow(*root_, end)) - BytesBelow(*root_, begin);
}

}  // namespace everwrite
