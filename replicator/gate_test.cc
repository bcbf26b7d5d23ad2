// What the gate lets through, and when: causality, whole transactions, errors of the region.
#include "replicator/gate.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "replicator/messages.h"
#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 1);
const LogId kB = LogId::Make(RegionId{2}, 1);

conflict::Vector V(std::initializer_list<Dot> dots) {
  conflict::Vector vector;
  for (const Dot& dot : dots) vector.Set(dot.log, dot.number);
  return vector;
}

struct Change {
  conflict::Vector context = {};
  uint64_t transaction = 0;
  bool end = false;
  size_t size = 0;
};

streams::RecordBatch Make(LogId log, uint64_t first, const std::vector<Change>& changes) {
  streams::RecordBatch batch{log, first, {}};
  uint64_t number = first;
  for (const Change& change : changes) {
    std::string context;
    if (!change.context.empty()) change.context.EncodeTo(context);
    const std::string image(change.size, 'x');
    streams::ChangeRecord record;
    record.dot = {log, number++};
    record.stamp = Stamp::Make(1000 + number, 0);
    record.context = context;
    record.key = "k";
    record.image = image;
    record.transaction = change.transaction;
    record.transaction_end = change.end;
    std::string bytes;
    streams::EncodeChangeRecord(record, bytes);
    batch.records.push_back(std::make_shared<const std::string>(std::move(bytes)));
  }
  return batch;
}

class GateTest : public ::testing::Test {
 protected:
  // "1.0001 1..3; 2.0001 1..1"
  std::string Take() {
    std::string text;
    for (auto& apply : gate_.TakeApplies(now_, physical_ms_)) {
      text += (text.empty() ? "" : "; ") + ToString(apply.batch.log) + " " +
              std::to_string(apply.batch.first) + ".." + std::to_string(apply.batch.last());
      outstanding_.push_back(std::move(apply));
    }
    return text;
  }
  void Reply(bool ok = true) {
    streams::ApplyRequest request = outstanding_.front();
    outstanding_.erase(outstanding_.begin());
    if (ok) region_.Raise({request.batch.log, request.batch.last()});
    gate_.OnReply({request.id, ok ? OkStatus() : Aborted("no"), region_, region_}, now_);
  }

  Options options_;
  Gate gate_{options_};
  Instant now_{0};
  uint64_t physical_ms_ = 0;
  conflict::Vector region_;
  std::vector<streams::ApplyRequest> outstanding_;
};

TEST_F(GateTest, AChangeWaitsForWhatItsMakerHad) {
  ASSERT_TRUE(gate_.Push(Make(kB, 1, {{V({{kA, 2}})}})).ok());
  EXPECT_EQ(Take(), "");
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..1");
  ASSERT_TRUE(gate_.Push(Make(kA, 2, {{}})).ok());
  EXPECT_EQ(Take(), "1.0001 2..2; 2.0001 1..1") << "handed over in order is enough";
}

// Make stamps the change with number n at 1001 + n ms; the bound is 500 ms.
TEST_F(GateTest, AChangeStampedTooFarAheadIsHeldUntilTheClockHasComeSoFar) {
  physical_ms_ = 502;
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}, {}, {}})).ok());
  ASSERT_TRUE(gate_.Push(Make(kB, 1, {{V({{kA, 2}})}, {}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..1") << "at the bound is not beyond it; what depends on it waits too";
  EXPECT_EQ(gate_.HeldAheadMs(kA.region()), 501);
  EXPECT_EQ(gate_.HeldAheadMs(kB.region()), 0);
  EXPECT_EQ(gate_.wake_at(now_), now_ + 1000);
  now_ = now_ + 1000;
  physical_ms_ = 503;
  EXPECT_EQ(Take(), "1.0001 2..2; 2.0001 1..2");
  Reply();
  physical_ms_ = 2000;
  EXPECT_EQ(Take(), "1.0001 3..3") << "a corrected clock frees it at once";
  EXPECT_EQ(gate_.HeldAheadMs(kA.region()), 0);
}

TEST_F(GateTest, ATransactionIsHeldAsAWhole) {
  physical_ms_ = 502;
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{{}, 7}, {{}, 7, true}})).ok());
  EXPECT_EQ(Take(), "");
  physical_ms_ = 503;
  EXPECT_EQ(Take(), "1.0001 1..2");
}

