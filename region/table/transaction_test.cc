// Transactions: all or nothing, one after the other as if alone, whole in every region, and once
// for each token.
#include "region/table/transaction.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using testing::FunctionWrite;
using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;
using testing::ValueOf;

using Stored = std::vector<std::optional<std::string_view>>;
using Mutations = Result<std::vector<Mutation>>;

class FunctionTransaction : public TransactionOperation {
 public:
  using Evaluation = std::function<Mutations(const Stored&)>;
  FunctionTransaction(TablePtr table, const std::vector<std::string>& pks, Evaluation evaluate,
                      std::function<void(const Status&, bool repeated)> done)
      : evaluate_(std::move(evaluate)), done_(std::move(done)) {
    for (const std::string& pk : pks) items.push_back({table, TestKey(pk)});
  }
  Mutations Evaluate(const Stored& stored) override { return evaluate_(stored); }
  void Repeat(const Stored&) override { repeated_ = true; }
  void Done(const Status& status) override { done_(status, repeated_); }

 private:
  const Evaluation evaluate_;
  const std::function<void(const Status&, bool)> done_;
  bool repeated_ = false;
};

Mutation Put(const std::string& pk, const std::string& v) {
  return {Mutation::Kind::kPut, TestItem(pk, v)};
}

// Puts `v` under all keys.
FunctionTransaction::Evaluation PutAll(std::vector<std::string> pks, std::string v) {
  return [pks, v](const Stored&) -> Mutations {
    std::vector<Mutation> mutations;
    for (const std::string& pk : pks) mutations.push_back(Put(pk, v));
    return mutations;
  };
}

struct Outcome {
  Status status = Internal("not called");
  bool repeated = false;
};

Outcome Transact(TestRegion& region, const std::vector<std::string>& pks,
                 FunctionTransaction::Evaluation evaluate, std::string token = "",
                 char fingerprint = 'f') {
  Outcome outcome;
  auto operation =
      std::make_unique<FunctionTransaction>(region.engine->FindTable("t"), pks, std::move(evaluate),
                                            [&](const Status& status, bool repeated) {
                                              outcome = {status, repeated};
                                            });
  operation->token = std::move(token);
  operation->fingerprint = std::string(16, fingerprint);
  region.engine->Transact(std::move(operation), region.executor);
  region.RunAll();
  return outcome;
}

TEST(Transaction, AllOrNothing) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(Transact(region, {"a", "b"}, PutAll({"a", "b"}, "1")).status.ok());
  EXPECT_EQ(region.Get("t", "a") + region.Get("t", "b"), "11");
  const uint64_t before = region.engine->State().applied.At(region.log());
  const Outcome refused = Transact(region, {"a", "b"}, [](const Stored& stored) -> Mutations {
    EXPECT_EQ(ValueOf(*stored[0]), "1");
    return ConditionFailed("no");
  });
  EXPECT_EQ(refused.status.code(), StatusCode::kConditionFailed);
  EXPECT_EQ(region.engine->State().applied.At(region.log()), before) << "no number was given";
  ASSERT_TRUE(region.Put("t", "a", "2").ok()) << "the items are unlocked again";
}

TEST(Transaction, ItsChangesHaveOneStampOneIdAndOneEnd) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(Transact(region, {"a", "b", "c"}, [](const Stored&) -> Mutations {
                return std::vector<Mutation>{Put("a", "1"), {}, Put("c", "1")};
              }).status.ok());
  ASSERT_TRUE(Transact(region, {"a"}, PutAll({"a"}, "2")).status.ok());
  const auto batch = region.ReadLog(region.log(), 1);
  ASSERT_EQ(batch.records.size(), 3u);
  std::vector<streams::ChangeRecord> records(3);
  for (size_t i = 0; i < 3; ++i)
    ASSERT_TRUE(streams::DecodeChangeRecord(*batch.records[i], records[i]));
  EXPECT_EQ(records[0].transaction, records[0].dot.number);
  EXPECT_EQ(records[1].transaction, records[0].dot.number);
  EXPECT_EQ(records[0].stamp, records[1].stamp);
  EXPECT_FALSE(records[0].transaction_end);
  EXPECT_TRUE(records[1].transaction_end);
  EXPECT_EQ(records[2].transaction, 0u) << "one change needs no extent";
  EXPECT_GT(records[2].stamp, records[1].stamp);
}

