// What one step of a filling (filling.h) will do, found out before its turn: the step is checked
// against the place that was reached, the rows of its chunk are held against those that stand here,
// and each gets its change, its conflict or nothing. Nothing is written here; fill_turn.h carries
// the plan out.
//
// Thread-safety: none of a plan; the planner only reads, from any thread, and its caller sees to it
// that nothing comes into the chunk's range meanwhile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conflict/conflict_record.h"
#include "region/table/catalog.h"
#include "region/table/key_locks.h"
#include "region/table/row_change.h"
#include "streams/bootstrap_port.h"

namespace everwrite::table {

class Committer;

// What happens to one key.
struct PlannedFill {
  std::string store_key;
  const streams::ScanRow* row = nullptr;  // null: what stands here goes
  StoredItem item;                        // decoded from it; without one, what goes
  TablePtr table;
  uint64_t hash_before = 0;  // of a definition
  RowChange change;
  std::optional<conflict::ConflictRecord> conflict;
  bool takes = false;  // else the conflict is all
  // Of a definition.
  std::optional<TableDefinition> definition;  // nullopt: deleted
  TablePtr published;                         // made in the turn
};

struct TouchedBucket {
  TableId table;
  uint16_t bucket = 0;
  conflict::Vector touched;
  TablePtr of;  // null: the catalog
};

// Points into its request: not to be copied.
struct FillPlan {
  FillPlan() = default;
  FillPlan(const FillPlan&) = delete;
  FillPlan& operator=(const FillPlan&) = delete;

  // Given.
  streams::FillRequest request;
  streams::Stage stage = streams::Stage::kServing;
  streams::FillProgress before;
  // By our rows; of one table: only where its source has not all of it (table_fills.h).
  conflict::Vector shown;
  std::map<LogId, uint64_t> first_held;
  TablePtr table;        // of a filling of one
  bool partial = false;  // its source has not all of it

  // Found.
  bool restart = false;  // of a pass that another source began: from the start
  // The keys to be looked at, sorted, each with its row of the chunk or none.
  std::vector<std::pair<std::string, const streams::ScanRow*>> keys;
  std::vector<KeyLocks::Stripe> stripes;  // of these keys
  std::vector<PlannedFill> rows;
  std::vector<conflict::ConflictRecord> lost;  // with tables that go
  std::vector<TouchedBucket> buckets;
  std::vector<const streams::ScanRow*> entries;  // of the ledger, that are not here
};

class FillPlanner {
 public:
  FillPlanner(const KvStore& store, const Catalog& catalog, const Committer& committer)
      : store_(store), catalog_(catalog), committer_(committer) {}

  // Whether it is the step that is due, and holds nothing that a peer may get wrong.
  Status Check(FillPlan& plan) const;
  // `keys` and `stripes`.
  Status FindKeys(FillPlan& plan) const;
  // The rest, with the stripes locked.
  Status Plan(FillPlan& plan) const;

 private:
  void PlanDigests(FillPlan& plan) const;
  Status PlanConflict(const FillPlan& plan, PlannedFill& planned, const StoredItem& stored) const;
  // Whether who made it knew that change, as far as our log tells; no if it tells nothing.
  bool Knew(const FillPlan& plan, Dot change, Dot earlier) const;
  Status PlanDropped(FillPlan& plan, const PlannedFill& planned) const;
  Status PlanRow(FillPlan& plan, const std::string& key, const streams::ScanRow* row) const;

  const KvStore& store_;
  const Catalog& catalog_;
  const Committer& committer_;
};

}  // namespace everwrite::table
