// The simulated network speaks of directions between regions, whoever dialled.
#include "cli/link_set.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "cli/http_client.h"
#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

class LinkSetTest : public testing::Test {
 protected:
  LinkSetTest() {
    for (const char* name : {"a", "b"}) {
      servers_.push_back(
          http::HttpServer::Start({}, [](const http::HttpRequest&, http::HttpResponder responder) {
            responder.Send({.body = "hi"});
          }).value());
      nodes_.push_back({name, "127.0.0.1", servers_.back()->port()});
    }
  }
  void Create(const std::vector<NetworkDirection>& directions = {}) {
    set_ = LinkSet::Create(nodes_, directions).value();
  }
  // Milliseconds of a call from `dialler` to the server of `target`; -1 when it does not come back.
  int64_t Call(const std::string& dialler, const std::string& target, int64_t timeout_ms = 150) {
    const auto start = std::chrono::steady_clock::now();
    const auto reply =
        HttpCall("GET", "127.0.0.1:" + std::to_string(set_->PortFor(dialler, target)), "/",
                 {.timeout_ms = timeout_ms});
    if (!reply.ok()) return -1;
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start)
        .count();
  }
  std::vector<std::unique_ptr<http::HttpServer>> servers_;
  std::vector<NetworkNode> nodes_;
  std::unique_ptr<LinkSet> set_;
};

TEST_F(LinkSetTest, EveryPairIsJoinedBothWays) {
  Create();
  EXPECT_GE(Call("a", "b"), 0);
  EXPECT_GE(Call("b", "a"), 0);
  EXPECT_EQ(set_->PortFor("a", "a"), 0);
}

TEST_F(LinkSetTest, ADelayOfOneDirectionHoldsForWhoeverDialled) {
  Create({{"a", "b", {.delay_us = 40000}}});
  // From a: the request is late; from b: the answer is.
  EXPECT_GE(Call("a", "b", 2000), 40);
  EXPECT_GE(Call("b", "a", 2000), 40);
}

TEST_F(LinkSetTest, AOneWayCutStopsWhatTravelsThatWay) {
  Create();
  ASSERT_TRUE(set_->Cut("a", "b", /*one_way=*/true).ok());
  EXPECT_EQ(Call("a", "b"), -1);  // its requests do not arrive
  EXPECT_EQ(Call("b", "a"), -1);  // its answers do not
  ASSERT_TRUE(set_->Heal("a", "b", /*one_way=*/true).ok());
  EXPECT_GE(Call("a", "b"), 0);
  EXPECT_GE(Call("b", "a"), 0);
}

TEST_F(LinkSetTest, CutsOfBothWaysAreShownAndHealed) {
  Create();
  ASSERT_TRUE(set_->Cut("a", "b", /*one_way=*/false).ok());
  JsonValue links = set_->Describe();
  for (const JsonValue& link : links.items()) EXPECT_TRUE(link["cut"].AsBool());
  set_->HealAll();
  links = set_->Describe();
  for (const JsonValue& link : links.items()) EXPECT_FALSE(link["cut"].AsBool());
  EXPECT_GE(Call("a", "b"), 0);
}

TEST_F(LinkSetTest, AnUnknownPairIsAnError) {
  Create();
  EXPECT_EQ(set_->Cut("a", "z", false).code(), StatusCode::kNotFound);
  EXPECT_FALSE(LinkSet::Create(nodes_, {{"a", "z", {}}}).ok());
}

}  // namespace
}  // namespace everwrite::cli
