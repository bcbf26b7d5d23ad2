// Engine: one region's tables. Everything that decides how a request changes or reads the store,
// over the ports KvStore, Clock and Executor; no thread, socket or disk of its own.
//
// Reads are synchronous and see what is committed. A write goes through four steps:
//   1. its key is locked (key_locks.h); whoever comes second waits in a queue, without a thread;
//   2. WriteOperation::Evaluate decides on the stored item, on the operation's executor;
//   3. the mutation waits in the committer (committer.h), which numbers, stamps and writes all that
//   is
//      waiting as one synced batch: item, change record, vector and clock;
//   4. Done is called on the operation's executor, and the key unlocked.
//
// Thread-safety: all methods, any thread. Callbacks run on the executor given, never inside the
// call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "conflict/version.h"
#include "region/table/schema.h"

namespace everwrite::table {

class StreamReader;  // stream_reader.h
struct TableState;   // what all definitions of one incarnation share (committer.h)

// A live table. Immutable: a change of definition makes a new one.
struct Table {
  explicit Table(TableDefinition definition, std::shared_ptr<TableState> state = nullptr)
      : definition(std::move(definition)), state(std::move(state)), key(this->definition.key) {}
  const TableDefinition definition;
  const std::shared_ptr<TableState> state;
  const item::CompositeKeySchema key;  // the definition's, in the form that indexes' keys have
};
using TablePtr = std::shared_ptr<const Table>;

struct Mutation {
  enum class Kind : uint8_t { kNone, kPut, kDelete };
  Kind kind = Kind::kNone;
  std::string item;  // kPut: the whole item; kDelete: its key attributes alone
};

// One write of one item. Made by the caller, owned by the engine until Done has returned.
class WriteOperation {
 public:
  WriteOperation(TablePtr table, std::string key) : table(std::move(table)), key(std::move(key)) {}
  virtual ~WriteOperation() = default;

  // Decides what happens to the item, with its key locked. `stored` is the current item (compact
  // form) or empty when there is none; it is gone when this returns. An error ends the operation:
  // Done gets it and nothing is written. Called at most once.
  virtual Result<Mutation> Evaluate(std::optional<std::string_view> stored) = 0;
  // The write is durable (or, in relaxed durability, in the log), or was not done. Called exactly
  // once.
  virtual void Done(const Status& status) = 0;

  const TablePtr table;
  const std::string key;  // item::EncodeKey

  // Set by the engine: the version of what was stored before (none: default) once Evaluate is
  // called, and the version given to this write, once Done is called with OK and something was
  // written.
  conflict::Version replaced;
  conflict::Version committed;
};

// Limits of a transaction, DynamoDB's.
constexpr size_t kTransactionActionsMax = 100;
constexpr size_t kTransactionBytesMax = 4 << 20;
constexpr uint64_t kTransactionTokenMs = 10 * 60 * 1000;

// An item of a table.
struct ItemName {
  TablePtr table;
  std::string key;  // item::EncodeKey
};
// Called with the position of each name and its item, nullopt when there is none. An error ends it.
using ItemVisitor = std::function<Status(size_t index, std::optional<std::string_view> item)>;

// Several writes that are done together or not at all (transaction.h). Made by the caller, owned by
// the engine until Done has returned.
class TransactionOperation {
 public:
  virtual ~TransactionOperation() = default;

  // Decides what happens to all of the items, which are locked. `stored` is by position of `items`:
  // the current item or nullopt; the views are gone when this returns. As many mutations come back.
  // An error ends the operation: Done gets it and nothing is written. Called at most once.
  virtual Result<std::vector<Mutation>> Evaluate(
      const std::vector<std::optional<std::string_view>>& stored) = 0;
  // Instead of Evaluate: this token's request was carried out before. Nothing is written.
  virtual void Repeat(const std::vector<std::optional<std::string_view>>& stored) = 0;
  // As of WriteOperation. kAlreadyExists: the token belongs to another request.
  virtual void Done(const Status& status) = 0;

