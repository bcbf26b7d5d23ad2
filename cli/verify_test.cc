// The comparison of regions: what counts as a difference and what does not.
#include "cli/verify.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cli/http_client.h"
#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

class ListSource : public ItemSource {
 public:
  explicit ListSource(std::vector<ItemLine> lines) : lines_(std::move(lines)) {}
  Result<bool> Next(ItemLine* line) override {
    if (at_ == lines_.size()) return false;
    *line = lines_[at_++];
    return true;
  }

 private:
  std::vector<ItemLine> lines_;
  size_t at_ = 0;
};

ItemLine Live(std::string key, std::string version) {
  return {"01", std::move(key), std::move(version), "h", false};
}
ItemLine Dead(std::string key) { return {"01", std::move(key), "v", "-", true}; }

ItemComparison Compare(std::vector<std::vector<ItemLine>> regions,
                       const Elsewhere& elsewhere = {}) {
  std::vector<std::unique_ptr<ListSource>> sources;
  std::vector<ItemSource*> raw;
  for (auto& lines : regions) {
    sources.push_back(std::make_unique<ListSource>(std::move(lines)));
    raw.push_back(sources.back().get());
  }
  return CompareItems(raw, elsewhere).value();
}

TEST(Verify, EqualRegionsHaveNoDifference) {
  const std::vector<ItemLine> lines = {Live("a", "1"), Live("b", "1"), Dead("c")};
  const auto result = Compare({lines, lines, lines});
  EXPECT_EQ(result.items, 2u);
  EXPECT_EQ(result.differences, 0u);
}

TEST(Verify, ATombstoneIsTheSameAsNothingButNotAsAnItem) {
  EXPECT_EQ(Compare({{Dead("a")}, {}}).differences, 0u);
  EXPECT_EQ(Compare({{Dead("a")}, {Live("a", "1")}}).differences, 1u);
}

TEST(Verify, MissingItemsAndOtherVersionsAndContentsAreDifferences) {
  EXPECT_EQ(
      Compare({{Live("a", "1"), Live("b", "1")}, {Live("b", "1")}, {Live("b", "1")}}).differences,
      1u);
  EXPECT_EQ(Compare({{Live("a", "1")}, {Live("a", "2")}}).differences, 1u);
  ItemLine other = Live("a", "1");
  other.hash = "other";
  EXPECT_EQ(Compare({{Live("a", "1")}, {other}}).differences, 1u);
  const auto last = Compare({{}, {Live("z", "1")}, {}});
  ASSERT_EQ(last.listed.size(), 1u);
  EXPECT_EQ(last.listed[0].held, (std::vector<std::string>{"absent", "1 h", "absent"}));
}

TEST(Verify, ATableThatLivesElsewhereMustHaveNothingHere) {
  const std::vector<ItemLine> lines = {Live("a", "1"), Live("b", "1")};
  EXPECT_EQ(Compare({lines, {}, lines}, {{}, {"01"}, {}}).differences, 0u);
  EXPECT_EQ(Compare({lines, {}, lines}, {{}, {"02"}, {}}).differences, 2u);
  const auto foreign = Compare({lines, {Live("b", "1")}, {}}, {{}, {"01"}, {"01"}});
  ASSERT_EQ(foreign.listed.size(), 1u);
  EXPECT_EQ(foreign.listed[0].held, (std::vector<std::string>{"1 h", "1 h", "elsewhere"}));
}

TEST(Verify, OnlyTheFirstDifferencesAreListedAndAllAreCounted) {
  std::vector<ItemLine> lines;
  for (int i = 100; i < 200; ++i) lines.push_back(Live(std::to_string(i), "1"));
  const auto result = Compare({lines, {}});
  EXPECT_EQ(result.differences, 100u);
  EXPECT_EQ(result.listed.size(), kMaxListedDifferences);
}

TEST(Verify, MalformedLinesAreRefused) {
  EXPECT_TRUE(ParseItemLine("01 0a ff 77 0").ok());
  EXPECT_TRUE(ParseItemLine("01  ff 77 1").ok()) << "an empty key";
  for (const char* line : {"", "01 0a ff 77", "01 0a ff 77 2", "01 0a ff 77 0 0", " a b c 0"}) {
    EXPECT_FALSE(ParseItemLine(line).ok()) << line;
  }
}

