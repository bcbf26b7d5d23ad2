// Filling: the receiver's half of a bootstrap. A region that is empty, or that its peers' change
// logs no longer reach back to, is given the state of a peer, a range of keys at a time, while the
// logs bring what comes after. docs/protocol.md ("Bootstrap") has the argument; in short:
//
//   begin     the peer's catalog at its vector V. From now on the region claims V
//             (conflict/claims.h): no log has to bring it what is at or below V. It holds no change
//             records there (first held: V + 1). Clients may neither read nor write.
//   rows      a chunk is a peer's state of (after, through], in which its rows show W. It is merged
//             once our own vector covers all that it can hold, so that no row comes before what it
//             depends on. Two states are joined, each with what it shows: a row that the other side
//             shows and has not was deleted there (its tombstone is forgotten); what the other side
//             does not show stays if its version is the higher. When a peer's rows have all been
//             gone through (a pass), ours show what its rows showed. Passes go on, through the rows
//             of whoever shows what we still lack, until everything that is claimed is shown. A
//             peer that is being filled itself will do: what it shows is true.
//   finish    by the replicator's word, when it has caught up. Clients are answered; tables'
//   streams
//             begin anew.
//   digests   which changes have touched each bucket, now that the rows show them
//             (bucket_digest.h). Until this is complete the digests of this region say nothing.
//   ledger    the peers' conflicts: what we came by in a row was decided elsewhere, and so was what
//             our own changes met at a source that had them. What a row shows beside what the peer
//             did not know is decided here, as it comes; when it cannot be told whether one knew
//             the other, it is entered: rather one too many than one lost.
//   complete  by the replicator's word: one region that is complete itself has told, or all have.
//             For two regions can be cut loose from each other, and then nobody is complete; but of
//             each change somebody has decided when it came by its log, or was made.
//
// The place reached is in the batch of the rows, so a crash goes on where it was. Beginning again,
// with another V, is allowed at any time: more is claimed then, and what is shown stays. So a
// region with old data need not be emptied first, and its own changes that no peer has stay: no
// chunk can cover them.
//
// Tombstones are not forgotten meanwhile (maintenance.h), and nothing expires (region_engine.h).
//
// fill_plan.h finds out what a step does, fill_turn.h does it; here is where the region stands.
//
// Thread-safety: Load before anything else; Fill, stage, Progress and Serving from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "region/table/catalog.h"
#include "region/table/committer.h"
#include "region/table/key_locks.h"
#include "region/table/log_keeper.h"
#include "region/table/remote_apply.h"
#include "streams/bootstrap_port.h"

namespace everwrite::table {

class Filling {
 public:
  using Reply = std::function<void(streams::FillReply)>;

  Filling(const KvStore& store, const Clock& clock, Catalog& catalog, KeyLocks& locks,
          Committer& committer, RemoteApply& remote_apply, LogKeeper& logs);

  // What the store says; a new store is marked by MarkNew, in the batch that makes it.
  static void MarkNew(KvBatch& batch);
  static Result<bool> IsClosed(const KvStore& store);
  // `value`: what stands under kFillingKey.
  static bool ShowsRows(std::string_view value);  // to clients
  Status Load();

  void Fill(streams::FillRequest request, Executor& executor, Reply reply);

  streams::Stage stage() const { return stage_; }
  bool IsComplete() const { return stage_ == streams::Stage::kServing; }
  streams::FillProgress Progress() const;
  // The stage, and how far it is, as of one moment; with what a beginning that is being committed
  // claims. Of a region that serves `progress`, which is new, gets the claims alone.
  streams::Stage Now(streams::FillProgress& progress) const;
  // Of the items, from 0 to 100; and the seconds left at the speed of this process so far, -1:
  // nobody knows.
  struct Estimate {
    int percent = 0;
    int64_t seconds_left = -1;
  };
  Estimate Guess() const;
  // OK, or why clients are refused for now: kUnavailable, for people.
  Status Serving() const;

 private:
  struct Job;
  class Unit;
  using JobPtr = std::shared_ptr<Job>;

  void Run(const JobPtr& job);
  void SetClaiming(conflict::Claims claims);
  void Ended(const JobPtr& job, const Status& status);
  void Set(streams::Stage stage, const streams::FillProgress& progress);

  const KvStore& store_;
  const Clock& clock_;
  Catalog& catalog_;
  KeyLocks& locks_;
  Committer& committer_;
  RemoteApply& remote_apply_;
  LogKeeper& logs_;

  std::atomic<streams::Stage> stage_{streams::Stage::kServing};
  mutable std::mutex mutex_;
  streams::FillProgress progress_;            // guarded by mutex_
  std::optional<conflict::Claims> claiming_;  // guarded by mutex_: in the turn that is committed
  // What this process has seen of it, for speed.
  Instant seen_since_;       // guarded by mutex_
  uint64_t seen_begun_ = 0;  // guarded by mutex_
  uint64_t seen_rows_ = 0;   // guarded by mutex_: live rows that were here by then
};

}  // namespace everwrite::table
