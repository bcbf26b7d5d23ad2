// Query and Scan through JSON in and JSON out, and against a slow obvious model.
#include <map>
#include <set>

#include "base/random.h"
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class QueryApiTest : public ApiTest {
 protected:
  void SetUp() override { MakeTable(); }
  void Put(std::string_view pk, int sk, std::string_view rest = "") {
    ASSERT_EQ(Error("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'" + std::string(pk) +
                                   "'},'sk':{'N':'" + std::to_string(sk) + "'}" +
                                   std::string(rest) + "}}"),
              "{}");
  }
  static std::string Item(std::string_view pk, int sk) {
    return "{'pk':{'S':'" + std::string(pk) + "'},'sk':{'N':'" + std::to_string(sk) + "'}}";
  }
  static std::string Page(std::string_view pk, const std::vector<int>& sks, std::string rest = "") {
    std::string text = "{'Items':[";
    for (const int sk : sks) text += (text.back() == '[' ? "" : ",") + Item(pk, sk);
    const std::string count = std::to_string(sks.size());
    return text + "],'Count':" + count + ",'ScannedCount':" + count + rest + "}";
  }
  // A query of partition a, with values :p = a, :x = 2, :y = 4.
  std::string Query(std::string_view condition, std::string_view rest = "",
                    std::string_view values = "':x':{'N':'2'},':y':{'N':'4'}") {
    return Error("Query", "{'TableName':'tab','KeyConditionExpression':'" + std::string(condition) +
                              "','ExpressionAttributeValues':{':p':{'S':'a'}" +
                              (values.empty() ? "" : ",") + std::string(values) + "}" +
                              std::string(rest) + "}");
  }
  std::string Scan(std::string_view rest = "") {
    return Error("Scan", "{'TableName':'tab'" + std::string(rest) + "}");
  }
  const std::string kX = "':x':{'N':'2'}";
};

