// The turn that carries out one step of a filling (filling.h): what its plan says of rows, digests
// and ledger, what is claimed, and the place that has been reached are committed together.
//
// Thread-safety: none; it lives in the commit thread.
#pragma once

#include "conflict/vector_clock.h"
#include "region/table/catalog.h"
#include "region/table/committer.h"
#include "region/table/fill_plan.h"
#include "region/table/log_keeper.h"

namespace everwrite::table {

class FillTurn {
 public:
  // `now_ms`: of the physical clock.
  FillTurn(Catalog& catalog, LogKeeper& logs, FillPlan& plan, int64_t now_ms)
      : catalog_(catalog), logs_(logs), plan_(plan), now_ms_(now_ms) {}

  void AddTo(CommitTurn& turn);

  // After AddTo: where the region stands once this is committed.
  streams::Stage stage() const { return stage_; }
  const streams::FillProgress& next() const { return next_; }

 private:
  void AddChunk(CommitTurn& turn);
  void AddWord(CommitTurn& turn);
  void AddRow(CommitTurn& turn, PlannedFill& row);
  void Claim(const CommitTurn& turn);
  void Begin(CommitTurn& turn);
  void FillLater(CommitTurn& turn, TableId id);
  void Advance(const CommitTurn& turn);
  void AdvanceTable(CommitTurn& turn);
  void NextTeller(const CommitTurn& turn);
  void Meet(const CommitTurn& turn, const conflict::Vector& seen);
  void RowsDone(const CommitTurn& turn);

  Catalog& catalog_;
  LogKeeper& logs_;
  FillPlan& plan_;
  const int64_t now_ms_;
  streams::Stage stage_ = streams::Stage::kServing;
  streams::FillProgress next_;
};

}  // namespace everwrite::table
