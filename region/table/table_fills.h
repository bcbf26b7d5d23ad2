// TableFills: which tables of this region are not whole, and how far each has been filled.
//
// A region that comes to hold a table that lives elsewhere already begins to fill it in the very
// turn that takes the definition: what the vector covers by then came as bare numbers, whatever is
// above it comes in full, and what lies between is scanned from another holder beside the live
// stream (filling.h), so nothing is missed and nothing needs to stop. It serves when the scan is
// through.
//
//   (whole) ──Begin──▶ filling ──End──▶ (whole)         does not serve meanwhile
//   (whole) ──Lack───▶ mending ──End──▶ (whole)         serves
//                        │ ▲ Lack: from the start again
//
// Lack: a change came bare though the region holds the table, as can be when its maker did not know
// of that yet. What it said is in the rows of whoever held the table then; so the rows are fetched,
// from a source that has applied it.
//
// `shows` of a filling is what the rows here show for sure: what they showed when the table was
// whole last. It matters when nobody is whole (below): what is covered by it and has no row was
// deleted, and that forgotten; tombstones here are not forgotten meanwhile (maintenance.h).
//
// Thread-safety: Begin, Lack, Advance and End in the committer's turn, Load before there are any;
// the rest from any thread.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/kv_store.h"
#include "base/status.h"
#include "conflict/claims.h"
#include "region/table/committer.h"
#include "streams/bootstrap_port.h"

namespace everwrite::table {

// How far a filling is, in the store.
std::string EncodeFilling(streams::Stage stage, const streams::FillProgress& progress);
bool DecodeFilling(std::string_view bytes, streams::Stage& stage, streams::FillProgress& progress);

// When no holder of a table is whole (each has come to lack what another wrote, as two can that
// were cut from each other for longer than their logs reach back), the one with the lowest id takes
// the rows of each of the others: together they have everything. Of each key it is the highest
// version, if none of those who show it for sure has deleted it.
// Of such a filling `source` is who tells now (0: those that are whole), and `told` names who
// has told.
bool HasTold(const streams::FillProgress& progress, RegionId holder);
void SetTold(streams::FillProgress& progress, RegionId holder);

class TableFills {
 public:
  struct Fill {
    bool serves = false;
    streams::FillProgress progress;
  };

  Status Load(const KvStore& store);

  // A source must have applied `floor`.
  void Begin(CommitTurn& turn, TableId table, const conflict::Vector& floor,
             const conflict::Vector& shows);
  // The change is in the vector, and what it says is not here. `unnoticed`: the same may be true of
  // any change before it.
  void Lack(CommitTurn& turn, TableId table, Dot dot, bool unnoticed = false);
  void Advance(CommitTurn& turn, TableId table, const streams::FillProgress& progress);
  // Whole, or gone.
  void End(CommitTurn& turn, TableId table);

  // What the region's vector counts beyond its rows, now; of all tables.
  void SetClaims(conflict::Claims claims);

  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }
  std::optional<Fill> Find(TableId table) const;
  bool Has(TableId table) const { return !empty() && Find(table).has_value(); }
  // The one that is filled now: those that do not serve come first.
  std::optional<std::pair<TableId, Fill>> Current() const;
  std::map<TableId, Fill> All() const;

 private:
  void Set(CommitTurn& turn, TableId table, Fill fill);

  std::atomic<size_t> count_{0};
  mutable std::mutex mutex_;
  std::map<TableId, Fill> fills_;  // guarded by mutex_
  conflict::Claims claims_;        // guarded by mutex_
};

}  // namespace everwrite::table
