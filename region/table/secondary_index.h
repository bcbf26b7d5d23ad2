// SecondaryIndex: what a table's rows are held against to keep one index beside them.
//
// Of a row's image alone follows whether it is in the index, under which key, and with which value:
//
//   indexes   table id (8)  index id (8)  index key  encoded key of the row  -> projected item
//
// The index key is item::AppendCompositeKey's, the row's key stands behind it: entries of equal
// index keys are ordered by the rows' encoded keys, the same in every region. Rows that lack an
// attribute of the index key, or have one of another type, empty or too long, are not in the index:
// a client's write that would make such a value is refused, but another region's is not, nor one
// older than the index. The value is the projection (docs/decisions), so that a Query reads one
// run of keys and no row.
//
// The index by expiry (ttl.h) is one more of the kind: its index key is the item's expiry in
// seconds (8), and its values are empty.
//
// So an index equals what a rebuild from its table gives, whatever order changes came in: each
// row's entry follows from the row, and changes in the batch in which the row does (row_change.h).
// An index that is added to a live table is filled in the background meanwhile (index_backfill.h).
//
// Thread-safety: all methods from any thread, but for what belongs to the committer's turn.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/item/item.h"
#include "region/table/schema.h"

namespace everwrite::table {

// Live items and their bytes (by DynamoDB's rules), kept with every commit. Changed in the
// committer's turn alone, read by anybody.
struct LiveCount {
  explicit LiveCount(std::string key) : key(std::move(key)) {}
  const std::string key;  // where it lies in the system family
  std::atomic<int64_t> items{0};
  std::atomic<int64_t> bytes{0};
};

// What an index holds of one row.
struct IndexEntry {
  std::string key;    // in the indexes family
  bool whole = true;  // the value is the row's whole image; else:
  std::string projected;
  int64_t bytes = 0;  // of the value, by DynamoDB's rules

  std::string_view Value(std::string_view image) const {
    return whole ? image : std::string_view(projected);
  }
};

class SecondaryIndex {
 public:
  SecondaryIndex(const TableDefinition& table, const IndexDefinition& index);

  // Of a live row; nullopt when it is not in the index. `image_size`: item::ItemSize of the image,
  // if the caller knows it.
  std::optional<IndexEntry> EntryOf(std::string_view store_key, std::string_view image,
                                    std::optional<int64_t> image_size = {}) const;

  IndexId id() const { return id_; }
  // What all its entries begin with.
  const std::string& prefix() const { return prefix_; }
  // Where its backfill stands, in the system family; nothing there: complete.
  const std::string& backfill_key() const { return backfill_key_; }

  // Whether it holds an entry for every row that belongs in it. Until then only its backfill and
  // the rows' changes concern themselves with it.
  std::atomic<bool> complete{true};
  LiveCount count;

 private:
  const IndexId id_;
  const std::string prefix_;
  const std::string backfill_key_;
  const item::CompositeKeySchema key_;
  const std::string expiry_;  // the attribute, of the index by expiry; else empty
  const bool whole_;
  std::vector<std::string> projected_;  // names, sorted; unless whole_
};

// The indexes of one table incarnation. Immutable.
using IndexList = std::vector<std::shared_ptr<SecondaryIndex>>;

// Whether an item may be written by a client: no key attribute of an index that could not stand in
// it. Errors are DynamoDB's.
Status CheckIndexKeys(const TableDefinition& table, item::ItemView item, item::KeyWrite write);

}  // namespace everwrite::table
