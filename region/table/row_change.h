// RowChange: the one place where a stored row changes.
//
// Whoever writes a row (a client's write, a transaction, another region's change) decides with the
// key locked and commits in a turn. In between lies a RowChange: planned from the row that stands
// there, added to the batch as everything that follows from the change: the row itself, the key by
// which its tombstone is found, the entries of secondary indexes, the record of the table's stream,
// and the counts. No one else puts rows of users' tables.
//
// Planning does the work that needs the old row, on the caller's thread; adding is short, because
// all writes of the region go through one turn after the other. Indexes may come and go between the
// two: one that is new by then has nothing of the old row (its backfill must lock the key first)
// and gets the new one's entry; one that is gone has gone with all its entries.
//
// Thread-safety: a value; planned on any thread, added in the committer's turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "region/table/committer.h"
#include "region/table/layout.h"
#include "region/table/stream_change.h"

namespace everwrite::table {

// Reads what is stored under an items key, into `buffer`. No item and no tombstone: nullopt.
Result<std::optional<StoredItem>> ReadStored(const KvStore& store, std::string_view store_key,
                                             std::string* buffer);

class RowChange {
 public:
  // Of a live row: it has at least its key. Else nothing.
  struct Image {
    std::string_view bytes;
    int64_t size = 0;  // by DynamoDB's rules
    bool there() const { return !bytes.empty(); }
  };

  RowChange() = default;
  // With the key locked: `before` is what stands there, a tombstone included. `table` is the row's.
  // Borrows nothing but the store. Reads the store for an index that is being filled, else not.
  static Result<RowChange> Plan(const KvStore& store, const TableState& table,
                                std::string_view store_key, const std::optional<StoredItem>& before,
                                const NewRow& after);

  // Another change of the same unit stands between the stored row and this one: what the stream
  // shows as the old image. It outlives this.
  void ComesBehind(const TableState& table, const StoredItem& before, const NewRow& after) {
    stream_ = StreamChange::PlanBehind(table, before, after);
  }

  // In a turn, with the key still locked, and `row` the row of the plan with its version. The table
  // must not have been dropped (TableState::dropped).
  void AddTo(CommitTurn& turn, const std::shared_ptr<TableState>& table, std::string_view store_key,
             const StoredItem& row) const;
  // The same for a row that goes without a trace. Planned as a tombstone's; `version` is that of
  // the row that goes.
  void AddRemovalTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                    std::string_view store_key, const conflict::Version& version) const;
  // The same for a row that is put right without a change (row_repair.h): the bucket's digest keeps
  // what it says of changes, and the stream has told the change when it came.
  void AddRepairTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                   std::string_view store_key, const StoredItem& row) const;
  // The same of a change that leaves no row: the stream alone is told. It has lost (then this is
  // as constructed), or a later change of its unit puts the row.
  void AddToStream(CommitTurn& turn, const TableState& table, std::string_view store_key,
                   const StoredItem& row) const {
    stream_.AddTo(turn, table, store_key, row);
  }

 private:
  struct IndexChange {
    std::optional<IndexEntry> before;
    std::optional<IndexEntry> after;
    bool same = false;  // nothing to do
  };
  Status PlanIndexes(const KvStore& store, std::string_view store_key, const Image& before,
                     const Image& after);
  // The row and all that hangs on it; returns by how much the bucket's sum moves.
  uint64_t AddRow(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                  std::string_view store_key, const StoredItem& row) const;
  void AddIndexes(CommitTurn& turn, const TableState& table, std::string_view store_key,
                  const StoredItem& row) const;
  uint64_t AddRest(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                   std::string_view store_key, const StoredItem& row) const;

  std::optional<Dot> replaced_tombstone_;
  uint64_t hash_before_ = 0;   // of the row that stood there (bucket_digest.h)
  uint64_t content_hash_ = 0;  // of the row that will
  int64_t count_items_ = 0;
  int64_t count_bytes_ = 0;
  std::shared_ptr<const IndexList> indexes_;  // as planned
  std::vector<IndexChange> index_changes_;    // of each
  StreamChange stream_;
};

}  // namespace everwrite::table
