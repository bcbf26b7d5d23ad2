// The committer: the one place where changes get their order.
//
// Whatever wants to change the store is a CommitUnit. Units wait in a queue; one turn takes all
// that wait, lets each add its operations to one batch, writes the batch with one sync, and
// finishes them. That is group commit: under load a hundred writes share an fsync, and a lone write
// waits for nobody. Within the turn, in order, a unit gets the next number of the region's log and
// the next stamp of its hybrid clock, and may raise the vector for changes of other regions; so
// number order is stamp order is commit order, and the context of a change is exactly what was
// applied before it. The region's state (log, vector, clock) is rewritten in the same batch:
// nothing can be ahead of it or behind it.
//
// When a write or sync fails, what is on disk is unknown. The units of that turn and all later ones
// end with the error, for ever: the process must be started again. Nothing is acknowledged after a
// failed fsync.
//
// Threading: Submit from any thread. BeginTurn and EndTurn by one driver: a thread in the server
// (region/server/commit_thread), the event queue in the simulator.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "conflict/hybrid_clock.h"
#include "region/table/bucket_digest.h"
#include "region/table/completions.h"
#include "region/table/layout.h"
#include "region/table/secondary_index.h"
#include "streams/region_port.h"

namespace everwrite::table {

class TableStream;  // table_stream.h
class LedgerTable;  // ledger_table.h

// One table incarnation's share of the commit order; outlives the table's definitions.
struct TableState {
  explicit TableState(TableId id) : count(CountKey(id)), id(id) {}
  LiveCount count;
  const TableId id;
  // Touched by the committer's turn alone, read by anybody.
  std::atomic<bool> dropped{false};
  // Its rows were dropped because the region gave the table up: it lives on elsewhere.
  std::atomic<bool> left{false};
  // Not served yet: the region has not all of it (table_fills.h).
  std::atomic<bool> filling{false};
  // Other regions hold it, this one does not: there is nothing but the definition. Never changes
  // once it is published.
  bool elsewhere = false;
  // For the records of changes (streams/change_record.h). In turns only.
  std::string scope;
  bool apart = false;

  // The indexes that are kept beside the rows; null: none, which costs a writer next to nothing.
  // Whoever plans a row's change with its key locked sees every index whose backfill may have come
  // to the row: the list is set in the turn that begins the index, and the backfill locks keys too.
  std::shared_ptr<const IndexList> Indexes() const {
    return has_indexes_.load(std::memory_order_acquire) ? indexes_.load(std::memory_order_acquire)
                                                        : nullptr;
  }
  // In a turn.
  void SetIndexes(IndexList list) {
    const bool any = !list.empty();
    indexes_.store(any ? std::make_shared<const IndexList>(std::move(list)) : nullptr);
    has_indexes_.store(any, std::memory_order_release);
  }

  // The table's stream while it is on; null: off, which costs a writer next to nothing. As with
  // indexes, it may come and go between planning and the turn.
  std::shared_ptr<TableStream> Stream() const {
    return has_stream_.load(std::memory_order_acquire) ? stream_.load(std::memory_order_acquire)
                                                       : nullptr;
  }
  // In a turn.
  void SetStream(std::shared_ptr<TableStream> stream) {
    const bool any = stream != nullptr;
    stream_.store(std::move(stream));
    has_stream_.store(any, std::memory_order_release);
  }

 private:
  std::atomic<bool> has_stream_{false};
  std::atomic<std::shared_ptr<TableStream>> stream_;
  std::atomic<bool> has_indexes_{false};
  std::atomic<std::shared_ptr<const IndexList>> indexes_;
};

// What a unit works with during its turn.
class CommitTurn {
 public:
  // `batch` is empty; given so that its memory outlives the turn.
  CommitTurn(RegionState& state, conflict::HybridClock& clock, DigestBook& digests,
             std::shared_ptr<LiveCount> ledger, const LedgerTable* ledger_table,
             uint64_t physical_ms, KvBatch batch)
      : state_(state),
        clock_(clock),
        digests_(digests),
        ledger_(std::move(ledger)),
        ledger_table_(ledger_table),
        physical_ms_(physical_ms),
        batch_(std::move(batch)) {}

