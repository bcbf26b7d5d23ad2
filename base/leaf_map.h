// An ordered map of byte strings whose copies are cheap: a B+tree whose nodes and entries are
// shared. A copy takes the root; who changes a node that is shared copies that node first, and an
// entry is never changed, only replaced. Keys compare as unsigned bytes.
//
// Made for keys that begin alike (a table, a log): a node knows how many bytes all its keys share,
// and keeps the sixteen after them of each side by side, so that a search seldom looks at a key.
//
// What a Place points at stays as it is while the place is held, whatever is done to the map.
//
// Thread-safety: none, and sharing counts: copies, places and maps that share nodes belong under
// one lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace everwrite {

class LeafMap {
 private:
  struct Node;

 public:
  // A key and its value, in one piece of memory; counts those who hold it.
  class Entry {
   public:
    std::string_view key() const { return {bytes(), key_size_}; }
    std::string_view value() const { return {bytes() + key_size_, value_size_}; }
    size_t size() const { return size_t{key_size_} + value_size_; }

   private:
    friend class LeafMap;
    static Entry* Make(std::string_view key, std::string_view value);
    static void Release(Entry* entry);
    // Whether it has taken the value, which nobody can tell from another entry in its place.
    bool Take(std::string_view value);
    const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    uint32_t holders_ = 1;
    uint32_t key_size_ = 0;
    uint32_t value_size_ = 0;
  };

  // Holds an entry, or nothing.
  class Held {
   public:
    Held() = default;
    Held(const Held& other) : Held(other.entry_) {}
    Held(Held&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    Held& operator=(Held other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Held() {
      if (entry_) Entry::Release(entry_);
    }
    explicit operator bool() const { return entry_ != nullptr; }
    const Entry& operator*() const { return *entry_; }
    const Entry* operator->() const { return entry_; }

   private:
    friend class LeafMap;
    explicit Held(Entry* entry) : entry_(entry) {
      if (entry_) ++entry_->holders_;
    }
    Entry* entry_ = nullptr;
  };

  // An entry, or the end.
  class Place {
   public:
    bool AtEnd() const { return !entry_; }
    const Entry& operator*() const { return *entry_; }
    const Entry* operator->() const { return &*entry_; }

   private:
    friend class LeafMap;
    static constexpr size_t kDepthMax = 12;  // of nodes that are at least half full: never reached
    struct Step {
      const Node* node;
      uint32_t index;
    };
    Held entry_;
    // From the root to the leaf; good while the map is as it was.
    std::array<Step, kDepthMax> path_;
    size_t depth_ = 0;
  };

  LeafMap() = default;
  LeafMap(const LeafMap& other);
  LeafMap(LeafMap&& other) noexcept : root_(std::exchange(other.root_, nullptr)) {}
  LeafMap& operator=(LeafMap other) noexcept {
    std::swap(root_, other.root_);
    return *this;
  }
  ~LeafMap();

  const Entry* Find(std::string_view key) const;  // null: not there
  // The first whose key is not below `key`; the first above it.
  Place LowerBound(std::string_view key) const;
  Place UpperBound(std::string_view key) const;
  // The next or previous one of a place that is not the end; the map must be as it was when the
  // place was taken.
  void Next(Place& place) const;
  void Prev(Place& place) const;
  // The last entry before that place, of the end too; the end: there is none.
  Place Before(const Place& place) const;

  // The entry that was there before, if any.
  Held Put(std::string_view key, std::string_view value);
  // The same for who does not ask what was there: an entry that nobody else holds takes a value of
  // the same size where it is.
  void Set(std::string_view key, std::string_view value);
  Held Erase(std::string_view key);
  // Those in begin <= key < end; `before`, unless null, takes what was there, in order.
  void EraseRange(std::string_view begin, std::string_view end, std::vector<Held>* before);

  // Of the keys and values in begin <= key < end; an empty end is no bound.
  size_t Bytes(std::string_view begin, std::string_view end) const;

 private:
  // What became of a node: `right` stands behind it now, from `from` on.
  struct Split {
    Node* right = nullptr;
    Held from;
  };
  // What is being put, on its way to its leaf.
  struct Coming {
    std::string_view key, value;
    bool keeps_before;
    Held entry;       // made when it is needed
    Held before;      // what was there; stays nothing unless keeps_before
    size_t more = 0;  // bytes in the map; wraps below 0
    Entry* Make();
  };
  Held Put(Coming coming);
  static void Own(Node*& node);
  static Split SplitNode(Node& left, size_t at);
  static Split PutInto(Node*& node, Coming& coming);
  static bool EraseFrom(Node*& node, std::string_view key, Held& before);
  static bool EraseRangeFrom(Node*& node, std::string_view begin, std::string_view end,
                             std::vector<Held>* before);
  void TakeRoot(bool empty);
  static size_t BytesBelow(const Node& node, std::string_view key);
  void Descend(Place& place, const Node* node, bool last) const;

  Node* root_ = nullptr;
};

}  // namespace everwrite
