#include "chaos/checkers/end_state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/coding.h"
#include "chaos/checkers/end_view.h"
#include "chaos/checkers/ledger_bound.h"
#include "chaos/checkers/placed_tables.h"
#include "chaos/checkers/stream_state.h"
#include "chaos/workload_item.h"
#include "region/table/bucket_digest.h"
#include "region/table/index_check.h"
#include "region/table/layout.h"
#include "region/table/schema.h"
#include "streams/change_log.h"

namespace everwrite::chaos {
namespace {
Violations CheckConvergence(EndView& view) {
  Violations violations;
  const LiveRows& first = view.Rows(0);
  for (size_t i = 1; i < view.size(); ++i) {
    const LiveRows& other = view.Rows(i);
    size_t place = 0;
    for (const LiveRows::Row& row : first) {
      const LiveRows::Row* const there = other.Find(row.key, place);
      if (!there) {
        violations.push_back("diverged: " + ToHex(row.key) + " is in region 0 and not in " +
                             std::to_string(i));
      } else if (*there != row) {
        violations.push_back("diverged: " + ToHex(row.key) + " is " + Name(row.version.dot) +
                             " in region 0 and " + Name(there->version.dot) + " in " +
                             std::to_string(i));
      }
    }
    place = 0;
    for (const LiveRows::Row& row : other) {
      if (!first.Find(row.key, place))
        violations.push_back("diverged: " + ToHex(row.key) + " is in region " + std::to_string(i) +
                             " and not in 0");
    }
  }
  return violations;
}

// Whether it is the write, with its content. The version alone does not tell: with a clock that
// stands still, a region that goes on from an old copy gives the same stamp to the same number
// again.
bool IsOf(const HistoryWrite& write, const Change& change) {
  if (change.key != write.key || change.version != write.version) return false;
  if (write.is_delete) return change.tombstone;
  return SimIdOf(change.image) == write.id;
}

// Writes that only a lost disk had when it was lost, and whose number an old copy of it has given
// again: nobody has the former change any more.
std::set<uint64_t> GivenAgain(EndView& view) {
  std::set<uint64_t> again;
  for (const HistoryWrite& write : view.history().writes) {
    if (!view.history().IsExcused(write)) continue;
    const Change* const now = view.All().Find(write.version.dot);
    bool itself = false;
    for (size_t i = 0; i < view.size(); ++i) {
      const Change* const held = view.Log(i).Find(write.version.dot);
      itself |= held && IsOf(write, *held);
    }
    if (now && !IsOf(write, *now) && !itself) again.insert(write.id);
  }
  return again;
}

Violations CheckDurability(EndView& view) {
  Violations violations;
  const std::set<uint64_t> given_again = GivenAgain(view);
  const std::vector<HistoryWrite>& writes = view.history().writes;
  // Of each write, the change that was seen to have its content; most regions have the same one.
  std::vector<const Change*> seen(writes.size());
  for (size_t i = 0; i < view.size(); ++i) {
    const auto first_held = streams::ReadFirstHeld(*view.stores()[i]).value();
    const Changes& log = view.Log(i);
    for (size_t at = 0; at < writes.size(); ++at) {
      const HistoryWrite& write = writes[at];
      if (write.outcome != Outcome::kAcknowledged || write.version == conflict::Version()) continue;
      if (given_again.count(write.id)) continue;
      const Dot dot = write.version.dot;
      const auto lost = [&](const char* why) {
        violations.push_back("lost: acknowledged write " + std::to_string(write.id) + " (" +
                             Name(dot) + ") in region " + std::to_string(i) + ": " + why);
      };
      const Change* const held = log.Find(dot);
      const Change* const any = held ? held : view.All().Find(dot);
      const auto first = held ? first_held.end() : first_held.find(dot.log);
      if (!any) {
        if (!view.history().IsExcused(write))
          lost(write.held_by == 0 ? "no change record"
                                  : "no change record, and another region had it");
      } else if (!held && (first == first_held.end() || dot.number >= first->second)) {
        lost("no change record, and its log reaches back to it");
      } else if (any->key != write.key || any->version != write.version) {
        lost("its number names another change");
      } else if (!write.is_delete && seen[at] != any) {
        if (SimIdOf(any->image) == write.id) {
          seen[at] = any;
        } else {
          lost("its record has another content");
        }
      }
    }
  }
  return violations;
}

// The tables that there are in the end: a table that was deleted, or deleted and made again, leaves
// the changes of its rows in the logs.
std::set<TableId> TablesInTheEnd(EndView& view) {
  std::set<TableId> tables;
  for (size_t i = 0; i < view.size(); ++i) {
    for (const LiveRows::Row& row : view.Rows(i)) {
      if (table::TableOfItemKey(row.key) != table::kCatalogTable) continue;
      table::TableDefinition definition;
      if (table::DecodeTableDefinition(row.image, definition)) tables.insert(definition.id);
    }
  }
  return tables;
}

// Of each key the highest version, or deletion, that went with a disk. It may have been seen: a row
// goes while a region is filled from one that has deleted it, and is not brought back when that one
// is gone; and a ledger says what lost to it.
std::map<std::string, conflict::Version> HighestGone(EndView& view, bool deletions) {
  std::map<std::string, conflict::Version> highest;
  for (const Change* change : view.Gone()) {
    if (deletions && !change->tombstone) continue;
    conflict::Version& version = highest[table::ItemKey(change->table, change->key)];
    version = std::max(version, change->version);
  }
  return highest;
}

// By store key: the highest change of each, but of placed tables.
std::vector<std::pair<std::string, const Change*>> HighestOfKeys(EndView& view) {
  struct Hash {
    size_t operator()(const std::pair<TableId, std::string_view>& key) const {
      return Hash64(key.second) ^ key.first.value;
    }
  };
  std::unordered_map<std::pair<TableId, std::string_view>, const Change*, Hash> highest;
  for (const Change& change : view.All()) {
    if (change.placed) continue;
    const Change*& best =
        highest[{change.is_table ? table::kCatalogTable : change.table, change.key}];
    if (best == nullptr || change.version > best->version) best = &change;
  }
  std::vector<std::pair<std::string, const Change*>> sorted;
  sorted.reserve(highest.size());
  for (const auto& [key, change] : highest)
    sorted.emplace_back(table::ItemKey(key.first, key.second), change);
  std::sort(sorted.begin(), sorted.end());  // no key is there twice
  return sorted;
}

// It came back with an old copy of a disk, too late to be taken, and went with that disk again
// before its region had heard enough to say that it had not been deleted: the ledger is all that is
// left, as far as its bound reaches.
bool WentLate(EndView& view, size_t i, const Change& change) {
  return view.history().WasLost(change.dot()) &&
         (std::binary_search(view.CameLate(i).begin(), view.CameLate(i).end(), change.dot()) ||
          view.history().MayHaveForgotten(i, change.dot()));
}

Violations CheckRows(EndView& view) {
  Violations violations;
  const auto gone = HighestGone(view, /*deletions=*/true);
  const std::set<TableId> tables = TablesInTheEnd(view);
  const std::vector<std::pair<std::string, const Change*>> highest = HighestOfKeys(view);
  for (size_t i = 0; i < view.size(); ++i) {
    const LiveRows& rows = view.Rows(i);
    const auto say = [&](const std::string& key, const std::string& what) {
      violations.push_back(ToHex(key) + " in region " + std::to_string(i) + ": " + what);
    };
    size_t written = 0, place = 0;
    for (const auto& [key, change] : highest) {
      const LiveRows::Row* const row = rows.Find(key, place);
      if (row && change->tombstone) {
        say(key,
            Name(row->version.dot) + " is there, and was deleted by " + Name(change->version.dot));
      } else if (const auto deleted = gone.find(key);
                 !row && deleted != gone.end() && deleted->second > change->version) {
        continue;
      } else if (!row && WentLate(view, i, *change)) {
        continue;
      } else if (!change->tombstone && (!row || row->version != change->version) &&
                 (change->is_table || tables.count(change->table) != 0)) {
        say(key, "the winner " + Name(change->version.dot) + " is not there");
      }
      written += row ? 1 : 0;
    }
    if (written == rows.size()) continue;
    for (const LiveRows::Row& row : rows) {
      const auto at = std::partition_point(highest.begin(), highest.end(),
                                           [&row](const auto& one) { return one.first < row.key; });
      if (at == highest.end() || at->first != row.key) say(row.key, "nobody has written it");
    }
  }
  return violations;
}

// Those above it, the nearest first: which of them knew it, or equals it, so that nothing was lost?
bool IsAccountedFor(EndView& view, const Change& change) {
  const auto of_key = view.Of(change);
  const auto above =
      std::upper_bound(of_key.begin(), of_key.end(), &change,
                       [](const Change* a, const Change* b) { return a->version < b->version; });
  if (above == of_key.end()) return true;  // the highest
  const auto accounts = [&change](const Change* other) {
    return other->Knows(change.dot()) || (other->tombstone == change.tombstone &&
                                          (other->tombstone || other->image == change.image));
  };
  const auto& gone = view.Gone();
  return std::any_of(above, of_key.end(), accounts) ||
         std::any_of(gone.begin(), gone.end(), [&](const Change* other) {
           return other->key == change.key && other->version > change.version && accounts(other);
         });
}

// It met what it lost to where a disk was lost later, and in no region that was whole then: that it
// lost may have stood on that disk alone, while the others have the row of the winner, or of one
// above a winner that is gone itself.
bool MayBeUntold(EndView& view, const Change& loser) {
  const auto of_key = view.Of(loser);
  const auto& gone = view.Gone();
  const auto met = [&](const conflict::Vector& held) {
    const auto won = [&](const Change* change) {
      return change->key == loser.key && change->version > loser.version &&
             held.Covers(change->dot());
    };
    return held.Covers(loser.dot()) && (std::any_of(of_key.begin(), of_key.end(), won) ||
                                        std::any_of(gone.begin(), gone.end(), won));
  };
  const auto& disks = view.history().lost_disks;
  return std::any_of(disks.begin(), disks.end(), [&](const History::LostDisk& disk) {
    return met(disk.held) && std::none_of(disk.told.begin(), disk.told.end(), met);
  });
}

// A deletion lost to what came back with an old copy of a disk, after regions had forgotten it:
// those cannot tell.
bool MayBeForgotten(EndView& view, const Change& loser) {
  if (!loser.tombstone) return false;
  const auto of_key = view.Of(loser);
  const auto& disks = view.history().lost_disks;
  return std::any_of(of_key.begin(), of_key.end(), [&](const Change* change) {
    return change->version > loser.version &&
           std::any_of(disks.begin(), disks.end(), [&](const History::LostDisk& disk) {
             return disk.old_copy && disk.logs.count(change->dot().log) != 0;
           });
  });
}

Violations CheckLedger(EndView& view) {
  Violations violations;
  std::map<Dot, uint64_t> unaccounted;  // with the write's id
  const std::set<TableId> tables = TablesInTheEnd(view);
  for (const HistoryWrite& write : view.history().writes) {
    if (write.outcome != Outcome::kAcknowledged || write.version == conflict::Version()) continue;
    const Change* const mine = view.All().Find(write.version.dot);
    if (!mine || mine->version != write.version) continue;  // durability tells
    if (!IsAccountedFor(view, *mine)) unaccounted[mine->dot()] = write.id;
  }
  // Where one region has what was decided, all must have it.
  const auto is_entered = [&view](size_t i, Dot dot) {
    return std::binary_search(view.Ledger(i).begin(), view.Ledger(i).end(), dot);
  };
  std::erase_if(unaccounted, [&](const auto& entry) {
    if (MayBeForgotten(view, *view.All().Find(entry.first))) return true;
    for (size_t i = 0; i < view.size(); ++i)
      if (is_entered(i, entry.first)) return false;
    return MayBeUntold(view, *view.All().Find(entry.first));
  });
  const auto gone = HighestGone(view, /*deletions=*/false);
  for (size_t i = 0; i < view.size(); ++i) {
    for (const auto& [dot, id] : unaccounted)
      if (!is_entered(i, dot) && !view.history().MayHaveForgotten(i, dot))
        violations.push_back("vanished: acknowledged write " + std::to_string(id) + " (" +
                             Name(dot) + ") lost unknown and is not in the ledger of region " +
                             std::to_string(i));
    // And the other way round: nothing is in the ledger that did not lose.
    for (const Dot& loser : view.Ledger(i)) {
      const Change* const change = view.All().Find(loser);
      if (!change || change->is_table) continue;
      // What comes for a table that was deleted has lost to its deletion.
      if (!change->placed && tables.count(change->table) == 0) continue;
      if (!gone.empty()) {
        const auto above = gone.find(table::ItemKey(change->table, change->key));
        if (above != gone.end() && above->second > change->version) continue;
      }
      if (view.Of(*change).back()->version <= change->version && !WentLate(view, i, *change))
        violations.push_back("the ledger has a winner: " + Name(loser));
    }
  }
  return violations;
}

Violations CheckOrder(EndView& view) {
  Violations violations;
  for (size_t i = 0; i < view.size(); ++i) {
    Dot before;
    Stamp stamp;
    const auto first_held = streams::ReadFirstHeld(*view.stores()[i]).value();
    for (const Change& change : view.Log(i)) {
      const Dot dot = change.dot();
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

Violations CheckTransactions(EndView& view) {
  Violations violations;
  std::vector<uint64_t> carried_out;  // ids of the writes, sorted
  carried_out.reserve(view.All().size());
  for (const Change& change : view.All()) {
    if (change.is_table || change.tombstone) continue;
    if (const auto id = SimIdOf(change.image)) carried_out.push_back(*id);
  }
  std::sort(carried_out.begin(), carried_out.end());
  for (const HistoryWrite& write : view.history().writes) {
    if (!write.in_transaction || write.is_delete || view.history().WasForgotten(write)) continue;
    const auto [first, end] = std::equal_range(carried_out.begin(), carried_out.end(), write.id);
    const auto times = end - first;
    const int least = write.outcome == Outcome::kAcknowledged ? 1 : 0;
    if (times < least || times > 1)
      violations.push_back("write " + std::to_string(write.id) + " of a transaction was made " +
                           std::to_string(times) + " times");
  }
  for (size_t i = 0; i < view.size(); ++i) {
    const std::string where = " in region " + std::to_string(i);
    Dot before;
    uint64_t open = 0;
    for (const Change& change : view.Log(i)) {
      const Dot dot = change.dot();
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

// The item that it deleted went with the last disk that had it.
bool KnowsWhatIsGone(EndView& view, const Change& change) {
  const auto& gone = view.Gone();
  return std::any_of(gone.begin(), gone.end(), [&](const Change* other) {
    return other->key == change.key && change.Knows(other->dot());
  });
}

Violations CheckTimeToLive(EndView& view) {
  Violations violations;
  for (const Change& change : view.All()) {
    if (change.actor != streams::Actor::kTimeToLive) continue;
    if (change.tombstone && KnowsWhatIsGone(view, change)) continue;
    // What stood there when it was decided: the winner among what its region knew.
    const auto of_key = view.Of(change);
    const auto known = std::find_if(of_key.rbegin(), of_key.rend(), [&](const Change* other) {
      return other != &change && change.Knows(other->dot());
    });
    const Change* const before = known == of_key.rend() ? nullptr : *known;
    const auto item =
        before && !before->tombstone ? DecodeSimItem(before->image) : std::optional<SimItem>();
    const bool expired =
        item && item->expiry != 0 && item->expiry * 1000 < change.version.stamp.milliseconds();
    if (!change.tombstone || !expired)
      violations.push_back("deleted before its time: " + Name(change.dot()) + ", which knew " +
                           (before ? Name(before->dot()) : "nothing") +
                           (item ? ", expiring at " + std::to_string(item->expiry) + " s" : ""));
    if (view.history().expiry_by_writer_alone && before &&
        before->dot().log.region() != change.dot().log.region())
      violations.push_back("expired and deleted by another region than the writer's: " +
                           Name(change.dot()));
  }
  return violations;
}

Violations CheckSecondaryIndexes(EndView& view) {
  Violations violations;
  table::IndexChecker checker;
  for (size_t i = 0; i < view.size(); ++i) {
    const auto lines = checker.Check(*view.stores()[i]);
    CHECK(lines.ok(), lines.status().ToString());
    for (const std::string& line : *lines)
      violations.push_back(line + " in region " + std::to_string(i));
  }
  return violations;
}

Violations CheckCounts(EndView& view) {
  Violations violations;
  for (size_t i = 0; i < view.size(); ++i) {
    std::map<uint64_t, int64_t> live;
    for (const LiveRows::Row& row : view.Rows(i)) {
      if (const TableId id = table::TableOfItemKey(row.key); id != table::kCatalogTable)
        ++live[id.value];
    }
    for (const auto& [id, count] : live) {
      std::string value;
      int64_t items = 0, bytes = 0;
      if (!view.stores()[i]
               ->Get(ColumnFamily::kSystem, table::CountKey(TableId{id}), &value)
               .value() ||
          !table::DecodeCount(value, items, bytes) || items != count)
        violations.push_back("region " + std::to_string(i) + " counts " + std::to_string(items) +
                             " items, and holds " + std::to_string(count));
    }
    for (std::string& line : CheckLedgerCount(*view.stores()[i], i))
      violations.push_back(std::move(line));
  }
  return violations;
}

Violations CheckBucketDigests(EndView& view) {
  Violations violations;
  std::vector<table::DigestBook> books(view.size());
  for (size_t i = 0; i < view.size(); ++i) {
    CHECK(books[i].Load(*view.stores()[i]).ok());
    const auto lines = table::CheckDigests(*view.stores()[i], books[i]);
    CHECK(lines.ok(), lines.status().ToString());
    for (const std::string& line : *lines)
      violations.push_back(line + " in region " + std::to_string(i));
  }
  const std::set<TableId> placed = PlacedTables(*view.stores()[0]);
  const auto list = [&placed](const table::DigestBook& book) {
    auto entries = book.List(TableId{0}, 0, SIZE_MAX);
    std::erase_if(entries, [&](const auto& entry) { return placed.count(entry.table) != 0; });
    return entries;
  };
  const size_t buckets = list(books[0]).size();
  for (size_t i = 1; i < view.size(); ++i) {
    const auto entries = list(books[i]);
    if (entries.size() != buckets)
      violations.push_back("region " + std::to_string(i) + " has another number of buckets");
    for (const auto& entry : entries) {
      if (entry.digest != books[0].Get(entry.table, entry.bucket))
        violations.push_back("bucket " + std::to_string(entry.bucket) + " of table " +
                             std::to_string(entry.table.value) + " differs in region " +
                             std::to_string(i));
    }
  }
  return violations;
}

}  // namespace

ChangeCounts CountChanges(EndView& view) {
  ChangeCounts counts;
  for (const Change& change : view.All()) {
    counts.transactions += change.transaction_end ? 1 : 0;
    counts.expired += change.actor == streams::Actor::kTimeToLive ? 1 : 0;
  }
  for (const HistoryWrite& write : view.history().writes)
    counts.lost_with_disk +=
        write.outcome == Outcome::kAcknowledged && write.version != conflict::Version() &&
                !view.All().Has(write.version.dot) && view.history().WasLost(write.version.dot)
            ? 1
            : 0;
  return counts;
}

const std::vector<EndCheck>& EndChecks() {
  static const std::vector<EndCheck> checks = {{"convergence", CheckConvergence},
                                               {"durability", CheckDurability},
                                               {"rows", CheckRows},
                                               {"ledger", CheckLedger},
                                               {"order", CheckOrder},
                                               {"transactions", CheckTransactions},
                                               {"time_to_live", CheckTimeToLive},
                                               {"indexes", CheckSecondaryIndexes},
                                               {"counts", CheckCounts},
                                               {"digests", CheckBucketDigests},
                                               {"streams", CheckStreams},
                                               {"placed_tables", CheckPlacedTables}};
  return checks;
}

Violations CheckEndState(EndView& view, size_t limit) {
  Violations all;
  for (const EndCheck& check : EndChecks())
    for (const std::string& line : check.run(view))
      if (all.size() < limit) all.push_back(line);
  return all;
}

Violations CheckEndState(const std::vector<const KvStore*>& stores, const History& history,
                         size_t limit) {
  EndView view(stores, history);
  return CheckEndState(view, limit);
}

}  // namespace everwrite::chaos