  KvBatch& batch() { return batch_; }
  const RegionState& state() const { return state_; }
  uint64_t physical_ms() const { return physical_ms_; }

  // For a change of our own: its version, and its context (the bytes of a vector; valid until the
  // next call on this turn).
  conflict::Version NextVersion(uint64_t rank);
  // The same for a further change of a transaction, whose first got `stamp` in this turn: one stamp
  // for all, so that two transactions of different regions compare equal on each of their items.
  conflict::Version NextVersionAt(Stamp stamp);
  std::string_view Context();
  // The record of a change of our own, for the log and for whoever listens to commits.
  void AppendOwnChange(Dot dot, std::string record);
  // The record of another region's change: log, vector and clock move past it.
  void AppendRemoteChange(Dot dot, Stamp stamp, std::string_view record);
  // Live items changed by so much. The count may be part of something shared (aliasing).
  void AddToCount(std::shared_ptr<LiveCount> count, int64_t items, int64_t bytes);
  // What is counted is gone: its count goes from the store, in this turn.
  void DropCount(const LiveCount& count);
  // An entry of the conflict ledger that is not there yet; and one that is there, and forgotten.
  // Who forgets the same one in the same turn comes too late.
  void KeepConflict(std::string_view key, std::string_view value);
  void ForgetConflict(std::string_view key, size_t value_size);
  // The table that shows the ledger, and has a stream; null: none does (tests of the committer).
  const LedgerTable* ledger_table() const { return ledger_table_; }
  // The proof of convergence, brought up to date with each change (bucket_digest.h).
  DigestBook& digests() { return digests_; }

  // For a change of our own: no OK while clients may not write.
  Status CheckOpen() const;
  // All of `to` counts as applied from now on: the region is being filled with it.
  void Jump(const conflict::Vector& to);
  // Our own changes are numbered in this log from now on; none of this turn is yet.
  void StartLog(LogId log);
  void Observe(Stamp stamp) { clock_.Observe(stamp); }
  // A tombstone of that stamp is forgotten, here or where the region's rows come from.
  void Forget(Stamp stamp);
  void SetClosed(bool closed) { state_.closed = closed; }
  // The next place in the region's order of stream records and shards.
  streams::Sequence NextSequence() {
    return state_.sequence = streams::Sequence::After(state_.sequence, physical_ms_);
  }

 private:
  friend class Committer;
  RegionState& state_;
  conflict::HybridClock& clock_;
  DigestBook& digests_;
  const std::shared_ptr<LiveCount> ledger_;
  const LedgerTable* const ledger_table_;
  const uint64_t physical_ms_;
  KvBatch batch_;
  streams::RecordBatch own_;
  std::string context_;
  bool context_valid_ = false;
  std::set<std::string> forgotten_conflicts_;        // by key
  std::vector<std::shared_ptr<LiveCount>> counted_;  // few
};

class CommitUnit {
 public:
  virtual ~CommitUnit() = default;
  // Adds its operations. An error leaves the batch as it was: the unit ends with it, the turn goes
  // on.
  virtual Status AddTo(CommitTurn& turn) = 0;
  // Committed and durable (or in the log, when relaxed), or not. On the driver's thread: be short.
  // `completions` is flushed when all units of the turn have finished.
  virtual void Finished(const Status& status, Completions& completions) = 0;
};

// What a turn did, for the replicator's feed and for metrics.
struct CommitReport {
  streams::RecordBatch own;  // our own new records; only when durable
  conflict::Vector applied;
  conflict::Vector durable;
  Stamp clock;
  size_t units = 0;
  size_t bytes = 0;
  uint64_t conflicts = 0;  // in the ledger, ever
};

struct CommitterOptions {
  Sync sync = Sync::kYes;  // durability: durable | relaxed
  size_t units_per_turn_max = 4096;
  size_t bytes_per_turn_max = 8 << 20;
};

class Committer {
 public:
  using Report = std::function<void(const CommitReport&)>;

