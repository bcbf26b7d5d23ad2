#include "cli/verify_digests.h"

#include <gtest/gtest.h>

#include "cli/http_client.h"
#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

using Place = std::pair<std::string, uint64_t>;

struct Outcome {
  size_t pending;
  std::vector<Place> different;
  uint64_t proven = 0;
};
Outcome Compare(const std::vector<DigestList>& regions) {
  std::map<Place, bool> pending;
  for (const DigestList& region : regions)
    for (const auto& [place, line] : region) pending[place] = true;
  std::vector<RegionDigests> shares;
  for (const DigestList& region : regions) shares.push_back({region, {}, {}, 0});
  Outcome outcome{};
  CompareDigests(shares, pending, outcome.different, outcome.proven);
  outcome.pending = pending.size();
  return outcome;
}

TEST(VerifyDigests, EqualChangesMustHaveEqualSums) {
  const Place a{"01", 5};
  EXPECT_EQ(Compare({{{a, {"ff", "v1"}}}, {{a, {"ff", "v1"}}}}).proven, 1u);
  EXPECT_EQ(Compare({{{a, {"ff", "v1"}}}, {{a, {"fe", "v1"}}}}).different, std::vector<Place>{a});
}

TEST(VerifyDigests, NothingIsSaidWhereChangesDiffer) {
  const Place a{"01", 5}, b{"01", 6};
  EXPECT_EQ(Compare({{{a, {"ff", "v1"}}}, {{a, {"fe", "v2"}}}}).pending, 1u);
  EXPECT_EQ(Compare({{{a, {"ff", "v1"}}}, {}}).pending, 1u);  // never heard of there
  const Outcome third =
      Compare({{{a, {"ff", "v1"}}}, {{a, {"ff", "v1"}}}, {{a, {"ff", "v2"}}, {b, {"1", "v"}}}});
  EXPECT_EQ(third.pending, 2u);
  EXPECT_TRUE(third.different.empty());
}

TEST(VerifyDigests, WhatReadersDoNotSeeYetIsNotEqual) {
  const Place a{"01", 5};
  EXPECT_EQ(Compare({{{a, {"ff", "v1"}}}, {{a, {"ff", "moving"}}}}).pending, 1u);
  EXPECT_EQ(Compare({{{a, {"ff", "moving"}}}, {{a, {"ff", "moving"}}}}).pending, 1u);
  EXPECT_EQ(Compare({{{a, {"ff", "moving"}}}, {{a, {"fe", "moving"}}}}).pending, 1u);
}

TEST(VerifyDigests, OnlyThoseWhoHoldATableAreCompared) {
  const Place a{"01", 5};
  std::map<Place, bool> pending{{a, true}};
  std::vector<Place> different;
  uint64_t proven = 0;
  std::vector<RegionDigests> regions{
      {{{a, {"ff", "v1"}}}, {}, {}, 0}, {{}, {"01"}, {}, 0}, {{{a, {"ff", "v1"}}}, {}, {"01"}, 0}};
  CompareDigests(regions, pending, different, proven);
  EXPECT_EQ(pending.size(), 1u) << "one has not all of it yet";
  regions[2].filling.clear();
  CompareDigests(regions, pending, different, proven);
  EXPECT_EQ(proven, 1u);
  EXPECT_TRUE(pending.empty());
}

// A region's admin endpoint as far as verify needs it.
class FakeRegion {
 public:
  explicit FakeRegion(std::string digests, std::string items = "end\n",
                      std::string findings = "[]") {
    server_ = http::HttpServer::Start({}, [=](const http::HttpRequest& request,
                                              http::HttpResponder responder) {
                const std::string_view target = request.target;
                if (target == "/status") {
                  responder.Send({.body = R"({"applied":{"01":5}})"});
                } else if (target.starts_with("/convergence")) {
                  responder.Send({.body = R"({"tables":[{"id":"0000000000000abc","name":"shop"}],)"
                                          R"("findings":)" +
                                          findings + "}"});
                } else if (target.starts_with("/items")) {
                  responder.Send({.body = items});
                } else if (target == "/digests") {
                  responder.Send({.body = digests + "next 0000000000000abc.7\n"});
                } else {
                  responder.Send({.body = "end 3\n"});
                }
              }).value();
  }
  RegionEndpoint endpoint(const std::string& name) const {
    return {name, "", "127.0.0.1:" + std::to_string(server_->port())};
  }

 private:
  std::unique_ptr<http::HttpServer> server_;
};

TEST(VerifyDigests, RegionsAreAskedPageByPageAndKeysOfADifferenceAreNamed) {
  constexpr int64_t kWaitMs = 300;
  const std::string one = "0000000000000abc 7 00000000000000ff 01aa\n";
  FakeRegion a(one, "0000000000000abc 00700000 v1 h1 0\nend\n");
  FakeRegion same(one);
  FakeRegion other("0000000000000abc 7 00000000000000fe 01aa\n",
                   "0000000000000abc 00700000 v1 h2 0\nend\n");
  FakeRegion late("0000000000000abc 7 00000000000000fe 01ab\n");
  const auto equal = VerifyDigests({a.endpoint("a"), same.endpoint("b")}, kWaitMs);
  EXPECT_EQ(equal->verdict, Verdict::kEqual);
  EXPECT_EQ(equal->buckets, 1u);
  EXPECT_EQ(equal->items, 3u);
  const auto behind = VerifyDigests({a.endpoint("a"), late.endpoint("b")}, kWaitMs);
  EXPECT_EQ(behind->verdict, Verdict::kBehind);
  EXPECT_EQ(behind->open, 1u);
  const auto diverged = VerifyDigests({a.endpoint("a"), other.endpoint("b")}, kWaitMs);
  ASSERT_EQ(diverged->verdict, Verdict::kDiverged);
  ASSERT_EQ(diverged->differences.size(), 1u);
  EXPECT_EQ(diverged->differences[0].table, "shop");
  EXPECT_EQ(diverged->differences[0].bucket, 7u);
  ASSERT_EQ(diverged->differences[0].items.listed.size(), 1u);
  EXPECT_EQ(diverged->differences[0].items.listed[0].held,
            (std::vector<std::string>{"v1 h1", "v1 h2"}));
  EXPECT_FALSE(VerifyDigests({a.endpoint("a"), {"b", "", "127.0.0.1:1"}}, kWaitMs).ok());
}

TEST(VerifyDigests, WhatARegionHasFoundItselfIsDivergence) {
  const std::string one = "0000000000000abc 7 00000000000000ff 01aa\n";
  const std::string closed =
      R"([{"open":false,"table_id":"0000000000000abc","bucket":7,"what":"x"}])";
  FakeRegion a(one), repaired(one, "end\n", closed);
  EXPECT_EQ(VerifyDigests({a.endpoint("a"), repaired.endpoint("b")}, 0)->verdict, Verdict::kEqual);
  const std::string open =
      R"([{"open":true,"table_id":"0000000000000abc","bucket":7,"what":"rows do not add up"}])";
  FakeRegion damaged(one, "end\n", open);
  const auto report = VerifyDigests({a.endpoint("a"), damaged.endpoint("b")}, 0);
  EXPECT_EQ(report->verdict, Verdict::kDiverged);
  EXPECT_EQ(report->differences.at(0).reason, "b: rows do not add up");
}

}  // namespace
}  // namespace everwrite::cli
