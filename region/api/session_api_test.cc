// Session tokens through the API: what an answer carries, and a request that must wait.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class SessionApiTest : public ::testing::Test {
 protected:
  struct Sink : http::ResponseSink {
    void Send(http::HttpResponse response) override {
      status = response.status;
      headers = std::string(response.headers);
      body = std::move(response.body);
    }
    void Abandon() override { status = -1; }
    int status = 0;
    std::string headers, body;
  };
  // Keeps the request's bytes where they are, as a connection does, until it is answered.
  struct Pending {
    std::string body;
    std::string token, wait;
    std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  };
  using PendingPtr = std::shared_ptr<Pending>;

  PendingPtr Send(std::string_view body, std::string token, std::string wait = "") {
    auto pending = std::make_shared<Pending>();
    pending->body = body;
    for (char& c : pending->body)
      if (c == '\'') c = '"';
    pending->body.reserve(pending->body.size() + http::kBodyPadding);
    pending->token = std::move(token);
    pending->wait = std::move(wait);
    http::HttpRequest request{
        "POST",
        "/",
        {{"Content-Type", "application/x-amz-json-1.0"},
         {"X-Amz-Target", "DynamoDB_20120810.ListTables"},
         {"X-Amz-Date", "20260101T000000Z"},
         {"Authorization",
          "AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/dynamodb/aws4_request, "
          "SignedHeaders=host;x-amz-date, Signature=abc"}},
        pending->body,
        &executor_};
    if (!pending->token.empty()) request.fields.push_back({"X-Everwrite-Session", pending->token});
    if (!pending->wait.empty())
      request.fields.push_back({"x-everwrite-session-wait", pending->wait});
    dispatcher_.Handle(request, http::HttpResponder(pending->sink));
    executor_.RunAll();
    return pending;
  }
  void Commit(uint64_t number) {
    applied_ = At(number);
    ++epoch_;
    gate_.OnApplied(applied_);
    executor_.RunAll();
  }
  static conflict::Vector At(uint64_t number) {
    conflict::Vector vector;
    vector.Set(LogId::Make(RegionId{1}, 5), number);
    return vector;
  }
  std::string TokenOf(uint64_t number) { return tokens_.Encode(At(number)); }

  ManualExecutor executor_;
  ManualClock clock_;
  MemoryTableEngine engine_{clock_};
  conflict::Vector applied_ = At(10);
  uint64_t epoch_ = 1;
  const session::SessionTokens tokens_{"shop", ""};
  session::SessionGate gate_{tokens_,
                             {[this] { return epoch_; }, [this] { return applied_; }},
                             clock_,
                             {.name_of = [](RegionId) { return std::string("us-east-1"); }}};
  Dispatcher dispatcher_{{"eu-west-1", &engine_, &clock_, nullptr, 0, &gate_}};
};

TEST_F(SessionApiTest, EachAnswerCarriesTheTokenOfWhatIsApplied) {
  const auto answer = Send("{}", "");
  EXPECT_EQ(answer->sink->status, 200);
  EXPECT_NE(answer->sink->headers.find("\r\nx-everwrite-session: " + TokenOf(10) + "\r\n"),
            std::string::npos)
      << answer->sink->headers;
  const auto refused = Send("{'Limit':0}", "");
  EXPECT_EQ(refused->sink->status, 400);
  EXPECT_NE(refused->sink->headers.find(TokenOf(10)), std::string::npos);
}

TEST_F(SessionApiTest, ARequestWaitsForItsSession) {
  const auto ready = Send("{}", TokenOf(10));
  EXPECT_EQ(ready->sink->status, 200);
  const auto early = Send("{'Limit':7}", TokenOf(12));
  const auto wrong = Send("{'Limit':101}", TokenOf(12));
  EXPECT_EQ(early->sink->status, 0);
  Commit(11);
  EXPECT_EQ(early->sink->status, 0);
  Commit(12);
  EXPECT_EQ(early->sink->status, 200);
  EXPECT_EQ(early->sink->body, "{\"TableNames\":[]}");
  EXPECT_EQ(wrong->sink->status, 400);
  EXPECT_NE(early->sink->headers.find(TokenOf(12)), std::string::npos);
}

TEST_F(SessionApiTest, AfterItsDeadlineItGetsARetryableErrorThatSaysHowFarBehind) {
  const auto pending = Send("{}", TokenOf(14), "250");
  gate_.Expire(clock_.now + 249'000);
  executor_.RunAll();
  EXPECT_EQ(pending->sink->status, 0);
  gate_.Expire(clock_.now + 250'000);
  executor_.RunAll();
  EXPECT_EQ(pending->sink->status, 503);
  EXPECT_NE(pending->sink->headers.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(
      pending->sink->body,
      "{\"__type\":\"everwrite#RegionBehindException\",\"message\":\"Region eu-west-1 has not "
      "caught up with the session: it still misses 4 changes of us-east-1. Try again, here or "
      "in another region.\"}");
  Commit(14);  // what was answered stays answered
}

TEST_F(SessionApiTest, WhatIsNoTokenIsRefused) {
  const auto bad = Send("{}", "abc");
  EXPECT_EQ(bad->sink->status, 400);
  EXPECT_NE(bad->sink->body.find("not a session token of this cluster"), std::string::npos);
  const auto wait = Send("{}", TokenOf(99), "soon");
  EXPECT_EQ(wait->sink->status, 400);
  EXPECT_NE(wait->sink->body.find("x-everwrite-session-wait"), std::string::npos);
}

TEST_F(SessionApiTest, MalformedRequestsAreRefusedBeforeTheyWait) {
  EXPECT_EQ(Send("{", TokenOf(99))->sink->status, 400);
}

}  // namespace
}  // namespace everwrite::api
