#include "chaos/checkers/end_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "chaos/checkers/placed_tables.h"
#include "conflict/conflict_record.h"
#include "conflict/resolver.h"
#include "region/table/layout.h"

namespace everwrite::chaos {
namespace {

Change ChangeOf(std::string_view bytes) {
  streams::ChangeRecord record;
  CHECK(streams::DecodeChangeRecord(bytes, record));
  Change change{{record.rank, record.stamp, record.dot},
                {},
                record.table,
                record.key,
                record.subject == streams::Subject::kTable,
                record.tombstone,
                record.image,
                record.transaction,
                record.transaction_end,
                record.actor,
                !record.scope.empty(),
                bytes};
  if (!record.context.empty()) CHECK(conflict::Vector::Decode(record.context, change.context));
  return change;
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
  return conflict::IncomingChange{version, tombstone, image, &context}.Knows(dot);
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

const Changes& EndView::All() {
  if (all_) return *all_;
  conflict::Vector applied;
  std::vector<const Change*> changes;
  for (size_t i = 0; i < size(); ++i) {
    applied.Merge(AppliedOf(*stores_[i]));
    if (!history_.records.empty()) continue;
    for (const Change& change : Log(i)) changes.push_back(&change);
  }
  changes.reserve(changes.size() + history_.records.size());
  for (const auto& [dot, record] : history_.records)
    if (applied.Covers(dot)) changes.push_back(&changes_.emplace_back(ChangeOf(*record)));
  return all_.emplace(std::move(changes));
}

const std::vector<const Change*>& EndView::Of(std::string_view key) {
  if (!by_key_) {
    by_key_.emplace();
    for (const Change& change : All())
      if (!change.is_table) (*by_key_)[change.key].push_back(&change);
    for (auto& [of, changes] : *by_key_)
      std::stable_sort(changes.begin(), changes.end(),
                       [](const Change* a, const Change* b) { return a->version < b->version; });
  }
  static const std::vector<const Change*> kNone;
  const auto at = by_key_->find(key);
  return at == by_key_->end() ? kNone : at->second;
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
  const Changes* const known = history_.records.empty() ? nullptr : &All();
  const auto it = stores_[i]->NewIterator(ColumnFamily::kChanges, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    CHECK(it->key().size() == 16, "a key of the change log");
    const Dot dot{LogId{LoadFixed64(it->key().data())}, LoadFixed64(it->key().data() + 8)};
    const Change* const made = known ? known->Find(dot) : nullptr;
    if (made && made->bytes == it->value()) {
      changes.push_back(made);
    } else {
      changes.push_back(
          &changes_.emplace_back(ChangeOf(bytes_.emplace_back(std::string(it->value())))));
    }
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
    conflict::ConflictRecord record;
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
