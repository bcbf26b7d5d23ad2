// A region's engine over the in-memory store, driven by hand: for tests of the engine and of what
// stands on it. RunAll() runs everything that was posted and commits everything that waits.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory_kv_store.h"
#include "region/table/region_engine.h"

namespace everwrite::table::testing {

class ManualExecutor : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  bool RunOne() {
    if (tasks_.empty()) return false;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

class ManualClock : public Clock {
 public:
  Instant Now() const override { return Instant{static_cast<int64_t>(physical_ms) * 1000}; }
  uint64_t PhysicalMillis() const override { return physical_ms; }
  uint64_t physical_ms = 1'000'000;
};

// {"pk": S, "v": S} in compact form; `v` left out when empty.
std::string TestItem(std::string_view pk, std::string_view v);
std::string TestKey(std::string_view pk);
// The `v` of such an item.
std::string ValueOf(std::string_view item);
TableDefinition TestTable(std::string name);

// A write whose decision is a function.
class FunctionWrite : public WriteOperation {
 public:
  using Evaluation = std::function<Result<Mutation>(std::optional<std::string_view>)>;
  using Completion = std::function<void(const Status&, const WriteOperation&)>;
  FunctionWrite(TablePtr table, std::string key, Evaluation evaluate, Completion done)
      : WriteOperation(std::move(table), std::move(key)),
        evaluate_(std::move(evaluate)),
        done_(std::move(done)) {}
  Result<Mutation> Evaluate(std::optional<std::string_view> stored) override {
    return evaluate_(stored);
  }
  void Done(const Status& status) override { done_(status, *this); }

 private:
  const Evaluation evaluate_;
  const Completion done_;
};

class TestRegion {
 public:
  explicit TestRegion(uint16_t id, CommitterOptions commit = {});

  void RunAll();
  // Power cut and restart.
  void Restart();
  void Open();

  TablePtr CreateTable(std::string name);
  // Runs the write to its end; the outcome is that of Done.
  Status Put(std::string_view table, std::string_view pk, std::string_view v);
  Status Delete(std::string_view table, std::string_view pk);
  Status Write(std::string_view table, std::string_view pk, FunctionWrite::Evaluation evaluate);
  // "-" when there is no item.
  std::string Get(std::string_view table, std::string_view pk);

  // Everything that `source` has and this region lacks, in the order of the source's logs.
  Status PullFrom(TestRegion& source);
  Status Apply(streams::RecordBatch batch);
  // A bootstrap from `source`, step by step. Begins it (again).
  Status BeginFilling(TestRegion& source);
  // The next chunk, of about `max_bytes`; an error of either side. `anew`: the first of another
  // pass.
  Status FillMore(TestRegion& source, size_t max_bytes, bool anew = false);
  // All chunks of rows.
  Status FillRows(TestRegion& source, size_t max_bytes = 100);
  Status FinishFilling();
  // After FinishFilling: everything that `source` has decided, with no more asked.
  Status CompleteFilling(TestRegion& source, size_t max_bytes = 1000);
  // What `source` has decided is here; what others have is still to come.
  Status GatherMore(TestRegion& source);
  // The next chunk of the table that is being filled.
  Status FillTable(TestRegion& source, size_t max_bytes = 100);
  // Edits where the table lives, as a client of this region.
  Status SetReplicas(std::string_view name, const std::function<void(Replicas&)>& change);
  void Settle();
  // `stable` is causally stable, or all that is applied here: those tombstones are forgotten.
  void ForgetTombstones(const conflict::Vector& stable);
  void ForgetTombstones() { ForgetTombstones(engine->State().applied); }
  streams::RecordBatch ReadLog(LogId log, uint64_t after = 0);
  // The losers in the ledger, newest first: "pk=v" or "pk deleted".
  std::vector<std::string> Losers();
  // Every live item: "table-id pk=v", sorted.
  std::vector<std::string> Dump();

  bool takes_bare = false;             // bare numbers of changes will do (PullFrom)
  std::vector<RegionId> others;        // of the topology; from the next Open on
  streams::ShardPolicy stream_shards;  // the same
  uint64_t ttl_unjudged_ms = 0;        // the same
  MemoryKvStore store;
  ManualClock clock;
  ManualExecutor executor;
  std::unique_ptr<RegionEngine> engine;
  LogId log() { return engine->State().log; }

 private:
  bool Share(streams::RecordBatch& batch) const;

  const uint16_t id_;
  const CommitterOptions commit_;
};

}  // namespace everwrite::table::testing
