// The gateway: which region a request goes to, what passes unchanged, and what a dead region looks
// like.
#include "cli/gateway.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cli/http_client.h"
#include "cli/upstream.h"
#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

std::string Signed(const std::string& region) {
  return "Authorization: AWS4-HMAC-SHA256 Credential=AK/20260102/" + region +
         "/dynamodb/aws4_request, SignedHeaders=host, Signature=00\r\n";
}

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    for (const char* name : {"us-east-1", "eu-west-1"}) servers_.push_back(StartRegion(name, 0));
    options_.port = 0;
    options_.regions = {{"us-east-1", "127.0.0.1", servers_[0]->port()},
                        {"eu-west-1", "127.0.0.1", servers_[1]->port()}};
    gateway_ = Gateway::Start(options_).value();
  }
  std::unique_ptr<http::HttpServer> StartRegion(const std::string& name, uint16_t port) {
    return http::HttpServer::Start(
               {.port = port},
               [this, name](const http::HttpRequest& request, http::HttpResponder responder) {
                 ++handled_;
                 if (request.target == "/silent") {
                   const std::lock_guard lock(mutex_);
                   held_.push_back(std::move(responder));
                   return;
                 }
                 responder.Send({.status = 200,
                                 .content_type = "application/x-amz-json-1.0",
                                 .headers = "x-amzn-RequestId: R1\r\n",
                                 .body = name + " " + std::string(request.method) + " " +
                                         std::string(request.target) + " " +
                                         std::string(request.Header("x-amz-target")) + " " +
                                         std::string(request.body)});
               })
        .value();
  }
  Result<HttpReply> Call(const std::string& headers, std::string_view body = {},
                         std::string_view target = "/") {
    return HttpCall("POST", "127.0.0.1:" + std::to_string(gateway_->port()), target,
                    {.headers = headers, .body = body});
  }

  std::atomic<int> handled_{0};
  std::mutex mutex_;
  std::vector<http::HttpResponder> held_;
  std::vector<std::unique_ptr<http::HttpServer>> servers_;
  GatewayOptions options_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, TheSignaturesRegionIsAsked) {
  EXPECT_EQ(Call(Signed("eu-west-1") + "X-Amz-Target: T\r\n", "{}")->body, "eu-west-1 POST / T {}");
  EXPECT_EQ(Call(Signed("us-east-1"), "{}")->body, "us-east-1 POST /  {}");
}

TEST_F(GatewayTest, LocalAndUnsignedGoToTheFirstRegion) {
  EXPECT_TRUE(Call(Signed("local"))->body.starts_with("us-east-1 "));
  EXPECT_TRUE(Call("")->body.starts_with("us-east-1 "));
}

TEST_F(GatewayTest, AnUnknownRegionIsAnErrorThatNamesTheKnownOnes) {
  const auto reply = Call(Signed("mars-1"));
  EXPECT_EQ(reply->status, 400);
  EXPECT_NE(reply->body.find("\"__type\":\"com.amazon.coral.validate#ValidationException\""),
            std::string::npos);
  EXPECT_NE(reply->body.find("us-east-1, eu-west-1"), std::string::npos);
  EXPECT_NE(reply->body.find("'mars-1'"), std::string::npos);
  EXPECT_EQ(handled_, 0);
}

TEST_F(GatewayTest, BigBodiesPassBothWays) {
  const std::string body(5 << 20, 'x');
  const auto reply = Call(Signed("eu-west-1"), body);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->body, "eu-west-1 POST /  " + body);
}

TEST_F(GatewayTest, ManyClientsGetTheirOwnAnswers) {
  std::vector<std::thread> clients;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(c) + "-" + std::to_string(i);
        const std::string region = i % 2 == 0 ? "us-east-1" : "eu-west-1";
        const auto reply = Call(Signed(region), body);
        if (!reply.ok() || reply->body != region + " POST /  " + body) ++wrong;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(GatewayTest, ADeadRegionIsUnavailableAndTheOtherServesOn) {
  ASSERT_EQ(Call(Signed("eu-west-1"))->status, 200);  // leaves a pooled connection
  const uint16_t port = servers_[1]->port();
  servers_[1].reset();
  const auto reply = Call(Signed("eu-west-1"));
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(reply->body.find("ServiceUnavailable"), std::string::npos) << reply->body;
  EXPECT_EQ(Call(Signed("us-east-1"))->status, 200);
  servers_[1] = StartRegion("eu-west-1", port);
  EXPECT_EQ(Call(Signed("eu-west-1"))->status, 200);
}

TEST_F(GatewayTest, ARequestThatGotNoAnswerIsNotSentTwice) {
  gateway_.reset();
  options_.timeout_ms = 200;
  gateway_ = Gateway::Start(options_).value();
  const auto reply = Call(Signed("us-east-1"), "{}", "/silent");
  EXPECT_EQ(reply->status, 500);
  EXPECT_EQ(handled_, 1);
}

TEST_F(GatewayTest, StoppingAnswersWhatIsInFlight) {
  std::thread client([&] {
    const auto reply = Call(Signed("us-east-1"), "{}", "/silent");
    EXPECT_TRUE(!reply.ok() || reply->status >= 500);
  });
  while (handled_ == 0) std::this_thread::yield();
  gateway_.reset();
  client.join();
}

TEST(GatewayScope, TheRegionIsTakenFromTheEndOfTheScope) {
  EXPECT_EQ(RegionOfAuthorization("AWS4-HMAC-SHA256 Credential=a/b/20260102/eu-west-1/dynamodb/"
                                  "aws4_request, SignedHeaders=host"),
            "eu-west-1");
  for (const char* text : {"", "Basic x", "AWS4-HMAC-SHA256 Credential=",
                           "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256 Signature=1"}) {
    EXPECT_EQ(RegionOfAuthorization(text), "") << text;
  }
}

}  // namespace
}  // namespace everwrite::cli
