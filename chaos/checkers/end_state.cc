#include "chaos/checkers/end_state.h"

#include <map>
#include <set>

#include "base/coding.h"
#include "chaos/checkers/placed_tables.h"
#include "chaos/checkers/stream_state.h"
#include "chaos/workload_item.h"
#include "conflict/conflict_record.h"
#include "conflict/resolver.h"
#include "region/table/bucket_digest.h"
#include "region/table/index_check.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::chaos {
namespace {

// A change record that owns its bytes.
struct Change {
  conflict::Version version;
  conflict::Vector context;
  TableId table;
  std::string key;
  bool is_table = false;
  bool tombstone = false;
  std::string image;
  uint64_t transaction = 0;
  bool transaction_end = false;
  streams::Actor actor = streams::Actor::kClient;
  bool placed = false;  // of a table that is not in all regions (placed_tables.h)

  bool Knows(Dot dot) const {
    return conflict::IncomingChange{version, tombstone, image, &context}.Knows(dot);
  }
};

std::string Name(Dot dot) { return conflict::ConflictName({0, Stamp{}, dot}).substr(17); }

Change ChangeOf(std::string_view bytes) {
  streams::ChangeRecord record;
  CHECK(streams::DecodeChangeRecord(bytes, record));
  Change change{{record.rank, record.stamp, record.dot},
                {},
                record.table,
                std::string(record.key),
                record.subject == streams::Subject::kTable,
                record.tombstone,
                std::string(record.image),
                record.transaction,
                record.transaction_end,
                record.actor,
                !record.scope.empty()};
  if (!record.context.empty()) CHECK(conflict::Vector::Decode(record.context, change.context));
  return change;
}

std::map<Dot, Change> ReadChangesOf(const KvStore& store) {
  std::map<Dot, Change> changes;
  const auto it = store.NewIterator(ColumnFamily::kChanges, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    Change change = ChangeOf(it->value());
    changes.emplace(change.version.dot, std::move(change));
  }
  return changes;
}

// Everything that some region has applied: by the history's records, or else by what the logs hold.
std::map<Dot, Change> AllChanges(const std::vector<const KvStore*>& stores,
                                 const History& history) {
  conflict::Vector applied;
  std::map<Dot, Change> changes;
  for (const KvStore* store : stores) {
    std::string value;
    table::RegionState state;
    CHECK(store->Get(ColumnFamily::kSystem, table::kRegionStateKey, &value).value());
    CHECK(table::DecodeRegionState(value, state));
    applied.Merge(state.applied);
    if (history.records.empty()) changes.merge(ReadChangesOf(*store));
  }
  for (const auto& [dot, record] : history.records)
    if (applied.Covers(dot)) changes.emplace(dot, ChangeOf(*record));
  return changes;
}

std::map<std::string, std::pair<conflict::Version, std::string>> ReadLiveItems(
    const KvStore& store) {
  std::map<std::string, std::pair<conflict::Version, std::string>> items;
  const std::set<TableId> placed = PlacedTables(store);
  const auto it = store.NewIterator(ColumnFamily::kItems, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    if (placed.count(table::TableOfItemKey(it->key()))) continue;
    table::StoredItem stored;
    CHECK(table::DecodeStoredItem(it->value(), stored));
    if (stored.tombstone) continue;
    items[std::string(it->key())] = {stored.version, std::string(stored.image)};
  }
  return items;
}

std::set<Dot> ReadLedger(const KvStore& store) {
  std::set<Dot> losers;
  const auto it = store.NewIterator(ColumnFamily::kLedger, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    conflict::ConflictRecord record;
    CHECK(conflict::DecodeConflictRecord(it->value(), record));
    losers.insert(record.loser.version.dot);
  }
  return losers;
}

}  // namespace

Violations CheckConvergence(const std::vector<const KvStore*>& stores) {
  Violations violations;
  const auto first = ReadLiveItems(*stores[0]);
  for (size_t i = 1; i < stores.size(); ++i) {
    const auto other = ReadLiveItems(*stores[i]);
    for (const auto& [key, item] : first) {
      const auto at = other.find(key);
      if (at == other.end()) {
        violations.push_back("diverged: " + ToHex(key) + " is in region 0 and not in " +
                             std::to_string(i));
      } else if (at->second != item) {
        violations.push_back("diverged: " + ToHex(key) + " is " + Name(item.first.dot) +
                             " in region 0 and " + Name(at->second.first.dot) + " in " +
                             std::to_string(i));
      }
    }
    for (const auto& [key, item] : other) {
      if (!first.count(key))
        violations.push_back("diverged: " + ToHex(key) + " is in region " + std::to_string(i) +
                             " and not in 0");
    }
  }
  return violations;
}

