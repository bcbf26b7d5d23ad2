// What the checkers of the end look at, read and decoded once: the regions' stores and the history,
// as changes, rows and ledgers. Each part is read when it is first asked for.
//
// Thread-safety: none. Stores and history must outlive it and stay as they are.
#pragma once

#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/kv_store.h"
#include "chaos/history.h"
#include "conflict/vector_clock.h"
#include "conflict/version.h"
#include "streams/change_record.h"

namespace everwrite::chaos {

// A change record, decoded; its bytes are the history's or the view's.
struct Change {
  conflict::Version version;
  std::string_view context;  // the bytes of a Vector; empty: of none
  TableId table;
  std::string_view key;
  bool is_table = false;
  bool tombstone = false;
  std::string_view image;
  uint64_t transaction = 0;
  bool transaction_end = false;
  streams::Actor actor = streams::Actor::kClient;
  bool placed = false;  // of a table that is not in all regions (placed_tables.h)
  std::string_view bytes;
  mutable uint32_t item = 0;  // whose change it is, once EndView::Of was called

  Dot dot() const { return version.dot; }
  bool Knows(Dot dot) const;
};

// Changes by their dots.
class Changes {
 public:
  class Iterator {
   public:
    explicit Iterator(const Change* const* at) : at_(at) {}
    const Change& operator*() const { return **at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Change* const* at_;
  };

  Changes() = default;
  // In any order; of those with one dot the first stays.
  explicit Changes(std::vector<const Change*> changes);
  const Change* Find(Dot dot) const;  // null: not there
  bool Has(Dot dot) const { return Find(dot) != nullptr; }
  size_t size() const { return changes_.size(); }
  Iterator begin() const { return Iterator(changes_.data()); }
  Iterator end() const { return Iterator(changes_.data() + changes_.size()); }

 private:
  // Where a log begins in changes_.
  struct Log {
    Dot from;
    size_t index = 0;
  };
  std::vector<const Change*> changes_;  // sorted
  std::vector<Log> logs_;
};

// The live rows of a region, in the order of their store keys.
class LiveRows {
 public:
  struct Row {
    std::string key;  // the whole store key
    conflict::Version version;
    std::string image;
    friend bool operator==(const Row&, const Row&) = default;
  };
  void Add(Row row) { rows_.push_back(std::move(row)); }  // above all others
  size_t size() const { return rows_.size(); }
  std::vector<Row>::const_iterator begin() const { return rows_.begin(); }
  std::vector<Row>::const_iterator end() const { return rows_.end(); }
  // Null: not there. Who asks of keys in order keeps `place`, 0 at first, between calls: the next
  // is mostly there.
  const Row* Find(std::string_view key, size_t& place) const;

 private:
  std::vector<Row> rows_;
};

class EndView {
 public:
  EndView(const std::vector<const KvStore*>& stores, const History& history)
      : stores_(stores),
        history_(history),
        logs_(stores.size()),
        rows_(stores.size()),
        ledgers_(stores.size()) {}
  EndView(const EndView&) = delete;
  EndView& operator=(const EndView&) = delete;

  const std::vector<const KvStore*>& stores() const { return stores_; }
  const History& history() const { return history_; }
  size_t size() const { return stores_.size(); }

  // Everything that some region has applied: by the history's records, or else by what the logs
  // hold.
  const Changes& All();
  // What the history's records say, whether or not some region has applied it.
  const std::vector<Change>& Recorded();
  // Of All(), those with the key of this one, which is one of them: from the lowest version to the
  // highest. Of items, not of definitions.
  std::span<const Change* const> Of(const Change& change);
  // What went with disks (History::gone).
  const std::vector<const Change*>& Gone();
  // What region i's logs hold.
  const Changes& Log(size_t i);
  // Of region i, without those of placed tables.
  const LiveRows& Rows(size_t i);
  // The losers in the ledger of region i, sorted.
  const std::vector<Dot>& Ledger(size_t i) { return ReadLedger(i).losers; }
  // Of them, those that came after a deletion that was forgotten: they may not have been deleted.
  const std::vector<Dot>& CameLate(size_t i) { return ReadLedger(i).late; }

 private:
  struct Losers {
    std::vector<Dot> losers, late;
  };
  const Losers& ReadLedger(size_t i);
  void GroupByItem();

  const std::vector<const KvStore*> stores_;
  const History& history_;
  std::deque<Change> changes_;
  std::deque<std::string> bytes_;  // of changes that the history does not have as they are
  std::optional<std::vector<Change>> recorded_;
  std::optional<Changes> all_;
  // All changes of items, one item's after the other's, and where each item's begin: item 0 has
  // none, it stands for definitions.
  std::vector<const Change*> by_item_;
  std::vector<size_t> item_begins_;
  std::optional<std::vector<const Change*>> gone_;
  std::vector<std::optional<Changes>> logs_;
  std::vector<std::optional<LiveRows>> rows_;
  std::vector<std::optional<Losers>> ledgers_;
};

// The change's name, for people.
std::string Name(Dot dot);

}  // namespace everwrite::chaos
