// RemoteApply: other regions' changes on their way into this one.
//
// A batch of records of one log is applied in order, each at most once: numbers at or below the
// vector are duplicates and skipped, a number above the next is a gap and refused, a context that
// is not covered is refused (the replicator's gate should have held it). The keys of the batch are
// locked, each change is resolved against what is stored, and item, change record, vector and
// ledger entry go into one commit unit: what is decided and what is remembered of it can never be
// apart. Losing changes are in the log as well: the vector has no holes.
//
// A transaction of another region is in one request, whole, and so in one commit unit: a request
// that cuts one is refused.
//
// Several requests may be under way: the next is resolved while the one before waits for its fsync,
// and they reach the committer in the order they came in. A table definition ends a segment: what
// follows it, in the batch or in the next request, is resolved once the catalog shows it.
//
// A change of a table that this region does not hold only moves the vector. One that came bare of a
// table that it does hold makes it fetch the rows from a region that knows it (table_fills.h).
//
// What must not run beside any of it (filling.h) takes its turn in the same queue, alone.
//
// Thread-safety: Apply and RunAlone from any thread; work and replies on the executor given.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "conflict/conflict_record.h"
#include "region/table/catalog.h"
#include "region/table/committer.h"
#include "region/table/key_locks.h"
#include "streams/region_port.h"

namespace everwrite::table {

class RemoteApply {
 public:
  using Reply = std::function<void(streams::ApplyReply)>;

  RemoteApply(const KvStore& store, Catalog& catalog, KeyLocks& locks, Committer& committer);

  void Apply(streams::ApplyRequest request, Executor& executor, Reply reply);
  // Of every log of which something was handed over and is not applied yet: its last number. A
  // replicator that was started meanwhile knows nothing of it, yet it will be applied.
  conflict::Vector Coming() const;

  // What was not taken since the last call, because it came after a deletion that is forgotten
  // (docs/decisions/0062). What nobody takes is forgotten from kLateMax on.
  struct Late {
    TableId table;
    std::string key;  // encoded, without the table
    Dot dot;
  };
  std::vector<Late> TakeLate();
  static constexpr size_t kLateMax = 10'000;

  // Runs `task` on `executor` when all that was handed over before has ended, committed or refused;
  // nothing handed over later begins before the task calls what it is given, once, from any thread.
  using Task = std::function<void(std::function<void()> done)>;
  void RunAlone(Executor& executor, Task task);
  // Within such a task: our vector moves past `to` with what the task has submitted.
  void Jump(const conflict::Vector& to) { planned_.Merge(to); }

 private:
  struct Job;
  struct Segment;
  class Unit;
  using JobPtr = std::shared_ptr<Job>;

  void StartNext();
  void Begin(const JobPtr& job);
  Status Check(Job& job);
  void LockSegment(const JobPtr& job);
  void ResolveSegment(const JobPtr& job);
  Status Resolve(Segment& segment, size_t index);
  void SegmentCommitted(const JobPtr& job, const Segment& segment, const Status& status);
  void NoteLate(const conflict::ConflictRecord& record);
  void End(const JobPtr& job, const Status& status);

  const KvStore& store_;
  Catalog& catalog_;
  KeyLocks& locks_;
  Committer& committer_;
  const RegionId region_;

  void Enqueue(JobPtr job);
  void SegmentEnded();

  struct UnderWay {
    uint64_t last = 0;
    size_t jobs = 0;  // that have not ended
  };

  mutable std::mutex mutex_;
  mutable std::map<LogId, UnderWay> under_way_;  // guarded by mutex_
  std::deque<JobPtr> queue_;  // guarded by mutex_; the front is being resolved when busy_
  bool busy_ = false;         // guarded by mutex_
  size_t committing_ = 0;     // guarded by mutex_: segments handed to the committer
  std::vector<Late> late_;    // guarded by mutex_
  JobPtr alone_;              // guarded by mutex_: waits until nothing is committing
  // The other regions' logs, once everything handed to the committer is in. Touched by the job
  // being resolved alone.
  conflict::Vector planned_;
};

}  // namespace everwrite::table
