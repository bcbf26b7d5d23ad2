// PartiQL through the API. Answers and messages are those that public conformance suites captured
// from the service.
#include <gtest/gtest.h>

#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class PartiqlApiTest : public ApiTest {
 protected:
  void SetUp() override { MakeTable(); }

  // Statements are full of quotes: escaped for JSON here, and the answer with single quotes.
  static std::string Escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
      if (c == '"') out += '\\';
      out += c;
    }
    return out;
  }
  std::string Send(std::string_view operation, const std::string& body) {
    last_ = Handle(Request("DynamoDB_20120810." + std::string(operation)), body);
    return Unquoted(last_.body);
  }
  std::string Run(std::string_view statement, std::string_view more = "") {
    return Short(Send("ExecuteStatement",
                      "{\"Statement\":\"" + Escaped(statement) + "\"" + Quoted(more) + "}"));
  }
  std::string Batch(std::initializer_list<std::string_view> statements,
                    std::string_view more = "") {
    return Short(
        Send("BatchExecuteStatement", "{\"Statements\":" + List(statements) + Quoted(more) + "}"));
  }
  std::string Transact(std::initializer_list<std::string_view> statements,
                       std::string_view more = "") {
    return Short(Send("ExecuteTransaction",
                      "{\"TransactStatements\":" + List(statements) + Quoted(more) + "}"));
  }
  static std::string List(std::initializer_list<std::string_view> statements) {
    std::string out = "[";
    for (const std::string_view statement : statements)
      out += (out.size() > 1 ? ",{\"Statement\":\"" : "{\"Statement\":\"") + Escaped(statement) +
             "\"}";
    return out + "]";
  }
  // "Type: message" of an error.
  std::string Short(std::string body) const {
    const size_t hash = body.find('#');
    if (last_.status == 200 || hash == std::string::npos) return body;
    const size_t type_end = body.find('\'', hash);
    const size_t message = body.find("'message':'") + 11;
    size_t end = body.find("','", message);
    if (end == std::string::npos || body.find("'Item'", message) == std::string::npos)
      end = body.rfind('\'');
    return body.substr(hash + 1, type_end - hash - 1) + ": " + body.substr(message, end - message);
  }
  void Fill() {
    for (int i = 1; i <= 5; ++i)
      ASSERT_EQ(Run("INSERT INTO tab VALUE {'pk':'a','sk':" + std::to_string(i) +
                    ",'v':" + std::to_string(i % 2) + ",'m':{'q':'deep'}}"),
                "{'Items':[]}");
  }
};

