// Streams as clients see them: documents and refusals of the four operations.
#include <gtest/gtest.h>

#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

constexpr uint64_t kMinuteMs = 60 * 1000;
constexpr uint64_t kHourMs = 60 * kMinuteMs;
// The clock of the fixture.
constexpr const char* kLabel = "2023-11-14T22:13:20.123";

class StreamsApiTest : public ApiTest {
 protected:
  void MakeStreamed(const std::string& view = "NEW_AND_OLD_IMAGES",
                    const std::string& name = "tab") {
    Ask("CreateTable", "{'TableName':'" + name +
                           "','BillingMode':'PAY_PER_REQUEST',"
                           "'KeySchema':[{'AttributeName':'pk','KeyType':'HASH'}],"
                           "'AttributeDefinitions':[{'AttributeName':'pk','AttributeType':'S'}],"
                           "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'" +
                           view + "'}}");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }
  // Of DynamoDB Streams; as Ask.
  std::string Streams(std::string_view operation, const std::string& json) {
    last_ = Handle(Request("DynamoDBStreams_20120810." + std::string(operation)), Quoted(json));
    return Unquoted(last_.body);
  }
  // "Name: message".
  std::string Refusal(std::string_view operation, const std::string& json) {
    const std::string body = Streams(operation, json);
    EXPECT_EQ(last_.status, 400) << body;
    const size_t hash = body.find('#'), message = body.find("'message':'");
    return body.substr(hash + 1, body.find('\'', hash) - hash - 1) + ": " +
           body.substr(message + 11, body.rfind('\'') - message - 11);
  }
  static std::string Arn(const std::string& table = "tab") {
    return "arn:aws:dynamodb:eu-west-1:000000000000:table/" + table + "/stream/" + kLabel;
  }
  // The text behind `name` in the last answer.
  std::string Member(const std::string& name) {
    const std::string body = Unquoted(last_.body), wanted = "'" + name + "':'";
    const size_t at = body.find(wanted);
    if (at == std::string::npos) return "";
    return body.substr(at + wanted.size(),
                       body.find('\'', at + wanted.size()) - at - wanted.size());
  }
  std::string Shard() {
    Streams("DescribeStream", "{'StreamArn':'" + Arn() + "'}");
    return Member("ShardId");
  }
  std::string Iterator(const std::string& type = "TRIM_HORIZON", const std::string& more = "") {
    const std::string shard = Shard();
    Streams("GetShardIterator", "{'StreamArn':'" + Arn() + "','ShardId':'" + shard +
                                    "','ShardIteratorType':'" + type + "'" + more + "}");
    return Member("ShardIterator");
  }
  std::string Records(const std::string& iterator) {
    return Streams("GetRecords", "{'ShardIterator':'" + iterator + "'}");
  }
  void Put(const std::string& item) {
    Ask("PutItem", "{'TableName':'tab','Item':" + item + "}");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }
  void Maintain(uint64_t ms) {
    clock_.millis += ms;
    ASSERT_TRUE(engine_.engine().maintenance().RunOnce(executor_).ok());
    executor_.RunAll();
  }
};

TEST_F(StreamsApiTest, WhatIsListedAndDescribedAgreesWithTheTable) {
  MakeStreamed("KEYS_ONLY");
  Ask("DescribeTable", "{'TableName':'tab'}");
  EXPECT_EQ(Member("LatestStreamArn"), Arn());
  EXPECT_EQ(Member("LatestStreamLabel"), kLabel);
  EXPECT_EQ(Streams("ListStreams", "{}"), "{'Streams':[{'StreamArn':'" + Arn() +
                                              "','StreamLabel':'" + kLabel +
                                              "','TableName':'tab'}]}");
  const std::string description = Streams("DescribeStream", "{'StreamArn':'" + Arn() + "'}");
  EXPECT_EQ(Member("ShardId").size(), 37u);
  EXPECT_EQ(description,
            "{'StreamDescription':{'StreamArn':'" + Arn() + "','StreamLabel':'" + kLabel +
                "','TableName':'tab','StreamStatus':'ENABLED','StreamViewType':'KEYS_ONLY',"
                "'CreationRequestDateTime':1700000000.123,"
                "'KeySchema':[{'AttributeName':'pk','KeyType':'HASH'}],'Shards':[{'ShardId':'" +
                Member("ShardId") + "','SequenceNumberRange':{'StartingSequenceNumber':'" +
                Member("StartingSequenceNumber") + "'}}]}}");
}

