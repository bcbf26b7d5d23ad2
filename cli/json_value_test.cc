// JSON trees: what is parsed is written back, numbers to the last digit, and strangers do no harm.
#include "cli/json_value.h"

#include <gtest/gtest.h>

namespace everwrite::cli {
namespace {

TEST(JsonValue, RoundTripsWithNumbersToTheLastDigit) {
  const std::string text =
      R"({"a":[1,-2,18446744073709551615,9007199254740993],"b":{"c":null,"d":true},"e":"x\"\n","f":0.25})";
  const auto value = JsonValue::Parse(text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->Dump(false), text);
  EXPECT_EQ(JsonValue::Parse(value->Dump(true))->Dump(false), text);
  EXPECT_EQ((*value)["a"].items()[3].AsInt(), 9007199254740993);
  EXPECT_EQ((*value)["f"].AsDouble(), 0.25);
}

TEST(JsonValue, WhatIsNotThereIsEmpty) {
  const auto value = JsonValue::Parse(R"({"a":"text"})").value();
  EXPECT_EQ(value["b"]["c"].AsInt(7), 7);
  EXPECT_EQ(value["a"].AsInt(7), 7);
  EXPECT_TRUE(value["a"].items().empty());
}

TEST(JsonValue, WhatIsNotJsonIsRefused) {
  for (const char* text : {"", "{", "{\"a\":}", "nul", "{} {}", "\xff"}) {
    EXPECT_FALSE(JsonValue::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(JsonValue::Parse(std::string(100000, '[')).ok());
}

TEST(JsonValue, SetReplaces) {
  JsonValue object = JsonValue::Object();
  object.Set("a", JsonValue::Number(1)).Set("a", JsonValue::Number(2));
  EXPECT_EQ(object.Dump(false), "{\"a\":2}");
}

}  // namespace
}  // namespace everwrite::cli
