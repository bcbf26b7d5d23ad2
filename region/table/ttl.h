// Time to live: items whose time has come are deleted by the region itself.
//
// The definition of a table names the attribute that holds an item's expiry, in seconds since the
// epoch. Beside the rows an index by expiry is kept, like any secondary index (secondary_index.h):
// in each row's own batch, filled in the background when TTL is turned on for a table with items,
// gone with the definition that turns it off. The sweeper reads the entries that lie before now, so
// its cost follows what expires and not what is stored.
//
// An entry is a hint. Each deletion is an ordinary write of this region with the actor kTimeToLive,
// decided with the item locked: the item must be expired as it stands there. So an update that came
// first saves it, deletions replicate like all others, and a later update of another region wins.
//
// Who deletes. An expired item is deleted by the region that wrote it last: it knows of no later
// write only if there is none here, and no two regions pay for the same deletion. The others leave
// it alone, unless that region stays silent: not connected for `takeover_ms`. Then all may; equal
// deletions are no conflict.
//
// When. A process that has just started may have a clock that is wrong, by an hour say, and nobody
// may have told it yet. Until most regions agree with its clock it deletes only what has been
// expired for long, which DynamoDB's users expect ("within a few days"); an item that goes too
// early does not come back.
//
// As DynamoDB documents: only numbers count; an item whose time is more than five years past is
// left alone; until it is deleted an expired item is read like any other.
//
// Thread-safety: OnProgress and deleted() from any thread; Sweep by one driver at a time.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/executor.h"
#include "base/kv_store.h"
#include "region/item/item.h"
#include "region/table/catalog.h"
#include "region/table/engine.h"
#include "streams/region_port.h"

namespace everwrite::table {

constexpr uint64_t kExpiryPastMaxSeconds = 5ULL * 365 * 24 * 3600;

// The expiry of an item, in whole seconds; nullopt when it has none that counts.
std::optional<uint64_t> ExpiryOf(item::ItemView item, std::string_view attribute);
// Whether an item of that expiry is to be deleted now.
bool IsExpired(uint64_t expiry_seconds, uint64_t now_ms);

struct ExpiryOptions {
  uint64_t takeover_ms = 60'000;
  uint64_t unjudged_ms = 0;  // as long as the clock is not judged; 0: nobody is there to judge
};
// Of a region among others.
inline constexpr uint64_t kUnjudgedExpiryMs = 24ULL * 3600 * 1000;

class ExpirySweeper {
 public:
  // Submits a write of this region whose records say that TTL made it.
  using Submit = std::function<void(std::unique_ptr<WriteOperation>, Executor&)>;

  ExpirySweeper(const KvStore& store, const Clock& clock, const Catalog& catalog, RegionId self,
                ExpiryOptions options, Submit submit);

  void OnProgress(const streams::PeerProgress& progress);
  // Deletes on `executor` what is expired, kBatch at a time, as long as there is something that it
  // may delete. To be called every second or so; nothing while the last sweep goes on.
  void Sweep(Executor& executor);
  // How many items it has deleted since the start.
  uint64_t deleted() const { return deleted_; }

 private:
  static constexpr size_t kBatch = 128;
  class Deletion;
  struct Batch;

  void Round(Executor& executor);
  // The next entries behind the place where the last round ended; none: the end was reached.
  Status Collect(Batch& batch);
  void Ended(Batch& batch, bool deleted);
  // Decides, with the item locked.
  bool MayDelete(const Table& table, item::ItemView item, const conflict::Version& version) const;
  bool IsSilent(RegionId region) const;
  // The time by which items are expired: behind the clock's, as long as that may be wrong.
  uint64_t ExpiryMillis() const;

  const KvStore& store_;
  const Clock& clock_;
  const Catalog& catalog_;
  const RegionId self_;
  const ExpiryOptions options_;
  const Submit submit_;
  std::atomic<uint64_t> deleted_{0};
  std::atomic<bool> clock_judged_{false};  // ever, since the start
  mutable std::mutex mutex_;
  bool sweeping_ = false;  // guarded by mutex_
  Instant started_;
  std::map<RegionId, Instant> heard_;  // guarded by mutex_
  // Where the last round ended; of the round that is under way alone.
  TableId place_table_;
  std::string place_key_;
};

}  // namespace everwrite::table
