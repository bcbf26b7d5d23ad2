#include "replicator/gate.h"

#include <algorithm>

#include "base/check.h"
#include "base/mark.h"
#include "base/planted.h"
#include "replicator/messages.h"
#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

uint64_t CostOf(const std::string& record) { return record.size() + kRecordOverhead; }

}  // namespace

void Gate::Reset(const conflict::Vector& applied) {
  applied_ = applied;
  scheduled_ = applied;
  logs_.clear();
  flights_.clear();
  bytes_ = 0;
  records_ = 0;
}

uint64_t Gate::Tail(LogId log) const {
  const auto at = logs_.find(log);
  const uint64_t applied = applied_.At(log);
  if (at == logs_.end() || at->second.held.empty()) return applied;
  return std::max(applied, at->second.first + at->second.held.size() - 1);
}

conflict::Vector Gate::Coming() const {
  conflict::Vector coming;
  for (const auto& [id, log] : logs_)
    if (!log.held.empty()) coming.Set(id, Tail(id));
  return coming;
}

conflict::Vector Gate::Received() const {
  conflict::Vector received = applied_;
  for (const auto& [id, log] : logs_) received.Raise({id, Tail(id)});
  return received;
}

uint64_t Gate::CreditBytes(LogId id) const {
  const auto at = logs_.find(id);
  if (at == logs_.end()) return 0;
  const Log& log = at->second;
  const bool incomplete = log.applying == 0 && !log.held.empty() &&
                          log.held.front().transaction != 0 && log.bytes < kMaxTransactionBytes &&
                          std::none_of(log.held.begin(), log.held.end(),
                                       [](const Held& held) { return held.transaction_end; });
  return incomplete ? 0 : log.bytes;
}

Status Gate::Push(const streams::RecordBatch& batch) {
  if (batch.empty()) return OkStatus();
  std::vector<Held> taken;
  taken.reserve(batch.records.size());
  uint64_t number = batch.first;
  for (const auto& bytes : batch.records) {
    streams::ChangeRecord record;
    if (!streams::DecodeChangeRecord(*bytes, record) || record.dot != Dot{batch.log, number})
      return InvalidArgument("log " + ToString(batch.log) + ": what came as number " +
                             std::to_string(number) + " is not that change");
    taken.push_back(
        {bytes, record.context, record.stamp, record.transaction, record.transaction_end});
    ++number;
  }
  CHECK(batch.first == Tail(batch.log) + 1, "the puller checks for gaps");
  Log& log = logs_[batch.log];
  if (log.held.empty()) log.first = batch.first;
  for (Held& held : taken) {
    log.bytes += CostOf(*held.record);
    bytes_ += CostOf(*held.record);
    ++records_;
    log.held.push_back(std::move(held));
  }
  return OkStatus();
}

// Forgets what is applied.
void Gate::Drop(LogId id, Log& log) {
  const uint64_t applied = applied_.At(id);
  while (!log.held.empty() && log.first <= applied) {
    const uint64_t cost = CostOf(*log.held.front().record);
    log.bytes -= cost;
    bytes_ -= cost;
    --records_;
    log.held.pop_front();
    ++log.first;
    if (log.applying > 0) --log.applying;
  }
}

void Gate::OnApplied(const conflict::Vector& applied) {
  applied_.Merge(applied);
  scheduled_.Merge(applied);
  for (auto& [id, log] : logs_) Drop(id, log);
  erase_if(logs_, [](const auto& entry) {
    return entry.second.held.empty() && entry.second.flights == 0 && entry.second.failures == 0;
  });
}

// What was under way and was not applied is held again.
void Gate::RollBack(LogId id, Log& log, Instant now) {
  Reach(Mark::kApplyRetried);
  log.failing = false;
  log.applying = 0;
  const size_t doublings = std::min<size_t>(log.failures, 10);
  log.retry_at = now + std::min(options_.apply_retry_us << doublings, options_.apply_retry_max_us);
  ++log.failures;
  scheduled_.Set(id, applied_.At(id));
}

Gate::Completed Gate::OnReply(const streams::ApplyReply& reply, Instant now) {
  const auto flight = flights_.find(reply.id);
  if (flight == flights_.end()) return {};  // of before a Reset
  const LogId id = flight->second.log;
  Completed completed{id, std::move(flight->second.stamps_ms), !reply.status.ok()};
  flights_.erase(flight);
  Log& log = logs_.at(id);
  --log.flights;
  applied_.Merge(reply.applied);
  scheduled_.Merge(reply.applied);
  Drop(id, log);
  if (!reply.status.ok()) {
    log.failing = true;
    completed.stamps_ms.clear();
    for (auto& [other_id, other] : logs_) other.covered.clear();
  } else if (!log.failing) {
    log.failures = 0;
  }
  // Replies come in order, so what still flies after a failure will fail too, for the gap.
  if (log.failing && log.flights == 0) RollBack(id, log, now);
  OnApplied(reply.applied);
  return completed;
}

