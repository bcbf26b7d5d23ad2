// The texts of errors were compared with DynamoDB Local 1.25; where AWS's documentation says
// otherwise, AWS's are expected.
#include "region/expression/parser.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/expression/reserved_words.h"

namespace everwrite::expression {
namespace {

std::string Error(Kind kind, std::string_view text) {
  Result<ExpressionPtr> result = Parse(kind, text);
  return result.status().message();
}
std::string ConditionError(std::string_view text) {
  std::string error = Error(Kind::kCondition, text);
  const std::string prefix = "Invalid ConditionExpression: ";
  return error.starts_with(prefix) ? error.substr(prefix.size()) : error;
}
std::string UpdateError(std::string_view text) {
  std::string error = Error(Kind::kUpdate, text);
  const std::string prefix = "Invalid UpdateExpression: ";
  return error.starts_with(prefix) ? error.substr(prefix.size()) : error;
}

TEST(ParserTest, TheKindIsNamed) {
  EXPECT_EQ(Error(Kind::kCondition, ""),
            "Invalid ConditionExpression: The expression can not be empty;");
  EXPECT_EQ(Error(Kind::kFilter, " "),
            "Invalid FilterExpression: The expression can not be empty;");
  EXPECT_EQ(Error(Kind::kKeyCondition, "a ="),
            "Invalid KeyConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"");
  EXPECT_EQ(Error(Kind::kProjection, "a,"),
            "Invalid ProjectionExpression: Syntax error; token: \"<EOF>\", near: \",\"");
  EXPECT_EQ(Error(Kind::kUpdate, "SET a"),
            "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"a\"");
}

TEST(ParserTest, WellFormedConditions) {
  for (std::string_view text : {"a = :v",
                                "a=:v",
                                "(a) = :v",
                                "a = (:v)",
                                "NOT a = :v",
                                "not a=:v or b=:v AnD c=:v",
                                "((a = :v) AND (b = :v))",
                                "a.b[0].#c = :v",
                                "a[ 0 ] . b = :v",
                                "#1 = :1",
                                "attribute_exists (a)",
                                "attribute_exists((a))",
                                "a BETWEEN :v AND :w AND b = :v",
                                "(a) BETWEEN (:v) AND (:v)",
                                "a IN (:v)",
                                "a IN ((:v), b, size(c))",
                                "size(a) > :v",
                                "NOT NOT a = :v",
                                "contains(size(a), :v)",
                                "a[65536] = :v"}) {
    EXPECT_EQ(ConditionError(text), "") << text;
  }
}

TEST(ParserTest, SyntaxErrorsShowTheTokenAndItsNeighbours) {
  auto expect = [](std::string_view text, std::string_view token, std::string_view near) {
    EXPECT_EQ(ConditionError(text), "Syntax error; token: \"" + std::string(token) +
                                        "\", near: \"" + std::string(near) + "\"")
        << text;
  };
  expect("a", "<EOF>", "a");
  expect("a == :v", "=", "== :v");
  expect("a = :v AND", "<EOF>", "AND");
  expect("a = ", "<EOF>", "= ");
  expect("(a = :v", "<EOF>", ":v");
  expect("a = :v)", ")", ":v)");
  expect("1a = :v", "1", "1a");
  expect("_a = :v", "_", "_a");
  expect("a-b = :v", "-", "a-b");
  expect("a = 5", "5", "= 5");
  expect("a = 'x'", "'", "= 'x");
  expect("a = \"x\"", "\"", "= \"x");
  expect("a[-1] = :v", "-", "[-1");
  expect("a[00] = :v", "0", "00]");
  expect("a[] = :v", "]", "[] =");
  expect("a[#i] = :v", "#i", "[#i]");
  expect("attribute_exists()", ")", "()");
  expect("a IN ()", ")", "()");
  expect("a IN :v", ":v", "IN :v");
  expect("# = :v", "#", "# =");
  expect("a = :", ":", "= :");
  expect("a = :v ; b", ";", ":v ; b");
  expect("a = :v b = :v", "b", ":v b =");
  expect("a.b.c.", "<EOF>", ".");
  expect(".a", ".", ".a");
  expect("a..b=:v", ".", "..b");
  expect("a AND b", "AND", "a AND b");
  expect("(a) AND b = :v", "AND", ") AND b");
  expect("a BETWEEN :v OR :v", "OR", ":v OR :v");
  expect("set = :v", "set", "set =");
  expect("a.and=:v", "and", ".and=");
  expect("not = :v", "=", "not = :v");
  expect("\xc3\xa9 = :v", "\xc3\xa9", "\xc3\xa9 =");
  expect("(a = :v) = :v", "=", ") = :v");
}

TEST(ParserTest, AnErrorOfSyntaxComesBeforeOneOfMeaning) {
  EXPECT_EQ(ConditionError("abort = :v AND foo(a"), "Syntax error; token: \"<EOF>\", near: \"a\"");
}

TEST(ParserTest, ReservedWordsNeedAPlaceholder) {
  EXPECT_EQ(ConditionError("name = :v"),
            "Attribute name is a reserved keyword; reserved keyword: name");
  EXPECT_EQ(ConditionError("a.Status = :v"),
            "Attribute name is a reserved keyword; reserved keyword: Status");
  EXPECT_EQ(ConditionError("#name = :v"), "");
  for (std::string_view word : {"abort", "ZONE", "YeaR", "LocalTimestamp", "ttl", "or"}) {
    EXPECT_TRUE(IsReservedWord(word)) << word;
  }
  for (std::string_view word :
       {"", "a", "pk", "abortx", "abor", "_", "a_very_long_attribute_name"}) {
    EXPECT_FALSE(IsReservedWord(word)) << word;
  }
}

TEST(ParserTest, FunctionsAreCheckedByNamePlaceAndOperands) {
  EXPECT_EQ(ConditionError("foo(a)"), "Invalid function name; function: foo");
  EXPECT_EQ(ConditionError("Size(a) = :v"), "Invalid function name; function: Size");
  EXPECT_EQ(ConditionError("attribute_exists(a,b)"),
            "Incorrect number of operands for operator or function; operator or function: "
            "attribute_exists, number of operands: 2");
  EXPECT_EQ(ConditionError("attribute_exists(a) = :v"),
            "The function is not allowed to be used this way in an expression; function: "
            "attribute_exists");
  EXPECT_EQ(ConditionError("a < contains(b, c)"),
            "The function is not allowed to be used this way in an expression; function: contains");
  EXPECT_EQ(ConditionError("size(a)"),
            "The function is not allowed to be used this way in an expression; function: size");
  EXPECT_EQ(ConditionError("if_not_exists(a,:v) = :v"),
            "The function is not allowed in a condition expression; function: if_not_exists");
  EXPECT_EQ(UpdateError("SET a = size(a)"),
            "The function is not allowed in an update expression; function: size");
  EXPECT_EQ(UpdateError("SET a = if_not_exists(a)"),
            "Incorrect number of operands for operator or function; operator or function: "
            "if_not_exists, number of operands: 1");
  EXPECT_EQ(
      UpdateError("SET n = list_append(l,l)+:v"),
      "The function is not allowed to be used this way in an expression; function: list_append");
}

TEST(ParserTest, RedundantParenthesesAreRefused) {
  const std::string redundant = "The expression has redundant parentheses;";
  EXPECT_EQ(ConditionError("((a = :v))"), redundant);
  EXPECT_EQ(ConditionError("NOT ((a = :v))"), redundant);
  EXPECT_EQ(ConditionError("((a)) = :v"), redundant);
  EXPECT_EQ(ConditionError("a = ((:v))"), redundant);
  EXPECT_EQ(UpdateError("SET a = ((:v))"), redundant);
}

TEST(ParserTest, LimitsOfSizeOperatorsListsAndPaths) {
  auto repeat = [](int n, std::string_view text, std::string_view separator) {
    std::string out;
    for (int i = 0; i < n; ++i) out.append(i > 0 ? separator : "").append(text);
    return out;
  };
  EXPECT_EQ(ConditionError("a = :v" + std::string(4090, ' ')), "");
  EXPECT_EQ(ConditionError("a = :v" + std::string(4091, ' ')),
            "Expression size has exceeded the maximum allowed size; expression size: 4097");
  const std::string many = "The expression contains too many operators; operator count: 301";
  EXPECT_EQ(ConditionError(repeat(150, "a=:v", " OR ")), "");
  EXPECT_EQ(ConditionError(repeat(151, "a=:v", " OR ")), many);
  EXPECT_EQ(ConditionError(repeat(150, "attribute_exists(a)", " OR ")), "");
  EXPECT_EQ(ConditionError(repeat(151, "attribute_exists(a)", " OR ")), many);
  EXPECT_EQ(ConditionError(repeat(301, "NOT", " ") + " a=:v"), many);
  EXPECT_EQ(UpdateError("SET " + repeat(300, "a=:v+:v", ",")), "");
  EXPECT_EQ(UpdateError("SET " + repeat(301, "a=:v+:v", ",")), many);
  EXPECT_EQ(UpdateError("SET " + repeat(400, "a=:v", ",")), "");
  EXPECT_EQ(ConditionError("a IN (" + repeat(100, ":v", ",") + ")"), "");
  EXPECT_EQ(ConditionError("a IN (" + repeat(101, ":v", ",") + ")"),
            "The IN operator is provided with too many operands; number of operands: 101");
  EXPECT_EQ(ConditionError(repeat(32, "a", ".") + " = :v"), "");
  EXPECT_EQ(ConditionError(repeat(33, "a", ".") + " = :v"),
            "The document path has too many nesting levels; nesting levels: 33");
  EXPECT_EQ(ConditionError("a[99999999999] = :v"),
            "List index is not within the allowable range; index: [99999999999]");
}

TEST(ParserTest, UpdateClauses) {
  for (std::string_view text :
       {"SET a = :v", "set a=:v, b=a remove c add d :v delete e :v", "SET n = (n + :v)",
        "SET n = (n) - (:v)", "SET a = if_not_exists(a, if_not_exists(b, :v))", "REMOVE a[1], b.c",
        "SET a = list_append(a, :v)", "SET a=(:v)"}) {
    EXPECT_EQ(UpdateError(text), "") << text;
  }
  EXPECT_EQ(UpdateError("SET a=:v SET b=:v"),
            "The \"SET\" section can only be used once in an update expression;");
  auto expect = [](std::string_view text, std::string_view token, std::string_view near) {
    EXPECT_EQ(UpdateError(text), "Syntax error; token: \"" + std::string(token) + "\", near: \"" +
                                     std::string(near) + "\"")
        << text;
  };
  expect("SET", "<EOF>", "SET");
  expect("a=:v", "a", "a=");
  expect("UPSERT a=:v", "UPSERT", "UPSERT a");
  expect("SET a = :v,", "<EOF>", ",");
  expect("SET a=:v b=:v", "b", ":v b=");
  expect("SET n=n+:v+:v", "+", ":v+:v");
  expect("SET n=(n+:v)+:v", "+", ")+:v");
  expect("SET n=+:v", "+", "=+:v");
  expect("SET (a) = :v", "(", "SET (a");
  expect("REMOVE :v", ":v", "REMOVE :v");
  expect("ADD n a", "a", "n a");
  expect("ADD n = :v", "=", "n = :v");
  expect("ADD n :v+:v", "+", ":v+:v");
  expect("SET a=:v add=:v", "=", "add=:v");
  expect("SET a=set", "set", "=set");
}

TEST(ParserTest, Projections) {
  EXPECT_EQ(Error(Kind::kProjection, "a, b.c[0], #d"), "");
  EXPECT_EQ(Error(Kind::kProjection, "size(a)"),
            "Invalid ProjectionExpression: Syntax error; token: \"(\", near: \"size(a\"");
  EXPECT_EQ(Error(Kind::kProjection, "a,:v"),
            "Invalid ProjectionExpression: Syntax error; token: \":v\", near: \",:v\"");
}

TEST(ParserTest, DeepNestingIsRefusedBeforeTheStackIs) {
  for (Kind kind : {Kind::kCondition, Kind::kUpdate}) {
    const std::string start = kind == Kind::kUpdate ? "SET a = " : "";
    for (std::string_view piece : {"(", "size(", "if_not_exists(a,", "NOT (", "a=:v AND ("}) {
      std::string text = start;
      while (text.size() + piece.size() <= kExpressionBytesMax) text += piece;
      EXPECT_NE(Error(kind, text), "") << piece;
    }
  }
}

TEST(ParserTest, AnyTextIsAnExpressionOrAnError) {
  static const char* const kPieces[] = {"a",
                                        "#n",
                                        ":v",
                                        "(",
                                        ")",
                                        "[",
                                        "]",
                                        ",",
                                        ".",
                                        "=",
                                        "<>",
                                        "<",
                                        "+",
                                        "-",
                                        "0",
                                        "17",
                                        " ",
                                        "AND",
                                        "OR",
                                        "BETWEEN",
                                        "IN",
                                        "NOT",
                                        "SET",
                                        "REMOVE",
                                        "ADD",
                                        "DELETE",
                                        "size",
                                        "contains",
                                        "if_not_exists",
                                        "list_append",
                                        "\xc3\xa9",
                                        "\"",
                                        "\0x",
                                        "name"};
  Random random(51);
  int good = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string text;
    const Kind kind = static_cast<Kind>(random.Below(5));
    if (kind == Kind::kUpdate && random.Chance(1, 2)) text = "SET a = ";
    for (uint64_t n = random.Below(12); n > 0; --n) {
      text += kPieces[random.Below(std::size(kPieces))];
      if (random.Chance(1, 3)) text += " ";
    }
    if (random.Chance(1, 10) && !text.empty()) {
      text[random.Below(text.size())] = static_cast<char>(random.Next());
    }
    Result<ExpressionPtr> result = Parse(kind, text);
    if (result.ok()) {
      ++good;
    } else {
      ASSERT_EQ(result.status().code(), StatusCode::kInvalidArgument);
      ASSERT_TRUE(result.status().message().starts_with("Invalid "));
    }
  }
  EXPECT_GT(good, 100);
}

}  // namespace
}  // namespace everwrite::expression
