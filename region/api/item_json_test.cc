#include "region/api/item_json.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/random.h"
#include "region/item/testing/random_item.h"

namespace everwrite::api {
namespace {

// The item as JSON again, or the error.
std::string RoundTrip(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS) return "not JSON";
  std::string bytes, out;
  ApiError error;
  if (!ReadItemJson(element, bytes, error)) {
    return std::string(ErrorType::kSerialization == error.type ? "serialization: "
                                                               : "validation: ") +
           error.message;
  }
  EXPECT_TRUE(item::IsWellFormedItem(bytes)) << json;
  AppendItemJson(out, item::ItemView(bytes));
  return out;
}

std::string Value(std::string_view json) { return RoundTrip("{\"a\":" + std::string(json) + "}"); }

TEST(ItemJsonTest, EveryTypeComesBack) {
  for (std::string_view json :
       {R"({"S":""})", R"({"S":"text"})", R"({"N":"12.5"})", R"({"B":""})", R"({"B":"YQ=="})",
        R"({"B":"YWI="})", R"({"B":"YWJj"})", R"({"BOOL":true})", R"({"BOOL":false})",
        R"({"NULL":true})", R"({"M":{}})", R"({"M":{"k":{"S":"v"}}})", R"({"L":[]})",
        R"({"L":[{"N":"1"},{"S":"x"},{"L":[{"NULL":true}]}]})", R"({"SS":["a","b"]})",
        R"({"NS":["-5","1","30"]})", R"({"BS":["YQ==","Yg=="]})"}) {
    EXPECT_EQ(Value(json), "{\"a\":" + std::string(json) + "}");
  }
  EXPECT_EQ(RoundTrip("{}"), "{}");
}

TEST(ItemJsonTest, NamesSetsAndNumbersAreBroughtIntoOneForm) {
  EXPECT_EQ(RoundTrip(R"({"b":{"S":"2"},"a":{"N":"01.50"},"c":{"SS":["z","a"]}})"),
            R"({"a":{"N":"1.5"},"b":{"S":"2"},"c":{"SS":["a","z"]}})");
  EXPECT_EQ(Value(R"({"NS":["10","9","1e1000000","-2"]})").substr(0, 28),
            "validation: Number overflow.");
  EXPECT_EQ(Value(R"({"NS":["10","9","-2.0"]})"), R"({"a":{"NS":["-2","9","10"]}})");
}

TEST(ItemJsonTest, OfANameGivenTwiceTheLastCounts) {
  EXPECT_EQ(RoundTrip(R"({"a":{"S":"1"},"b":{"S":"x"},"a":{"S":"2"}})"),
            R"({"a":{"S":"2"},"b":{"S":"x"}})");
  EXPECT_EQ(Value(R"({"S":"1","S":"2"})"), R"({"a":{"S":"2"}})");
}

TEST(ItemJsonTest, ManyAttributesInAnyOrder) {
  std::string json = "{", wanted = "{";
  for (int i = 299; i >= 100; --i) {
    json += "\"k" + std::to_string(i) + "\":{\"N\":\"1\"}" + (i > 100 ? "," : "}");
    int up = 399 - i;
    wanted += "\"k" + std::to_string(up) + "\":{\"N\":\"1\"}" + (up < 299 ? "," : "}");
  }
  EXPECT_EQ(RoundTrip(json), wanted);
}

TEST(ItemJsonTest, StringsAreEscapedWhereTheyMustBe) {
  EXPECT_EQ(Value(R"({"S":"\"\\\/\b\f\n\r\t\u0001\u001f\u007f\u00e9"})"),
            "{\"a\":{\"S\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"}}");
  // Around the edges of the block that the scan looks at.
  for (size_t size = 0; size < 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '\n';
      std::string out, wanted = "\"" + text.substr(0, at) + "\\n" + text.substr(at + 1) + "\"";
      AppendJsonString(out, text);
      ASSERT_EQ(out, wanted);
    }
  }
  std::string out;
  AppendJsonString(out, std::string(40, '\xff'));
  EXPECT_EQ(out.size(), 42u);
}

TEST(ItemJsonTest, ValidationErrorsAreTheServices) {
  const std::string empty =
      "validation: Supplied AttributeValue is empty, must contain exactly one of the supported "
      "datatypes";
  const std::string many =
      "validation: Supplied AttributeValue has more than one datatypes set, must contain exactly "
      "one "
      "of the supported datatypes";
  EXPECT_EQ(Value("{}"), empty);
  EXPECT_EQ(Value("null"), empty);
  EXPECT_EQ(Value(R"({"X":"a"})"), empty);
  EXPECT_EQ(Value(R"({"S":null})"), empty);
  EXPECT_EQ(Value(R"({"M":{"b":{}}})"), empty);
  EXPECT_EQ(Value(R"({"L":[{}]})"), empty);
  EXPECT_EQ(Value(R"({"S":"a","N":"1"})"), many);
  EXPECT_EQ(Value(R"({"S":"a","N":"1","S":"b"})"), many);
  EXPECT_EQ(Value(R"({"S":"a","N":null,"X":1})"), R"({"a":{"S":"a"}})");
  EXPECT_EQ(Value(R"({"N":"abc"})"),
            "validation: The parameter cannot be converted to a numeric value: abc");
  EXPECT_EQ(
      Value(R"({"NULL":false})"),
      "validation: One or more parameter values were invalid: Null attribute value types must "
      "have the value of true");
  EXPECT_EQ(
      Value(R"({"SS":[]})"),
      "validation: One or more parameter values were invalid: An string set  may not be empty");
  EXPECT_EQ(
      Value(R"({"NS":[]})"),
      "validation: One or more parameter values were invalid: An number set  may not be empty");
  EXPECT_EQ(
      Value(R"({"BS":[]})"),
      "validation: One or more parameter values were invalid: Binary sets should not be empty");
  EXPECT_EQ(
      Value(R"({"SS":["a","a"]})"),
      "validation: One or more parameter values were invalid: Input collection [a, a] contains "
      "duplicates.");
  EXPECT_EQ(Value(R"({"NS":["1","1.0"]})"), "validation: Input collection contains duplicates");
  EXPECT_EQ(
      Value(R"({"BS":["YQ==","YQ=="]})"),
      "validation: One or more parameter values were invalid: Input collection [YQ==, YQ==]of "
      "type BS contains duplicates.");
  EXPECT_EQ(RoundTrip(R"({"":{"S":"a"}})"), "validation: Empty attribute name");
}