bool Gate::Covered(Log& log, const Held& held) {
  if (held.context.empty() || held.context == log.covered) return true;
  if (Planted(PlantedBug::kCauseNotAwaited)) return true;
  conflict::Vector context;
  // Push has decoded it before.
  CHECK(conflict::Vector::Decode(held.context, context));
  for (const Dot& dot : context.entries()) {
    if (applied_.Covers(dot)) continue;
    const auto other = logs_.find(dot.log);
    const bool doubtful =
        other == logs_.end() || other->second.failing || other->second.failures > 0;
    if (doubtful || !scheduled_.Covers(dot)) {
      Reach(Mark::kChangeParked);
      return false;
    }
  }
  log.covered = held.context;
  return true;
}

int64_t Gate::OverMicros(Stamp stamp) const {
  if (physical_ms_ == 0) return 0;
  const auto ahead_ms =
      static_cast<int64_t>(stamp.milliseconds()) - static_cast<int64_t>(physical_ms_);
  return ahead_ms * kMicrosPerMilli - options_.max_clock_offset_us;
}

bool Gate::MustWait(Log& log, Stamp stamp) const {
  const int64_t over_us = OverMicros(stamp);
  if (over_us <= 0) return false;
  Reach(Mark::kStampAhead);
  log.ahead_ms = (over_us + options_.max_clock_offset_us) / kMicrosPerMilli;
  log.release_at = now_ + over_us;
  return true;
}

size_t Gate::Unit(Log& log, size_t begin) {
  const uint64_t transaction = log.held[begin].transaction;
  for (size_t i = begin; i < log.held.size(); ++i) {
    if (MustWait(log, log.held[i].stamp) || !Covered(log, log.held[i])) return 0;
    if (transaction == 0 || log.held[i].transaction_end || Planted(PlantedBug::kHalfTransaction))
      return i - begin + 1;
    // A transaction that does not end before the next begins is no transaction; let the region see
    // it.
    if (log.held[i].transaction != transaction) return i - begin;
  }
  Reach(Mark::kTransactionParked);
  return 0;
}

bool Gate::TakeOne(LogId id, Log& log, std::vector<streams::ApplyRequest>& applies) {
  streams::ApplyRequest request;
  request.batch = {id, log.first + log.applying, {}};
  uint64_t cost = 0;
  std::vector<uint64_t> stamps_ms;
  log.ahead_ms = 0;
  while (log.applying < log.held.size() && cost < options_.apply_bytes &&
         !(Planted(PlantedBug::kHalfTransaction) && cost > 0)) {
    const size_t unit = Unit(log, log.applying);
    if (unit == 0) break;
    for (size_t i = 0; i < unit; ++i) {
      const Held& held = log.held[log.applying++];
      request.batch.records.push_back(held.record);
      cost += CostOf(*held.record);
      stamps_ms.push_back(held.stamp.milliseconds());
    }
  }
  if (request.batch.empty()) return false;
  scheduled_.Raise({id, request.batch.last()});
  request.id = next_id_++;
  flights_.emplace(request.id, Flight{id, std::move(stamps_ms)});
  ++log.flights;
  applies.push_back(std::move(request));
  return true;
}

std::vector<streams::ApplyRequest> Gate::TakeApplies(Instant now, uint64_t physical_ms) {
  now_ = now;
  physical_ms_ = physical_ms;
  std::vector<streams::ApplyRequest> applies;
  // What one log hands over may free another; round and round until nothing moves.
  for (bool moved = true; moved;) {
    moved = false;
    for (auto& [id, log] : logs_) {
      if (flights_.size() >= options_.applies_max) return applies;
      if (log.failing || log.flights >= options_.applies_per_log_max || log.retry_at > now)
        continue;
      if (log.applying == log.held.size()) continue;
      moved |= TakeOne(id, log, applies);
    }
  }
  return applies;
}

int64_t Gate::HeldAheadMs(RegionId origin) const {
  int64_t ahead_ms = 0;
  for (const auto& [id, log] : logs_)
    if (id.region() == origin && !log.held.empty() && log.applying < log.held.size())
      ahead_ms = std::max(ahead_ms, log.ahead_ms);
  return ahead_ms;
}

// A retry whose time has come and that still has not gone waits for what other logs bring.
Instant Gate::wake_at(Instant now) const {
  Instant wake{INT64_MAX};
  for (const auto& [id, log] : logs_) {
    if (log.ahead_ms > 0 && log.release_at > now) wake = std::min(wake, log.release_at);
    if (log.failures > 0 && log.flights == 0 && !log.held.empty() && log.retry_at > now)
      wake = std::min(wake, log.retry_at);
  }
  return wake;
}

}  // namespace everwrite::replicator