  // `state` is what the store says (kRegionStateKey). `wake` is called, from any thread, when the
  // queue is no longer empty, or as WakeAt says.
  Committer(KvStore& store, const Clock& clock, RegionState state, CommitterOptions options,
            std::function<void()> wake);

  void Submit(std::unique_ptr<CommitUnit> unit);

  // Before the first turn.
  Status Load();
  const DigestBook& digests() const { return digests_; }
  DigestBook& digests() { return digests_; }
  // Entries of the conflict ledger and their bytes.
  const LiveCount& ledger() const { return *ledger_; }
  // Before the first turn; outlives this.
  void SetLedgerTable(const LedgerTable* table) { ledger_table_ = table; }

  // Until the next turn begins, `wake` is called when `units` wait, not at the first. False, and
  // nothing changed, when so many wait already. Who asks for more than one must look again in good
  // time.
  bool WakeAt(size_t units);
  // Takes what waits and builds its batch; false when nothing waits. Nothing is visible yet.
  bool BeginTurn();
  // Writes the batch and finishes its units.
  void EndTurn();
  // While held, no change of our own is numbered: from the next turn on. Any thread.
  void Hold(bool held) { held_.store(held, std::memory_order_release); }
  // Relaxed durability: makes all that is committed durable, now.
  Status SyncLog();

  // Called at the end of each turn, on the driver's thread.
  void SetReport(Report report);

  // How many units were under way when the last turn ended: its own and those that waited. The
  // driver's.
  size_t concurrency() const { return concurrency_; }

  // Moves after each finished turn that changed the state below; without a lock.
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // As of the last finished turn; any thread.
  RegionState CommittedState() const;
  conflict::Vector Durable() const;
  // RegionState::forgotten of that, without a lock.
  Stamp Forgotten() const { return Stamp{forgotten_.load(std::memory_order_acquire)}; }
  // What stream records may be shown: those up to `sequence`, which are on disk. `applied` is the
  // vector behind them.
  struct StreamEnd {
    streams::Sequence sequence;
    conflict::Vector applied;
  };
  StreamEnd DurableStreamEnd() const;
  size_t waiting() const;
  Status health() const;  // the error that ended committing, or OK
  bool healthy() const { return !failed_.load(std::memory_order_acquire); }  // without a lock
  // OK, or why a change of our own would be refused by the next turn, as far as can be told before
  // it: who has waited for an item need not wait for a turn as well. Without a lock when it is OK.
  Status Open() const;

 private:
  void FinishTurn(const Status& status);
  void Fail(const Status& status);  // with mutex_ held

  KvStore& store_;
  const Clock& clock_;
  const CommitterOptions options_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<CommitUnit>> queue_;  // guarded by mutex_
  size_t wake_at_ = 1;                              // guarded by mutex_
  RegionState committed_;                           // guarded by mutex_
  conflict::Vector durable_;                        // guarded by mutex_
  streams::Sequence durable_sequence_;              // guarded by mutex_
  Status health_;                                   // guarded by mutex_
  std::atomic<uint64_t> epoch_{1};
  std::atomic<uint64_t> forgotten_;
  std::atomic<bool> held_{false};
  std::atomic<bool> closed_;         // committed_.closed
  std::atomic<bool> failed_{false};  // health_ is not OK; set under mutex_
  Report report_;                    // guarded by mutex_

  // The driver's own.
  RegionState state_;
  conflict::HybridClock hybrid_clock_;
  DigestBook digests_;
  const std::shared_ptr<LiveCount> ledger_;
  const LedgerTable* ledger_table_ = nullptr;
  std::unique_ptr<CommitTurn> turn_;
  size_t concurrency_ = 0;
  KvBatch spare_batch_;  // the last turn's, cleared: the next one finds its memory made
  std::vector<std::unique_ptr<CommitUnit>> units_;
  std::vector<std::unique_ptr<CommitUnit>> refused_;
  std::vector<Status> refusals_;
};

}  // namespace everwrite::table
