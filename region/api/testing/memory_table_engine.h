// A TableEngine in a map, for the tests of the API: one thread, no durability, no replication; but
// the contract of engine.h in full: callbacks only from the executor, Evaluate before Done, a
// refused evaluation changes nothing. Writes can be made to fail or to wait.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "region/table/engine.h"

namespace everwrite::api {

class ManualExecutor : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void RunAll() {
    while (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

class MemoryTableEngine : public table::TableEngine {
 public:
  table::TablePtr FindTable(std::string_view name) const override;
  std::vector<std::string> ListTables(std::string_view after, size_t limit) const override;
  void CreateTable(table::TableDefinition definition, Executor& executor,
                   table::TableCallback done) override;
  void UpdateTable(std::string name, std::function<Status(table::TableDefinition&)> edit,
                   Executor& executor, table::TableCallback done) override;
  void DeleteTable(std::string name, Executor& executor, table::TableCallback done) override;
  Count CountOf(const table::Table& table) const override;
  Result<bool> Get(const table::Table& table, std::string_view key,
                   std::string* item) const override;
  Status Scan(const table::Table& table, const table::ScanOptions& options,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  void Write(std::unique_ptr<table::WriteOperation> operation, Executor& executor) override;
  void Transact(std::unique_ptr<table::TransactionOperation> operation,
                Executor& executor) override;
  Status GetTogether(const std::vector<table::ItemName>& names,
                     const table::ItemVisitor& visit) const override;

  // What every write ends with instead, when not OK.
  Status fail_writes;
  // What the next write alone ends with.
  Status fail_next;
  int writes = 0;  // mutations applied

 private:
  using Items = std::map<std::string, std::string, std::less<>>;
  Status TransactNow(table::TransactionOperation& operation);
  std::map<std::string, table::TablePtr, std::less<>> tables_;
  std::map<uint64_t, Items> items_;
  std::map<std::string, std::string> tokens_;  // of transactions, with their fingerprints
  uint64_t next_id_ = 1;
};

}  // namespace everwrite::api
