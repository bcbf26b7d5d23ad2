#include "region/table/maintenance.h"

#include <algorithm>
#include <optional>

#include "base/coding.h"
#include "base/mark.h"
#include "base/planted.h"
#include "region/table/row_change.h"
#include "region/table/transaction.h"
#include "streams/change_log.h"
#include "streams/change_record.h"
#include "streams/retention.h"

namespace everwrite::table {

// Forgets one tombstone, if it still stands there.
class Maintenance::ForgetUnit : public CommitUnit {
 public:
  // `stamp`: of the tombstone; nullopt: it does not stand there any more.
  ForgetUnit(KeyLocks& locks, KeyLocks::Stripe stripe, std::string store_key, Dot dot,
             std::optional<Stamp> stamp)
      : locks_(locks),
        stripe_(stripe),
        store_key_(std::move(store_key)),
        dot_(dot),
        stamp_(stamp) {}
  Status AddTo(CommitTurn& turn) override {
    if (stamp_) {
      turn.batch().Delete(ColumnFamily::kItems, store_key_);
      turn.Forget(*stamp_);
    }
    turn.batch().Delete(ColumnFamily::kSystem, TombstoneKey(dot_));
    return {};
  }
  void Finished(const Status&, Completions&) override { locks_.Unlock(stripe_); }

 private:
  KeyLocks& locks_;
  const KeyLocks::Stripe stripe_;
  const std::string store_key_;
  const Dot dot_;
  const std::optional<Stamp> stamp_;
};

class Maintenance::StreamsUnit : public CommitUnit {
 public:
  explicit StreamsUnit(StreamCatalog& streams) : streams_(streams) {}
  Status AddTo(CommitTurn& turn) override {
    streams_.Tend(turn);
    return {};
  }
  void Finished(const Status&, Completions&) override {}

 private:
  StreamCatalog& streams_;
};

Maintenance::Maintenance(const KvStore& store, const Clock& clock, KeyLocks& locks,
                         Committer& committer, Transactions& transactions, StreamCatalog& streams,
                         const TableFills& fills, LogKeeperOptions log_options)
    : store_(store),
      clock_(clock),
      locks_(locks),
      committer_(committer),
      transactions_(transactions),
      streams_(streams),
      fills_(fills),
      logs_(store, clock, committer, log_options) {}

void Maintenance::OnProgress(const streams::PeerProgress& progress) {
  logs_.OnProgress(progress);
  std::lock_guard lock(mutex_);
  stable_.Merge(progress.stable);
}

Status Maintenance::RunOnce(Executor& executor) {
  conflict::Vector stable;
  {
    std::lock_guard lock(mutex_);
    stable = stable_;
  }
  if (Planted(PlantedBug::kTombstonesByAge)) stable = committer_.CommittedState().applied;
  if (!committer_.CommittedState().closed) EW_RETURN_IF_ERROR(ForgetTombstones(stable, executor));
  EW_RETURN_IF_ERROR(transactions_.ForgetTokens(executor));
  if (!streams_.empty()) committer_.Submit(std::make_unique<StreamsUnit>(streams_));
  return logs_.Trim();
}

Status Maintenance::ForgetTombstones(const conflict::Vector& stable, Executor& executor) {
  size_t forgotten = 0;
  for (const Dot& through : stable.entries()) {
    const std::string begin = TombstoneKey({through.log, 0});
    const auto it = store_.NewIterator(ColumnFamily::kSystem,
                                       {begin, TombstoneKey({through.log, through.number + 1})});
    for (it->Seek(begin); it->Valid() && forgotten < kTombstonesPerRound; it->Next()) {
      const Dot dot{through.log, LoadFixed64(it->key().data() + 9)};
      const std::string store_key(it->value());
      if (fills_.Has(TableOfItemKey(store_key))) continue;
      const KeyLocks::Stripe stripe = KeyLocks::StripeOf(store_key);
      const auto forget = [this, stripe, store_key, dot] {
        std::string buffer;
        const auto stored = ReadStored(store_, store_key, &buffer);
        if (!stored.ok()) return locks_.Unlock(stripe);
        const bool stands = stored.value() && (*stored)->tombstone && (*stored)->version.dot == dot;
        Reach(stands ? Mark::kTombstoneForgotten : Mark::kTombstoneReplaced);
        committer_.Submit(std::make_unique<ForgetUnit>(
            locks_, stripe, store_key, dot,
            stands ? std::optional((*stored)->version.stamp) : std::nullopt));
      };
      if (locks_.Lock(stripe, executor, forget)) forget();
      ++forgotten;
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  return {};
}

}  // namespace everwrite::table
