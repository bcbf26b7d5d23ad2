// LedgerTable: the conflict ledger as an ordinary table, `everwrite.conflicts`, that every SDK can
// read: GetItem, BatchGetItem, TransactGetItems, Query, Scan, PartiQL's SELECT.
//
//   region (partition key, S)   the region whose ledger it is
//   id (sort key, S)            the entry's name, in the order of the losers' stamps
//   table, table_id, kind ("item", "table"), reason, decided (S), decided_ms (N)
//   key (M)                     the item's key attributes
//   loser, winner (M)           region, region_id, version, time, time_ms, deleted, item (M)
//
// Each region has its own, made up from the ledger while it is read: nothing is stored twice. It is
// read-only, is in no other region, and is not listed by ListTables: applications that walk over
// their tables do not expect it.
//
// Its stream is always on: an INSERT for each entry, in the order in which this region decided. The
// stream holds the entries' names; their images are read from the ledger when the stream is, so an
// entry that has been forgotten by then comes with its key alone. What is forgotten leaves no
// record.
//
// Thread-safety: as the store.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/kv_store.h"
#include "conflict/conflict_record.h"
#include "region/table/catalog.h"
#include "region/table/engine.h"

namespace everwrite::table {

inline constexpr TableId kLedgerTable{2};
inline constexpr std::string_view kLedgerTableName = "everwrite.conflicts";
// When its stream was turned on, as its label tells it: before there was anything to tell.
inline constexpr uint64_t kLedgerStreamMs = 1'767'225'600'000;  // 2026-01-01

using RegionName = std::function<std::string(RegionId)>;

class CommitTurn;  // committer.h

class LedgerTable {
 public:
  // `name_of` names regions.
  LedgerTable(const KvStore& store, const Catalog& catalog, RegionId self, RegionName name_of);

  const TablePtr& table() const { return table_; }
  Result<bool> Get(std::string_view key, std::string* item) const;
  // As TableEngine::Scan.
  Status Scan(const ScanOptions& options,
              const std::function<bool(std::string_view, std::string_view)>& visit) const;
  // One entry as an item.
  std::string ItemOf(const conflict::ConflictRecord& record) const;
  // In the turn that keeps the record.
  void AddToStream(CommitTurn& turn, const conflict::ConflictRecord& record) const;

 private:
  std::string KeyOf(std::string_view conflict_name) const;

  const KvStore& store_;
  const Catalog& catalog_;
  const RegionName name_of_;
  const std::string region_;
  TablePtr table_;
  std::string partition_;  // what all encoded keys begin with
};

// The answer to whoever would write it.
Status LedgerIsReadOnly();

}  // namespace everwrite::table
