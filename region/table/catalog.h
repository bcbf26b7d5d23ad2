// The catalog: which tables there are. Definitions are items of a system table (layout.h) and
// replicate like any item: created in one region, a table exists in all.
//
// Identity. A table's id is derived from its name, key schema, generation and the tombstone it
// follows, not drawn at random: two regions that create the same table at the same time make the
// same incarnation, and rows written meanwhile in both belong together. A table deleted and created
// again has another generation and so another id; no row of the old one enters the new.
//
// Order. Definitions of one name are ordered by rank first (conflict/version.h): 2 x generation,
// plus 1 for the deletion. A deletion beats any concurrent change of the same incarnation, because
// rows are dropped with it, and any later creation beats the deletion.
//
// Rows of an incarnation go, in the batch that replaces its definition, in every region. Its stream
// begins and ends in that batch. So do the
// entries of an index that the new definition lacks; one that it adds begins in that batch, empty
// and to be filled (index_backfill.h), unless the table is empty too.
//
// Where. A definition is known in every region; its rows are kept where it says (TableDefinition::
// replicas). A region that comes to hold a table begins to fill it in that batch (table_fills.h),
// one that does so no more drops the rows in it. What is found here by Find, FindById and in the
// lists is what this region holds.
//
// Apart. A region may leave a table and keep what it has of it (TableDefinition::apart). That makes
// a second entry beside the table's, under a key of its own, and takes over its rows and ids; so a
// region that holds one of the two holds nothing of the other, and what Find finds is unambiguous.
//
// Thread-safety: Find, FindById and List from any thread; the rest as the committer's turn.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "region/table/committer.h"
#include "region/table/engine.h"
#include "region/table/stream_catalog.h"
#include "region/table/table_fills.h"

namespace everwrite::table {

TableId DeriveTableId(const TableDefinition& definition, const conflict::Version& follows);
inline uint64_t RankOfLive(uint64_t generation) { return generation * 2; }
inline uint64_t RankOfDeleted(uint64_t generation) { return generation * 2 + 1; }

class Catalog {
 public:
  // Begins and ends the streams and the fillings of tables with their definitions. `others`: the
  // regions of the topology beside `region`.
  Catalog(RegionId region, std::vector<RegionId> others, StreamCatalog& streams, TableFills& fills)
      : region_(region), others_(std::move(others)), streams_(streams), fills_(fills) {}

  // Reads all definitions and counts; the streams are loaded.
  Status Load(const KvStore& store);

  TablePtr Find(std::string_view name) const;
  TablePtr FindById(TableId id) const;
  std::vector<std::string> List(std::string_view after, size_t limit) const;
  // By the key of its entry; also of a table that lives elsewhere.
  TablePtr FindAnywhere(std::string_view key) const;
  // The same, if it is here.
  TablePtr FindHeld(std::string_view key) const;
  // To clients of this region.
  bool IsShown(const Table& table) const;
  // The entry that a client of this region means by the name.
  std::string KeyOf(std::string_view name) const;
  // Some region has a table of this name for itself.
  bool HasApart(std::string_view name) const;
  bool HasApart(std::string_view name, RegionId region) const {
    return FindAnywhere(ApartKey(name, region)) != nullptr;
  }
  bool IsElsewhere(TableId id) const;
  // Who has its rows, in order; this region among them or not.
  std::vector<RegionId> HoldersOf(const TableDefinition& definition) const;
  std::vector<TablePtr> AllAnywhere() const;

  // A definition is replaced, in a turn: `before` (null: none live) by `after` (null: deleted).
  // Drops the rows of an incarnation that ends. What is returned must be published once the turn is
  // durable.
  TablePtr Replace(CommitTurn& turn, const TablePtr& before, const TableDefinition* after);
  void Publish(const std::string& key, TablePtr table);
  // In a turn: this region leaves the table, which it holds, and keeps what it has of it. `own` is
  // the definition of that, `rest` that of the table without this region. Both to be published.
  std::pair<TablePtr, TablePtr> Part(CommitTurn& turn, const Table& table,
                                     const TableDefinition& own, const TableDefinition& rest);
  // In a turn: the region has been filled (filling.h).
  void Filled(CommitTurn& turn) { streams_.BeginAnew(turn); }
  // In a turn: the table is whole.
  void TableFilled(CommitTurn& turn, const Table& table);
  // In a turn: the table, which this region holds, must be filled from those that have it whole.
  // `shows`: what its rows show for sure (table_fills.h).
  void FillTable(CommitTurn& turn, const Table& table, const conflict::Vector& floor,
                 const conflict::Vector& shows);
  TableFills& fills() const { return fills_; }

  // Called, from any thread, when a table is published that has an index to be filled.
  void SetOnIncomplete(std::function<void()> listener) { on_incomplete_ = std::move(listener); }
  // The first table, by id, with an index that is not complete, as published; null: none.
  TablePtr FindIncomplete() const;
  std::vector<TablePtr> All() const;
  // The tables whose items expire, by id.
  std::vector<TablePtr> WithTimeToLive() const;

 private:
  bool HoldsHere(const TableDefinition& definition) const;
  void IndexById(TableId id, std::string_view name);  // with mutex_ held
  void DropTable(CommitTurn& turn, const Table& table, bool lives_on);
  static void ReplaceIndexes(CommitTurn& turn, const TableDefinition& after, TableState& state,
                             bool empty);
  Status LoadIndexes(const KvStore& store, const TableDefinition& definition, TableState& state);

  const RegionId region_;
  const std::vector<RegionId> others_;
  StreamCatalog& streams_;
  TableFills& fills_;
  std::function<void()> on_incomplete_;  // set before anything is published
  mutable std::shared_mutex mutex_;
  std::map<std::string, TablePtr, std::less<>> by_key_;
  std::map<TableId, TablePtr> by_id_;  // of two of one id the one that is held
};

}  // namespace everwrite::table
