// What the tests of the API share: a dispatcher over an engine in memory, JSON in and JSON out.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "region/api/dispatcher.h"
#include "region/api/testing/memory_table_engine.h"

namespace everwrite::api {

class ManualClock : public Clock {
 public:
  Instant Now() const override { return now; }
  uint64_t PhysicalMillis() const override { return millis; }
  Instant now{1000};
  uint64_t millis = 1700000000123;
};

struct Answer {
  int status = 0;  // 0: none yet
  std::string content_type, headers, body;
};

class ApiTest : public ::testing::Test {
 protected:
  explicit ApiTest(uint64_t ttl_change_interval_ms = 0)
      : engine_(clock_),
        dispatcher_({"eu-west-1", &engine_, &clock_, nullptr, ttl_change_interval_ms}) {
    executor_.commit = [this] { return engine_.Commit(); };
    engine_.engine().StartBackfill(executor_);
  }

  // The answer to any request; Authorization and the like are as given.
  Answer Handle(http::HttpRequest request, std::string_view body) {
    auto sink = std::make_shared<Sink>();
    std::string padded(body);
    padded.reserve(body.size() + http::kBodyPadding);
    request.body = padded;
    request.executor = &executor_;
    dispatcher_.Handle(request, http::HttpResponder(sink));
    padded.assign(padded.size(), '\xee');
    executor_.RunAll();
    return sink->answer;
  }
  static http::HttpRequest Request(std::string_view target) {
    return {"POST",
            "/",
            {{"Content-Type", "application/x-amz-json-1.0"},
             {"X-Amz-Target", target},
             {"X-Amz-Date", "20260101T000000Z"},
             {"Authorization",
              "AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/dynamodb/aws4_request, "
              "SignedHeaders=host;x-amz-date, Signature=abc"}},
            {},
            nullptr};
  }
  // The body of an operation's answer; single quotes stand for double ones, in both directions.
  std::string Ask(std::string_view operation, std::string_view json) {
    const std::string target = "DynamoDB_20120810." + std::string(operation);
    last_ = Handle(Request(target), Quoted(json));
    return Unquoted(last_.body);
  }
  // "ValidationException: message" of an answer that is an error, or the whole body.
  std::string Error(std::string_view operation, std::string_view json) {
    const std::string body = Ask(operation, json);
    const size_t hash = body.find('#');
    if (last_.status == 200 || hash == std::string::npos) return body;
    const size_t end = body.find('\'', hash);
    const size_t message = body.find("'message':'");
    std::string text = body.substr(hash + 1, end - hash - 1);
    if (message != std::string::npos)
      text += ": " + body.substr(message + 11, body.rfind('\'') - message - 11);
    return text;
  }
  // A provisioned table with a string partition key "pk" and a number sort key "sk".
  void MakeTable(std::string_view name = "tab") {
    Ask("CreateTable", "{'TableName':'" + std::string(name) +
                           "','BillingMode':'PAY_PER_REQUEST',"
                           "'KeySchema':[{'AttributeName':'pk','KeyType':'HASH'},"
                           "{'AttributeName':'sk','KeyType':'RANGE'}],"
                           "'AttributeDefinitions':[{'AttributeName':'pk','AttributeType':'S'},"
                           "{'AttributeName':'sk','AttributeType':'N'}]}");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }

  static std::string Quoted(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c == '\'') c = '"';
    return out;
  }
  static std::string Unquoted(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c == '"') c = '\'';
    return out;
  }

  struct Sink : http::ResponseSink {
    void Send(http::HttpResponse response) override {
      ASSERT_EQ(answer.status, 0) << "answered twice";
      answer = {response.status, std::string(response.content_type), std::string(response.headers),
                std::move(response.body)};
    }
    void Abandon() override { answer.status = -1; }
    Answer answer;
  };

  ManualExecutor executor_;
  ManualClock clock_;
  MemoryTableEngine engine_;
  Dispatcher dispatcher_;
  Answer last_;
};

}  // namespace everwrite::api