// Writes that only a lost disk had, and whose number an old copy of it has given again: nobody has
// the former change any more.
std::set<size_t> GivenAgain(const std::vector<std::map<Dot, Change>>& held,
                            const std::map<Dot, Change>& changes, const History& history) {
  std::set<size_t> again;
  for (size_t i = 0; i < history.writes.size(); ++i) {
    const conflict::Version& version = history.writes[i].version;
    if (!history.WasLost(version.dot)) continue;
    const auto now = changes.find(version.dot);
    const bool itself = std::any_of(held.begin(), held.end(), [&](const auto& log) {
      const auto at = log.find(version.dot);
      return at != log.end() && at->second.version == version;
    });
    if (now != changes.end() && now->second.version != version && !itself) again.insert(i);
  }
  return again;
}

Violations CheckDurability(const std::vector<const KvStore*>& stores, const History& history) {
  Violations violations;
  const auto changes = AllChanges(stores, history);
  std::vector<std::map<Dot, Change>> logs;
  for (const KvStore* store : stores) logs.push_back(ReadChangesOf(*store));
  const std::set<size_t> given_again = GivenAgain(logs, changes, history);
  for (size_t i = 0; i < stores.size(); ++i) {
    const auto& held = logs[i];
    const auto first_held = streams::ReadFirstHeld(*stores[i]).value();
    for (const HistoryWrite& write : history.writes) {
      if (write.outcome != Outcome::kAcknowledged || write.version == conflict::Version()) continue;
      if (given_again.count(static_cast<size_t>(&write - history.writes.data()))) continue;
      const Dot dot = write.version.dot;
      const auto lost = [&](const char* why) {
        violations.push_back("lost: acknowledged write " + std::to_string(write.id) + " (" +
                             Name(dot) + ") in region " + std::to_string(i) + ": " + why);
      };
      const auto at = held.find(dot);
      const auto any = changes.find(dot);
      const auto first = first_held.find(dot.log);
      if (at == held.end() && any == changes.end()) {
        if (!history.WasLost(dot)) lost("no change record");
      } else if (at == held.end() && (first == first_held.end() || dot.number >= first->second)) {
        lost("no change record, and its log reaches back to it");
      } else if (const Change& change = at == held.end() ? any->second : at->second;
                 change.key != write.key || change.version != write.version) {
        lost("its number names another change");
      } else if (!write.is_delete) {
        const auto item = DecodeSimItem(change.image);
        if (!item || item->id != write.id) lost("its record has another content");
      }
    }
  }
  return violations;
}

Violations CheckRows(const std::vector<const KvStore*>& stores, const History& history) {
  Violations violations;
  std::map<std::string, const Change*> highest;  // by items key
  const auto changes = AllChanges(stores, history);
  for (const auto& [dot, change] : changes) {
    if (change.placed) continue;
    const Change*& best =
        highest[table::ItemKey(change.is_table ? table::kCatalogTable : change.table, change.key)];
    if (best == nullptr || change.version > best->version) best = &change;
  }
  for (size_t i = 0; i < stores.size(); ++i) {
    auto items = ReadLiveItems(*stores[i]);
    const auto say = [&](const std::string& key, const std::string& what) {
      violations.push_back(ToHex(key) + " in region " + std::to_string(i) + ": " + what);
    };
    for (const auto& [key, change] : highest) {
      const auto at = items.find(key);
      const bool there = at != items.end();
      if (there && change->tombstone) {
        say(key, Name(at->second.first.dot) + " is there, and was deleted by " +
                     Name(change->version.dot));
      } else if (!change->tombstone && (!there || at->second.first != change->version)) {
        say(key, "the winner " + Name(change->version.dot) + " is not there");
      }
      if (there) items.erase(at);
    }
    for (const auto& [key, item] : items) say(key, "nobody has written it");
  }
  return violations;
}