TEST_F(GateTest, ContextsWithinOneLogCutTheRun) {
  ASSERT_TRUE(gate_.Push(Make(kB, 1, {{}, {V({{kA, 1}})}, {}})).ok());
  EXPECT_EQ(Take(), "2.0001 1..1");
  gate_.OnApplied(V({{kA, 1}}));
  EXPECT_EQ(Take(), "2.0001 2..3");
}

TEST_F(GateTest, ATransactionGoesWholeOrNotAtAll) {
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}, {{}, 7}, {{}, 7}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..1");
  EXPECT_GT(gate_.CreditBytes(kA), 0u);
  Reply();
  EXPECT_EQ(gate_.CreditBytes(kA), 0u)
      << "an incomplete transaction must not use up its own credit";
  EXPECT_EQ(Take(), "");
  ASSERT_TRUE(gate_.Push(Make(kA, 4, {{{}, 7, true}, {}})).ok());
  EXPECT_EQ(Take(), "1.0001 2..5");
}

TEST_F(GateTest, ATransactionIsNotCutByTheSizeOfARequest) {
  ASSERT_TRUE(
      gate_
          .Push(
              Make(kA, 1,
                   {{{}, 7, false, 400'000}, {{}, 7, false, 400'000}, {{}, 7, true, 400'000}, {}}))
          .ok());
  EXPECT_EQ(Take(), "1.0001 1..3; 1.0001 4..4");
}

TEST_F(GateTest, RequestsOfOneLogAreBounded) {
  for (uint64_t i = 1; i <= 10; ++i) {
    ASSERT_TRUE(gate_.Push(Make(kA, i, {{}})).ok());
    (void)Take();
  }
  EXPECT_EQ(gate_.outstanding(), options_.applies_per_log_max);
  Reply();
  EXPECT_EQ(Take(), "1.0001 3..10") << "what came meanwhile goes as one";
}

TEST_F(GateTest, AfterAnErrorTheSameRecordsGoAgainLater) {
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}, {}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..2");
  ASSERT_TRUE(gate_.Push(Make(kA, 3, {{}})).ok());
  EXPECT_EQ(Take(), "1.0001 3..3");
  Reply(false);
  EXPECT_EQ(Take(), "") << "the other request is still under way";
  Reply(false);
  EXPECT_EQ(Take(), "") << "not at once";
  EXPECT_EQ(gate_.Tail(kA), 3u) << "nothing has to be fetched again";
  now_ = gate_.wake_at(now_);
  EXPECT_EQ(Take(), "1.0001 1..3");
  Reply();
  EXPECT_EQ(gate_.records(), 0u);
}

TEST_F(GateTest, ARetryThatWaitsForAnotherLogWakesNobody) {
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..1");
  ASSERT_TRUE(gate_.Push(Make(kB, 1, {{V({{kA, 1}})}})).ok());
  EXPECT_EQ(Take(), "2.0001 1..1") << "handed over behind its cause";
  Reply(false);
  Reply(false);
  now_ = now_ + 3600 * kMicrosPerSecond;
  EXPECT_EQ(Take(), "1.0001 1..1") << "its cause goes first";
  EXPECT_EQ(gate_.wake_at(now_).micros, INT64_MAX) << "a time that is past would be met in a loop";
}

TEST_F(GateTest, AFailingLogDoesNotHoldTheOthers) {
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}})).ok());
  EXPECT_EQ(Take(), "1.0001 1..1");
  Reply(false);
  ASSERT_TRUE(gate_.Push(Make(kB, 1, {{}, {V({{kA, 1}})}})).ok());
  EXPECT_EQ(Take(), "2.0001 1..1") << "what depends on it waits";
  now_ = gate_.wake_at(now_);
  EXPECT_EQ(Take(), "1.0001 1..1") << "a log that failed covers nothing while under way";
  Reply();
  EXPECT_EQ(Take(), "");
  Reply();
  EXPECT_EQ(Take(), "2.0001 2..2");
}

TEST_F(GateTest, WhatIsNoRecordIsRefusedWhole) {
  streams::RecordBatch batch = Make(kA, 1, {{}, {}});
  batch.records[1] = std::make_shared<const std::string>("junk");
  EXPECT_FALSE(gate_.Push(batch).ok());
  EXPECT_FALSE(gate_.Push({kA, 1, Make(kA, 2, {{}}).records}).ok()) << "another number";
  EXPECT_FALSE(gate_.Push({kA, 1, Make(kB, 1, {{}}).records}).ok()) << "another log";
  EXPECT_EQ(gate_.records(), 0u);
  EXPECT_EQ(gate_.bytes(), 0u);
}

