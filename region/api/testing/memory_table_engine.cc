#include "region/api/testing/memory_table_engine.h"

#include "streams/change_record.h"

namespace everwrite::api {

MemoryTableEngine::MemoryTableEngine(const Clock& clock) {
  table::RegionEngineOptions options;
  options.region = RegionId{1};
  auto opened = table::RegionEngine::Open(store_, clock, options, /*incarnation=*/1, [] {});
  CHECK(opened.ok(), opened.status().ToString());
  engine_ = std::move(opened).value();
  engine_->committer().SetReport([this](const table::CommitReport& report) {
    for (const auto& bytes : report.own.records) {
      streams::ChangeRecord record;
      CHECK(streams::DecodeChangeRecord(*bytes, record));
      if (record.subject == streams::Subject::kItem) ++writes;
    }
  });
}

bool MemoryTableEngine::Commit() {
  if (!engine_->committer().BeginTurn()) return false;
  engine_->committer().EndTurn();
  return true;
}

void MemoryTableEngine::Write(std::unique_ptr<table::WriteOperation> operation,
                              Executor& executor) {
  if (fail_writes.ok() && fail_next.ok()) return engine_->Write(std::move(operation), executor);
  const Status status = fail_next.ok() ? fail_writes : fail_next;
  fail_next = OkStatus();
  executor.Post([op = std::shared_ptr<table::WriteOperation>(std::move(operation)), status] {
    op->Done(status);
  });
}

void MemoryTableEngine::Transact(std::unique_ptr<table::TransactionOperation> operation,
                                 Executor& executor) {
  if (fail_writes.ok()) return engine_->Transact(std::move(operation), executor);
  executor.Post([op = std::shared_ptr<table::TransactionOperation>(std::move(operation)),
                 status = fail_writes] { op->Done(status); });
}

}  // namespace everwrite::api
