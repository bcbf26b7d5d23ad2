#include "chaos/run/client.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace everwrite::chaos {
namespace {

// Clients against one map: what any of them reads is what was written last, so that no checker may
// find anything.
class ClientTest : public testing::Test {
 protected:
  Client Make(uint64_t number, const WorkloadSpec& workload = {}, uint64_t seed = 5) {
    return Client(workload, {"a", {"a", "b", "c"}, number}, seed, [this] { return ++ids_; });
  }
  Reply Answer(const Request& request) {
    Reply reply;
    reply.outcome = Outcome::kAcknowledged;
    reply.token = request.region + std::to_string(++tokens_);
    for (const ObservedItem& item : request.items) {
      const auto at = items_.find(item.key);
      const uint64_t there = at == items_.end() ? 0 : at->second;
      if (request.act == Act::kGet || request.act == Act::kSnapshot) reply.seen.push_back(there);
      if (request.expected && *request.expected != there) reply.outcome = Outcome::kRefused;
      if (request.act == Act::kPut && reply.outcome == Outcome::kAcknowledged)
        items_[item.key] = item.id;
      if (request.act == Act::kTransact || request.act == Act::kCount) items_[item.key] = item.id;
      if (request.act == Act::kDelete) items_.erase(item.key);
    }
    if (request.act == Act::kScan) {
      auto at = request.from.empty() ? items_.begin() : items_.upper_bound(request.from);
      for (; at != items_.end() && reply.page.size() < 20; ++at)
        reply.page.push_back({at->first, at->second, 0});
      if (at != items_.end()) reply.next = reply.page.back().key;
    }
    return reply;
  }
  uint64_t ids_ = 0, tokens_ = 0;
  std::map<std::string, uint64_t> items_;
};

TEST_F(ClientTest, AsksForEverythingInItsMix) {
  Client client = Make(1);
  std::map<Act, size_t> acts;
  size_t brief = 0, far = 0, conditional = 0, refused = 0, caused = 0;
  for (int64_t now = 0; now < 3'000; ++now) {
    const Request request = client.Next(now * 50'000);
    const Reply reply = Answer(request);
    const ObservedOp op = client.Told(request, reply, now, now + 1);
    ++acts[op.act];
    brief += request.lives_seconds != 0 ? 1 : 0;
    far += op.far ? 1 : 0;
    conditional += op.expected.has_value() ? 1 : 0;
    refused += op.outcome == Outcome::kRefused ? 1 : 0;
    caused += !op.after_key.empty() ? 1 : 0;
    EXPECT_EQ(op.region == "a", !op.far);
  }
  for (const Act act :
       {Act::kPut, Act::kDelete, Act::kCount, Act::kGet, Act::kTransact, Act::kSnapshot})
    EXPECT_GT(acts[act], 50u) << static_cast<int>(act);
  EXPECT_GT(acts[Act::kScan], 200u) << "page after page";
  EXPECT_GT(brief, 30u);
  EXPECT_GT(far, 50u);
  EXPECT_GT(conditional, 50u);
  EXPECT_GT(caused, 200u);
  EXPECT_GT(refused, 0u) << "a key is created by whoever comes first";
}

TEST_F(ClientTest, TheMixIsKeptTo) {
  WorkloadSpec workload;
  workload.mix = {0, 0, 1, 0, 0, 0, 0, 0, 0};
  Client client = Make(1, workload);
  for (int i = 0; i < 20; ++i) {
    const Request request = client.Next(i);
    EXPECT_EQ(request.act, Act::kCount);
    EXPECT_EQ(request.items[0].key, "count-a");
    client.Told(request, Answer(request), i, i + 1);
  }
}

TEST_F(ClientTest, TheSameSeedAsksTheSame) {
  const auto asked = [this](uint64_t seed) {
    ids_ = tokens_ = 0;
    items_.clear();
    Client client = Make(2, {}, seed);
    std::string all;
    for (int64_t now = 0; now < 200; ++now) {
      const Request request = client.Next(now * 50'000);
      all += request.region + (request.items.empty() ? request.from : request.items[0].key) + " ";
      client.Told(request, Answer(request), now, now + 1);
    }
    return all;
  };
  EXPECT_EQ(asked(1), asked(1));
  EXPECT_NE(asked(1), asked(2));
}

TEST_F(ClientTest, SendsTheNewestTokensAndDropsThoseThatWereCovered) {
  WorkloadSpec workload;
  workload.mix = {1, 0, 0, 0, 0, 0, 0, 2, 0};
  workload.hot_percent = 100;
  Client client = Make(1, workload);
  std::string home, covered;
  for (int64_t now = 0; now < 200; ++now) {
    const Request request = client.Next(now);
    const Reply reply = Answer(request);
    client.Told(request, reply, now, now + 1);
    if (request.far) {
      EXPECT_FALSE(request.tokens.empty());
      EXPECT_TRUE(request.tokens.find(home) != std::string::npos || request.tokens == covered);
      covered = reply.token;
      home = reply.token;
    } else {
      home = reply.token;
    }
  }
}

TEST_F(ClientTest, ASessionThatIsRefusedAgainAndAgainEnds) {
  WorkloadSpec workload;
  workload.mix = {1, 0, 0, 0, 0, 0, 0, 9, 0};
  Client client = Make(1, workload);
  std::set<uint64_t> sessions;
  for (int64_t now = 0; now < 400; ++now) {
    const Request request = client.Next(now);
    Reply reply = Answer(request);
    if (request.far) {
      reply = {};
      reply.outcome = Outcome::kRefused;
      reply.behind = true;
    }
    sessions.insert(client.Told(request, reply, now, now + 1).session);
  }
  EXPECT_GT(sessions.size(), 1u);
}

}  // namespace
}  // namespace everwrite::chaos
