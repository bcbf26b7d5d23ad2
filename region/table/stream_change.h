// StreamChange: what the change of a row means to the stream of its table.
//
// Planned with the key locked, from the row that stands there; added in the turn, in the batch of
// the row (row_change.h). The stream may have been turned on between the two: then the change is
// planned again, in the turn, from the store, where the locked row still stands as it was. So a
// stream has every change that commits after its beginning.
//
// Thread-safety: a value; planned on any thread, added in the committer's turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/kv_store.h"
#include "region/table/layout.h"
#include "region/table/table_stream.h"

namespace everwrite::table {

// A row as it will be, but for its version.
struct NewRow {
  bool tombstone = false;
  std::string_view image;  // a tombstone's: the key attributes
  bool expired = false;    // this region deletes it, or has, because its time has come
};

class StreamChange {
 public:
  // Of the change of another region that loses here.
  StreamChange() = default;

  // `before` is what stands in the store, a tombstone included. `store` outlives this.
  static StreamChange Plan(const KvStore& store, const TableState& table,
                           const std::optional<StoredItem>& before, const NewRow& after);
  // `before` stands nowhere yet: another change of the same unit makes it. Its image outlives this.
  static StreamChange PlanBehind(const TableState& table, const StoredItem& before,
                                 const NewRow& after);
  // In a turn, with the key still locked.
  void AddTo(CommitTurn& turn, const TableState& table, std::string_view store_key,
             const StoredItem& row) const;

 private:
  // What the change does, and the old image if the stream shows it.
  struct Plans {
    std::shared_ptr<TableStream> stream;  // that was on
    streams::Effect effect = streams::Effect::kNone;
    bool hidden = false;
    std::optional<std::string> old_image;
  };
  static Plans PlanFor(std::shared_ptr<TableStream> stream, const std::optional<StoredItem>& before,
                       bool tombstone, std::string_view image);
  void Add(CommitTurn& turn, const Plans& plans, std::string_view store_key,
           const StoredItem& row) const;

  const KvStore* store_ = nullptr;  // null: behind another change, or lost
  std::optional<StoredItem> behind_;
  bool expired_ = false;
  Plans plans_;
};

}  // namespace everwrite::table
