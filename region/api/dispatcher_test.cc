// Everything that is answered before there is an operation, and the head of every answer.
#include "region/api/dispatcher.h"

#include <zlib.h>

#include <set>

#include "base/random.h"
#include "region/api/content_coding.h"
#include "region/api/operations.h"
#include "region/api/sigv4.h"
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class DispatcherTest : public ApiTest {
 protected:
  std::string HeaderOf(const Answer& answer, const std::string& name) {
    const size_t at = answer.headers.find(name + ": ");
    if (at == std::string::npos) return "(none)";
    const size_t begin = at + name.size() + 2;
    return answer.headers.substr(begin, answer.headers.find("\r\n", begin) - begin);
  }
  http::HttpRequest With(http::HttpRequest request, std::string_view name, std::string_view value) {
    for (http::HttpField& field : request.fields) {
      if (!http::EqualsIgnoringCase(field.name, name)) continue;
      field.value = value;
      return request;
    }
    request.fields.push_back({name, value});
    return request;
  }
  http::HttpRequest Without(http::HttpRequest request, std::string_view name) {
    std::erase_if(request.fields,
                  [&](const auto& field) { return http::EqualsIgnoringCase(field.name, name); });
    return request;
  }
  const std::string kList = "DynamoDB_20120810.ListTables";
};

TEST_F(DispatcherTest, EveryAnswerHasRequestIdChecksumAndRegion) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const Answer answer = Handle(Request(kList), "{}");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.content_type, "application/x-amz-json-1.0");
    const std::string id = HeaderOf(answer, "x-amzn-RequestId");
    EXPECT_EQ(id.size(), 52u);
    EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), std::string::npos);
    ids.insert(id);
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(answer.body.data()),
                           static_cast<uInt>(answer.body.size()));
    EXPECT_EQ(HeaderOf(answer, "x-amz-crc32"), std::to_string(crc));
    EXPECT_EQ(HeaderOf(answer, "x-everwrite-region"), "eu-west-1");
    EXPECT_EQ(HeaderOf(answer, "Access-Control-Allow-Origin"), "(none)");
  }
  EXPECT_EQ(ids.size(), 100u);
}

TEST_F(DispatcherTest, LargeAnswersAreEncodedForWhoAsks) {
  for (int i = 0; i < 100; ++i)
    MakeTable("a-table-with-quite-a-long-name-" + std::to_string(i + 100));
  const std::string plain = Handle(Request(kList), "{\"Limit\":99}").body;
  ASSERT_LT(plain.size(), kEncodeFrom);
  const Answer small = Handle(With(Request(kList), "Accept-Encoding", "gzip"), "{\"Limit\":99}");
  EXPECT_EQ(HeaderOf(small, "Content-Encoding"), "(none)");
  EXPECT_EQ(small.body, plain);

  MakeTable(std::string(255, 'z'));
  MakeTable(std::string(254, 'z'));
  MakeTable(std::string(253, 'z'));
  const std::string request =
      "{\"ExclusiveStartTableName\":\"a-table-with-quite-a-long-name-103\"}";
  const std::string large = Handle(Request(kList), request).body;
  ASSERT_GE(large.size(), kEncodeFrom);
  const Answer gzip = Handle(With(Request(kList), "Accept-Encoding", "gzip, deflate"), request);
  EXPECT_EQ(HeaderOf(gzip, "Content-Encoding"), "gzip");
  std::string decoded;
  ASSERT_EQ(DecodeGzip(gzip.body, 1 << 20, 0, decoded), DecodeResult::kDone);
  EXPECT_EQ(decoded, large);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(gzip.body.data()),
                         static_cast<uInt>(gzip.body.size()));
  EXPECT_EQ(HeaderOf(gzip, "x-amz-crc32"), std::to_string(crc));
  EXPECT_EQ(HeaderOf(Handle(With(Request(kList), "Accept-Encoding", "deflate"), request),
                     "Content-Encoding"),
            "deflate");
}