TEST_F(PartiqlApiTest, InsertSelectUpdateDelete) {
  EXPECT_EQ(Run("INSERT INTO \"tab\" VALUE {'pk':'x','sk':1,'n':5,'s':<<'a','b'>>}"),
            "{'Items':[]}");
  EXPECT_EQ(Run("INSERT INTO \"tab\" VALUE {'pk':'x','sk':1}"),
            "DuplicateItemException: Duplicate primary key exists in table");
  EXPECT_EQ(Run("SELECT * FROM \"tab\" WHERE pk = 'x' AND sk = 1"),
            "{'Items':[{'n':{'N':'5'},'pk':{'S':'x'},'s':{'SS':['a','b']},'sk':{'N':'1'}}]}");
  EXPECT_EQ(Run("UPDATE tab SET n = n + 1 SET s = set_add(s, <<'c'>>) WHERE pk = 'x' AND sk = 1"),
            "{'Items':[]}");
  EXPECT_EQ(Run("UPDATE tab SET n = n + 1 WHERE pk = 'x' AND sk = 1 RETURNING MODIFIED NEW *"),
            "{'Items':[{'n':{'N':'7'}}]}");
  EXPECT_EQ(Run("UPDATE tab SET n = 0 WHERE pk = 'x' AND sk = 1 AND n < 7"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(Run("UPDATE tab SET n = 0 WHERE pk = 'y' AND sk = 1"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(Run("DELETE FROM tab WHERE pk = 'y' AND sk = 1"), "{'Items':[]}");
  EXPECT_EQ(Run("DELETE FROM tab WHERE pk = 'x' AND sk = 1 RETURNING ALL OLD *"),
            "{'Items':[{'n':{'N':'7'},'pk':{'S':'x'},'s':{'SS':['a','b','c']},'sk':{'N':'1'}}]}");
  EXPECT_EQ(Run("SELECT * FROM tab"), "{'Items':[]}");
}

TEST_F(PartiqlApiTest, ParametersStandForValues) {
  EXPECT_EQ(Run("INSERT INTO tab VALUE {'pk':?,'sk':?}", ",'Parameters':[{'S':'x'},{'N':'1'}]"),
            "{'Items':[]}");
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE pk = ?", ",'Parameters':[{'S':'x'}]"),
            "{'Items':[{'sk':{'N':'1'}}]}");
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE pk = ?"),
            "ValidationException: Number of parameters in request and statement don't match.");
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE pk = ?", ",'Parameters':[{'N':'1e99999999999'}]"),
            "ValidationException: The parameter cannot be converted to a numeric value: "
            "1e99999999999");
  EXPECT_EQ(
      Run("SELECT sk FROM tab WHERE pk = ?", ",'Parameters':[{'L':[{'NS':['1e2147483647']}]}]"),
      "ValidationException: Number underflow. Attempting to store a number with magnitude "
      "smaller than supported range");
}

TEST_F(PartiqlApiTest, TheReturnedItemOfAFailedCondition) {
  Fill();
  Run("UPDATE tab SET v = 9 WHERE pk = 'a' AND sk = 1 AND v = 7",
      ",'ReturnValuesOnConditionCheckFailure':'ALL_OLD'");
  EXPECT_NE(Unquoted(last_.body).find("'Item':{'m':{'M':{'q':{'S':'deep'}}}"), std::string::npos);
}

TEST_F(PartiqlApiTest, SelectsPageByLimitAndToken) {
  Fill();
  const std::string select = "SELECT sk FROM tab WHERE pk = 'a'";
  EXPECT_EQ(Run(select),
            "{'Items':[{'sk':{'N':'1'}},{'sk':{'N':'2'}},{'sk':{'N':'3'}},"
            "{'sk':{'N':'4'}},{'sk':{'N':'5'}}]}");
  EXPECT_EQ(Run(select + " AND sk > 3 ORDER BY sk DESC"),
            "{'Items':[{'sk':{'N':'5'}},{'sk':{'N':'4'}}]}");
  std::string seen, more;
  for (int page = 0; page < 4; ++page) {
    const std::string answer = Run(select, ",'Limit':2" + more);
    for (char digit : {'1', '2', '3', '4', '5'})
      if (answer.substr(0, answer.find("],")).find("'N':'" + std::string(1, digit)) !=
          std::string::npos)
        seen += digit;
    const size_t token = answer.find("'NextToken':'");
    if (token == std::string::npos) break;
    more = ",'NextToken':'" +
           answer.substr(token + 13, answer.find('\'', token + 13) - token - 13) + "'";
  }
  EXPECT_EQ(seen, "12345");
  EXPECT_EQ(Run("SELECT v FROM tab WHERE pk = 'a'", more),
            "ValidationException: NextToken does not match request");
  EXPECT_EQ(Run(select, ",'NextToken':'abcd'"), "ValidationException: Invalid NextToken");
}

TEST_F(PartiqlApiTest, ALimitCountsWhatIsLookedAt) {
  Fill();
  const std::string answer = Run("SELECT sk FROM tab WHERE pk = 'a' AND v = 0", ",'Limit':1");
  EXPECT_TRUE(answer.starts_with("{'Items':[],'NextToken':'")) << answer;
  EXPECT_NE(answer.find("'LastEvaluatedKey':{'pk':{'S':'a'},'sk':{'N':'1'}}"), std::string::npos);
}

TEST_F(PartiqlApiTest, SeveralPartitionsAreReadInTurn) {
  Fill();
  Run("INSERT INTO tab VALUE {'pk':'b','sk':1}");
  EXPECT_EQ(Run("SELECT pk, sk FROM tab WHERE pk IN ['b','a'] AND sk < 2"),
            "{'Items':[{'pk':{'S':'b'},'sk':{'N':'1'}},{'pk':{'S':'a'},'sk':{'N':'1'}}]}");
  EXPECT_EQ(Run("SELECT pk FROM tab WHERE pk IN ['b','a'] AND sk < 2 ORDER BY pk"),
            "{'Items':[{'pk':{'S':'a'}},{'pk':{'S':'b'}}]}");
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE pk = 'a' AND sk > 3 AND sk < 3"), "{'Items':[]}");
}

TEST_F(PartiqlApiTest, CapacityIsReported) {
  Fill();
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE pk = 'a' AND sk = 9",
                ",'ReturnConsumedCapacity':'TOTAL','ConsistentRead':true"),
            "{'Items':[],'ConsumedCapacity':{'TableName':'tab','CapacityUnits':1.0}}");
  EXPECT_EQ(
      Run("UPDATE tab SET v = 1 WHERE pk = 'a' AND sk = 1", ",'ReturnConsumedCapacity':'TOTAL'"),
      "{'Items':[],'ConsumedCapacity':{'TableName':'tab','CapacityUnits':1.0}}");
}

