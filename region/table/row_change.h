// RowChange: the one place where a stored row changes.
//
// Whoever writes a row (a client's write, a transaction, another region's change) decides with the
// key locked and commits in a turn. In between lies a RowChange: planned from the row that stands
// there, added to the batch as everything that follows from the change: the row itself, the key by
// which its tombstone is found, and the table's count. No one else puts rows of users' tables.
//
// Planning does the work that needs the old row, on the caller's thread; adding is short, because
// all writes of the region go through one turn after the other.
//
// Thread-safety: a value; planned on any thread, added in the committer's turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/kv_store.h"
#include "base/result.h"
#include "region/table/committer.h"
#include "region/table/layout.h"

namespace everwrite::table {

// Reads what is stored under an items key, into `buffer`. No item and no tombstone: nullopt.
Result<std::optional<StoredItem>> ReadStored(const KvStore& store, std::string_view store_key,
                                             std::string* buffer);

// A row as it will be, but for its version. Both paths know it before their turn.
struct NewRow {
  bool tombstone = false;
  std::string_view image;  // a tombstone's: the key attributes
};

class RowChange {
 public:
  RowChange() = default;
  // With the key locked: `before` is what stands there, a tombstone included. Borrows nothing.
  RowChange(const std::optional<StoredItem>& before, const NewRow& after);

  // In a turn, with the key still locked, and `row` the row of the plan with its version. The table
  // must not have been dropped (TableState::dropped).
  void AddTo(CommitTurn& turn, const std::shared_ptr<TableState>& table, std::string_view store_key,
             const StoredItem& row) const;

 private:
  std::optional<Dot> replaced_tombstone_;
  int64_t count_items_ = 0;
  int64_t count_bytes_ = 0;
};

}  // namespace everwrite::table
