#include "region/table/maintenance.h"

#include <algorithm>

#include "base/coding.h"
#include "region/table/row_change.h"
#include "region/table/transaction.h"
#include "streams/change_log.h"
#include "streams/change_record.h"
#include "streams/retention.h"

namespace everwrite::table {

class Maintenance::TrimUnit : public CommitUnit {
 public:
  TrimUnit(LogId log, uint64_t first) : log_(log), first_(first) {}
  Status AddTo(CommitTurn& turn) override {
    streams::TrimChanges(turn.batch(), log_, first_);
    return {};
  }
  void Finished(const Status&, Completions&) override {}

 private:
  const LogId log_;
  const uint64_t first_;
};

// Forgets one tombstone, if it still stands there.
class Maintenance::ForgetUnit : public CommitUnit {
 public:
  ForgetUnit(KeyLocks& locks, KeyLocks::Stripe stripe, std::string store_key, Dot dot, bool stands)
      : locks_(locks),
        stripe_(stripe),
        store_key_(std::move(store_key)),
        dot_(dot),
        stands_(stands) {}
  Status AddTo(CommitTurn& turn) override {
    if (stands_) turn.batch().Delete(ColumnFamily::kItems, store_key_);
    turn.batch().Delete(ColumnFamily::kSystem, TombstoneKey(dot_));
    return {};
  }
  void Finished(const Status&, Completions&) override { locks_.Unlock(stripe_); }

 private:
  KeyLocks& locks_;
  const KeyLocks::Stripe stripe_;
  const std::string store_key_;
  const Dot dot_;
  const bool stands_;
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
                         uint64_t keep_ms)
    : store_(store),
      clock_(clock),
      locks_(locks),
      committer_(committer),
      transactions_(transactions),
      streams_(streams),
      keep_ms_(keep_ms) {}

Status Maintenance::LoadFirstHeld() {
  EW_ASSIGN_OR_RETURN(auto first_held, streams::ReadFirstHeld(store_));
  std::lock_guard lock(mutex_);
  first_held_ = std::move(first_held);
  return {};
}

void Maintenance::OnProgress(const streams::PeerProgress& progress) {
  std::lock_guard lock(mutex_);
  stable_.Merge(progress.stable);
  durable_everywhere_.Merge(progress.durable_everywhere);
}

std::map<LogId, uint64_t> Maintenance::first_held() const {
  std::lock_guard lock(mutex_);
  return first_held_;
}

void Maintenance::HoldFrom(const std::map<LogId, uint64_t>& first) {
  std::lock_guard lock(mutex_);
  for (const auto& [log, number] : first) first_held_[log] = std::max(first_held_[log], number);
}

Status Maintenance::RunOnce(Executor& executor) {
  conflict::Vector stable, durable_everywhere;
  {
    std::lock_guard lock(mutex_);
    stable = stable_;
    durable_everywhere = durable_everywhere_;
  }
  if (!committer_.CommittedState().closed) EW_RETURN_IF_ERROR(ForgetTombstones(stable, executor));
  EW_RETURN_IF_ERROR(transactions_.ForgetTokens(executor));
  if (!streams_.empty()) committer_.Submit(std::make_unique<StreamsUnit>(streams_));
  return TrimLogs(durable_everywhere);
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
      const KeyLocks::Stripe stripe = KeyLocks::StripeOf(store_key);
      const auto forget = [this, stripe, store_key, dot] {
        std::string buffer;
        const auto stored = ReadStored(store_, store_key, &buffer);
        if (!stored.ok()) return locks_.Unlock(stripe);
        const bool stands = stored.value() && (*stored)->tombstone && (*stored)->version.dot == dot;
        committer_.Submit(std::make_unique<ForgetUnit>(locks_, stripe, store_key, dot, stands));
      };
      if (locks_.Lock(stripe, executor, forget)) forget();
      ++forgotten;
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  return {};
}

Status Maintenance::TrimLogs(const conflict::Vector& durable_everywhere) {
  const RegionState state = committer_.CommittedState();
  for (const Dot& head : state.applied.entries()) {
    streams::RetentionInput input;
    {
      std::lock_guard lock(mutex_);
      const auto at = first_held_.find(head.log);
      input.first_held = at == first_held_.end() ? 1 : at->second;
    }
    input.applied = head.number;
    input.durable_everywhere = durable_everywhere.At(head.log);
    input.now_ms = clock_.PhysicalMillis();
    input.keep_ms = keep_ms_;
    const auto stamp_of = [&](uint64_t number) -> Result<Stamp> {
      EW_ASSIGN_OR_RETURN(const auto batch,
                          streams::ReadChanges(store_, head.log, number - 1, number, 1));
      streams::ChangeRecord record;
      if (!streams::DecodeChangeRecord(*batch.records[0], record))
        return DataLoss("a change record is damaged");
      return record.stamp;
    };
    EW_ASSIGN_OR_RETURN(const uint64_t first, streams::TrimPoint(input, stamp_of));
    if (first == input.first_held) continue;
    {
      // Before the records go: a reader that is told "held" must find them.
      std::lock_guard lock(mutex_);
      first_held_[head.log] = first;
    }
    committer_.Submit(std::make_unique<TrimUnit>(head.log, first));
  }
  return {};
}

}  // namespace everwrite::table