  std::vector<ItemName> items;  // no item twice; at most kTransactionActionsMax
  // Remembered for kTransactionTokenMs once it is done; empty: none.
  std::string token;
  std::string fingerprint;  // of the request, without the token: 16 bytes

  // Set by the engine, by position: the version given to each write; default where nothing was
  // written.
  std::vector<conflict::Version> committed;
};

struct ScanOptions {
  IndexId index;  // of the table; 0: the table itself
  // Encoded keys, without the table (and index); empty strings mean no bound.
  std::string begin;  // included
  std::string end;    // excluded
  // Start behind this key (in the direction of travel), as ExclusiveStartKey says; empty: from the
  // edge.
  std::string after;
  bool backward = false;
};

using StatusCallback = std::function<void(const Status&)>;
using TableCallback = std::function<void(Result<TablePtr>)>;

// What the API layer needs of an engine.
class TableEngine {
 public:
  virtual ~TableEngine() = default;

  // OK, or kUnavailable and why no request may be answered now: the data is not whole yet.
  virtual Status Serving() const { return {}; }

  // --- tables ---
  virtual TablePtr FindTable(std::string_view name) const = 0;  // null when there is none
  // Also a table that this region is still being filled with, of which there is no more to be had
  // than its description.
  virtual TablePtr FindDescribed(std::string_view name) const = 0;
  // How much of it is here, in percent; nullopt: all.
  virtual std::optional<int> FilledPercent(const Table& table) const = 0;
  // Names greater than `after`, sorted, at most `limit`.
  virtual std::vector<std::string> ListTables(std::string_view after, size_t limit) const = 0;
  // kAlreadyExists when the name is taken.
  virtual void CreateTable(TableDefinition definition, Executor& executor, TableCallback done) = 0;
  // `edit` changes the definition under the table's lock, or refuses.
  virtual void UpdateTable(std::string name, std::function<Status(TableDefinition&)> edit,
                           Executor& executor, TableCallback done) = 0;
  // This region leaves the table and keeps what it has of it as a table of its own. `edit` makes
  // the definition one that names its regions, this one and at least another, or refuses. The
  // callback gets the table that this region has now.
  virtual void Disassociate(std::string name, std::function<Status(TableDefinition&)> edit,
                            Executor& executor, TableCallback done) = 0;
  // The region has a table of this name for itself, having left the one of the others.
  virtual bool HasApart(std::string_view name, RegionId region) const = 0;
  // The table and every item in it. The callback gets what was deleted.
  virtual void DeleteTable(std::string name, Executor& executor, TableCallback done) = 0;
  // Live items and their bytes (item sizes by DynamoDB's rules), kept with every commit.
  struct Count {
    int64_t items = 0;
    int64_t bytes = 0;
  };
  virtual Count CountOf(const Table& table) const = 0;
  // Of one index, as this region has it. An index that is not complete is being filled and must not
  // be read from. Gone meanwhile: nothing, and not complete.
  struct IndexStatus {
    Count count;
    bool complete = false;
  };
  virtual IndexStatus StatusOf(const Table& table, IndexId index) const = 0;

  // --- items ---
  // True and the item when it is there.
  virtual Result<bool> Get(const Table& table, std::string_view key, std::string* item) const = 0;
  // Calls visit(encoded key, item) in key order until it returns false or the range ends. Of an
  // index: its keys, with the row's behind each (secondary_index.h), and what it projects.
  virtual Status Scan(
      const Table& table, const ScanOptions& options,
      const std::function<bool(std::string_view key, std::string_view item)>& visit) const = 0;
  virtual void Write(std::unique_ptr<WriteOperation> operation, Executor& executor) = 0;

  // --- transactions (transaction.h) ---
  virtual void Transact(std::unique_ptr<TransactionOperation> operation, Executor& executor) = 0;
  // All of the items as of one moment: never a part of a transaction.
  virtual Status GetTogether(const std::vector<ItemName>& names,
                             const ItemVisitor& visit) const = 0;

  // --- streams ---
  virtual const StreamReader& Streams() const = 0;
};

}  // namespace everwrite::table