// A region's admin endpoint as far as verify needs it.
class FakeRegion {
 public:
  FakeRegion(std::string vector, std::string items, bool pages = true, std::string holdings = "",
             std::string filling = "[]")
      : vector_(std::move(vector)),
        items_(std::move(items)),
        holdings_(std::move(holdings)),
        filling_(std::move(filling)) {
    server_ = http::HttpServer::Start({}, [this, pages](const http::HttpRequest& request,
                                                        http::HttpResponder responder) {
                if (request.target == "/status") {
                  responder.Send({.body = "{\"applied\":" + vector_ +
                                          ",\"filling_tables\":" + filling_ + "}"});
                  return;
                }
                if (request.target.starts_with("/digests")) {
                  responder.Send({.body = holdings_ + "end 0\n"});
                  return;
                }
                const std::string after = QueryValue(request.target, "after");
                std::string body, last;
                size_t limit = std::stoul(QueryValue(request.target, "limit"));
                for (size_t at = 0; at < items_.size();) {
                  const size_t end = items_.find('\n', at) + 1;
                  const std::string line = items_.substr(at, end - at);
                  at = end;
                  const std::string name = line.substr(0, 2) + line.substr(3, 2);
                  if (pages && name <= after) continue;
                  if (limit-- == 0) {
                    responder.Send({.body = body + "next " + last + "\n"});
                    return;
                  }
                  body += line;
                  last = name;
                }
                body += "end\n";
                responder.Send({.body = std::move(body)});
              }).value();
  }
  RegionEndpoint endpoint(const std::string& name) const {
    return {name, "", "127.0.0.1:" + std::to_string(server_->port())};
  }

 private:
  std::string vector_, items_, holdings_, filling_;
  std::unique_ptr<http::HttpServer> server_;
};

TEST(Verify, RegionsAreAskedPageByPage) {
  FakeRegion region("{}", "01 aa v h 0\n01 bb v h 0\n02 aa v h 1\n");
  const auto source = NewAdminItemSource(region.endpoint("x").admin, 2);
  ItemLine line;
  std::string keys;
  while (source->Next(&line).value()) keys += line.table + line.key + " ";
  EXPECT_EQ(keys, "01aa 01bb 02aa ");
}

TEST(Verify, AListThatRepeatsItselfIsRefusedAndNotFollowedForEver) {
  FakeRegion region("{}", "01 aa v h 0\n01 bb v h 0\n", /*pages=*/false);
  const auto source = NewAdminItemSource(region.endpoint("x").admin, 1);
  ItemLine line;
  EXPECT_TRUE(source->Next(&line).value());
  EXPECT_EQ(source->Next(&line).status().code(), StatusCode::kDataLoss);
}

TEST(Verify, TheVerdictDependsOnVectorsFirst) {
  FakeRegion a(R"({"01":5,"02":3})", "01 aa v h 0\n");
  FakeRegion same(R"({"02":3,"01":5,"03":0})", "01 aa v h 0\n01 bb v h 1\n");
  FakeRegion late(R"({"01":4,"02":3})", "");
  FakeRegion wrong(R"({"01":5,"02":3})", "");
  constexpr int64_t kWaitMs = 300;
  EXPECT_EQ(Verify({a.endpoint("a"), same.endpoint("b")}, kWaitMs)->verdict, Verdict::kEqual);
  EXPECT_EQ(Verify({a.endpoint("a"), late.endpoint("b")}, kWaitMs)->verdict, Verdict::kBehind);
  EXPECT_EQ(Verify({a.endpoint("a"), wrong.endpoint("b")}, kWaitMs)->verdict, Verdict::kDiverged);
  FakeRegion outside(R"({"01":5,"02":3})", "", true, "elsewhere 01\n");
  FakeRegion filling(R"({"01":5,"02":3})", "", true, "filling 01\n", R"([{"table":"t"}])");
  EXPECT_EQ(Verify({a.endpoint("a"), outside.endpoint("b")}, kWaitMs)->verdict, Verdict::kEqual);
  EXPECT_EQ(Verify({a.endpoint("a"), filling.endpoint("b")}, kWaitMs)->verdict, Verdict::kBehind);
  EXPECT_FALSE(Verify({a.endpoint("a"), {"b", "", "127.0.0.1:1"}}, kWaitMs).ok());
}

}  // namespace
}  // namespace everwrite::cli
