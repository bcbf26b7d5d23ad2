#include "region/expression/key_condition.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/expression/testing/request.h"
#include "region/item/number.h"
#include "region/item/testing/random_item.h"

namespace everwrite::expression {
namespace {

using namespace testing;  // NOLINT: the test's vocabulary
using Sort = KeyCondition::Sort;

item::KeySchema Schema(std::optional<item::KeyType> sort = item::KeyType::kString) {
  item::KeySchema schema;
  schema.partition = {"pk", item::KeyType::kString};
  if (sort) schema.sort = item::KeyAttribute{"sk", *sort};
  return schema;
}

std::string Resolved(std::string text, const item::KeySchema& schema, const V& p = S("k"),
                     const V& s = S("s"), const V& t = S("t")) {
  Request request(text);
  if (text.find(":p") != std::string::npos) request.Value(":p", p);
  if (text.find(":s") != std::string::npos) request.Value(":s", s);
  if (text.find(":t") != std::string::npos) request.Value(":t", t);
  Result<Binding> binding = request.BindAs(Kind::kKeyCondition);
  if (!binding.ok()) return binding.status().message();
  Result<KeyCondition> condition = ResolveKeyCondition(*binding, schema);
  if (!condition.ok()) return condition.status().message();
  static const char* const kNames[] = {"all", "=", "<", "<=", ">", ">=", "between", "begins"};
  std::string shown =
      Show(condition->partition[0]) + " " + kNames[static_cast<size_t>(condition->sort)];
  if (condition->sort != Sort::kAll) shown += " " + Show(condition->low);
  if (condition->sort == Sort::kBetween) shown += " " + Show(condition->high);
  return shown;
}

TEST(KeyConditionTest, WhatAQueryCanAsk) {
  const item::KeySchema schema = Schema();
  EXPECT_EQ(Resolved("pk = :p", schema), "\"k\" all");
  EXPECT_EQ(Resolved(":p = pk", schema), "\"k\" all");
  EXPECT_EQ(Resolved("pk = :p AND sk = :s", schema), "\"k\" = \"s\"");
  EXPECT_EQ(Resolved("sk < :s AND pk = :p", schema), "\"k\" < \"s\"");
  EXPECT_EQ(Resolved("(pk = :p) AND (sk >= :s)", schema), "\"k\" >= \"s\"");
  EXPECT_EQ(Resolved("pk = :p AND :s < sk", schema), "\"k\" > \"s\"");
  EXPECT_EQ(Resolved("pk = :p AND sk BETWEEN :s AND :t", schema), "\"k\" between \"s\" \"t\"");
  EXPECT_EQ(Resolved("pk = :p AND begins_with(sk, :s)", schema), "\"k\" begins \"s\"");
}

TEST(KeyConditionTest, WhatItCannot) {
  const item::KeySchema schema = Schema(), alone = Schema(std::nullopt);
  const std::string unsupported = "Query key condition not supported";
  auto invalid = [](std::string name) {
    return "Invalid operator used in KeyConditionExpression: " + name;
  };
  EXPECT_EQ(Resolved("sk = :s", schema), "Query condition missed key schema element: pk");
  EXPECT_EQ(Resolved("pk = :p AND x = :s", schema),
            "Query condition missed key schema element: sk");
  EXPECT_EQ(Resolved("pk > :p", schema), unsupported);
  EXPECT_EQ(Resolved("begins_with(pk, :p)", schema), unsupported);
  EXPECT_EQ(Resolved("pk = :p AND sk = :s", alone), unsupported);
  EXPECT_EQ(Resolved("pk = :p OR sk = :s", schema), invalid("OR"));
  EXPECT_EQ(Resolved("NOT pk = :p", schema), invalid("NOT"));
  EXPECT_EQ(Resolved("pk = :p AND sk <> :s", schema), invalid("<>"));
  EXPECT_EQ(Resolved("pk = :p AND sk IN (:s)", schema), invalid("IN"));
  EXPECT_EQ(Resolved("pk = :p AND contains(sk, :s)", schema), invalid("contains"));
  EXPECT_EQ(Resolved("pk = :p AND attribute_exists(sk)", schema), invalid("attribute_exists"));
  EXPECT_EQ(
      Resolved("pk = :p AND sk = :s AND x = :s", schema),
      "The number of query conditions (3) exceeds the number of key attributes defined in the "
      "schema (2)");
  EXPECT_EQ(Resolved("pk = :p AND sk > :s AND sk < :s", schema),
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one "
            "condition per key");
  EXPECT_EQ(Resolved("pk = :p AND size(sk) = :s", schema),
            "KeyConditionExpressions cannot contain nested operations");
  EXPECT_EQ(Resolved("pk = sk", schema),
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
            "condition");
  EXPECT_EQ(Resolved(":p = :p", schema),
            "Invalid condition in KeyConditionExpression: No key attribute specified");
  EXPECT_EQ(Resolved("pk = :p AND begins_with(:s, sk)", schema),
            "Invalid condition in KeyConditionExpression: begins_with operator must have the key "
            "attribute as its first operand");
  EXPECT_EQ(Resolved("pk[0] = :p", schema),
            "KeyConditionExpressions cannot have conditions on nested attributes");
}

TEST(KeyConditionTest, ValuesFitTheSchema) {
  const std::string mismatch =
      "One or more parameter values were invalid: Condition parameter type does not match schema "
      "type";
  EXPECT_EQ(Resolved("pk = :p", Schema(), N("1")), mismatch);
  EXPECT_EQ(Resolved("pk < :p", Schema(), N("1")), mismatch);
  EXPECT_EQ(Resolved("pk = :p AND x = :s", Schema(), N("1")), mismatch);
  EXPECT_EQ(Resolved("pk = :p AND sk = :s", Schema(), S("k"), N("1")), mismatch);
  EXPECT_EQ(
      Resolved("pk = :p AND begins_with(sk, :s)", Schema(item::KeyType::kNumber), S("k"), S("1")),
      mismatch);
  EXPECT_EQ(
      Resolved("pk = :p AND sk = :s", Schema(), S("k"), S("")),
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
      "contain an empty string value. Key: sk");
  EXPECT_EQ(
      Resolved("pk = :p AND sk > :s", Schema(), S("k"), S(std::string(1025, 'x'))),
      "One or more parameter values were invalid: Aggregated size of all range keys has exceeded "
      "the size limit of 1024 bytes");
}

// A key is in the range exactly when its sort value satisfies the condition.
TEST(KeyConditionTest, RangesHoldExactlyWhatTheConditionSays) {
  Random random(81);
  const char* const kTexts[] = {"pk = :p",
                                "pk = :p AND sk = :s",
                                "pk = :p AND sk < :s",
                                "pk = :p AND sk <= :s",
                                "pk = :p AND sk > :s",
                                "pk = :p AND sk >= :s",
                                "pk = :p AND sk BETWEEN :s AND :t",
                                "pk = :p AND begins_with(sk, :s)"};
  int inside = 0, outside = 0;
  for (int i = 0; i < 8000; ++i) {
    const item::KeyType type = static_cast<item::KeyType>(random.Below(3));
    const item::KeySchema schema = Schema(type);
    auto value = [&] {
      if (type == item::KeyType::kNumber) return N(std::to_string(random.Between(-30, 30)));
      static const std::string_view kPieces[] = {"a", "b", std::string_view("\0", 1), "c"};
      std::string text = "a";
      if (random.Chance(1, 4)) text = "\x01";
      for (uint64_t n = random.Below(3); n > 0; --n) text += kPieces[random.Below(4)];
      if (type == item::KeyType::kString) return S(text);
      return B(random.Chance(1, 4) ? std::string("\xff\xff") : text);
    };
    V low = value(), high = value(), other = value();
    const std::string text = kTexts[random.Below(std::size(kTexts))];
    if (type == item::KeyType::kNumber && text.find("begins") != std::string::npos) continue;
    auto order = [&](const V& a, const V& b) {
      return type == item::KeyType::kNumber ? item::CompareNumberText(a.text(), b.text())
                                            : a.text().compare(b.text());
    };
    if (order(low, high) > 0) std::swap(low, high);
    Request request(text);
    request.Value(":p", S("k"));
    if (text.find(":s") != std::string::npos) request.Value(":s", low);
    if (text.find(":t") != std::string::npos) request.Value(":t", high);
    Binding binding = request.BindAs(Kind::kKeyCondition).value();
    KeyCondition condition = ResolveKeyCondition(binding, schema).value();
    KeyRange range = RangeOf(condition, schema).value();
    for (const std::string partition : {"k", "other"}) {
      const std::string item = Item({{"pk", S(partition)}, {"sk", other}});
      const std::string key = item::EncodeKeyOfItem(schema, item::ItemView(item)).value();
      const bool in_range = key >= range.begin && (range.end.empty() || key < range.end);
      const bool holds = Matches(binding, item::ItemView(item));
      ASSERT_EQ(in_range, holds) << text << " " << Show(item::ItemView(item));
      ++(holds ? inside : outside);
    }
  }
  EXPECT_GT(inside, 1000);
  EXPECT_GT(outside, 1000);
}

// Keys of several attributes: every partition attribute, then sort attributes from the first on.
std::string ResolvedComposite(const std::string& text) {
  item::CompositeKeySchema schema;
  schema.partition = {{"h1", item::KeyType::kString}, {"h2", item::KeyType::kString}};
  schema.sort = {{"r1", item::KeyType::kString},
                 {"r2", item::KeyType::kString},
                 {"r3", item::KeyType::kString}};
  Request request(text);
  for (const char* name : {":a", ":b", ":c", ":d", ":e"})
    if (text.find(name) != std::string::npos) request.Value(name, S(name));
  const Binding binding = request.BindAs(Kind::kKeyCondition).value();
  Result<KeyCondition> condition = ResolveKeyCondition(binding, schema);
  if (!condition.ok()) return condition.status().message();
  std::string shown;
  for (const item::ValueView value : condition->partition) shown += Show(value) + " ";
  shown += "|";
  for (const item::ValueView value : condition->equal) shown += " " + Show(value);
  if (condition->sort != Sort::kAll) shown += " last " + Show(condition->low);
  return shown;
}

TEST(KeyConditionTest, KeysOfSeveralAttributesAreGivenFromTheLeft) {
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 = :b"), "\":a\" \":b\" |");
  EXPECT_EQ(ResolvedComposite("h2 = :b AND r1 = :c AND h1 = :a"), "\":a\" \":b\" | last \":c\"");
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 = :b AND r2 > :d AND r1 = :c"),
            "\":a\" \":b\" | \":c\" last \":d\"");
  EXPECT_EQ(
      ResolvedComposite("h1 = :a AND h2 = :b AND r1 = :c AND r2 = :d AND begins_with(r3, :e)"),
      "\":a\" \":b\" | \":c\" \":d\" last \":e\"");
  EXPECT_EQ(ResolvedComposite("h1 = :a"), "Query condition missed key schema element: h2");
  const std::string gap =
      "RANGE key attributes r1 must have equality conditions specified in the query because a "
      "condition is present on key attribute r2";
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 = :b AND r2 = :c"), gap);
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 = :b AND r1 > :c AND r2 = :d"), gap);
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 > :b"), "Query key condition not supported");
  EXPECT_EQ(ResolvedComposite("h1 = :a AND h2 = :b AND x = :c"),
            "Query condition missed key schema element: r1");
}

}  // namespace
}  // namespace everwrite::expression