TEST_F(PartiqlApiTest, RequestsAreValidated) {
  EXPECT_EQ(Short(Send("ExecuteStatement", "{}")),
            "ValidationException: 1 validation error detected: Value null at 'statement' failed to "
            "satisfy constraint: Member must not be null");
  EXPECT_EQ(Run("SELECT * FROM tab", ",'Limit':0,'Parameters':[]"),
            "ValidationException: 2 validation errors detected: Value '[]' at 'parameters' failed "
            "to satisfy constraint: Member must have length greater than or equal to 1; Value '0' "
            "at 'limit' failed to satisfy constraint: Member must have value greater than or equal "
            "to 1");
  EXPECT_EQ(Run("SELECT * FROM nosuchtable"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(Run("SELECT * FROM tab.\"no-such-index\""),
            "ValidationException: The table does not have the specified index");
  EXPECT_EQ(Run("EXISTS(SELECT * FROM tab WHERE pk = 'a' AND sk = 1)"),
            "ValidationException: EXISTS can only be used in ExecuteTransaction write requests.");
  EXPECT_EQ(Run("SELECT * FROM tab WHERE"),
            "ValidationException: Statement wasn't well formed, can't be processed: Unexpected "
            "term");
}

// --- several statements ------------------------------------------------------------------------

TEST_F(PartiqlApiTest, ABatchAnswersEachStatementForItself) {
  Fill();
  EXPECT_EQ(Batch({"SELECT sk FROM tab WHERE pk = 'a' AND sk = 1",
                   "SELECT sk FROM tab WHERE pk = 'a' AND sk = 99", "SLECT * FROM tab",
                   "SELECT * FROM tab WHERE pk = 'a'", "SELECT * FROM nosuch WHERE pk = 'a'"}),
            "{'Responses':[{'TableName':'tab','Item':{'sk':{'N':'1'}}},{'TableName':'tab'},"
            "{'Error':{'Code':'ValidationError','Message':'Statement wasn't well formed, can't be "
            "processed: Expected data manipulation'}},"
            "{'Error':{'Code':'ValidationError','Message':'Select statements within "
            "BatchExecuteStatement must specify the primary key in the where clause.'}},"
            "{'Error':{'Code':'ResourceNotFound','Message':'Requested resource not found'}}]}");
  EXPECT_EQ(Batch({"INSERT INTO tab VALUE {'pk':'a','sk':1}",
                   "INSERT INTO tab VALUE "
                   "{'pk':'n','sk':1}",
                   "UPDATE tab SET v = 3 WHERE pk = 'a' AND sk = 2 AND v = 7",
                   "UPDATE tab SET v = 3 WHERE pk = 'a' AND sk = 3 RETURNING MODIFIED NEW *"}),
            "{'Responses':[{'Error':{'Code':'DuplicateItem','Message':'Duplicate primary key "
            "exists in table'},'TableName':'tab'},{'TableName':'tab'},"
            "{'Error':{'Code':'ConditionalCheckFailed','Message':'The conditional request "
            "failed'},'TableName':'tab'},{'TableName':'tab','Item':{'v':{'N':'3'}}}]}");
}

TEST_F(PartiqlApiTest, AFailedConditionOfABatchShowsTheItemWhenAsked) {
  Fill();
  EXPECT_EQ(Short(Send("BatchExecuteStatement",
                       Quoted("{'Statements':[{'Statement':'DELETE FROM tab WHERE pk = ? AND sk = "
                              "2 AND v = 7','Parameters':[{'S':'a'}],"
                              "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'}]}"))),
            "{'Responses':[{'Error':{'Code':'ConditionalCheckFailed','Message':'The conditional "
            "request failed','Item':{'m':{'M':{'q':{'S':'deep'}}},'pk':{'S':'a'},'sk':{'N':'2'},"
            "'v':{'N':'0'}}},'TableName':'tab'}]}");
}

TEST_F(PartiqlApiTest, ABatchIsReadOrWritten) {
  EXPECT_EQ(Batch({"SELECT * FROM tab WHERE pk = 'a' AND sk = 1",
                   "DELETE FROM tab WHERE pk = 'a' AND sk = 2"}),
            "ValidationException: Read and write requests together in the same batch is not "
            "supported.");
  EXPECT_EQ(Batch({"DELETE FROM tab WHERE pk = 'a' AND sk = 2",
                   "DELETE FROM tab WHERE pk = 'a' AND sk = 2"}),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(Batch({}),
            "ValidationException: 1 validation error detected: Value '[]' at 'statements' failed "
            "to satisfy constraint: Member must have length greater than or equal to 1");
}

TEST_F(PartiqlApiTest, ATransactionIsDoneOrNot) {
  Fill();
  EXPECT_EQ(Transact({"UPDATE tab SET v = 8 WHERE pk = 'a' AND sk = 1",
                      "INSERT INTO tab VALUE {'pk':'t','sk':1}",
                      "EXISTS(SELECT * FROM tab WHERE pk = 'a' AND sk = 2 AND v = 0)"}),
            "{'Responses':[]}");
  const std::string cancelled = Transact(
      {"INSERT INTO tab VALUE {'pk':'t','sk':1}", "UPDATE tab SET v = 9 WHERE pk = 'a' AND sk = 1",
       "EXISTS(SELECT * FROM tab WHERE pk = 'a' AND sk = 2 AND v = 7)"});
  EXPECT_NE(cancelled.find("Transaction cancelled, please refer cancellation reasons for specific "
                           "reasons [DuplicateItem, None, ConditionalCheckFailed]"),
            std::string::npos)
      << cancelled;
  EXPECT_EQ(Transact({"SELECT v FROM tab WHERE pk = 'a' AND sk = 1",
                      "SELECT v FROM tab WHERE pk = 'a' AND sk = 99"}),
            "{'Responses':[{'Item':{'v':{'N':'8'}}},{}]}");
}

TEST_F(PartiqlApiTest, WhatATransactionRefuses) {
  const std::string in = "ValidationException: Validation failed in TransactStatements[0]: ";
  EXPECT_EQ(Transact({"SELECT * FROM tab WHERE pk = 'a'"}),
            in + "Select statements within ExecuteTransaction must specify the primary key in the "
                 "where clause.");
  EXPECT_EQ(Transact({"SELECT * FROM tab.idx WHERE pk = 'a'"}),
            in + "Reads on indices are not supported within transactions.");
  EXPECT_EQ(Transact({"UPDATE tab SET v = 1 WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *"}),
            in + "RETURNING clause is not supported in ExecuteTransaction.");
  EXPECT_EQ(Transact({"SELECT * FROM tab WHERE"}),
            in + "Statement wasn't well formed, can't be processed: Unexpected term");
  EXPECT_EQ(Transact({"EXISTS(SELECT * FROM tab WHERE pk = 'a' AND sk = 1)",
                      "UPDATE tab SET v = 1 WHERE pk = 'a' AND sk = 2"}),
            in + "EXISTS() must contain a single item read with additional condition");
  EXPECT_EQ(Transact({"SELECT * FROM tab WHERE pk = 'a' AND sk = 1",
                      "DELETE FROM tab WHERE pk = 'a' AND sk = 2"}),
            "ValidationException: ExecuteTransaction API does not support both read and write "
            "operations in the same request.");
  EXPECT_EQ(Transact({"DELETE FROM tab WHERE pk = 'a' AND sk = 2",
                      "DELETE FROM tab WHERE pk = 'a' AND sk = 2"}),
            "ValidationException: Transaction request cannot include multiple operations on one "
            "item");
  Transact({"DELETE FROM nosuch WHERE pk = 'a'"});
  EXPECT_NE(Unquoted(last_.body).find("TransactionCanceledException"), std::string::npos);
  EXPECT_NE(Unquoted(last_.body).find("'CancellationReasons':[{'Code':'ResourceNotFound'"),
            std::string::npos);
}

TEST_F(PartiqlApiTest, KeysJoinedByOrAreReadOneAfterTheOther) {
  Fill();
  const std::string select = "SELECT sk FROM tab WHERE pk = 'a' AND ";
  const std::string both = "{'Items':[{'sk':{'N':'2'}},{'sk':{'N':'4'}}]}";
  EXPECT_EQ(Run(select + "(sk = 2 OR sk = 4)"), both);
  EXPECT_EQ(Run(select + "(sk = 2 OR sk IN [4])"), both);
  EXPECT_EQ(Run(select + "sk IN [2, 4]"), both);
  EXPECT_EQ(Run("SELECT sk FROM tab WHERE (pk = 'a' AND sk = 2) OR (pk = 'a' AND sk = 4)"), both);
  EXPECT_EQ(Run(select + "((sk = 2 AND v = 0) OR (sk = 3 AND v = 0))"),
            "{'Items':[{'sk':{'N':'2'}}]}");
}

TEST_F(PartiqlApiTest, ATokenMakesATransactionHappenOnce) {
  Fill();
  const char* statement = "UPDATE tab SET v = v + 1 WHERE pk = 'a' AND sk = 2";
  EXPECT_EQ(Transact({statement}, ",'ClientRequestToken':'t1'"), "{'Responses':[]}");
  EXPECT_EQ(Transact({statement}, ",'ClientRequestToken':'t1'"), "{'Responses':[]}");
  EXPECT_EQ(Run("SELECT v FROM tab WHERE pk = 'a' AND sk = 2"), "{'Items':[{'v':{'N':'1'}}]}");
}

}  // namespace
}  // namespace everwrite::api
