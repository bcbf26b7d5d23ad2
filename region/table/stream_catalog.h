// StreamCatalog: all streams of a region, those of tables that are gone or that have theirs off by
// now included, until their records are trimmed.
//
// Thread-safety: Find and List from any thread; the rest in a turn, Load before there are any.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "base/kv_store.h"
#include "region/table/table_stream.h"

namespace everwrite::table {

class StreamCatalog {
 public:
  explicit StreamCatalog(const streams::ShardPolicy& policy) : policy_(policy) {}

  Status Load(const KvStore& store);
  // To a table as it was loaded: the stream of its definition.
  void Attach(const TableDefinition& definition, TableState& state);

  // A table's definition is replaced (null: the table goes): its stream begins or ends with it.
  void Replace(CommitTurn& turn, const TableDefinition* after, TableState& state);
  // The region has been filled.
  void BeginAnew(CommitTurn& turn);
  // Rolls, splits, merges and trims, in all streams.
  void Tend(CommitTurn& turn);

  StreamInfoPtr Find(streams::StreamId id) const;
  std::vector<StreamInfoPtr> List() const;
  bool empty() const;

 private:
  std::vector<std::shared_ptr<TableStream>> All() const;
  std::shared_ptr<TableStream> FindOrMake(const TableDefinition& definition);

  const streams::ShardPolicy policy_;
  mutable std::shared_mutex mutex_;
  std::map<streams::StreamId, std::shared_ptr<TableStream>> streams_;  // guarded by mutex_
};

}  // namespace everwrite::table
