// Tags: their limits, in the service's words, and that they stay with the table.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

const std::string kArn = "arn:aws:dynamodb:eu-west-1:000000000000:table/tab";

class TagApiTest : public ApiTest {
 protected:
  TagApiTest() { MakeTable(); }
  std::string Tag(std::string_view tags, std::string_view arn = kArn) {
    return Error("TagResource",
                 "{'ResourceArn':'" + std::string(arn) + "','Tags':[" + std::string(tags) + "]}");
  }
  std::string Untag(std::string_view keys) {
    return Error("UntagResource",
                 "{'ResourceArn':'" + kArn + "','TagKeys':[" + std::string(keys) + "]}");
  }
  std::string List() { return Ask("ListTagsOfResource", "{'ResourceArn':'" + kArn + "'}"); }
  static std::string One(std::string_view key, std::string_view value = "v") {
    return "{'Key':'" + std::string(key) + "','Value':'" + std::string(value) + "'}";
  }
};

TEST_F(TagApiTest, TagsAreAddedOverwrittenAndTakenAway) {
  EXPECT_EQ(List(), "{'Tags':[]}");
  EXPECT_EQ(Tag(One("b", "1") + "," + One("a", "")), "");
  EXPECT_EQ(last_.status, 200);
  EXPECT_EQ(Tag(One("b", "2")), "");
  EXPECT_EQ(List(), "{'Tags':[{'Key':'a','Value':''},{'Key':'b','Value':'2'}]}");
  EXPECT_EQ(Untag("'a','not there'"), "");
  EXPECT_EQ(List(), "{'Tags':[{'Key':'b','Value':'2'}]}");
}

TEST_F(TagApiTest, LimitsAreTheServices) {
  EXPECT_EQ(Tag(One("aws:x")),
            "ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:x");
  EXPECT_EQ(Tag(One("AWS:x")),
            "ValidationException: Tag Key cannot be prefixed with aws:, Key: AWS:x");
  const std::string long_key(129, 'k');
  EXPECT_EQ(Tag(One(long_key)),
            "ValidationException: The Tag Key provided is invalid, Key: " + long_key);
  std::string wide;
  for (int i = 0; i < 128; ++i) wide += "ä";
  EXPECT_EQ(Tag(One(wide)), "") << "characters, not bytes";
  EXPECT_EQ(Tag(One("#")), "ValidationException: The Tag Key provided is invalid, Key: #");
  EXPECT_EQ(Tag(One("")), "ValidationException: The Tag Key provided is invalid, Key: ");
  const std::string long_value(257, 'v');
  EXPECT_EQ(Tag(One("k", long_value)),
            "ValidationException: The Tag Value provided is invalid, Value: " + long_value);
  EXPECT_EQ(Tag("{'Key':'k'}"),
            "ValidationException: The Tag Value provided is invalid, Value: null");
  EXPECT_EQ(Tag(One("k") + "," + One("k")),
            "ValidationException: Duplicate Tag Keys provided as input: Duplicate Tag Key found k");
  EXPECT_EQ(Tag(""), "ValidationException: Atleast one Tag needs to be provided as Input.");
  EXPECT_EQ(Untag(""), "ValidationException: Atleast one Tag Key needs to be provided as Input.");
  std::string fifty;
  for (int i = 0; i < 49; ++i) fifty += (i ? "," : "") + One("k" + std::to_string(i));
  EXPECT_EQ(Tag(fifty), "");
  EXPECT_EQ(Tag(One("one more")),
            "ValidationException: Number of Tags exceed the current limit for the provided "
            "ResourceArn");
  EXPECT_EQ(Tag(One("k0", "changed")), "") << "of those that are there one may change";
}

TEST_F(TagApiTest, ArnsAreChecked) {
  const auto invalid = [](std::string_view what) {
    return "ValidationException: " + std::string(what);
  };
  EXPECT_EQ(Tag(One("k"), "x"),
            invalid("One or more parameter values were invalid: ARNs must start with 'arn:': x"));
  EXPECT_EQ(Tag(One("k"), "arn:aws:s3:::bucket"),
            invalid("One or more parameter values were invalid: Provided Arn is not a DynamoDB "
                    "resource arn: arn:aws:s3:::bucket"));
  EXPECT_EQ(Tag(One("k"), kArn + "/index/i"),
            invalid("One or more parameter values were invalid: Invalid resource arn provided, "
                    "only table or stream is accepted. Provided resource arn: " +
                    kArn + "/index/i"));
  EXPECT_EQ(Tag(One("k"), "arn:aws:dynamodb:us-east-1:000000000000:table/tab"),
            invalid("Invalid TableArn: Invalid ResourceArn provided as input "
                    "arn:aws:dynamodb:us-east-1:000000000000:table/tab"));
  const std::string missing = "arn:aws:dynamodb:eu-west-1:000000000000:table/none";
  const std::string not_found =
      "ResourceNotFoundException: Requested resource not found: ResourcArn: " + missing +
      " not found";
  EXPECT_EQ(Tag(One("k"), missing), not_found);
  EXPECT_EQ(Error("ListTagsOfResource", "{'ResourceArn':'" + missing + "'}"), not_found);
  EXPECT_EQ(Error("ListTagsOfResource", "{}"),
            invalid("1 validation error detected: Value null at 'resourceArn' failed to satisfy "
                    "constraint: Member must not be null"));
}

}  // namespace
}  // namespace everwrite::api
