// Secondary indexes as a client sees them: made with the table or on a live one, queried and
// scanned, described and charged. What must always hold of their contents is region/table's test.
#include <gtest/gtest.h>

#include "region/api/testing/api_fixture.h"
#include "region/table/index_check.h"

namespace everwrite::api {
namespace {

constexpr std::string_view kAll = "'Projection':{'ProjectionType':'ALL'}";

std::string Keys(std::string_view hash, std::string_view range = {}) {
  std::string text = "'KeySchema':[{'AttributeName':'" + std::string(hash) + "','KeyType':'HASH'}";
  if (!range.empty()) text += ",{'AttributeName':'" + std::string(range) + "','KeyType':'RANGE'}";
  return text + "]";
}

std::string Attributes(std::string_view list) {
  std::string text = "'AttributeDefinitions':[";
  for (size_t at = 0; at < list.size(); at += 5)
    text += std::string(at ? "," : "") + "{'AttributeName':'" + std::string(list.substr(at, 2)) +
            "','AttributeType':'" + std::string(list.substr(at + 3, 1)) + "'}";
  return text + "]";
}

std::string Index(std::string_view name, const std::string& keys,
                  std::string_view projection = kAll) {
  return "{'IndexName':'" + std::string(name) + "'," + keys + "," + std::string(projection) + "}";
}

class IndexApiTest : public ApiTest {
 protected:
  std::string Create(std::string_view attributes, const std::string& lists,
                     const std::string& keys = Keys("pk", "sk")) {
    return Error("CreateTable", "{'TableName':'tab','BillingMode':'PAY_PER_REQUEST'," + keys + "," +
                                    Attributes(attributes) + (lists.empty() ? "" : ",") + lists +
                                    "}");
  }
  // pk S, sk N; lsi by lk (keys only), gsi by gh and gr (all), inc by gh (pk, sk, gh, extra).
  void MakeIndexed() {
    Create("pk:S sk:N lk:S gh:S gr:N",
           "'LocalSecondaryIndexes':[" +
               Index("lsi", Keys("pk", "lk"), "'Projection':{'ProjectionType':'KEYS_ONLY'}") +
               "],'GlobalSecondaryIndexes':[" + Index("gsi", Keys("gh", "gr")) + "," +
               Index("inc", Keys("gh"),
                     "'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['extra']}") +
               "]");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }
  void Put(int sk, const std::string& rest, std::string_view pk = "a") {
    Ask("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'" + std::string(pk) + "'},'sk':{'N':'" +
                       std::to_string(sk) + "'}" + rest + "}}");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }
  // What a Query of an index answers, by error or body.
  std::string Query(std::string_view index, std::string_view condition, std::string_view values,
                    const std::string& more = "") {
    return Error("Query", "{'TableName':'tab','IndexName':'" + std::string(index) +
                              "','KeyConditionExpression':'" + std::string(condition) +
                              "','ExpressionAttributeValues':{" + std::string(values) + "}" + more +
                              "}");
  }
  // The sort keys of the items in a body, in order.
  static std::string Order(const std::string& body) {
    std::string order;
    for (size_t at = body.find("'sk':{'N':'"); at != std::string::npos;
         at = body.find("'sk':{'N':'", at + 1))
      order += body.substr(at + 11, body.find('\'', at + 11) - at - 11) + " ";
    return order;
  }
  void ExpectSound() {
    EXPECT_EQ(table::CheckIndexes(engine_.store()).value(), std::vector<std::string>());
  }
};

const std::string kInvalidIs = "ValidationException: One or more parameter values were invalid: ";

TEST_F(IndexApiTest, CreateTableChecksIndexesInTheServicesWords) {
  const std::string lsi = "'LocalSecondaryIndexes':[", gsi = "'GlobalSecondaryIndexes':[";
  EXPECT_EQ(Create("pk:S lk:S", lsi + Index("lsi", Keys("pk", "lk")) + "]", Keys("pk")),
            kInvalidIs +
                "Table KeySchema does not have a range key, which is required when "
                "specifying a LocalSecondaryIndex");
  EXPECT_EQ(Create("pk:S sk:N lk:S", lsi + Index("lsi", Keys("lk", "sk")) + "]"),
            kInvalidIs +
                "Index KeySchema does not have the same leading hash key as table "
                "KeySchema for index: lsi. index hash key: lk, table hash key: pk");
  EXPECT_EQ(Create("pk:S sk:N", lsi + Index("lsi", Keys("pk")) + "]"),
            kInvalidIs + "Index KeySchema does not have a range key for index: lsi");
  EXPECT_EQ(Create("pk:S sk:N", lsi + "]"), kInvalidIs + "List of LocalSecondaryIndexes is empty");
  EXPECT_EQ(Create("pk:S sk:N", gsi + "]"), kInvalidIs + "List of GlobalSecondaryIndexes is empty");
  EXPECT_EQ(Create("pk:S sk:N", gsi + Index("gsi", Keys("gh")) + "]"),
            kInvalidIs +
                "Some index key attributes are not defined in AttributeDefinitions. Keys: "
                "[gh], AttributeDefinitions: [pk, sk]");
  EXPECT_EQ(Create("pk:S sk:N gh:S xx:S", gsi + Index("gsi", Keys("gh")) + "]"),
            kInvalidIs +
                "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk, "
                "gh, xx], keys used: [pk, sk, gh]");
  EXPECT_EQ(Create("pk:S sk:N gh:S",
                   gsi + Index("gsi", Keys("gh")) + "," + Index("gsi", Keys("gh")) + "]"),
            kInvalidIs + "Duplicate index name: gsi");
  EXPECT_EQ(Create("pk:S sk:N gh:S", gsi + Index("gsi", Keys("gh"), "'Projection':{}") + "]"),
            kInvalidIs + "Unknown ProjectionType: null");
  EXPECT_EQ(
      Create("pk:S sk:N gh:S",
             gsi + Index("gsi", Keys("gh"), "'Projection':{'ProjectionType':'INCLUDE'}") + "]"),
      kInvalidIs + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  EXPECT_EQ(Create("pk:S sk:N gh:S",
                   gsi +
                       Index("gsi", Keys("gh"),
                             "'Projection':{'ProjectionType':'ALL','NonKeyAttributes':['x']}") +
                       "]"),
            kInvalidIs + "ProjectionType is ALL, but NonKeyAttributes is specified");
  EXPECT_EQ(Create("pk:S sk:N gh:S",
                   gsi + "{'IndexName':'gsi'," + Keys("gh") + "," + std::string(kAll) +
                       ",'ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':1}}]"),
            kInvalidIs +
                "ProvisionedThroughput should not be specified for index: gsi when "
                "BillingMode is PAY_PER_REQUEST");
  EXPECT_EQ(Create("pk:S sk:N gh:S", gsi + "{'IndexName':'g;'}]"),
            "ValidationException: 4 validation errors detected: Value null at "
            "'globalSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must "
            "not be null; Value null at 'globalSecondaryIndexes.1.member.projection' failed to "
            "satisfy constraint: Member must not be null; Value 'g;' at "
            "'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'g;' at "
            "'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 3");
  std::string many = gsi;
  for (int i = 0; i < 21; ++i)
    many += (i ? "," : "") + Index("gsi" + std::to_string(i), Keys("gh"));
  EXPECT_EQ(Create("pk:S sk:N gh:S", many + "]"),
            kInvalidIs + "GlobalSecondaryIndex count exceeds the per-table limit of 20");
}

TEST_F(IndexApiTest, KeysOfGlobalIndexesMayHaveFourAttributesOfEachKind) {
  const auto element = [](std::string_view name, std::string_view kind) {
    return "{'AttributeName':'" + std::string(name) + "','KeyType':'" + std::string(kind) + "'}";
  };
  const auto create = [&](const std::string& schema, std::string_view attributes) {
    return Create(attributes, "'GlobalSecondaryIndexes':[" +
                                  Index("gsi", "'KeySchema':[" + schema + "]") + "]");
  };
  EXPECT_EQ(
      create(element("h1", "HASH") + "," + element("r1", "RANGE") + "," + element("h2", "HASH"),
             "pk:S sk:N h1:S h2:S r1:S"),
      kInvalidIs + "All HASH key attributes must precede RANGE key attributes in the KeySchema");
  EXPECT_EQ(
      create(element("h1", "HASH") + "," + element("h2", "HASH") + "," + element("h1", "HASH"),
             "pk:S sk:N h1:S h2:S"),
      "ValidationException: The KeySchema contains multiple key attributes with the same "
      "name");
  std::string five, attributes = "pk:S sk:N";
  for (int i = 1; i <= 5; ++i) {
    const std::string name = "h" + std::to_string(i);
    five += (i > 1 ? "," : "") + element(name, "HASH");
    attributes += " " + name + ":S";
  }
  EXPECT_EQ(create(five, attributes),
            kInvalidIs + "The KeySchema exceeds the maximum allowed number of HASH key attributes");
  create(element("h1", "HASH") + "," + element("h2", "HASH") + "," + element("r1", "RANGE") + "," +
             element("r2", "RANGE"),
         "pk:S sk:N h1:S h2:S r1:S r2:N");
  ASSERT_EQ(last_.status, 200) << last_.body;
  int sk = 0;
  for (const char* r1 : {"a", "b"})
    for (int r2 : {10, 9, -1})
      Put(sk++, ",'h1':{'S':'x'},'h2':{'S':'y'},'r1':{'S':'" + std::string(r1) + "'},'r2':{'N':'" +
                    std::to_string(r2) + "'}");
  Put(9, ",'h1':{'S':'x'},'h2':{'S':'y'},'r1':{'S':'a'}");  // not in the index: r2 is missing
  const std::string values = "':a':{'S':'x'},':b':{'S':'y'}";
  EXPECT_EQ(Order(Query("gsi", "h1 = :a AND h2 = :b", values)), "2 1 0 5 4 3 ");
  EXPECT_EQ(Order(Query("gsi", "h1 = :a AND h2 = :b AND r1 = :c AND r2 < :d",
                        values + ",':c':{'S':'a'},':d':{'N':'10'}")),
            "2 1 ");
  EXPECT_EQ(Query("gsi", "h1 = :a", "':a':{'S':'x'}"),
            "ValidationException: Query condition missed key schema element: h2");
}

TEST_F(IndexApiTest, AQueryReadsAnIndexInItsOrderAndPageByPage) {
  MakeIndexed();
  for (int i = 0; i < 6; ++i)
    Put(i, ",'gh':{'S':'g'},'gr':{'N':'" + std::to_string(i % 3) +
               "'},'extra':{'S':'e'},"
               "'rest':{'S':'o'}");
  Put(6, ",'gh':{'S':'g'}");  // sparse: no gr
  Put(7, ",'gr':{'N':'1'}");
  EXPECT_EQ(Order(Query("gsi", "gh = :g", "':g':{'S':'g'}")), "0 3 1 4 2 5 ");
  EXPECT_EQ(Order(Query("gsi", "gh = :g AND gr > :r", "':g':{'S':'g'},':r':{'N':'0'}",
                        ",'ScanIndexForward':false")),
            "5 2 4 1 ");
  std::string order, start;
  for (int page = 0; page < 4; ++page) {
    const std::string body = Query("gsi", "gh = :g", "':g':{'S':'g'}", ",'Limit':2" + start);
    const size_t last = body.find("'LastEvaluatedKey':");
    order += Order(body.substr(0, last));
    if (last == std::string::npos) break;
    const std::string key = body.substr(last + 19, body.size() - last - 20);
    EXPECT_NE(key.find("'gh'"), std::string::npos);
    EXPECT_NE(key.find("'pk'"), std::string::npos);
    start = ",'ExclusiveStartKey':" + key;
  }
  EXPECT_EQ(order, "0 3 1 4 2 5 ");
  EXPECT_EQ(Order(Ask("Scan", "{'TableName':'tab','IndexName':'gsi'}")), "0 3 1 4 2 5 ");
  EXPECT_EQ(Order(Ask("Scan", "{'TableName':'tab','IndexName':'inc'}")), "0 1 2 3 4 5 6 ");
  ExpectSound();
}

TEST_F(IndexApiTest, SegmentsOfAScanShareOutAnIndex) {
  MakeIndexed();
  for (int i = 0; i < 40; ++i) Put(i, ",'gh':{'S':'g" + std::to_string(i) + "'},'gr':{'N':'1'}");
  size_t seen = 0;
  for (int segment = 0; segment < 4; ++segment) {
    const std::string body =
        Ask("Scan", "{'TableName':'tab','IndexName':'gsi','TotalSegments':4,'Segment':" +
                        std::to_string(segment) + "}");
    const std::string order = Order(body);
    seen += std::count(order.begin(), order.end(), ' ');
    EXPECT_LT(order.size(), 100u) << "one segment has nearly all";
  }
  EXPECT_EQ(seen, 40u);
}

TEST_F(IndexApiTest, AnIndexAnswersWhatItProjectsAndALocalOneFetchesTheRest) {
  MakeIndexed();
  Put(1, ",'gh':{'S':'g'},'lk':{'S':'l'},'extra':{'S':'e'},'rest':{'S':'o'}");
  const std::string gh = "':g':{'S':'g'}", pk = "':g':{'S':'a'}";
  const std::string inc = Query("inc", "gh = :g", gh);
  EXPECT_NE(inc.find("'extra'"), std::string::npos);
  EXPECT_EQ(inc.find("'rest'"), std::string::npos);
  EXPECT_EQ(inc.find("'lk'"), std::string::npos);
  EXPECT_EQ(Query("inc", "gh = :g", gh, ",'Select':'ALL_ATTRIBUTES'"),
            kInvalidIs +
                "Select type ALL_ATTRIBUTES is not supported for global secondary index "
                "inc because its projection type is not ALL");
  EXPECT_EQ(Query("inc", "gh = :g", gh, ",'ProjectionExpression':'rest, extra'"),
            kInvalidIs + "Global secondary index inc does not project [rest]");
  const std::string lsi = Query("lsi", "pk = :g", pk);
  EXPECT_EQ(lsi.find("'extra'"), std::string::npos);
  const std::string all = Query("lsi", "pk = :g", pk,
                                ",'Select':'ALL_ATTRIBUTES','ConsistentRead':true,"
                                "'ReturnConsumedCapacity':'INDEXES'");
  EXPECT_NE(all.find("'rest'"), std::string::npos);
  EXPECT_NE(all.find("'ConsumedCapacity':{'TableName':'tab','CapacityUnits':2.0,'Table':"
                     "{'CapacityUnits':1.0},'LocalSecondaryIndexes':{'lsi':{'CapacityUnits':1.0}}"),
            std::string::npos)
      << all;
  EXPECT_NE(Query("lsi", "pk = :g", pk, ",'ProjectionExpression':'rest'").find("'o'"),
            std::string::npos);
  EXPECT_NE(Query("gsi", "gh = :g", gh, ",'Select':'COUNT'").find("'Count':0"), std::string::npos);
}

TEST_F(IndexApiTest, KeysOfIndexesAreNotLookedInto) {
  MakeIndexed();
  EXPECT_EQ(Error("Scan", "{'TableName':'tab','ProjectionExpression':'x.y, gh.y'}"),
            "ValidationException: Key attributes must be scalars; list random access '[]' and map "
            "lookup '.' are not allowed: IndexKey: gh");
  EXPECT_EQ(Error("Scan", "{'TableName':'tab','ProjectionExpression':'gh, x.y'}").substr(0, 10),
            "{'Items':[");
}

TEST_F(IndexApiTest, WhatAnIndexRefuses) {
  MakeIndexed();
  const std::string gh = "':g':{'S':'g'}";
  EXPECT_EQ(Query("none", "gh = :g", gh),
            "ValidationException: The table does not have the specified index: none");
  EXPECT_EQ(Query("gsi", "gh = :g", gh, ",'ConsistentRead':true"),
            "ValidationException: Consistent reads are not supported on global secondary indexes");
  EXPECT_EQ(Query("gsi", "gh = :g", gh,
                  ",'ExclusiveStartKey':{'pk':{'S':'a'},'sk':{'N':'1'},'gh':{'S':'g'}}"),
            "ValidationException: The provided starting key is invalid");
  EXPECT_EQ(Query("gsi", "gh = :g", gh,
                  ",'ExclusiveStartKey':{'pk':{'S':'a'},'sk':{'N':'1'},'gh':{'S':'x'},"
                  "'gr':{'N':'1'}}"),
            "ValidationException: The provided starting key is outside query boundaries based on "
            "provided conditions");
  EXPECT_EQ(Query("gsi", "gh = :g", gh, ",'ExclusiveStartKey':{}"),
            "ValidationException: The provided starting key is invalid");
  EXPECT_EQ(Query("lsi", "pk = :g", gh, ",'FilterExpression':'extra = :g'"),
            kInvalidIs +
                "Secondary index lsi does not project one or more filter attributes: "
                "[extra]");
  EXPECT_EQ(Query("lsi", "pk = :g", gh, ",'ProjectionExpression':'gh.x'"),
            "ValidationException: Key attributes must be scalars; list random access '[]' and map "
            "lookup '.' are not allowed: IndexKey: gh");
  EXPECT_EQ(Query("gsi", "gh = :g", gh, ",'FilterExpression':'gr = :g'"),
            "ValidationException: Filter Expression can only contain non-primary key attributes: "
            "Primary key attribute: gr");
  EXPECT_EQ(
      Error("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'a'},'sk':{'N':'1'},'gr':{'S':'x'}}}"),
      kInvalidIs + "Type mismatch for Index Key gr Expected: N Actual: S IndexName: gsi");
  EXPECT_EQ(
      Error("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'a'},'sk':{'N':'1'},'lk':{'S':''}}}"),
      "ValidationException: One or more parameter values are not valid. A value specified "
      "for a secondary index key is not supported. The AttributeValue for a key attribute "
      "cannot contain an empty string value. IndexName: lsi, IndexKey: lk");
  EXPECT_EQ(Error("UpdateItem",
                  "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'1'}},'UpdateExpression':"
                  "'SET gh = :e','ExpressionAttributeValues':{':e':{'S':''}}}"),
            "ValidationException: One or more parameter values are not valid. The update "
            "expression attempted to update a secondary index key to a value that is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string "
            "value.");
  EXPECT_EQ(engine_.writes, 0);
}

TEST_F(IndexApiTest, WritesAreChargedByIndex) {
  MakeIndexed();
  const auto put = [&](const std::string& rest) {
    const std::string body =
        Ask("PutItem",
            "{'TableName':'tab','ReturnConsumedCapacity':'INDEXES',"
            "'ReturnItemCollectionMetrics':'SIZE','Item':{'pk':{'S':'a'},'sk':{'N':'1'}" +
                rest + "}}");
    return body.substr(body.find("'CapacityUnits'"));
  };
  const std::string metrics =
      ",'ItemCollectionMetrics':{'ItemCollectionKey':{'pk':{'S':'a'}},"
      "'SizeEstimateRangeGB':[0.0,1.0]}}";
  EXPECT_EQ(put(""), "'CapacityUnits':1.0,'Table':{'CapacityUnits':1.0}}" + metrics);
  EXPECT_EQ(put(",'gh':{'S':'g'},'gr':{'N':'1'},'lk':{'S':'l'}"),
            "'CapacityUnits':4.0,'Table':{'CapacityUnits':1.0},'LocalSecondaryIndexes':{'lsi':"
            "{'CapacityUnits':1.0}},'GlobalSecondaryIndexes':{'gsi':{'CapacityUnits':1.0},'inc':"
            "{'CapacityUnits':1.0}}}" +
                metrics);
  // Another key: out of one place and into the other. What an index does not hold costs it nothing.
  EXPECT_EQ(put(",'gh':{'S':'g'},'gr':{'N':'2'},'lk':{'S':'l'}"),
            "'CapacityUnits':3.0,'Table':{'CapacityUnits':1.0},'GlobalSecondaryIndexes':{'gsi':"
            "{'CapacityUnits':2.0}}}" +
                metrics);
}

TEST_F(IndexApiTest, AnIndexIsDescribedInFull) {
  MakeIndexed();
  Put(1, ",'gh':{'S':'g'}");
  const std::string body = Ask("DescribeTable", "{'TableName':'tab'}");
  EXPECT_NE(body.find("'AttributeDefinitions':[{'AttributeName':'gh','AttributeType':'S'},"
                      "{'AttributeName':'gr','AttributeType':'N'},{'AttributeName':'lk',"
                      "'AttributeType':'S'},{'AttributeName':'pk','AttributeType':'S'},"
                      "{'AttributeName':'sk','AttributeType':'N'}]"),
            std::string::npos)
      << body;
  EXPECT_NE(
      body.find("'LocalSecondaryIndexes':[{'IndexName':'lsi','KeySchema':[{'AttributeName':'pk',"
                "'KeyType':'HASH'},{'AttributeName':'lk','KeyType':'RANGE'}],'Projection':"
                "{'ProjectionType':'KEYS_ONLY'},'IndexSizeBytes':0,'ItemCount':0,'IndexArn':"
                "'arn:aws:dynamodb:eu-west-1:000000000000:table/tab/index/lsi'}]"),
      std::string::npos)
      << body;
  EXPECT_NE(
      body.find("{'IndexName':'inc','KeySchema':[{'AttributeName':'gh','KeyType':'HASH'}],"
                "'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['extra']},"
                "'IndexSizeBytes':10,'ItemCount':1,'IndexArn':'arn:aws:dynamodb:eu-west-1:"
                "000000000000:table/tab/index/inc','IndexStatus':'ACTIVE','ProvisionedThroughput':"
                "{'NumberOfDecreasesToday':0,'ReadCapacityUnits':0,'WriteCapacityUnits':0},"
                "'WarmThroughput':{'ReadUnitsPerSecond':12000,'WriteUnitsPerSecond':4000,"
                "'Status':'ACTIVE'}}"),
      std::string::npos)
      << body;
}

// --- UpdateTable ---------------------------------------------------------------------------------

class IndexUpdateTest : public IndexApiTest {
 protected:
  std::string Update(const std::string& updates, const std::string& more = "") {
    return Error("UpdateTable",
                 "{'TableName':'tab','GlobalSecondaryIndexUpdates':[" + updates + "]" + more + "}");
  }
  static std::string CreateOf(std::string_view name, const std::string& keys = Keys("gh")) {
    return "{'Create':" + Index(name, keys) + "}";
  }
  static std::string DeleteOf(std::string_view name) {
    return "{'Delete':{'IndexName':'" + std::string(name) + "'}}";
  }
  std::string Status(std::string_view index) {
    const std::string body = Ask("DescribeTable", "{'TableName':'tab'}");
    const size_t at = body.find("'IndexName':'" + std::string(index) + "'");
    if (at == std::string::npos) return "gone";
    const size_t status = body.find("'IndexStatus':'", at) + 15;
    return body.substr(status, body.find('\'', status) - status);
  }
};

TEST_F(IndexUpdateTest, AnIndexIsAddedToALiveTableFilledAndRemoved) {
  MakeTable();
  for (int i = 0; i < 300; ++i) Put(i, i % 3 ? ",'gh':{'S':'g'}" : "");
  const std::string body = Update(CreateOf("gsi"), "," + Attributes("gh:S"));
  ASSERT_EQ(last_.status, 200) << body;
  EXPECT_NE(body.find("'TableStatus':'UPDATING'"), std::string::npos);
  EXPECT_NE(body.find("'IndexStatus':'CREATING','Backfilling':false"), std::string::npos) << body;
  EXPECT_EQ(Status("gsi"), "ACTIVE") << "everything that was posted has run";
  EXPECT_NE(Query("gsi", "gh = :g", "':g':{'S':'g'}", ",'Select':'COUNT'").find("'Count':200"),
            std::string::npos);
  ExpectSound();
  EXPECT_EQ(Update(CreateOf("gsi"), "," + Attributes("gh:S")),
            "ValidationException: Attempting to create an index which already exists");
  const std::string deleted = Update(DeleteOf("gsi"));
  EXPECT_NE(deleted.find("'IndexStatus':'DELETING'"), std::string::npos) << deleted;
  EXPECT_EQ(Status("gsi"), "gone");
  EXPECT_EQ(Query("gsi", "gh = :g", "':g':{'S':'g'}"),
            "ValidationException: The table does not have the specified index: gsi");
  ExpectSound();
}

TEST_F(IndexUpdateTest, AnIndexThatIsBeingFilledCannotBeReadAndStandsInTheWayOfOthers) {
  MakeTable();
  for (int i = 0; i < 300; ++i) Put(i, ",'gh':{'S':'g'}");
  // The backfill alone is held up: its executor never runs.
  ManualExecutor idle;
  engine_.engine().StartBackfill(idle);
  Update(CreateOf("gsi"), "," + Attributes("gh:S"));
  ASSERT_EQ(last_.status, 200) << last_.body;
  EXPECT_EQ(Status("gsi"), "CREATING");
  EXPECT_EQ(Query("gsi", "gh = :g", "':g':{'S':'g'}"),
            "ValidationException: Cannot read from backfilling global secondary index: gsi");
  EXPECT_EQ(Update(CreateOf("two"), "," + Attributes("gh:S")),
            "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created "
            "or deleted simultaneously per table");
  EXPECT_EQ(Error("DeleteTable", "{'TableName':'tab'}"),
            "ResourceInUseException: Attempt to change a resource which is still in use: Cannot "
            "delete table while indexes are being created, updated, or deleted.");
  Update(DeleteOf("gsi"));
  EXPECT_EQ(last_.status, 200) << last_.body;
}

TEST_F(IndexUpdateTest, UpdatesAreCheckedInTheServicesWords) {
  MakeIndexed();
  EXPECT_EQ(Update("{}"),
            kInvalidIs +
                "One of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete "
                "must not be null");
  EXPECT_EQ(Update(DeleteOf("gsi") + "," + DeleteOf("gsi")),
            kInvalidIs +
                "Only one global secondary index update per index is allowed "
                "simultaneously. Index: gsi");
  EXPECT_EQ(Update(DeleteOf("gsi") + "," + DeleteOf("inc")),
            "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created "
            "or deleted simultaneously per table");
  EXPECT_EQ(Update(DeleteOf("none")),
            "ResourceNotFoundException: Requested resource not found: Index none for table tab");
  EXPECT_EQ(Update(DeleteOf("lsi")),
            "ValidationException: Cannot delete an index that is not a GlobalSecondaryIndex: lsi");
  EXPECT_EQ(Update(CreateOf("new")),
            kInvalidIs + "AttributeDefinitions is not specified for index: new");
  EXPECT_EQ(Update(CreateOf("new"), "," + Attributes("gh:N")),
            kInvalidIs +
                "Attributes cannot be redefined. Please check that your attribute has the "
                "same type as previously defined. Existing schema: "
                "Schema:[SchemaElement: key{gh:S:HASH}] New schema: "
                "Schema:[SchemaElement: key{gh:N:HASH}]");
  EXPECT_EQ(Update("", ",'DeletionProtectionEnabled':true"),
            kInvalidIs + "List of GlobalSecondaryIndexUpdates is empty");
  EXPECT_EQ(
      Update(DeleteOf("gsi"), ",'DeletionProtectionEnabled':true"),
      kInvalidIs + "DeletionProtection modification must be the only operation in the request");
  EXPECT_EQ(Error("UpdateTable",
                  "{'TableName':'tab','BillingMode':'PROVISIONED','ProvisionedThroughput':"
                  "{'ReadCapacityUnits':1,'WriteCapacityUnits':1}}"),
            kInvalidIs + "ProvisionedThroughput must be specified for index: gsi");
}

}  // namespace
}  // namespace everwrite::api