TEST(Transaction, ATokenIsRememberedAcrossAPowerCutForTenMinutes) {
  TestRegion region(1);
  region.CreateTable("t");
  int evaluated = 0;
  const auto count = [&](const Stored&) -> Mutations {
    ++evaluated;
    return std::vector<Mutation>{Put("a", std::to_string(evaluated))};
  };
  EXPECT_FALSE(Transact(region, {"a"}, count, "token").repeated);
  region.Restart();
  const Outcome again = Transact(region, {"a"}, count, "token");
  EXPECT_TRUE(again.status.ok() && again.repeated);
  EXPECT_EQ(region.Get("t", "a"), "1");
  EXPECT_EQ(Transact(region, {"a"}, count, "token", 'g').status.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(evaluated, 1);
  region.clock.physical_ms += kTransactionTokenMs;
  EXPECT_FALSE(Transact(region, {"a"}, count, "token", 'g').repeated) << "a new use of the name";
  EXPECT_EQ(region.Get("t", "a"), "2");
}

TEST(Transaction, WhatWasRefusedIsNotRemembered) {
  TestRegion region(1);
  region.CreateTable("t");
  const auto refuse = [](const Stored&) -> Mutations { return ConditionFailed("no"); };
  EXPECT_FALSE(Transact(region, {"a"}, refuse, "token").status.ok());
  EXPECT_FALSE(Transact(region, {"a"}, PutAll({"a"}, "1"), "token").repeated);
  EXPECT_EQ(region.Get("t", "a"), "1");
}

TEST(Transaction, OldTokensGoAndLeaveNothingBehind) {
  TestRegion region(1);
  region.CreateTable("t");
  const auto system_keys = [&] {
    std::set<std::string> keys;
    const auto it = region.store.NewIterator(ColumnFamily::kSystem, {});
    for (it->Seek(""); it->Valid(); it->Next()) keys.insert(std::string(it->key()));
    return keys;
  };
  ASSERT_TRUE(Transact(region, {"a"}, PutAll({"a"}, "1")).status.ok());
  const auto empty = system_keys();
  for (int i = 0; i < 5; ++i) {
    region.clock.physical_ms += 1000;
    (void)Transact(region, {"a"}, PutAll({"a"}, "1"), "token" + std::to_string(i));
  }
  region.clock.physical_ms += kTransactionTokenMs - 3000;
  // A token used again after its time, before it was forgotten: its old expiry must not take it.
  EXPECT_FALSE(Transact(region, {"a"}, PutAll({"a"}, "1"), "token0").repeated);
  ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
  region.RunAll();
  EXPECT_TRUE(Transact(region, {"a"}, PutAll({"a"}, "1"), "token0").repeated);
  EXPECT_TRUE(Transact(region, {"a"}, PutAll({"a"}, "1"), "token4").repeated);
  EXPECT_FALSE(Transact(region, {"a"}, PutAll({"a"}, "1"), "token1").repeated);
  region.clock.physical_ms += kTransactionTokenMs;
  ASSERT_TRUE(region.engine->maintenance().RunOnce(region.executor).ok());
  region.RunAll();
  EXPECT_EQ(system_keys(), empty);
}

TEST(Transaction, TwoRequestsWithOneTokenAtOnceAreCarriedOutOnce) {
  TestRegion region(1);
  region.CreateTable("t");
  int done = 0, repeated = 0, evaluated = 0;
  for (int i = 0; i < 5; ++i) {
    auto operation = std::make_unique<FunctionTransaction>(
        region.engine->FindTable("t"), std::vector<std::string>{"a"},
        [&](const Stored&) -> Mutations {
          ++evaluated;
          return std::vector<Mutation>{Put("a", "1")};
        },
        [&](const Status& status, bool again) {
          done += status.ok();
          repeated += again;
        });
    operation->token = "token";
    operation->fingerprint = std::string(16, 'f');
    region.engine->Transact(std::move(operation), region.executor);
  }
  region.RunAll();
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(done, 5);
  EXPECT_EQ(repeated, 4);
}

// Random transfers between accounts, with transactions, plain writes and snapshot reads under way
// at once: every outcome must be that of the transactions one after the other in commit order, and
// no read may see a total that is not whole.
TEST(Transaction, RandomTransactionsAreSerializable) {
  constexpr int kAccounts = 5, kStart = 100;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    TestRegion region(1);
    const TablePtr table = region.CreateTable("t");
    std::vector<std::string> names;
    for (int i = 0; i < kAccounts; ++i) names.push_back("account" + std::to_string(i));
    for (const std::string& name : names)
      ASSERT_TRUE(region.Put("t", name, std::to_string(kStart)).ok());
    std::vector<int> model(kAccounts, kStart);  // in the order of evaluation
    int open = 0, done = 0;
    const auto transfer = [&] {
      size_t from = random.Below(kAccounts), to = random.Below(kAccounts);
      if (from == to) to = (to + 1) % kAccounts;
      const int amount = static_cast<int>(random.Between(1, 60));
      ++open;
      auto operation = std::make_unique<FunctionTransaction>(
          table, std::vector<std::string>{names[from], names[to]},
          [&, from, to, amount](const Stored& stored) -> Mutations {
            const int have = std::stoi(ValueOf(*stored[0]));
            EXPECT_EQ(have, model[from]) << "sees what committed before it, seed " << seed;
            EXPECT_EQ(std::stoi(ValueOf(*stored[1])), model[to]);
            if (have < amount) return ConditionFailed("too little");
            model[from] -= amount;
            model[to] += amount;
            return std::vector<Mutation>{Put(names[from], std::to_string(model[from])),
                                         Put(names[to], std::to_string(model[to]))};
          },
          [&](const Status&, bool) { ++done; });
      region.engine->Transact(std::move(operation), region.executor);
    };
    const auto check_total = [&] {
      std::vector<ItemName> all;
      for (const std::string& name : names) all.push_back({table, TestKey(name)});
      int total = 0;
      ASSERT_TRUE(region.engine
                      ->GetTogether(all,
                                    [&](size_t, std::optional<std::string_view> item) -> Status {
                                      total += std::stoi(ValueOf(*item));
                                      return {};
                                    })
                      .ok());
      EXPECT_EQ(total, kAccounts * kStart) << "half a transaction is visible, seed " << seed;
    };
    bool in_turn = false;
    for (int step = 0; step < 400; ++step) {
      switch (random.Below(4)) {
        case 0: transfer(); break;
        case 1: (void)region.executor.RunOne(); break;
        case 2:
          if (in_turn) region.engine->committer().EndTurn();
          in_turn = !in_turn && region.engine->committer().BeginTurn();
          break;
        case 3: check_total(); break;
      }
    }
    if (in_turn) region.engine->committer().EndTurn();
    region.RunAll();
    EXPECT_EQ(done, open);
    for (int i = 0; i < kAccounts; ++i)
      EXPECT_EQ(region.Get("t", names[i]), std::to_string(model[i]));
  }
}