Violations CheckLedger(const std::vector<const KvStore*>& stores, const History& history) {
  Violations violations;
  const auto changes = AllChanges(stores, history);
  std::map<std::string, std::vector<const Change*>> by_key;
  for (const auto& [dot, change] : changes)
    if (!change.is_table) by_key[change.key].push_back(&change);
  for (size_t i = 0; i < stores.size(); ++i) {
    const auto ledger = ReadLedger(*stores[i]);
    for (const HistoryWrite& write : history.writes) {
      if (write.outcome != Outcome::kAcknowledged || write.version == conflict::Version()) continue;
      const auto mine = changes.find(write.version.dot);
      // Durability tells.
      if (mine == changes.end() || mine->second.version != write.version) continue;
      if (ledger.count(write.version.dot)) continue;
      bool highest = true;
      bool accounted = false;
      for (const Change* other : by_key[write.key]) {
        if (other->version <= write.version) continue;
        highest = false;
        accounted |= other->Knows(write.version.dot) ||
                     (other->tombstone == mine->second.tombstone &&
                      (other->tombstone || other->image == mine->second.image));
      }
      if (!highest && !accounted)
        violations.push_back("vanished: acknowledged write " + std::to_string(write.id) + " (" +
                             Name(write.version.dot) +
                             ") lost unknown and is not in the ledger of region " +
                             std::to_string(i));
    }
    // And the other way round: nothing is in the ledger that did not lose.
    for (const Dot& loser : ledger) {
      const auto at = changes.find(loser);
      if (at == changes.end() || at->second.is_table) continue;
      bool lost = false;
      for (const Change* other : by_key[at->second.key])
        lost |= other->version > at->second.version;
      if (!lost) violations.push_back("the ledger has a winner: " + Name(loser));
    }
  }
  return violations;
}

Violations CheckOrder(const std::vector<const KvStore*>& stores) {
  Violations violations;
  for (size_t i = 0; i < stores.size(); ++i) {
    Dot before;
    Stamp stamp;
    const auto first_held = streams::ReadFirstHeld(*stores[i]).value();
    for (const auto& [dot, change] : ReadChangesOf(*stores[i])) {
      const bool same_log = dot.log == before.log;
      const auto first = first_held.find(dot.log);
      const uint64_t from = first == first_held.end() ? 1 : first->second;
      if (dot.number != (same_log ? before.number + 1 : from))
        violations.push_back("a gap before " + Name(dot) + " in region " + std::to_string(i));
      const bool shared = change.transaction != 0 && change.transaction != dot.number;
      if (same_log && (shared ? change.version.stamp != stamp : change.version.stamp <= stamp))
        violations.push_back("stamps do not rise at " + Name(dot) + " in region " +
                             std::to_string(i));
      before = dot;
      stamp = change.version.stamp;
    }
  }
  return violations;
}

Violations CheckTransactions(const std::vector<const KvStore*>& stores, const History& history) {
  Violations violations;
  std::map<uint64_t, int> carried_out;  // by id of the write
  for (const auto& [dot, change] : AllChanges(stores, history)) {
    const auto item =
        change.is_table || change.tombstone ? std::nullopt : DecodeSimItem(change.image);
    if (item) ++carried_out[item->id];
  }
  for (const HistoryWrite& write : history.writes) {
    if (!write.in_transaction || write.is_delete || history.WasForgotten(write)) continue;
    const int times = carried_out.count(write.id) ? carried_out[write.id] : 0;
    const int least = write.outcome == Outcome::kAcknowledged ? 1 : 0;
    if (times < least || times > 1)
      violations.push_back("write " + std::to_string(write.id) + " of a transaction was made " +
                           std::to_string(times) + " times");
  }
  for (size_t i = 0; i < stores.size(); ++i) {
    const std::string where = " in region " + std::to_string(i);
    Dot before;
    uint64_t open = 0;
    for (const auto& [dot, change] : ReadChangesOf(*stores[i])) {
      if (dot.log != before.log && open != 0)
        violations.push_back("a transaction has no end before " + Name(dot) + where);
      if (dot.log != before.log) open = 0;
      const uint64_t expected = open ? open : change.transaction ? dot.number : 0;
      if (change.transaction != expected)
        violations.push_back("a transaction is cut at " + Name(dot) + where);
      open = change.transaction_end ? 0 : change.transaction;
      before = dot;
    }
    if (open != 0) violations.push_back("a transaction has no end" + where);
  }
  return violations;
}

Violations CheckTimeToLive(const std::vector<const KvStore*>& stores, const History& history) {
  Violations violations;
  const auto changes = AllChanges(stores, history);
  std::map<std::string, std::vector<const Change*>> by_key;
  for (const auto& [dot, change] : changes)
    if (!change.is_table) by_key[change.key].push_back(&change);
  for (const auto& [dot, change] : changes) {
    if (change.actor != streams::Actor::kTimeToLive) continue;
    // What stood there when it was decided: the winner among what its region knew.
    const Change* before = nullptr;
    for (const Change* other : by_key[change.key])
      if (other != &change && change.Knows(other->version.dot) &&
          (!before || other->version > before->version))
        before = other;
    const auto item =
        before && !before->tombstone ? DecodeSimItem(before->image) : std::optional<SimItem>();
    const bool expired =
        item && item->expiry != 0 && item->expiry * 1000 < change.version.stamp.milliseconds();
    if (!change.tombstone || !expired)
      violations.push_back("deleted before its time: " + Name(dot) + ", which knew " +
                           (before ? Name(before->version.dot) : "nothing") +
                           (item ? ", expiring at " + std::to_string(item->expiry) + " s" : ""));
    if (history.expiry_by_writer_alone && before &&
        before->version.dot.log.region() != dot.log.region())
      violations.push_back("expired and deleted by another region than the writer's: " + Name(dot));
  }
  return violations;
}

