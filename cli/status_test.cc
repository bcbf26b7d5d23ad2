// Status: what makes a cluster degraded, and what the answers of half-alive processes look like.
#include "cli/status.h"

#include <gtest/gtest.h>

#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

class StatusTest : public testing::Test {
 protected:
  std::string Serve(const std::string& body) {
    servers_.push_back(http::HttpServer::Start({}, [body](const http::HttpRequest&,
                                                          http::HttpResponder responder) {
                         responder.Send({.body = body});
                       }).value());
    return "127.0.0.1:" + std::to_string(servers_.back()->port());
  }
  static std::string Region(const std::string& from, const std::string& to,
                            const std::string& state, int lag) {
    return R"({"region":")" + to +
           R"(","id":1,"ready":true,"pid":77,"applied":{"01":5},"durable":{},)" +
           R"("conflicts":2,"links":[{"from":")" + from + R"(","to":")" + to + R"(","state":")" +
           state + R"(","lag_ms":)" + std::to_string(lag) +
           R"(,"pending":1,"clock_offset_ms":0}]})";
  }
  std::vector<std::unique_ptr<http::HttpServer>> servers_;
};

TEST_F(StatusTest, AllServingIsHealthy) {
  ClusterView view;
  view.regions = {{"a", "h:1", Serve(Region("b", "a", "up", 3))},
                  {"b", "h:2", Serve(Region("a", "b", "up", 4))}};
  const JsonValue status = CollectStatus(view);
  EXPECT_EQ(status["verdict"].AsString(), "healthy") << status.Dump(true);
  ASSERT_EQ(status["regions"].items().size(), 2u);
  EXPECT_EQ(status["regions"].items()[0]["pids"]["region"].AsInt(), 77);
  EXPECT_EQ(status["regions"].items()[0]["vector"]["01"].AsInt(), 5);
  ASSERT_EQ(status["links"].items().size(), 2u);
  EXPECT_EQ(status["links"].items()[0]["from"].AsString(), "a");
  EXPECT_EQ(status["links"].items()[0]["lag_ms"].AsInt(), 4);
  const std::string text = FormatStatus(status);
  EXPECT_TRUE(text.starts_with("healthy\n")) << text;
  EXPECT_NE(text.find("01:5"), std::string::npos);
}

TEST_F(StatusTest, ARegionThatIsFilledSaysHowFar) {
  ClusterView view;
  view.regions = {
      {"a", "h:1", Serve(Region("b", "a", "up", 3))},
      {"b", "h:2",
       Serve(R"({"region":"b","id":2,"ready":false,"stage":"filling","filling":{"source":"a",)"
             R"("waits":"","percent":43,"seconds_left":20,"items":43,"items_expected":100},)"
             R"("applied":{"01":5},"durable":{},"conflicts":0,"links":[]})")}};
  const JsonValue status = CollectStatus(view);
  EXPECT_EQ(status["verdict"].AsString(), "degraded");
  EXPECT_EQ(status["regions"].items()[1]["state"].AsString(), "filling");
  EXPECT_EQ(status["regions"].items()[1]["filling"]["percent"].AsInt(), 43);
  EXPECT_NE(status["reasons"].Dump(false).find(
                "b is being filled from a: 43 % of 100 items, about 20 s left"),
            std::string::npos)
      << status["reasons"].Dump(false);
  EXPECT_NE(FormatStatus(status).find("filling 43%"), std::string::npos);
}

TEST_F(StatusTest, ARegionThatIsAwayASilentLinkAndALagAreReasons) {
  ClusterView view;
  view.regions = {{"a", "h:1", Serve(Region("b", "a", "silent", 3))},
                  {"b", "h:2", Serve(Region("a", "b", "up", 60000))},
                  {"c", "h:3", "127.0.0.1:1"}};
  const JsonValue status = CollectStatus(view);
  EXPECT_EQ(status["verdict"].AsString(), "degraded");
  const std::string reasons = status["reasons"].Dump(false);
  EXPECT_NE(reasons.find("c is unreachable"), std::string::npos) << reasons;
  EXPECT_NE(reasons.find("link b -> a is silent"), std::string::npos) << reasons;
  EXPECT_NE(reasons.find("link a -> b lags 60000 ms"), std::string::npos) << reasons;
  EXPECT_TRUE(FormatStatus(status).starts_with("degraded: "));
}

TEST_F(StatusTest, WhoReceivesKnowsBestAndNothingYetIsNoLag) {
  ClusterView view;
  view.regions = {
      {"a", "h:1",
       Serve(R"({"ready":true,"links":[{"from":"a","to":"b","state":"down","lag_ms":9},)"
             R"({"from":"b","to":"a","state":"up","lag_ms":-1}]})")},
      {"b", "h:2",
       Serve(R"({"ready":true,"links":[{"from":"a","to":"b","state":"up","lag_ms":5},)"
             R"({"from":"b","to":"a","state":"down","lag_ms":7}]})")}};
  const JsonValue status = CollectStatus(view);
  EXPECT_EQ(status["verdict"].AsString(), "healthy") << status.Dump(true);
  EXPECT_EQ(status["links"].items()[0]["lag_ms"].AsInt(), 5);
  EXPECT_EQ(status["links"].items()[1]["lag_ms"].kind(), JsonValue::Kind::kNull);
}

TEST_F(StatusTest, ACutLinkIsCutWhateverTheRegionThinks) {
  ClusterView view;
  view.regions = {{"a", "h:1", Serve(Region("b", "a", "up", 3))},
                  {"b", "h:2", Serve(Region("a", "b", "up", 4))}};
  view.control = Serve(
      R"({"processes":[{"region":"a","role":"nats","pid":5}],"links":[{"from":"a","to":"b","cut":true,"delay_ms":9}]})");
  const JsonValue status = CollectStatus(view);
  EXPECT_EQ(status["links"].items()[0]["state"].AsString(), "cut");
  EXPECT_EQ(status["links"].items()[0]["delay_ms"].AsInt(), 9);
  EXPECT_EQ(status["regions"].items()[0]["pids"]["nats"].AsInt(), 5);
  EXPECT_EQ(status["verdict"].AsString(), "degraded");
}

TEST(StatusTable, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(FormatTable({{"A", "B"}, {"long", "x"}}), "A     B\nlong  x\n");
}

}  // namespace
}  // namespace everwrite::cli
