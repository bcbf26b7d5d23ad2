// Row repair: what two regions do about a bucket in which their rows differ though they have
// decided on the same changes (bucket_digest.h). It should never be needed: it answers a disk or
// memory that flips bits, and bugs of ours.
//
// A region reads the other's rows of the bucket, a page at a time, as key, version and hash of the
// content, with the vector the other had at that moment. Judge says for one key who is wrong, from
// what both hold, what both have applied, and whether each one's rows agree with its own digest
// ("sound"): a region whose rows do not is the one that was damaged. Only the wrong side acts. It
// replaces or takes back the row under its key's lock; what stood there goes to the ledger.
//
// Thread-safety: pure functions; RepairRow as the engine's other writes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "conflict/vector_clock.h"
#include "region/table/bucket_digest.h"
#include "region/table/catalog.h"
#include "region/table/committer.h"
#include "region/table/key_locks.h"

namespace everwrite::table {

struct RowSummary {
  conflict::Version version;
  bool tombstone = false;
  uint64_t content = 0;  // ContentHash
  friend bool operator==(const RowSummary&, const RowSummary&) = default;
};
RowSummary SummaryOf(const StoredItem& row);

// What a region knew when it read rows.
struct Standing {
  conflict::Vector applied;
  bool sound = true;  // the bucket's rows add up to its digest
};

struct BucketPage {
  Standing standing;
  BucketDigest said;  // the bucket's digest
  std::string after,
      through;       // the keys (without the table) that the page is about: (after, through]
  bool end = false;  // ... or to the bucket's end
  struct Row {
    std::string key;
    RowSummary row;
  };
  std::vector<Row> rows;  // in order, tombstones too
};
// At most `rows_max` rows behind `after`, all at one moment. kDataLoss for what cannot be read.
Result<BucketPage> ReadBucketPage(const KvStore& store, TableId table, uint16_t bucket,
                                  std::string_view after, size_t rows_max);

enum class Judgement : uint8_t {
  kAgree,   // equal, or one is behind
  kTake,    // ours is wrong: theirs must stand here
  kDrop,    // ours is wrong: it must not be here
  kTheirs,  // theirs is wrong, and they will find out
};
// `ours` and `theirs` are null where there is no row.
Judgement Judge(const RowSummary* ours, const Standing& we, const RowSummary* theirs,
                const Standing& they);

class RowRepair {
 public:
  RowRepair(const KvStore& store, const Catalog& catalog, KeyLocks& locks, Committer& committer)
      : store_(store), catalog_(catalog), locks_(locks), committer_(committer) {}

  // Puts `row` in the place of what was judged, `expected` (nullopt: nothing), if that still stands
  // there; kFailedPrecondition when it does not. A tombstone of `expected`'s own version takes the
  // row back (kDrop). `value` is the encoded stored item.
  void Replace(TableId table, std::string key, std::optional<RowSummary> expected,
               std::string value, Executor& executor, std::function<void(const Status&)> done);
  // The bucket's rows are right and its digest is not: moves it by `delta`.
  void AdjustDigest(TableId table, uint16_t bucket, uint64_t delta, Executor& executor,
                    std::function<void(const Status&)> done);

 private:
  class Unit;
  class AdjustUnit;

  const KvStore& store_;
  const Catalog& catalog_;
  KeyLocks& locks_;
  Committer& committer_;
};

}  // namespace everwrite::table
