#include "region/api/testing/memory_table_engine.h"

#include "region/item/item.h"

namespace everwrite::api {

using table::Mutation;
using table::Table;
using table::TableCallback;
using table::TableDefinition;
using table::TablePtr;
using table::WriteOperation;

namespace {

Status NoSuchTable(const std::string& name) {
  return NotFound("Requested resource not found: Table: " + name + " not found");
}

}  // namespace

TablePtr MemoryTableEngine::FindTable(std::string_view name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second;
}

std::vector<std::string> MemoryTableEngine::ListTables(std::string_view after, size_t limit) const {
  std::vector<std::string> names;
  for (auto it = tables_.upper_bound(after); it != tables_.end() && names.size() < limit; ++it)
    names.push_back(it->first);
  return names;
}

void MemoryTableEngine::CreateTable(TableDefinition definition, Executor& executor,
                                    TableCallback done) {
  executor.Post([this, definition = std::move(definition), done = std::move(done)]() mutable {
    if (FindTable(definition.name))
      return done(AlreadyExists("Table already exists: " + definition.name));
    definition.id = TableId{next_id_++};
    auto table = std::make_shared<Table>(Table{definition});
    tables_[definition.name] = table;
    done(TablePtr(table));
  });
}

void MemoryTableEngine::UpdateTable(std::string name, std::function<Status(TableDefinition&)> edit,
                                    Executor& executor, TableCallback done) {
  executor.Post([this, name = std::move(name), edit = std::move(edit), done = std::move(done)] {
    const TablePtr old = FindTable(name);
    if (!old) return done(NoSuchTable(name));
    auto table = std::make_shared<Table>(*old);
    if (const Status status = edit(table->definition); !status.ok()) return done(status);
    tables_[name] = table;
    done(TablePtr(table));
  });
}

void MemoryTableEngine::DeleteTable(std::string name, Executor& executor, TableCallback done) {
  executor.Post([this, name = std::move(name), done = std::move(done)] {
    const TablePtr table = FindTable(name);
    if (!table) return done(NoSuchTable(name));
    if (table->definition.deletion_protection)
      return done(InvalidArgument(
          "Resource cannot be deleted as it is currently protected against deletion. Disable "
          "deletion protection first."));
    tables_.erase(name);
    items_.erase(table->definition.id.value);
    done(table);
  });
}

table::TableEngine::Count MemoryTableEngine::CountOf(const Table& table) const {
  Count count;
  const auto found = items_.find(table.definition.id.value);
  if (found == items_.end()) return count;
  for (const auto& [key, bytes] : found->second) {
    ++count.items;
    count.bytes += static_cast<int64_t>(item::ItemSize(item::ItemView(bytes)));
  }
  return count;
}

Result<bool> MemoryTableEngine::Get(const Table& table, std::string_view key,
                                    std::string* item) const {
  const auto of_table = items_.find(table.definition.id.value);
  if (of_table == items_.end()) return false;
  const auto found = of_table->second.find(key);
  if (found == of_table->second.end()) return false;
  *item = found->second;
  return true;
}

Status MemoryTableEngine::Scan(
    const Table& table, const table::ScanOptions& options,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const auto of_table = items_.find(table.definition.id.value);
  if (of_table == items_.end()) return OkStatus();
  const Items& items = of_table->second;
  auto begin = items.lower_bound(options.begin);
  auto end = options.end.empty() ? items.end() : items.lower_bound(options.end);
  if (!options.after.empty()) {
    if (options.backward)
      end = items.lower_bound(options.after);
    else
      begin = items.upper_bound(options.after);
  }
  if (options.backward) {
    while (end != begin) {
      --end;
      if (!visit(end->first, end->second)) break;
    }
  } else {
    for (; begin != end; ++begin)
      if (!visit(begin->first, begin->second)) break;
  }
  return OkStatus();
}

void MemoryTableEngine::Write(std::unique_ptr<WriteOperation> operation, Executor& executor) {
  std::shared_ptr<WriteOperation> op = std::move(operation);
  executor.Post([this, op, &executor] {
    if (!fail_writes.ok() || !fail_next.ok()) {
      executor.Post([op, status = fail_next.ok() ? fail_writes : fail_next] { op->Done(status); });
      fail_next = OkStatus();
      return;
    }
    Items& items = items_[op->table->definition.id.value];
    const auto found = items.find(op->key);
    std::optional<std::string_view> stored;
    std::string copy;
    if (found != items.end()) stored = copy = found->second;
    Result<Mutation> mutation = op->Evaluate(stored);
    copy.assign(copy.size(), '\xee');  // whoever kept the view will notice
    Status status = mutation.status();
    if (status.ok() && mutation->kind != Mutation::Kind::kNone) {
      ++writes;
      if (mutation->kind == Mutation::Kind::kPut)
        items[op->key] = mutation->item;
      else
        items.erase(op->key);
    }
    executor.Post([op, status] { op->Done(status); });
  });
}

void MemoryTableEngine::Transact(std::unique_ptr<table::TransactionOperation> operation,
                                 Executor& executor) {
  std::shared_ptr<table::TransactionOperation> op = std::move(operation);
  executor.Post([this, op, &executor] {
    const Status status = TransactNow(*op);
    executor.Post([op, status] { op->Done(status); });
  });
}

Status MemoryTableEngine::TransactNow(table::TransactionOperation& operation) {
  if (!fail_writes.ok()) return fail_writes;
  std::vector<std::string> copies(operation.items.size());
  std::vector<std::optional<std::string_view>> stored(operation.items.size());
  for (size_t i = 0; i < copies.size(); ++i)
    if (Get(*operation.items[i].table, operation.items[i].key, &copies[i]).value())
      stored[i] = copies[i];
  if (!operation.token.empty()) {
    const auto [known, fresh] = tokens_.try_emplace(operation.token, operation.fingerprint);
    if (!fresh && known->second != operation.fingerprint) return AlreadyExists("another request");
    if (!fresh) {
      operation.Repeat(stored);
      return OkStatus();
    }
  }
  Result<std::vector<Mutation>> mutations = operation.Evaluate(stored);
  if (!mutations.ok()) {
    tokens_.erase(operation.token);
    return mutations.status();
  }
  for (size_t i = 0; i < copies.size(); ++i) {
    Items& items = items_[operation.items[i].table->definition.id.value];
    Mutation& mutation = (*mutations)[i];
    if (mutation.kind == Mutation::Kind::kNone) continue;
    ++writes;
    if (mutation.kind == Mutation::Kind::kPut)
      items[operation.items[i].key] = std::move(mutation.item);
    else
      items.erase(operation.items[i].key);
  }
  return OkStatus();
}

Status MemoryTableEngine::GetTogether(const std::vector<table::ItemName>& names,
                                      const table::ItemVisitor& visit) const {
  std::string item;
  for (size_t i = 0; i < names.size(); ++i) {
    EW_ASSIGN_OR_RETURN(const bool found, Get(*names[i].table, names[i].key, &item));
    EW_RETURN_IF_ERROR(visit(i, found ? std::optional<std::string_view>(item) : std::nullopt));
  }
  return OkStatus();
}

}  // namespace everwrite::api
