#include "region/expression/binding.h"

#include <gtest/gtest.h>

#include "region/expression/testing/request.h"

namespace everwrite::expression {
namespace {

using namespace testing;  // NOLINT: the test's vocabulary

std::string Invalid(Request& request) {
  const std::string error = request.Check(Kind::kCondition);
  const std::string prefix = "Invalid ConditionExpression: ";
  return error.starts_with(prefix) ? error.substr(prefix.size()) : "no prefix: " + error;
}

TEST(BindingTest, UndefinedPlaceholdersAreNamed) {
  EXPECT_EQ(Request("a = :v").Check(Kind::kCondition),
            "Invalid ConditionExpression: An expression attribute value used in expression is not "
            "defined; attribute value: :v");
  EXPECT_EQ(
      Request("SET #n = :v").Value(":v", S("x")).Check(Kind::kUpdate),
      "Invalid UpdateExpression: An expression attribute name used in the document path is not "
      "defined; attribute name: #n");
}

TEST(BindingTest, UnusedPlaceholdersAreNamed) {
  EXPECT_EQ(Request("a = :v")
                .Value(":v", S("z"))
                .Value(":w", S("z"))
                .Value(":x", S("z"))
                .Check(Kind::kCondition),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w, :x}");
  EXPECT_EQ(Request("a = :v").Value(":v", S("z")).Name("#b", "x").Check(Kind::kCondition),
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}");
}

TEST(BindingTest, TheFirstClauseWithAFaultIsToldOf) {
  auto told = [](std::string text) { return Invalid(Request(text).Value(":n", N("1"))); };
  const std::string type =
      "Incorrect operand type for operator or function; operator or function: begins_with, operand "
      "type: N";
  const std::string undefined =
      "An expression attribute value used in expression is not defined; attribute value: :no";
  EXPECT_EQ(told("begins_with(a, :n) AND b = :no"), type);
  EXPECT_EQ(told("b = :no AND begins_with(a, :n)"), undefined);
  EXPECT_EQ(told("begins_with(:no, :n) AND b = :n"), undefined);
  EXPECT_EQ(told("NOT (c = :n OR begins_with(a, :n)) AND b = :no"), type);
}

TEST(BindingTest, PlaceholdersHaveASyntax) {
  EXPECT_EQ(Request("a = :v").Value("v", S("z")).Check(Kind::kCondition),
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\"");
  EXPECT_EQ(Request("#a = :v").Name("a", "x").Check(Kind::kCondition),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
  EXPECT_EQ(Request("#a = :v").Name("#a-", "x").Check(Kind::kCondition),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-\"");
  EXPECT_EQ(Request("#a = :v").Name("#a", "").Check(Kind::kCondition),
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a");
  EXPECT_EQ(Placeholders().AddName("#a", std::string(65535, 'a')), OkStatus());
  EXPECT_EQ(Placeholders().AddName("#a", std::string(65536, 'a')).message(),
            "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be "
            "less than 65536 bytes for key #a");
}

TEST(BindingTest, OneExpressionServesManyRequests) {
  ExpressionPtr expression = Parse(Kind::kCondition, "#n = :v").value();
  for (const std::string name : {"a", "b"}) {
    item::ItemBuilder values;
    values.AddString(":v", name);
    Placeholders placeholders;
    ASSERT_TRUE(placeholders.AddName("#n", name).ok());
    ASSERT_TRUE(placeholders.SetValues(values.Finish()).ok());
    Binding binding = Bind(expression, placeholders).value();
    Placeholders moved = std::move(placeholders);  // what was bound stays where it is
    EXPECT_TRUE(Matches(binding, item::ItemView(Item({{name, S(name)}}))));
    EXPECT_FALSE(Matches(binding, item::ItemView(Item({{name, S("other")}}))));
  }
}

TEST(BindingTest, OperandsOfAKnownTypeAreChecked) {
  auto operand = [](std::string function, std::string type) {
    return "Incorrect operand type for operator or function; operator or function: " + function +
           ", operand type: " + type;
  };
  EXPECT_EQ(Invalid(Request("begins_with(a, :v)").Value(":v", N("1"))),
            operand("begins_with", "N"));
  EXPECT_EQ(Invalid(Request("begins_with(size(a), :v)").Value(":v", S("1"))),
            operand("begins_with", "N"));
  EXPECT_EQ(Invalid(Request("a < :v").Value(":v", L({}))), operand("<", "L"));
  EXPECT_EQ(Invalid(Request("a >= :v").Value(":v", V::Bool(true))), operand(">=", "BOOL"));
  EXPECT_EQ(Invalid(Request("a BETWEEN :v AND :v").Value(":v", L({}))), operand("BETWEEN", "L"));
  EXPECT_EQ(Invalid(Request("size(:v) = :v").Value(":v", N("1"))), operand("size", "N"));
  EXPECT_EQ(Invalid(Request("attribute_type(a, :v)").Value(":v", N("1"))),
            operand("attribute_type", "N"));
  EXPECT_EQ(Invalid(Request("attribute_type(a, :v)").Value(":v", S("z"))),
            "Invalid attribute type name found; type: z, valid types: "
            "{N,BS,L,B,NULL,M,S,SS,NS,BOOL}");
  EXPECT_EQ(
      Invalid(Request("attribute_exists(:v)").Value(":v", S("z"))),
      "Operator or function requires a document path; operator or function: attribute_exists");
  EXPECT_EQ(Request("SET n = n + :v").Value(":v", S("z")).Check(Kind::kUpdate),
            "Invalid UpdateExpression: " + operand("+", "S"));
  EXPECT_EQ(Request("SET l = list_append(l, :v)").Value(":v", S("z")).Check(Kind::kUpdate),
            "Invalid UpdateExpression: " + operand("list_append", "S"));
  EXPECT_EQ(
      Request("ADD n :v").Value(":v", S("z")).Check(Kind::kUpdate),
      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "
      "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND");
  EXPECT_EQ(Request("DELETE n :v").Value(":v", N("1")).Check(Kind::kUpdate),
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: "
            "DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND");
}

TEST(BindingTest, BoundsOfBetweenAreInOrder) {
  EXPECT_EQ(
      Invalid(Request("a BETWEEN :v AND :w").Value(":v", N("10")).Value(":w", N("9"))),
      "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
      "lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}");
  EXPECT_EQ(Invalid(Request("a BETWEEN :v AND :w").Value(":v", N("2")).Value(":w", S("1"))),
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
            "operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:1}");
  EXPECT_EQ(Invalid(Request("a BETWEEN :v AND :w").Value(":v", B("b")).Value(":w", B("a"))),
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {B:Yg==}, upper bound operand: AttributeValue: "
            "{B:YQ==}");
}

TEST(BindingTest, AnAttributeIsNotComparedWithItself) {
  EXPECT_EQ(Request("a[0][1].#c = a[0][1].c").Name("#c", "c").Check(Kind::kCondition),
            "Invalid ConditionExpression: The first operand must be distinct from the remaining "
            "operands for this operator or function; operator: =, first operand: [a, [0], [1], c]");
  EXPECT_EQ(Request("a BETWEEN :v AND a").Value(":v", S("x")).Check(Kind::kCondition),
            "Invalid ConditionExpression: The first operand must be distinct from the remaining "
            "operands for this operator or function; operator: BETWEEN, first operand: [a]");
  EXPECT_EQ(Request("attribute_type(a, a)").Check(Kind::kCondition),
            "Invalid ConditionExpression: The first operand must be distinct from the remaining "
            "operands for this operator or function; operator: attribute_type, first operand: [a]");
}

TEST(BindingTest, PathsThatOverlapOrConflictAreRefused) {
  const std::string overlap =
      "Two document paths overlap with each other; must remove or rewrite one of these paths; path "
      "one: ";
  EXPECT_EQ(Request("SET a = :v REMOVE a.b").Value(":v", S("x")).Check(Kind::kUpdate),
            "Invalid UpdateExpression: " + overlap + "[a], path two: [a, b]");
  EXPECT_EQ(Request("REMOVE a.b, a").Check(Kind::kUpdate),
            "Invalid UpdateExpression: " + overlap + "[a, b], path two: [a]");
  EXPECT_EQ(Request("SET a = :v, #a = :v").Value(":v", S("x")).Name("#a", "a").Check(Kind::kUpdate),
            "Invalid UpdateExpression: " + overlap + "[a], path two: [a]");
  EXPECT_EQ(Request("l[0], b, l[0]").Check(Kind::kProjection),
            "Invalid ProjectionExpression: " + overlap + "[l, [0]], path two: [l, [0]]");
  EXPECT_EQ(Request("REMOVE a.b, a[0]").Check(Kind::kUpdate),
            "Invalid UpdateExpression: Two document paths conflict with each other; must remove or "
            "rewrite one of these paths; path one: [a, b], path two: [a, [0]]");
  EXPECT_EQ(Request("a.b, a.c, ab, a_b").Check(Kind::kProjection), "");
}

TEST(BindingTest, KeysAreScalarsAndStay) {
  item::KeySchema schema;
  schema.partition = {"pk", item::KeyType::kString};
  schema.sort = item::KeyAttribute{"sk", item::KeyType::kString};
  auto check = [&](Kind kind, Request request) {
    return CheckKeyUse(request.BindAs(kind).value(), schema).message();
  };
  EXPECT_EQ(
      check(Kind::kUpdate, Request("REMOVE a, sk.x")),
      "One or more parameter values were invalid: Cannot update attribute sk. This attribute is "
      "part of the key");
  EXPECT_EQ(check(Kind::kUpdate, Request("SET a = pk")), "");
  EXPECT_EQ(check(Kind::kCondition, Request("attribute_exists(pk[0])")),
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            "allowed: Key: pk");
  Request filter("a = sk");
  EXPECT_EQ(
      CheckFilterNamesNoKey(filter.BindAs(Kind::kFilter).value(), schema).message(),
      "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk");
}

}  // namespace
}  // namespace everwrite::expression