Violations CheckSecondaryIndexes(const std::vector<const KvStore*>& stores) {
  Violations violations;
  for (size_t i = 0; i < stores.size(); ++i) {
    const auto lines = table::CheckIndexes(*stores[i]);
    CHECK(lines.ok(), lines.status().ToString());
    for (const std::string& line : *lines)
      violations.push_back(line + " in region " + std::to_string(i));
  }
  return violations;
}

Violations CheckCounts(const std::vector<const KvStore*>& stores) {
  Violations violations;
  for (size_t i = 0; i < stores.size(); ++i) {
    std::map<uint64_t, int64_t> live;
    for (const auto& [key, item] : ReadLiveItems(*stores[i])) {
      if (const TableId id = table::TableOfItemKey(key); id != table::kCatalogTable)
        ++live[id.value];
    }
    for (const auto& [id, count] : live) {
      std::string value;
      int64_t items = 0, bytes = 0;
      if (!stores[i]->Get(ColumnFamily::kSystem, table::CountKey(TableId{id}), &value).value() ||
          !table::DecodeCount(value, items, bytes) || items != count)
        violations.push_back("region " + std::to_string(i) + " counts " + std::to_string(items) +
                             " items, and holds " + std::to_string(count));
    }
  }
  return violations;
}

Violations CheckBucketDigests(const std::vector<const KvStore*>& stores) {
  Violations violations;
  std::vector<table::DigestBook> books(stores.size());
  for (size_t i = 0; i < stores.size(); ++i) {
    const auto lines = table::CheckDigests(*stores[i]);
    CHECK(lines.ok(), lines.status().ToString());
    for (const std::string& line : *lines)
      violations.push_back(line + " in region " + std::to_string(i));
    CHECK(books[i].Load(*stores[i]).ok());
  }
  const std::set<TableId> placed = PlacedTables(*stores[0]);
  const auto count = [&placed](const table::DigestBook& book) {
    size_t buckets = 0;
    for (const auto& entry : book.List(TableId{0}, 0, SIZE_MAX))
      buckets += placed.count(entry.table) == 0 ? 1 : 0;
    return buckets;
  };
  for (size_t i = 1; i < stores.size(); ++i) {
    if (count(books[i]) != count(books[0]))
      violations.push_back("region " + std::to_string(i) + " has another number of buckets");
    for (const auto& entry : books[i].List(TableId{0}, 0, SIZE_MAX)) {
      if (placed.count(entry.table)) continue;
      if (entry.digest != books[0].Get(entry.table, entry.bucket))
        violations.push_back("bucket " + std::to_string(entry.bucket) + " of table " +
                             std::to_string(entry.table.value) + " differs in region " +
                             std::to_string(i));
    }
  }
  return violations;
}

ChangeCounts CountChanges(const std::vector<const KvStore*>& stores, const History& history) {
  ChangeCounts counts;
  const auto changes = AllChanges(stores, history);
  for (const auto& [dot, change] : changes) {
    counts.transactions += change.transaction_end ? 1 : 0;
    counts.expired += change.actor == streams::Actor::kTimeToLive ? 1 : 0;
  }
  for (const HistoryWrite& write : history.writes)
    counts.lost_with_disk +=
        write.outcome == Outcome::kAcknowledged && write.version != conflict::Version() &&
                changes.count(write.version.dot) == 0 && history.WasLost(write.version.dot)
            ? 1
            : 0;
  return counts;
}

Violations CheckEndState(const std::vector<const KvStore*>& stores, const History& history,
                         size_t limit) {
  Violations all;
  for (const Violations& some :
       {CheckConvergence(stores), CheckDurability(stores, history), CheckRows(stores, history),
        CheckLedger(stores, history), CheckOrder(stores), CheckTransactions(stores, history),
        CheckTimeToLive(stores, history), CheckSecondaryIndexes(stores), CheckCounts(stores),
        CheckBucketDigests(stores), CheckStreams(stores, history),
        CheckPlacedTables(stores, history)})
    for (const std::string& line : some)
      if (all.size() < limit) all.push_back(line);
  return all;
}

}  // namespace everwrite::chaos