TEST_F(QueryApiTest, KeyConditionsChooseTheRange) {
  for (int i = -1; i <= 5; ++i) Put("a", i);
  Put("b", 2);
  EXPECT_EQ(Query("pk = :p", "", ""), Page("a", {-1, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(Query("pk = :p AND sk = :x", "", kX), Page("a", {2}));
  EXPECT_EQ(Query("pk = :p AND sk < :x", "", kX), Page("a", {-1, 0, 1}));
  EXPECT_EQ(Query("pk = :p AND sk <= :x", "", kX), Page("a", {-1, 0, 1, 2}));
  EXPECT_EQ(Query("pk = :p AND sk > :x", "", kX), Page("a", {3, 4, 5}));
  EXPECT_EQ(Query("sk >= :x AND pk = :p", "", kX), Page("a", {2, 3, 4, 5}));
  EXPECT_EQ(Query(":x <= sk AND :p = pk", "", kX), Page("a", {2, 3, 4, 5}));
  EXPECT_EQ(Query("pk = :p AND sk BETWEEN :x AND :y"), Page("a", {2, 3, 4}));
  EXPECT_EQ(Query("(pk = :p) AND (sk BETWEEN :x AND :y)", ",'ScanIndexForward':false"),
            Page("a", {4, 3, 2}));
  EXPECT_EQ(Query("pk = :p AND sk > :x", ",'ScanIndexForward':false", kX), Page("a", {5, 4, 3}));
  EXPECT_EQ(Query("#p = :p", ",'ExpressionAttributeNames':{'#p':'pk'},'Select':'COUNT'", ""),
            "{'Count':7,'ScannedCount':7}");
}

TEST_F(QueryApiTest, BeginsWithChoosesPrefixes) {
  Ask("CreateTable",
      "{'TableName':'str','BillingMode':'PAY_PER_REQUEST',"
      "'KeySchema':[{'AttributeName':'pk','KeyType':'HASH'},"
      "{'AttributeName':'sk','KeyType':'RANGE'}],"
      "'AttributeDefinitions':[{'AttributeName':'pk','AttributeType':'S'},"
      "{'AttributeName':'sk','AttributeType':'S'}]}");
  for (const char* sk : {"a", "ab", "ab\\u0000", "abc", "ac", "b"})
    Error("PutItem",
          "{'TableName':'str','Item':{'pk':{'S':'a'},'sk':{'S':'" + std::string(sk) + "'}}}");
  const auto count = [&](std::string_view prefix) {
    return Error("Query",
                 "{'TableName':'str','Select':'COUNT','KeyConditionExpression':"
                 "'pk = :p AND begins_with(sk, :s)','ExpressionAttributeValues':"
                 "{':p':{'S':'a'},':s':{'S':'" +
                     std::string(prefix) + "'}}}");
  };
  EXPECT_EQ(count("ab"), "{'Count':3,'ScannedCount':3}");
  EXPECT_EQ(count("ab\\u0000"), "{'Count':1,'ScannedCount':1}");
  EXPECT_EQ(count("a"), "{'Count':5,'ScannedCount':5}");
  EXPECT_EQ(count("x"), "{'Count':0,'ScannedCount':0}");
}

TEST_F(QueryApiTest, PagesFollowEachOther) {
  for (int i = 0; i < 5; ++i) Put("a", i);
  EXPECT_EQ(Query("pk = :p", ",'Limit':2", ""),
            Page("a", {0, 1}, ",'LastEvaluatedKey':" + Item("a", 1)));
  EXPECT_EQ(Query("pk = :p", ",'Limit':2,'ExclusiveStartKey':" + Item("a", 1), ""),
            Page("a", {2, 3}, ",'LastEvaluatedKey':" + Item("a", 3)));
  EXPECT_EQ(Query("pk = :p", ",'Limit':2,'ExclusiveStartKey':" + Item("a", 3), ""), Page("a", {4}));
  EXPECT_EQ(Query("pk = :p",
                  ",'Limit':2,'ScanIndexForward':false,'ExclusiveStartKey':" + Item("a", 3), ""),
            Page("a", {2, 1}, ",'LastEvaluatedKey':" + Item("a", 1)));
  // The start key need not be there.
  EXPECT_EQ(Query("pk = :p AND sk >= :x", ",'ExclusiveStartKey':" + Item("a", 77), kX),
            Page("a", {}));
}

TEST_F(QueryApiTest, PageEndsWithTheItemThatReachesOneMegabyte) {
  const std::string big(300 * 1024, 'x');
  for (int i = 0; i < 5; ++i) Put("a", i, ",'x':{'S':'" + big + "'}");
  const std::string first =
      Query("pk = :p", ",'ProjectionExpression':'sk','ReturnConsumedCapacity':'TOTAL'", "");
  EXPECT_EQ(first,
            "{'Items':[{'sk':{'N':'0'}},{'sk':{'N':'1'}},{'sk':{'N':'2'}},{'sk':{'N':'3'}}],"
            "'Count':4,'ScannedCount':4,'LastEvaluatedKey':" +
                Item("a", 3) + ",'ConsumedCapacity':{'TableName':'tab','CapacityUnits':150.5}}");
  EXPECT_EQ(Query("pk = :p", ",'Select':'COUNT','ExclusiveStartKey':" + Item("a", 3), ""),
            "{'Count':1,'ScannedCount':1}");
}

TEST_F(QueryApiTest, FilterComesAfterTheLimit) {
  for (int i = 0; i < 4; ++i) Put("a", i, i % 2 ? ",'odd':{'BOOL':true}" : "");
  EXPECT_EQ(Query("pk = :p",
                  ",'FilterExpression':'attribute_exists(odd)','Limit':3,"
                  "'ProjectionExpression':'sk'",
                  ""),
            "{'Items':[{'sk':{'N':'1'}}],'Count':1,'ScannedCount':3,'LastEvaluatedKey':" +
                Item("a", 2) + "}");
  EXPECT_EQ(Query("pk = :p", ",'FilterExpression':'sk = :x'", kX),
            "ValidationException: Filter Expression can only contain non-primary key attributes: "
            "Primary key attribute: sk");
}

TEST_F(QueryApiTest, OfTwoFaultsTheExpressionsComeBeforeTheSelection) {
  EXPECT_EQ(
      Query("pk = :p", ",'Select':'ALL_PROJECTED_ATTRIBUTES','FilterExpression':'x = :q'", ""),
      "ValidationException: Invalid FilterExpression: An expression attribute value used in "
      "expression is not defined; attribute value: :q");
  EXPECT_EQ(Query("pk = :p", "", "'bad':{}"),
            "ValidationException: ExpressionAttributeValues contains invalid key: Syntax error; "
            "key: \\'bad\\'");
  // Of two key attributes in a filter, the schema's first.
  EXPECT_EQ(Query("pk = :p", ",'FilterExpression':'sk = pk'", ""),
            "ValidationException: Filter Expression can only contain non-primary key attributes: "
            "Primary key attribute: pk");
}

TEST_F(QueryApiTest, ImpossibleKeyConditionsAreRefused) {
  const auto error = [&](std::string_view condition, std::string_view values) {
    return Query(condition, "", values);
  };
  EXPECT_EQ(Scan(",'KeyConditionExpression':'pk = :p'").substr(0, 9), "{'Items':");
  EXPECT_EQ(
      Error("Query", "{'TableName':'tab'}"),
      "ValidationException: Either the KeyConditions or KeyConditionExpression parameter must "
      "be specified in the request.");
  EXPECT_EQ(Error("Query",
                  "{'TableName':'tab','KeyConditionExpression':'sk = :x',"
                  "'ExpressionAttributeValues':{':x':{'N':'1'}}}"),
            "ValidationException: Query condition missed key schema element: pk");
  EXPECT_EQ(error("pk = :p AND thing = :x", kX),
            "ValidationException: Query condition missed key schema element: sk");
  EXPECT_EQ(
      Error("Query",
            "{'TableName':'tab','KeyConditionExpression':'pk = :x',"
            "'ExpressionAttributeValues':{':x':{'N':'1'}}}"),
      "ValidationException: One or more parameter values were invalid: Condition parameter type "
      "does not match schema type");
  EXPECT_EQ(error("pk < :p", ""), "ValidationException: Query key condition not supported");
  EXPECT_EQ(Query("pk = :p", ",'IndexName':'idx'", ""),
            "ValidationException: The table does not have the specified index: idx");
}

TEST_F(QueryApiTest, StartKeysAreChecked) {
  Put("a", 1);
  EXPECT_EQ(Query("pk = :p", ",'ExclusiveStartKey':" + Item("b", 1), ""),
            "ValidationException: The provided starting key is outside query boundaries based on "
            "provided conditions");
  EXPECT_EQ(
      Query("pk = :p AND sk > :x", ",'ExclusiveStartKey':" + Item("a", 1), kX),
      "ValidationException: The provided starting key does not match the range key predicate");
  EXPECT_EQ(
      Scan(",'ExclusiveStartKey':{'pk':{'S':'a'}}"),
      "ValidationException: The provided starting key is invalid: The provided key element does "
      "not match the schema");
}

TEST_F(QueryApiTest, SelectIsChecked) {
  EXPECT_EQ(Scan(",'Select':'SPECIFIC_ATTRIBUTES'"),
            "ValidationException: Must specify the AttributesToGet or ProjectionExpression when "
            "choosing to get SPECIFIC_ATTRIBUTES");
  EXPECT_EQ(
      Scan(",'Select':'COUNT','ProjectionExpression':'x'"),
      "ValidationException: Cannot specify the ProjectionExpression when choosing to get only "
      "the Count");
  EXPECT_EQ(Scan(",'Select':'ALL_ATTRIBUTES','ProjectionExpression':'x'"),
            "ValidationException: Cannot specify the ProjectionExpression when choosing to get "
            "ALL_ATTRIBUTES");
  EXPECT_EQ(Scan(",'Select':'ALL_PROJECTED_ATTRIBUTES'"),
            "ValidationException: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an "
            "IndexName");
  EXPECT_EQ(
      Scan(",'Limit':0"),
      "ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy "
      "constraint: Member must have value greater than or equal to 1");
}

TEST_F(QueryApiTest, ScanFiltersAndCounts) {
  for (int i = 0; i < 10; ++i)
    Put("p" + std::to_string(i), i, ",'v':{'N':'" + std::to_string(i) + "'}");
  EXPECT_EQ(
      Scan(",'FilterExpression':'v >= :x','ExpressionAttributeValues':{':x':{'N':'7'}},"
           "'Select':'COUNT','ReturnConsumedCapacity':'TOTAL'"),
      "{'Count':3,'ScannedCount':10,'ConsumedCapacity':{'TableName':'tab','CapacityUnits':0.5}}");
  EXPECT_EQ(
      Scan(",'ConsistentRead':true,'Select':'COUNT','ReturnConsumedCapacity':'TOTAL'"),
      "{'Count':10,'ScannedCount':10,'ConsumedCapacity':{'TableName':'tab','CapacityUnits':1.0}}");
  // A filter of a scan may name key attributes.
  EXPECT_EQ(Scan(",'FilterExpression':'sk = :x','ExpressionAttributeValues':{':x':{'N':'7'}},"
                 "'ProjectionExpression':'sk'"),
            "{'Items':[{'sk':{'N':'7'}}],'Count':1,'ScannedCount':10}");
}

// Whatever the page size and number of segments, a scan sees every item once.
TEST_F(QueryApiTest, PagedParallelScansSeeEveryItemOnce) {
  Random random(7);
  std::set<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const std::string pk = "p" + std::to_string(random.Below(60));
    const int sk = static_cast<int>(random.Between(-50, 50));
    Put(pk, sk);
    expected.insert(Item(pk, sk));
  }
  for (const int segments : {1, 2, 3, 7, 100}) {
    std::multiset<std::string> seen;
    for (int segment = 0; segment < segments; ++segment) {
      std::string start;
      do {
        const std::string body = Scan(",'TotalSegments':" + std::to_string(segments) +
                                      ",'Segment':" + std::to_string(segment) +
                                      ",'Limit':" + std::to_string(1 + random.Below(20)) + start);
        size_t at = body.find('[') + 1;
        while (body[at] == '{') {
          const size_t end = body.find("}}", at) + 2;
          seen.insert(body.substr(at, end - at));
          at = end + (body[end] == ',');
        }
        const size_t last = body.find("'LastEvaluatedKey':");
        start = last == std::string::npos
                    ? ""
                    : ",'ExclusiveStartKey':" + body.substr(last + 19, body.size() - last - 20);
      } while (!start.empty());
    }
    EXPECT_EQ(seen.size(), expected.size()) << segments;
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
  }
}

TEST_F(QueryApiTest, SegmentsAreChecked) {
  EXPECT_EQ(
      Scan(",'Segment':1"),
      "ValidationException: The TotalSegments parameter is required but was not present in the "
      "request when Segment parameter is present");
  EXPECT_EQ(
      Scan(",'TotalSegments':1"),
      "ValidationException: The Segment parameter is required but was not present in the request "
      "when parameter TotalSegments is present");
  EXPECT_EQ(
      Scan(",'TotalSegments':1,'Segment':1"),
      "ValidationException: The Segment parameter is zero-based and must be less than parameter "
      "TotalSegments: Segment: 1 is not less than TotalSegments: 1");
  EXPECT_EQ(Scan(",'TotalSegments':1000001,'Segment':1"),
            "ValidationException: 1 validation error detected: Value '1000001' at 'totalSegments' "
            "failed to satisfy constraint: Member must have value less than or equal to 1000000");
}

}  // namespace
}  // namespace everwrite::api
