// The engine of the API's tests: the region's own (region/table) over the in-memory store, driven
// by hand, so that tests of answers are tests of the whole below HTTP. Writes can be made to fail.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/memory_kv_store.h"
#include "region/table/region_engine.h"

namespace everwrite::api {

class ManualExecutor : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  // Everything that was posted, and then everything that `commit` finds to do, until all is quiet.
  void RunAll() {
    do {
      while (!tasks_.empty()) {
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
      }
    } while (commit && commit());
  }
  std::function<bool()> commit;

 private:
  std::deque<std::function<void()>> tasks_;
};

class MemoryTableEngine : public table::TableEngine {
 public:
  explicit MemoryTableEngine(const Clock& clock);

  // What waits to be committed is; false when nothing did.
  bool Commit();
  // Reaches what the API does not: maintenance and the like.
  table::RegionEngine& engine() { return *engine_; }
  const KvStore& store() const { return store_; }

  table::TablePtr FindTable(std::string_view name) const override {
    return engine_->FindTable(name);
  }
  table::TablePtr FindDescribed(std::string_view name) const override {
    return engine_->FindDescribed(name);
  }
  std::optional<int> FilledPercent(const table::Table& table) const override {
    return engine_->FilledPercent(table);
  }
  std::vector<std::string> ListTables(std::string_view after, size_t limit) const override {
    return engine_->ListTables(after, limit);
  }
  void CreateTable(table::TableDefinition definition, Executor& executor,
                   table::TableCallback done) override {
    engine_->CreateTable(std::move(definition), executor, std::move(done));
  }
  void UpdateTable(std::string name, std::function<Status(table::TableDefinition&)> edit,
                   Executor& executor, table::TableCallback done) override {
    engine_->UpdateTable(std::move(name), std::move(edit), executor, std::move(done));
  }
  void Disassociate(std::string name, std::function<Status(table::TableDefinition&)> edit,
                    Executor& executor, table::TableCallback done) override {
    engine_->Disassociate(std::move(name), std::move(edit), executor, std::move(done));
  }
  bool HasApart(std::string_view name, RegionId region) const override {
    return engine_->HasApart(name, region);
  }
  void DeleteTable(std::string name, Executor& executor, table::TableCallback done) override {
    engine_->DeleteTable(std::move(name), executor, std::move(done));
  }
  Count CountOf(const table::Table& table) const override { return engine_->CountOf(table); }
  IndexStatus StatusOf(const table::Table& table, IndexId index) const override {
    return engine_->StatusOf(table, index);
  }
  Result<bool> Get(const table::Table& table, std::string_view key,
                   std::string* item) const override {
    return engine_->Get(table, key, item);
  }
  Status Scan(const table::Table& table, const table::ScanOptions& options,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return engine_->Scan(table, options, visit);
  }
  void Write(std::unique_ptr<table::WriteOperation> operation, Executor& executor) override;
  void Transact(std::unique_ptr<table::TransactionOperation> operation,
                Executor& executor) override;
  Status GetTogether(const std::vector<table::ItemName>& names,
                     const table::ItemVisitor& visit) const override {
    return engine_->GetTogether(names, visit);
  }
  const table::StreamReader& Streams() const override { return engine_->Streams(); }

  // What every write ends with instead, when not OK.
  Status fail_writes;
  // What the next write alone ends with.
  Status fail_next;
  int writes = 0;  // rows written

 private:
  MemoryKvStore store_;
  std::unique_ptr<table::RegionEngine> engine_;
};

}  // namespace everwrite::api