TEST_F(StreamsApiTest, ListsPageByPageAndByTable) {
  for (const char* name : {"ccc", "aaa", "bbb"}) MakeStreamed("KEYS_ONLY", name);
  MakeTable("no-stream");
  std::string names, start;
  for (int page = 0; page < 3; ++page) {
    Streams("ListStreams", "{'Limit':1" + start + "}");
    names += Member("TableName");
    start = ",'ExclusiveStartStreamArn':'" + Member("LastEvaluatedStreamArn") + "'";
  }
  EXPECT_EQ(names, "aaabbbccc");
  EXPECT_EQ(Member("LastEvaluatedStreamArn"), "");
  Streams("ListStreams", "{'TableName':'bbb'}");
  EXPECT_EQ(Member("StreamArn"), Arn("bbb"));
  EXPECT_EQ(Streams("ListStreams", "{'TableName':'no-stream'}"), "{'Streams':[]}");
  EXPECT_EQ(Streams("ListStreams", "{'TableName':'nonesuch'}"), "{'Streams':[]}");
}

TEST_F(StreamsApiTest, RecordsAreDocumentsLikeTheService) {
  MakeStreamed();
  const std::string first = Iterator();
  Put("{'pk':{'S':'a'},'v':{'N':'1'}}");
  Put("{'pk':{'S':'a'},'v':{'N':'1'}}");  // nothing changes
  Put("{'pk':{'S':'a'},'v':{'N':'2'}}");
  Ask("DeleteItem", "{'TableName':'tab','Key':{'pk':{'S':'a'}}}");
  const std::string body = Records(first);
  const std::string next = Member("NextShardIterator");
  EXPECT_NE(body.find("{'eventID':'" + Member("eventID") +
                      "','eventName':'INSERT','eventVersion':'1.1','eventSource':'aws:dynamodb',"
                      "'awsRegion':'eu-west-1','dynamodb':{"
                      "'ApproximateCreationDateTime':1700000000,'Keys':{'pk':{'S':'a'}},"
                      "'NewImage':{'pk':{'S':'a'},'v':{'N':'1'}},'SequenceNumber':'" +
                      Member("SequenceNumber") +
                      "','SizeBytes':9,'StreamViewType':'NEW_AND_OLD_IMAGES'}}"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find("'eventName':'MODIFY'"), std::string::npos);
  EXPECT_NE(body.find("'NewImage':{'pk':{'S':'a'},'v':{'N':'2'}},"
                      "'OldImage':{'pk':{'S':'a'},'v':{'N':'1'}}"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find("'Keys':{'pk':{'S':'a'}},'OldImage':{'pk':{'S':'a'},'v':{'N':'2'}},'Seq"),
            std::string::npos)
      << body;
  EXPECT_EQ(std::count(body.begin(), body.end(), '#'), 0);
  size_t records = 0;
  for (size_t at = body.find("eventID"); at != std::string::npos; at = body.find("eventID", at + 1))
    ++records;
  EXPECT_EQ(records, 3u);
  EXPECT_EQ(Records(next).substr(0, 14), "{'Records':[],");
}

TEST_F(StreamsApiTest, IteratorsBeginWhereTheyAreTold) {
  MakeStreamed("KEYS_ONLY");
  for (const char* pk : {"a", "b", "c"}) Put("{'pk':{'S':'" + std::string(pk) + "'}}");
  const auto keys = [&](const std::string& iterator) {
    const std::string body = Records(iterator);
    std::string found;
    for (size_t at = body.find("{'S':'"); at != std::string::npos; at = body.find("{'S':'", at + 1))
      found += body[at + 6];
    return found;
  };
  EXPECT_EQ(keys(Iterator()), "abc");
  EXPECT_EQ(keys(Iterator("LATEST")), "");
  Streams("GetRecords", "{'Limit':2,'ShardIterator':'" + Iterator() + "'}");
  const std::string next = Member("NextShardIterator"), number = Member("SequenceNumber");
  EXPECT_EQ(keys(next), "c");
  const std::string sequence = ",'SequenceNumber':'" + number + "'";
  EXPECT_EQ(keys(Iterator("AT_SEQUENCE_NUMBER", sequence)), "abc");
  EXPECT_EQ(keys(Iterator("AFTER_SEQUENCE_NUMBER", sequence)), "bc");
  // An iterator is a position: in its own region, too.
  const std::string position = ",'SequenceNumber':'" + next + "'";
  EXPECT_EQ(keys(Iterator("AFTER_SEQUENCE_NUMBER", position)), "c");
}

TEST_F(StreamsApiTest, ATurnedOffStreamEndsAndATableThatIsGoneLeavesIts) {
  MakeStreamed("KEYS_ONLY");
  Put("{'pk':{'S':'a'}}");
  Ask("UpdateTable", "{'TableName':'tab','StreamSpecification':{'StreamEnabled':false}}");
  ASSERT_EQ(last_.status, 200);
  Streams("DescribeStream", "{'StreamArn':'" + Arn() + "'}");
  EXPECT_EQ(Member("StreamStatus"), "DISABLED");
  EXPECT_GT(Member("EndingSequenceNumber"), Member("StartingSequenceNumber"));
  const std::string body = Records(Iterator());
  EXPECT_NE(body.find("'INSERT'"), std::string::npos);
  EXPECT_EQ(Records(Member("NextShardIterator")), "{'Records':[]}");
  EXPECT_EQ(Records(Iterator("LATEST")), "{'Records':[]}");
  // On again is another.
  Ask("UpdateTable",
      "{'TableName':'tab','StreamSpecification':{'StreamEnabled':true,'StreamViewType':"
      "'NEW_IMAGE'}}");
  const std::string latest = Member("LatestStreamArn");
  EXPECT_NE(latest, Arn());
  Ask("DeleteTable", "{'TableName':'tab'}");
  const std::string listed = Streams("ListStreams", "{'TableName':'tab'}");
  EXPECT_NE(listed.find(latest), std::string::npos);
  EXPECT_NE(listed.find(Arn() + "'"), std::string::npos);
  Maintain(23 * kHourMs);
  EXPECT_EQ(Streams("ListStreams", "{'TableName':'tab'}"), listed);
  Maintain(2 * kHourMs);
  EXPECT_EQ(Streams("ListStreams", "{'TableName':'tab'}"), "{'Streams':[]}");
  EXPECT_EQ(
      Refusal("DescribeStream", "{'StreamArn':'" + Arn() + "'}"),
      "ResourceNotFoundException: Requested resource not found: Stream: " + Arn() + " not found");
}

TEST_F(StreamsApiTest, ShardsAreDescribedPageByPageAndByParent) {
  MakeStreamed("KEYS_ONLY");
  const std::string first = Shard();
  for (int i = 0; i < 4; ++i) {
    Put("{'pk':{'S':'" + std::to_string(i) + "'}}");
    Maintain(5 * kHourMs);
  }
  std::vector<std::string> shards;
  std::string start, parent = first;
  do {
    Streams("DescribeStream", "{'Limit':1,'StreamArn':'" + Arn() + "'" + start + "}");
    shards.push_back(Member("ShardId"));
    EXPECT_EQ(Member("ParentShardId"), shards.size() > 1 ? shards[shards.size() - 2] : "");
    start = ",'ExclusiveStartShardId':'" + Member("LastEvaluatedShardId") + "'";
  } while (!Member("LastEvaluatedShardId").empty());
  ASSERT_EQ(shards.size(), 5u);
  EXPECT_TRUE(std::is_sorted(shards.begin(), shards.end()));
  Streams("DescribeStream", "{'StreamArn':'" + Arn() +
                                "','ShardFilter':{'Type':'CHILD_SHARDS','ShardId':'" + shards[1] +
                                "'}}");
  EXPECT_EQ(Member("ShardId"), shards[2]);
  EXPECT_EQ(Member("ParentShardId"), shards[1]);
  const std::string none =
      Streams("DescribeStream",
              "{'StreamArn':'" + Arn() + "','ExclusiveStartShardId':'" + shards[4] + "'}");
  EXPECT_NE(none.find("'Shards':[]"), std::string::npos);
}

TEST_F(StreamsApiTest, ExpiredAndTrimmedAndForeignIteratorsAreTold) {
  MakeStreamed("KEYS_ONLY");
  Put("{'pk':{'S':'a'}}");
  const std::string shard = Shard(), iterator = Iterator();
  clock_.millis += 15 * kMinuteMs;
  Records(iterator);
  EXPECT_EQ(last_.status, 200);
  const std::string next = Member("NextShardIterator");
  clock_.millis += 1;
  const std::string body = "{'ShardIterator':'" + iterator + "'}";
  EXPECT_EQ(Refusal("GetRecords", body),
            "ExpiredIteratorException: The provided iterator exceeds the maximum age allowed.");
  EXPECT_NE(last_.body.find("com.amazonaws.dynamodb.v20120810#ExpiredIteratorException"),
            std::string::npos);
  Records(next);
  EXPECT_EQ(last_.status, 200) << "each call gives a fresh one";

  Maintain(5 * kHourMs);
  const std::string trimmed =
      "TrimmedDataAccessException: The data you are trying to access has been trimmed.";
  Maintain(24 * kHourMs);
  EXPECT_EQ(Refusal("GetShardIterator", "{'StreamArn':'" + Arn() + "','ShardId':'" + shard +
                                            "','ShardIteratorType':'TRIM_HORIZON'}"),
            trimmed);
  for (const char* bad : {"x", "AQ", "arn:aws:dynamodb|1|abc"})
    EXPECT_EQ(Refusal("GetRecords", "{'ShardIterator':'" + std::string(bad) + "'}"),
              "ValidationException: Invalid ShardIterator");
}

TEST_F(StreamsApiTest, ParametersAreCheckedInTheServicesWords) {
  MakeStreamed("KEYS_ONLY");
  const std::string shard = Shard(), start = Member("StartingSequenceNumber");
  const std::string one = "ValidationException: 1 validation error detected: ";
  const std::string null = " failed to satisfy constraint: Member must not be null";
  EXPECT_EQ(Refusal("ListStreams", "{'Limit':0}"),
            one +
                "Value '0' at 'limit' failed to satisfy constraint: Member must have value "
                "greater than or equal to 1");
  EXPECT_EQ(Refusal("ListStreams", "{'Limit':101}"),
            "ValidationException: One or more parameter values were invalid: Limit cannot be "
            "greater than the maximum allowed size: 100");
  EXPECT_EQ(Refusal("ListStreams",
                    "{'ExclusiveStartStreamArn':'kossaapaaasdafsdaasdasdasdasasdasfadfadfasdas'}"),
            "ValidationException: Invalid StreamArn");
  EXPECT_EQ(Refusal("DescribeStream", "{}"), one + "Value null at 'streamArn'" + null);
  EXPECT_EQ(Refusal("DescribeStream", "{'StreamArn':'x'}"),
            one +
                "Value 'x' at 'streamArn' failed to satisfy constraint: Member must have length "
                "greater than or equal to 37");
  EXPECT_EQ(Refusal("DescribeStream", "{'StreamArn':'" + std::string(40, 'x') + "'}"),
            "ValidationException: Invalid StreamArn");
  const std::string other =
      "arn:aws:dynamodb:us-east-1:000000000000:table/tab/stream/" + std::string(kLabel);
  EXPECT_EQ(
      Refusal("DescribeStream", "{'StreamArn':'" + other + "'}"),
      "ResourceNotFoundException: Requested resource not found: Stream: " + other + " not found");
  EXPECT_EQ(Refusal("DescribeStream", "{'StreamArn':'" + Arn() + "','Limit':101}"),
            "ValidationException: One or more parameter values were invalid: Limit cannot be "
            "greater than the maximum: 100");
  EXPECT_EQ(Refusal("DescribeStream", "{'StreamArn':'" + Arn() +
                                          "','ShardFilter':{'Type':'ALL',"
                                          "'ShardId':'" +
                                          shard + "'}}"),
            one +
                "Value 'ALL' at 'shardFilter.type' failed to satisfy constraint: Member must "
                "satisfy enum value set: [CHILD_SHARDS]");

  const auto iterator = [&](const std::string& type, const std::string& more) {
    return Refusal("GetShardIterator", "{'StreamArn':'" + Arn() + "','ShardId':'" + shard +
                                           "','ShardIteratorType':'" + type + "'" + more + "}");
  };
  EXPECT_EQ(Refusal("GetShardIterator", "{'StreamArn':'" + Arn() + "'}"),
            "ValidationException: 2 validation errors detected: Value null at 'shardId'" + null +
                "; Value null at 'shardIteratorType'" + null);
  EXPECT_EQ(iterator("SOON", ""),
            one +
                "Value 'SOON' at 'shardIteratorType' failed to satisfy constraint: Member must "
                "satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, "
                "TRIM_HORIZON]");
  EXPECT_EQ(iterator("AT_SEQUENCE_NUMBER", ""),
            "ValidationException: One or more parameter values were invalid: Invalid "
            "SequenceNumber");
  EXPECT_EQ(iterator("LATEST", ",'SequenceNumber':'" + start + "'"),
            "ValidationException: One or more parameter values were invalid: SequenceNumber "
            "should not be passed for this iterator type");
  EXPECT_EQ(iterator("AT_SEQUENCE_NUMBER", ",'SequenceNumber':'1'"),
            one +
                "Value '1' at 'sequenceNumber' failed to satisfy constraint: Member must have "
                "length greater than or equal to 21");
  EXPECT_EQ(iterator("AT_SEQUENCE_NUMBER", ",'SequenceNumber':'000000000000000000000'"),
            "ValidationException: Invalid SequenceNumber for the shard");
  EXPECT_EQ(iterator("AFTER_SEQUENCE_NUMBER", ",'SequenceNumber':'not-a-position-of-anything'"),
            "ValidationException: One or more parameter values were invalid: Invalid "
            "SequenceNumber");
  EXPECT_EQ(Refusal("GetShardIterator", "{'StreamArn':'" + Arn() +
                                            "','ShardId':'shardId-00000001715000000000-abcdabcd',"
                                            "'ShardIteratorType':'LATEST'}"),
            "ResourceNotFoundException: Shard does not exist");
  EXPECT_EQ(Refusal("GetRecords", "{}"), one + "Value null at 'shardIterator'" + null);
  EXPECT_EQ(Refusal("GetRecords", "{'Limit':1001,'ShardIterator':'" + Iterator() + "'}"),
            "ValidationException: One or more parameter values were invalid: Limit should be less "
            "than or equal to 1000");
}

TEST_F(StreamsApiTest, WhatExpiresIsDeletedByTheService) {
  MakeStreamed("OLD_IMAGE");
  Ask("UpdateTimeToLive",
      "{'TableName':'tab','TimeToLiveSpecification':{'Enabled':true,'AttributeName':'exp'}}");
  Put("{'pk':{'S':'a'},'exp':{'N':'1700000001'}}");
  Ask("DeleteItem", "{'TableName':'tab','Key':{'pk':{'S':'a'}}}");
  const std::string by_client = Records(Iterator());
  EXPECT_EQ(by_client.find("userIdentity"), std::string::npos);
  Put("{'pk':{'S':'b'},'exp':{'N':'1700000001'}}");
  clock_.millis += 10'000;
  engine_.engine().SweepExpired(executor_);
  executor_.RunAll();
  const std::string body = Records(Iterator());
  const std::string last = body.substr(body.rfind("{'eventID'"));
  EXPECT_NE(last.find("'eventName':'REMOVE'"), std::string::npos);
  EXPECT_NE(last.find("'OldImage':{'exp':{'N':'1700000001'},'pk':{'S':'b'}}"), std::string::npos);
  EXPECT_NE(last.find("'userIdentity':{'PrincipalId':'dynamodb.amazonaws.com','Type':'Service'}"),
            std::string::npos);
}

}  // namespace
}  // namespace everwrite::api
