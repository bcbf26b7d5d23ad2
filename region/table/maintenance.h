// Maintenance: forgetting what nobody needs any more. Tombstones that are causally stable, change
// records that every region holds and that are old enough, tokens of old transactions, and streams'
// old shards. A little each time, through the same locks and the same committer as everything else;
// what other regions may need never by a timer alone, always by what they have said (PeerProgress).
// Streams' shards are rolled, split and merged here too.
//
// Thread-safety: OnProgress from any thread; RunOnce by one driver at a time.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "region/table/committer.h"
#include "region/table/key_locks.h"
#include "region/table/log_keeper.h"
#include "region/table/stream_catalog.h"
#include "region/table/table_fills.h"
#include "streams/region_port.h"

namespace everwrite::table {

class Transactions;

class Maintenance {
 public:
  Maintenance(const KvStore& store, const Clock& clock, KeyLocks& locks, Committer& committer,
              Transactions& transactions, StreamCatalog& streams, const TableFills& fills,
              LogKeeperOptions log_options);

  void OnProgress(const streams::PeerProgress& progress);

  // One round, on `executor`: at most kTombstonesPerRound tombstones, and one trim a log; the
  // tokens of transactions whose time is over; and what is due in streams. No tombstones while the
  // region, or their table, is being filled: an older row may still come.
  Status RunOnce(Executor& executor);

  // The change log; any thread.
  LogKeeper& logs() { return logs_; }
  const LogKeeper& logs() const { return logs_; }

 private:
  static constexpr size_t kTombstonesPerRound = 1000;
  class ForgetUnit;
  class StreamsUnit;

  Status ForgetTombstones(const conflict::Vector& stable, Executor& executor);

  const KvStore& store_;
  const Clock& clock_;
  KeyLocks& locks_;
  Committer& committer_;
  Transactions& transactions_;
  StreamCatalog& streams_;
  const TableFills& fills_;
  LogKeeper logs_;
  mutable std::mutex mutex_;
  conflict::Vector stable_;  // guarded by mutex_
};

}  // namespace everwrite::table