// --- other regions -------------------------------------------------------------------------------

TEST(Transaction, OtherRegionsApplyItWholeOrNotAtAll) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(Transact(a, {"x", "y", "z"}, PutAll({"x", "y", "z"}, "1")).status.ok());
  const auto whole = a.ReadLog(a.log(), 1);
  ASSERT_EQ(whole.records.size(), 3u);
  auto part = whole;
  part.records.pop_back();
  EXPECT_EQ(b.Apply(part).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(b.Get("t", "x"), "-") << "nothing of it is shown";
  auto tail = whole;
  tail.records.erase(tail.records.begin());
  ++tail.first;
  EXPECT_FALSE(b.Apply(tail).ok());
  ASSERT_TRUE(b.Apply(whole).ok());
  EXPECT_EQ(b.Get("t", "x") + b.Get("t", "y") + b.Get("t", "z"), "111");
  ASSERT_TRUE(b.Apply(a.ReadLog(a.log(), 2)).ok()) << "what is applied may be cut";
}

TEST(Transaction, OfTwoConcurrentOnesOnTheSameItemsOneWinsOnAll) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    TestRegion a(1), b(2), c(3);
    a.CreateTable("t");
    ASSERT_TRUE(b.PullFrom(a).ok() && c.PullFrom(a).ok());
    const std::vector<std::string> pks{"x", "y", "z"};
    for (int round = 0; round < 5; ++round) {
      // Clocks so close that stamps meet.
      for (TestRegion* region : {&a, &b, &c}) {
        region->clock.physical_ms += random.Below(2);
        std::vector<std::string> order = pks;
        std::swap(order[0], order[random.Below(3)]);
        const std::string v = std::to_string(region->log().region().value) + std::to_string(round);
        ASSERT_TRUE(Transact(*region, order, PutAll(order, v)).status.ok());
      }
      for (TestRegion* to : {&a, &b, &c})
        for (TestRegion* from : {&a, &b, &c})
          if (random.Chance(1, 2)) (void)to->PullFrom(*from);
      for (TestRegion* region : {&a, &b, &c}) {
        EXPECT_EQ(region->Get("t", "x"), region->Get("t", "y")) << "seed " << seed;
        EXPECT_EQ(region->Get("t", "x"), region->Get("t", "z")) << "seed " << seed;
      }
    }
    for (int i = 0; i < 2; ++i)
      for (TestRegion* to : {&a, &b, &c})
        for (TestRegion* from : {&a, &b, &c}) (void)to->PullFrom(*from);
    EXPECT_EQ(a.Dump(), b.Dump());
    EXPECT_EQ(a.Dump(), c.Dump());
  }
}

}  // namespace
}  // namespace everwrite::table