TEST_F(DispatcherTest, RequestsMayComeAsGzip) {
  MakeTable("tab");
  const http::HttpRequest gzip = With(Request(kList), "Content-Encoding", "gzip");
  const std::string body = EncodeContent(ContentCoding::kGzip, "{\"Limit\":1}");
  EXPECT_EQ(Handle(gzip, body).body, "{\"TableNames\":[\"tab\"]}");
  EXPECT_EQ(Handle(With(Request(kList), "Content-Encoding", "GZIP"), body).status, 200);
  EXPECT_EQ(Handle(With(Request(kList), "Content-Encoding", "identity"), "{}").status, 200);
  // What the service answers, retryable as it looks.
  for (const std::string_view damaged : {"", "{}", "\x1f\x8b"}) {
    const Answer answer = Handle(gzip, damaged);
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.body.find("#InternalServerError"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(Handle(With(Request(kList), "Content-Encoding", "br"), body).status, 500);
  const std::string bomb = EncodeContent(ContentCoding::kGzip, std::string(17 << 20, ' '));
  EXPECT_EQ(Handle(gzip, bomb).status, 413);
}

TEST_F(DispatcherTest, HealthIsAnsweredAsTheServiceDoes) {
  http::HttpRequest request{"GET", "/", {}, {}, nullptr};
  const Answer answer = Handle(request, "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "healthy: dynamodb.eu-west-1.amazonaws.com ");
  request.target = "/other";
  EXPECT_EQ(Handle(request, "").status, 404);
}

TEST_F(DispatcherTest, CrossOriginRequestsOfBrowsersAreAllowed) {
  http::HttpRequest request{"OPTIONS",
                            "/",
                            {{"Origin", "http://x"},
                             {"Access-Control-Request-Headers", "x-amz-target,x-foo"},
                             {"Access-Control-Request-Method", "POST"}},
                            {},
                            nullptr};
  const Answer answer = Handle(request, "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(HeaderOf(answer, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(HeaderOf(answer, "Access-Control-Allow-Headers"), "x-amz-target,x-foo");
  EXPECT_EQ(HeaderOf(answer, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(HeaderOf(answer, "Access-Control-Max-Age"), "172800");
  EXPECT_EQ(HeaderOf(Handle(With(Request(kList), "Origin", "http://x"), "{}"),
                     "Access-Control-Allow-Origin"),
            "*");
}

TEST_F(DispatcherTest, OtherContentTypesAreNotFound) {
  for (const char* type : {"text/plain", "", "application/cbor", "application/x-amz-json-1.1"}) {
    const Answer answer = Handle(With(Request(kList), "Content-Type", type), "{}");
    EXPECT_EQ(answer.status, 404) << type;
    EXPECT_EQ(answer.body, "<UnknownOperationException/>\n");
  }
  EXPECT_EQ(
      Handle(With(Request(kList), "Content-Type", "application/x-amz-json-1.0; charset=utf-8"),
             "{}")
          .status,
      200);
  const Answer plain = Handle(With(Request(kList), "Content-Type", "application/json"), "{}");
  EXPECT_EQ(plain.content_type, "application/json");
}

TEST_F(DispatcherTest, MalformedJsonIsASerializationException) {
  std::string deep(20000, '[');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}{}"),
        std::string("{\"a\":\"\xff\"}"), std::string("{\"a\":\"\\ud800\"}"),
        std::string("{\"a\":1e999}"), "{\"a\":" + deep, std::string("nul"),
        std::string("{\"a\":\"b\0\"}", 9)}) {
    const Answer answer = Handle(Request(kList), body);
    EXPECT_EQ(answer.status, 400) << body.substr(0, 20);
    EXPECT_EQ(answer.body, "{\"__type\":\"com.amazon.coral.service#SerializationException\"}");
  }
}

TEST_F(DispatcherTest, UnknownOperationsAnswerSo) {
  for (const char* target :
       {"DynamoDB_20120810.Nope", "DynamoDBStreams_20120810.ListTables", "ListTables", "",
        "DynamoDB_20120810.", "DynamoDB_20111205.ListTables", "DynamoDB_20120810.Unknown"}) {
    const Answer answer = Handle(Request(target), "{}");
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_EQ(answer.body, "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}");
  }
}

TEST_F(DispatcherTest, MissingAndMalformedSignaturesAreRefused) {
  const auto error = [&](const http::HttpRequest& request) {
    return Unquoted(Handle(request, "{}").body);
  };
  const std::string missing =
      "{'__type':'com.amazon.coral.service#MissingAuthenticationTokenException',"
      "'message':'Request is missing Authentication Token'}";
  EXPECT_EQ(error(Without(Request(kList), "Authorization")), missing);
  EXPECT_EQ(error(With(Request(kList), "Authorization", "Basic abc")), missing);
  EXPECT_EQ(Unquoted(error(With(Without(Request(kList), "x-amz-date"), "Authorization",
                                "AWS4-HMAC-SHA256 Credential=a"))),
            "{'__type':'com.amazon.coral.service#IncompleteSignatureException','message':"
            "'Authorization header requires 'Signature' parameter. Authorization header requires "
            "'SignedHeaders' parameter. Authorization header requires existence of either a "
            "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Credential=a'}");
}

TEST(SigV4Test, ReadsTheScopeOfHeaderAndQuery) {
  http::HttpRequest request{
      "POST",
      "/",
      {{"x-amz-date", "d"},
       {"authorization",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb/aws4_request,SignedHeaders=a;b,"
        "Signature=ff"}},
      {},
      nullptr};
  Signature signature;
  ApiError error;
  ASSERT_TRUE(ParseSignature(request, signature, error)) << error.message;
  EXPECT_EQ(signature.access_key, "AK");
  EXPECT_EQ(signature.date, "20260101");
  EXPECT_EQ(signature.region, "us-east-1");
  EXPECT_EQ(signature.signed_headers, "a;b");
  EXPECT_EQ(signature.signature, "ff");
  EXPECT_EQ(RegionOfRequest(request), "us-east-1");

  http::HttpRequest query{
      "POST",
      "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20260101%2Feu-west-1%2Fdynamodb"
      "%2Faws4_request&X-Amz-Date=d&X-Amz-SignedHeaders=host&X-Amz-Signature=ff",
      {},
      {},
      nullptr};
  ASSERT_TRUE(ParseSignature(query, signature, error)) << error.message;
  EXPECT_EQ(RegionOfRequest(query), "eu-west-1");
  query.fields = request.fields;
  EXPECT_FALSE(ParseSignature(query, signature, error));
  EXPECT_EQ(error.type, ErrorType::kInvalidSignature);
}

TEST(SigV4Test, NamesWhatIsWrongWithTheScope) {
  const auto error_of = [](std::string_view authorization) {
    http::HttpRequest request{
        "POST", "/", {{"x-amz-date", "d"}, {"authorization", authorization}}, {}, nullptr};
    Signature signature;
    ApiError error;
    EXPECT_FALSE(ParseSignature(request, signature, error)) << authorization;
    return std::string(ErrorName(error.type)) + ": " + error.message;
  };
  EXPECT_EQ(
      error_of("AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=h, Signature=s"),
      "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, "
      "e.g. keyid/date/region/service/term, got 'a/b/c/d'");
  EXPECT_EQ(error_of("AWS4-HMAC-SHA25 Credential=a/b/c/d/e, SignedHeaders=h, Signature=s"),
            "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only "
            "AWS4-HMAC-SHA256 for now). ");
  EXPECT_EQ(
      error_of("AWS4-HMAC-SHA256 Credential=a/b/c/s3/e, SignedHeaders=h, Signature=s"),
      "InvalidSignatureException: Credential should be scoped to correct service: 'dynamodb'. "
      "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. ");
}

TEST_F(DispatcherTest, UnavailableSaysWhenToTryAgain) {
  ApiError error = ErrorOf(Unavailable("the disk is gone"));
  EXPECT_EQ(HttpStatusOf(error.type), 503);
  EXPECT_EQ(error.message.find("disk"), std::string::npos);
  EXPECT_EQ(HttpStatusOf(ErrorOf(Internal("x")).type), 500);
  EXPECT_EQ(ErrorOf(DataLoss("x")).message, "Internal server error");
  auto sink = std::make_shared<Sink>();
  http::HttpRequest request = Request(kList);
  request.executor = &executor_;
  const ApiContext context{"r", &engine_, &clock_, nullptr};
  Call(&context, 1, request, http::HttpResponder(sink)).Fail(error);
  EXPECT_EQ(HeaderOf(sink->answer, "Retry-After"), "1");
}

// Requests of every operation with bytes changed, cut out, doubled or moved: each gets one answer,
// the process lives, and nothing is a server error.
TEST_F(DispatcherTest, MangledRequestsAreAnswered) {
  const std::pair<const char*, std::string> seeds[] = {
      {"CreateTable",
       "{'TableName':'t12','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':"
       "'pk','KeyType':'HASH'}],'AttributeDefinitions':[{'AttributeName':'pk',"
       "'AttributeType':'S'}],'StreamSpecification':{'StreamEnabled':true,"
       "'StreamViewType':'KEYS_ONLY'}}"},
      {"UpdateTable",
       "{'TableName':'t12','ProvisionedThroughput':{'ReadCapacityUnits':1,"
       "'WriteCapacityUnits':2},'BillingMode':'PROVISIONED'}"},
      {"ListTables", "{'Limit':3,'ExclusiveStartTableName':'aaa'}"},
      {"PutItem",
       "{'TableName':'tab','Item':{'pk':{'S':'a'},'sk':{'N':'1.5e2'},'m':{'M':{'l':{'L':"
       "[{'B':'AAAA'},{'NS':['1','2']}]}}}},'ConditionExpression':'attribute_exists(#a) OR "
       "x < :v','ExpressionAttributeNames':{'#a':'pk'},'ExpressionAttributeValues':"
       "{':v':{'N':'3'}},'ReturnValues':'ALL_OLD','ReturnConsumedCapacity':'INDEXES'}"},
      {"UpdateItem",
       "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'150'}},'UpdateExpression':"
       "'SET m.l[1] = :v, q = if_not_exists(q, :v) + :v REMOVE z ADD n :v',"
       "'ExpressionAttributeValues':{':v':{'N':'3'}},'ReturnValues':'UPDATED_NEW'}"},
      {"GetItem",
       "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'150'}},"
       "'ProjectionExpression':'m.l[0], sk','ConsistentRead':true}"},
      {"Query",
       "{'TableName':'tab','KeyConditionExpression':'pk = :p AND sk BETWEEN :a AND :b',"
       "'FilterExpression':'size(m) > :a','ExpressionAttributeValues':{':p':{'S':'a'},':a':"
       "{'N':'1'},':b':{'N':'200'}},'ExclusiveStartKey':{'pk':{'S':'a'},'sk':{'N':'2'}},"
       "'Limit':5}"},
      {"Scan", "{'TableName':'tab','TotalSegments':4,'Segment':1,'Select':'COUNT'}"},
      {"BatchGetItem",
       "{'RequestItems':{'tab':{'Keys':[{'pk':{'S':'a'},'sk':{'N':'1'}}],"
       "'ProjectionExpression':'sk'}}}"},
      {"BatchWriteItem",
       "{'RequestItems':{'tab':[{'PutRequest':{'Item':{'pk':{'S':'b'},'sk':{'N':'1'}}}},"
       "{'DeleteRequest':{'Key':{'pk':{'S':'c'},'sk':{'N':'1'}}}}]}}"},
      {"DeleteItem", "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'150'}}}"},
  };
  MakeTable();
  Random random(2024);
  for (int round = 0; round < 6000; ++round) {
    const auto& [operation, seed] = seeds[random.Below(std::size(seeds))];
    std::string body = Quoted(seed);
    for (uint64_t edits = random.Below(4); edits > 0 && !body.empty(); --edits) {
      const size_t at = random.Below(body.size());
      const size_t size = random.Below(12);
      switch (random.Below(5)) {
        case 0: body[at] = static_cast<char>(random.Next()); break;
        case 1: body.erase(at, size); break;
        case 2: body.insert(at, body.substr(at, size)); break;
        case 3: body[at] = "{}[]\",:0-\\"[random.Below(10)]; break;
        case 4: body.insert(random.Below(body.size()), body.substr(at, size)); break;
      }
    }
    const std::string target = "DynamoDB_20120810." + std::string(operation);
    const Answer answer = Handle(Request(target), body);
    ASSERT_TRUE(answer.status == 200 || answer.status == 400) << answer.status << " " << body;
    ASSERT_EQ(answer.body.front(), '{') << body;
  }
}

TEST_F(DispatcherTest, ObserverIsToldOfEveryAnswer) {
  struct Observer : RequestObserver {
    void OnRequest(int operation, int status, int64_t micros, std::string_view error) override {
      seen.push_back(std::string(OperationAt(static_cast<size_t>(operation)).name) + " " +
                     std::to_string(status) + " " + std::to_string(micros) + " " +
                     std::string(error));
    }
    std::vector<std::string> seen;
  } observer;
  const Dispatcher dispatcher({"r", &engine_, &clock_, &observer});
  const auto ask = [&](const std::string& target) {
    http::HttpRequest request = Request(target);
    std::string body = "{}";
    body.reserve(100);
    request.body = body;
    request.executor = &executor_;
    auto sink = std::make_shared<Sink>();
    dispatcher.Handle(request, http::HttpResponder(sink));
    executor_.RunAll();
  };
  ask(kList);
  ask("DynamoDB_20120810.DescribeTable");
  ask("nonsense");
  EXPECT_EQ(observer.seen, (std::vector<std::string>{"ListTables 200 0 ",
                                                     "DescribeTable 400 0 ValidationException",
                                                     "Unknown 400 0 UnknownOperationException"}));
}

}  // namespace
}  // namespace everwrite::api
