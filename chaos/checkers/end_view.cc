#include "chaos/checkers/end_view.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/check.h"
#include "base/coding.h"
#include "chaos/checkers/placed_tables.h"
#include "conflict/conflict_record.h"
#include "region/table/layout.h"
#include "streams/seen.h"

namespace everwrite::chaos {
namespace {

Change ChangeOf(std::string_view bytes) {
  streams::ChangeRecord record;
  CHECK(streams::DecodeChangeRecord(bytes, record));
  return {.version = {record.rank, record.stamp, record.dot},
          .context = record.context,
          .table = record.table,
          .key = record.key,
          .is_table = record.subject == streams::Subject::kTable,
          .tombstone = record.tombstone,
          .image = record.image,
          .transaction = record.transaction,
          .transaction_end = record.transaction_end,
          .actor = record.actor,
          .placed = !record.scope.empty(),
          .bytes = bytes};
}

conflict::Vector AppliedOf(const KvStore& store) {
  std::string value;
  table::RegionState state;
  CHECK(store.Get(ColumnFamily::kSystem, table::kRegionStateKey, &value).value());
  CHECK(table::DecodeRegionState(value, state));
  return state.applied;
}

}  // namespace

bool Change::Knows(Dot dot) const {
  if (dot.log == version.dot.log) return dot.number < version.dot.number;
  uint64_t number = 0;
  if (!context.empty()) CHECK(conflict::Vector::DecodeAt(context, dot.log, number));
  return dot.number <= number;
}

Changes::Changes(std::vector<const Change*> changes) : changes_(std::move(changes)) {
  const auto less = [](const Change* a, const Change* b) { return a->dot() < b->dot(); };
  if (!std::is_sorted(changes_.begin(), changes_.end(), less))
    std::stable_sort(changes_.begin(), changes_.end(), less);
  const auto equal = [](const Change* a, const Change* b) { return a->dot() == b->dot(); };
  changes_.erase(std::unique(changes_.begin(), changes_.end(), equal), changes_.end());
  for (size_t i = 0; i < changes_.size(); ++i)
    if (i == 0 || changes_[i]->dot().log != changes_[i - 1]->dot().log)
      logs_.push_back({changes_[i]->dot(), i});
}

const Change* Changes::Find(Dot dot) const {
  const auto log = std::partition_point(logs_.begin(), logs_.end(),
                                        [&](const Log& at) { return at.from.log < dot.log; });
  if (log == logs_.end() || log->from.log != dot.log || dot.number < log->from.number)
    return nullptr;
  const auto begin = changes_.begin() + static_cast<std::ptrdiff_t>(log->index);
  const auto end = log + 1 == logs_.end()
                       ? changes_.end()
                       : changes_.begin() + static_cast<std::ptrdiff_t>((log + 1)->index);
  // Without a gap before it, it stands where its number says; else it stands in front of that.
  const uint64_t place = dot.number - log->from.number;
  if (place < static_cast<uint64_t>(end - begin) &&
      begin[static_cast<std::ptrdiff_t>(place)]->dot() == dot)
    return begin[static_cast<std::ptrdiff_t>(place)];
  const auto at = std::lower_bound(
      begin, end, dot, [](const Change* change, Dot than) { return change->dot() < than; });
  return at != end && (*at)->dot() == dot ? *at : nullptr;
}

const std::vector<Change>& EndView::Recorded() {
  if (recorded_) return *recorded_;
  recorded_.emplace().reserve(history_.records.size());
  for (const auto& [dot, record] : history_.records) recorded_->push_back(ChangeOf(*record));
  return *recorded_;
}

const Changes& EndView::All() {
  if (all_) return *all_;
  conflict::Vector applied;
  std::vector<const Change*> changes;
  for (size_t i = 0; i < size(); ++i) {
    applied.Merge(AppliedOf(*stores_[i]));
    if (!history_.records.empty()) continue;
    for (const Change& change : Log(i)) changes.push_back(&change);
  }
  changes.reserve(changes.size() + Recorded().size());
  for (const Change& change : Recorded())
    if (applied.Covers(change.dot())) changes.push_back(&change);
  return all_.emplace(std::move(changes));
}

std::span<const Change* const> EndView::Of(const Change& change) {
  if (item_begins_.empty()) GroupByItem();
  const std::span<const Change* const> all(by_item_);
  const size_t begin = item_begins_[change.item];
  return all.subspan(begin, item_begins_[change.item + 1] - begin);
}

void EndView::GroupByItem() {
  struct Hash {
    size_t operator()(std::string_view key) const {
      return key.size() < 8 ? Hash64(key) : streams::HashOfKey(key);
    }
  };
  std::unordered_map<std::string_view, uint32_t, Hash> items;
  item_begins_ = {0, 0};
  for (const Change& change : All()) {
    if (change.is_table) continue;
    const auto [at, is_new] = items.try_emplace(change.key, items.size() + 1);
    change.item = at->second;
    if (is_new) item_begins_.push_back(0);
    ++item_begins_[change.item + 1];
  }
  std::partial_sum(item_begins_.begin(), item_begins_.end(), item_begins_.begin());
  by_item_.resize(item_begins_.back());
  std::vector<size_t> ends = item_begins_;  // of those that are in place
  for (const Change& change : All())
    if (!change.is_table) by_item_[ends[change.item]++] = &change;
  for (size_t item = 0; item + 1 < item_begins_.size(); ++item)
    std::sort(by_item_.begin() + static_cast<std::ptrdiff_t>(item_begins_[item]),
              by_item_.begin() + static_cast<std::ptrdiff_t>(item_begins_[item + 1]),
              [](const Change* a, const Change* b) { return a->version < b->version; });
}

const std::vector<const Change*>& EndView::Gone() {
  if (gone_) return *gone_;
  gone_.emplace();
  for (const auto& [dot, record] : history_.gone)
    gone_->push_back(&changes_.emplace_back(ChangeOf(*record)));
  return *gone_;
}

const Changes& EndView::Log(size_t i) {
  if (logs_[i]) return *logs_[i];
  std::vector<const Change*> changes;
  // Most are, byte for byte, what their makers have written.
  const Changes none;
  const Changes& known = history_.records.empty() ? none : All();
  auto made = known.begin();
  changes.reserve(known.size());
  const auto it = stores_[i]->NewIterator(ColumnFamily::kChanges, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    const std::string_view key = it->key();
    CHECK(key.size() == 16, "a key of the change log");
    const Dot dot{LogId{LoadFixed64(key.data())}, LoadFixed64(key.data() + 8)};
    while (made != known.end() && (*made).dot() < dot) ++made;
    const bool same = made != known.end() && (*made).dot() == dot && (*made).bytes == it->value();
    changes.push_back(
        same ? &*made
             : &changes_.emplace_back(ChangeOf(bytes_.emplace_back(std::string(it->value())))));
  }
  return logs_[i].emplace(std::move(changes));
}

const LiveRows::Row* LiveRows::Find(std::string_view key, size_t& place) const {
  if (place >= rows_.size() || rows_[place].key != key) {
    const auto at = std::partition_point(rows_.begin(), rows_.end(),
                                         [key](const Row& row) { return row.key < key; });
    place = static_cast<size_t>(at - rows_.begin());
    if (at == rows_.end() || at->key != key) return nullptr;
  }
  return &rows_[place++];
}

const LiveRows& EndView::Rows(size_t i) {
  if (rows_[i]) return *rows_[i];
  LiveRows& rows = rows_[i].emplace();
  const std::set<TableId> placed = PlacedTables(*stores_[i]);
  const auto it = stores_[i]->NewIterator(ColumnFamily::kItems, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    if (placed.count(table::TableOfItemKey(it->key()))) continue;
    table::StoredItem stored;
    CHECK(table::DecodeStoredItem(it->value(), stored));
    if (stored.tombstone) continue;
    rows.Add({std::string(it->key()), stored.version, std::string(stored.image)});
  }
  return rows;
}

const EndView::Losers& EndView::ReadLedger(size_t i) {
  if (ledgers_[i]) return *ledgers_[i];
  auto& [losers, late] = ledgers_[i].emplace();
  const auto it = stores_[i]->NewIterator(ColumnFamily::kLedger, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    conflict::ConflictRecordView record;
    CHECK(conflict::DecodeConflictRecord(it->value(), record));
    losers.push_back(record.loser.version.dot);
    if (record.reason == conflict::Reason::kDeletionForgotten) late.push_back(losers.back());
  }
  for (std::vector<Dot>* dots : {&losers, &late}) {
    std::sort(dots->begin(), dots->end());
    dots->erase(std::unique(dots->begin(), dots->end()), dots->end());
  }
  return *ledgers_[i];
}

std::string Name(Dot dot) { return conflict::ConflictName({0, Stamp{}, dot}).substr(17); }

}  // namespace everwrite::chaos