TEST_F(GateTest, ResetForgetsWhatIsUnderWay) {
  ASSERT_TRUE(gate_.Push(Make(kA, 1, {{}, {}})).ok());
  (void)Take();
  gate_.Reset(V({{kA, 1}}));
  EXPECT_EQ(gate_.Tail(kA), 1u);
  Reply();  // of the life before
  EXPECT_EQ(gate_.applied().At(kA), 1u);
}

// Random histories of three logs, delivered in random order and cut anywhere: what goes out is
// always in causal order, whole by transaction, and at the end everything has gone.
TEST_F(GateTest, RandomHistoriesComeOutInCausalOrder) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Gate gate(options_);
    const std::vector<LogId> logs = {kA, kB, LogId::Make(RegionId{3}, 1)};
    std::map<LogId, std::vector<Change>> changes;
    std::map<LogId, conflict::Vector> seen;  // what each region has when it writes
    for (int i = 0; i < 60; ++i) {
      const LogId log = logs[random.Below(3)];
      const LogId other = logs[random.Below(3)];
      if (other != log && random.Chance(1, 2)) {
        seen[log].Raise({other, changes[other].size()});
        seen[log].Merge(seen[other]);
      }
      conflict::Vector context = seen[log];
      context.Set(log, 0);
      const size_t count = random.Chance(1, 4) ? 3 : 1;
      for (size_t k = 0; k < count; ++k)
        changes[log].push_back({context, count > 1 ? 100u + static_cast<uint64_t>(i) : 0,
                                count > 1 && k + 1 == count});
    }
    std::map<LogId, uint64_t> pushed;
    conflict::Vector applied;
    std::vector<streams::ApplyRequest> outstanding;
    const auto total = changes[kA].size() + changes[kB].size() + changes[logs[2]].size();
    size_t done = 0;
    for (int step = 0; step < 10'000 && done < total; ++step) {
      const LogId log = logs[random.Below(3)];
      if (const uint64_t left = changes[log].size() - pushed[log];
          left > 0 && random.Chance(1, 2)) {
        const uint64_t count = 1 + random.Below(std::min<uint64_t>(left, 5));
        const auto begin = changes[log].begin() + static_cast<long>(pushed[log]);
        ASSERT_TRUE(
            gate.Push(Make(log, pushed[log] + 1, {begin, begin + static_cast<long>(count)})).ok());
        pushed[log] += count;
      }
      for (auto& apply : gate.TakeApplies(Instant{step * 10'000'000LL}, 0))
        outstanding.push_back(apply);
      if (outstanding.empty() || random.Chance(1, 2)) continue;
      const streams::ApplyRequest request = outstanding.front();
      outstanding.erase(outstanding.begin());
      const LogId id = request.batch.log;
      // The region's own checks: a gap or an uncovered context is an error, as is bad luck.
      Status status = random.Chance(1, 10) ? Unavailable("bad luck") : OkStatus();
      if (status.ok() && request.batch.first != applied.At(id) + 1) status = Aborted("gap");
      if (status.ok()) {
        for (uint64_t n = request.batch.first; n <= request.batch.last(); ++n)
          if (!applied.Covers(changes[id][n - 1].context)) status = FailedPrecondition("context");
      }
      if (status.ok()) {
        const Change& first = changes[id][request.batch.first - 1];
        const Change& last = changes[id][request.batch.last() - 1];
        EXPECT_TRUE(last.transaction == 0 || last.end) << "half a transaction, seed " << seed;
        EXPECT_TRUE(first.transaction == 0 || request.batch.first == 1 ||
                    changes[id][request.batch.first - 2].transaction != first.transaction)
            << "half a transaction, seed " << seed;
        applied.Raise({id, request.batch.last()});
        done += request.batch.records.size();
      }
      gate.OnReply({request.id, status, applied, applied}, Instant{step * 10'000'000LL});
    }
    ASSERT_EQ(done, total) << "seed " << seed << ": something was held for ever; applied "
                           << applied.ToString() << " flying " << gate.outstanding() << " pushed "
                           << pushed[kA] << " " << pushed[kB] << " " << pushed[logs[2]];
    EXPECT_EQ(gate.records(), 0u);
    EXPECT_EQ(gate.bytes(), 0u);
  }
}

}  // namespace
}  // namespace everwrite::replicator
