// IndexBackfill: fills the indexes that were added to tables with rows in them, beside live writes.
//
// An index begins with the batch that adds it to its table's definition; from then on every change
// of a row keeps its entry (row_change.h). What was there before is visited here once, in the order
// of keys, a bounded step at a time: the keys of some rows are read, locked, the rows read again,
// and the entries that are missing put in one commit unit with the place reached. A row that a
// client has changed meanwhile has its entry already; one that is not visited yet may lack the old
// entry, which the planner of its change finds out. So entries and counts are exact at every turn,
// and a restart goes on from the place that the last unit left in the store.
//
//   begun ──step──▶ step ──…──▶ step that reaches the end ──durable──▶ complete
//     │ the index is removed, or its table: the next unit finds it gone and adds nothing
//
// Every region fills its own index, when the definition has come to it.
//
// Thread-safety: Start once; Kick from any thread. Steps run on the executor, one at a time.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/kv_store.h"
#include "region/table/catalog.h"
#include "region/table/committer.h"
#include "region/table/key_locks.h"

namespace everwrite::table {

class IndexBackfill {
 public:
  IndexBackfill(const KvStore& store, Catalog& catalog, KeyLocks& locks, Committer& committer);

  // Runs on `executor` from now on, and resumes what a restart has left.
  void Start(Executor& executor);
  // There may be something to fill.
  void Kick();

 private:
  // A step's bounds: it holds locks for one commit.
  static constexpr size_t kRowsPerStep = 128;
  static constexpr size_t kSeenPerStep = 4096;  // tombstones too
  static constexpr size_t kBytesPerStep = 1 << 20;
  struct Step;
  class Unit;
  using StepPtr = std::shared_ptr<Step>;

  void Next();
  Status Choose(const StepPtr& step) const;
  void Fill(const StepPtr& step);
  Status ReadRows(Step& step) const;
  void Pause();  // nothing to do, for now

  const KvStore& store_;
  Catalog& catalog_;
  KeyLocks& locks_;
  Committer& committer_;
  std::mutex mutex_;
  Executor* executor_ = nullptr;  // guarded by mutex_
  bool running_ = false;          // guarded by mutex_
  bool kicked_ = false;           // guarded by mutex_: while running
};

}  // namespace everwrite::table