TEST(ItemJsonTest, SerializationErrorsAreTheServices) {
  EXPECT_EQ(Value(R"({"S":1})"), "serialization: NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Value(R"({"S":1.5})"), "serialization: DECIMAL_VALUE cannot be converted to String");
  EXPECT_EQ(Value(R"({"N":true})"), "serialization: TRUE_VALUE cannot be converted to String");
  EXPECT_EQ(Value(R"({"S":[]})"),
            "serialization: Unrecognized collection type class java.lang.String");
  EXPECT_EQ(Value(R"({"S":{}})"),
            "serialization: Start of structure or map found where not expected");
  EXPECT_EQ(Value(R"({"BOOL":1})"), "serialization: NUMBER_VALUE cannot be converted to Boolean");
  EXPECT_EQ(Value(R"({"BOOL":"yes"})"), "serialization: Unexpected token received from parser");
  EXPECT_EQ(Value(R"({"B":1})"),
            "serialization: only base-64-encoded strings are convertible to bytes");
  EXPECT_EQ(Value(R"({"B":"YQ"})"),
            "serialization: Base64 encoded length is expected a multiple of 4 bytes but found: 2");
  EXPECT_EQ(Value(R"({"B":"Y!=="})"), "serialization: Invalid Base64 character: '!'");
  EXPECT_EQ(Value(R"({"B":"Y==="})"), "serialization: Invalid Base64 character: '='");
  EXPECT_EQ(Value(R"({"B":"YR=="})"),
            "serialization: Invalid last non-pad Base64 character dectected");
  EXPECT_EQ(Value(R"({"SS":"a"})"), "serialization: Unexpected field type");
  EXPECT_EQ(Value(R"({"L":{}})"),
            "serialization: Start of structure or map found where not expected");
  EXPECT_EQ(Value(R"({"M":[]})").substr(0, 46), "serialization: Unrecognized collection type ja");
  EXPECT_EQ(Value(R"("a")"), "serialization: Unexpected value type in payload");
  EXPECT_EQ(RoundTrip(R"([])").substr(0, 14), "serialization:");
}

TEST(ItemJsonTest, ErrorsOfExpressionValuesNameTheKey) {
  auto read = [](std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::element element = parser.parse(json.data(), json.size());
    std::string out;
    ApiError error;
    return ReadValuesJson(element, out, error) ? "ok" : error.message;
  };
  EXPECT_EQ(read(R"({":v":{"S":"a"}})"), "ok");
  EXPECT_EQ(read("{}"), "ExpressionAttributeValues must not be empty");
  EXPECT_EQ(
      read(R"({":v":{"S":"a"},":w":{"M":{"x":{}}}})"),
      "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must "
      "contain exactly one of the supported datatypes for key :w");
  EXPECT_EQ(read(R"({":v":{"S":1}})"), "NUMBER_VALUE cannot be converted to String");
}

TEST(ItemJsonTest, DepthIsBounded) {
  auto nested = [](int levels) {
    std::string json = R"({"S":"a"})";
    for (int i = 0; i < levels; ++i) json = "{\"L\":[" + json + "]}";
    return Value(json);
  };
  EXPECT_EQ(nested(31).substr(0, 4), "{\"a\"");
  const std::string deep =
      "validation: Nesting Levels have exceeded supported limits: Attributes in the item have "
      "nested "
      "levels beyond supported limit";
  EXPECT_EQ(nested(32), deep);
  EXPECT_EQ(nested(400), deep);
}

TEST(ItemJsonTest, RandomItemsComeBackByteForByte) {
  Random random(41);
  simdjson::dom::parser parser;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = item::testing::RandomItem(random), json, again;
    AppendItemJson(json, item::ItemView(bytes));
    simdjson::dom::element element;
    ASSERT_EQ(parser.parse(json).get(element), simdjson::SUCCESS) << json;
    ApiError error;
    ASSERT_TRUE(ReadItemJson(element, again, error)) << json << error.message;
    ASSERT_EQ(again, bytes) << json;
  }
}

TEST(ItemJsonTest, Base64RoundTripsAndRefusesOtherForms) {
  Random random(42);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes, text, again;
    for (uint64_t n = random.Below(40); n > 0; --n)
      bytes.push_back(static_cast<char>(random.Next()));
    AppendBase64(text, bytes);
    ASSERT_TRUE(AppendFromBase64(again, text));
    ASSERT_EQ(again, bytes);
    if (text.empty()) continue;
    text[random.Below(text.size())] = static_cast<char>(random.Next());
    std::string other = "kept", back;
    if (AppendFromBase64(other, text)) {
      AppendBase64(back, std::string_view(other).substr(4));
      ASSERT_EQ(back, text) << "two texts for one value";
    } else {
      ASSERT_EQ(other, "kept");
    }
  }
}

}  // namespace
}  // namespace everwrite::api
