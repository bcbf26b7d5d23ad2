// The syntax of PartiQL and what is said of a text that has none. The messages are those that
// public conformance suites captured from the service.
#include "region/partiql/parser.h"

#include <gtest/gtest.h>

#include "region/partiql/printer.h"

namespace everwrite::partiql {
namespace {

// The printed syntax, or the error behind "Statement wasn't well formed, can't be processed: ".
std::string Parse(std::string_view text) {
  const Result<ParsedPtr> parsed = ParseStatement(text);
  if (parsed.ok()) return Print(*(*parsed)->root);
  constexpr std::string_view kMalformed = "Statement wasn't well formed, can't be processed: ";
  const std::string message = parsed.status().message();
  EXPECT_TRUE(message.starts_with(kMalformed)) << message;
  return "! " + message.substr(kMalformed.size());
}

TEST(PartiqlParserTest, Selects) {
  EXPECT_EQ(Parse("SELECT * FROM \"t\""), "(SELECT * FROM \"t\")");
  EXPECT_EQ(Parse("select a, b.c[0].\"d\" from t.i where a = 1 order by a desc, b;"),
            "(SELECT a, b.\"c\"[0].\"d\" FROM t.\"i\" WHERE (a = 1) ORDER BY a DESC, b)");
  EXPECT_EQ(Parse("SELECT a FROM t WHERE a = ? OR NOT b <> 'it''s' AND c IN (1, 2)"),
            "(SELECT a FROM t WHERE ((a = ?) or ((not (b <> 'it''s')) and (c in [1, 2]))))");
  EXPECT_EQ(Parse("SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 AND b IS NOT MISSING"),
            "(SELECT a FROM t WHERE ((not (a between 1 and 2)) and (b is not missing)))");
  EXPECT_EQ(Parse("SELECT a FROM t WHERE a = -1.5e3 AND size(b) >= .5 AND x = `1`"),
            "(SELECT a FROM t WHERE (((a = -1.5e3) and (size(b) >= .5)) and (x = `1`)))");
}

TEST(PartiqlParserTest, Changes) {
  EXPECT_EQ(Parse("INSERT INTO t VALUE {'pk': 'x', 'l': [1, true, null], 's': <<'a'>>, 'm': {}}"),
            "(INSERT INTO t VALUE {'pk': 'x', 'l': [1, true, null], 's': <<'a'>>, 'm': {}})");
  EXPECT_EQ(Parse("UPDATE t SET a = b + 1, c.d[1] = list_append(l, [2]) REMOVE e WHERE pk = 'x' "
                  "RETURNING MODIFIED NEW *"),
            "(UPDATE t SET a = (b + 1), c.\"d\"[1] = list_append(l, [2]) REMOVE e WHERE (pk = 'x') "
            "RETURNING MODIFIED NEW *)");
  EXPECT_EQ(Parse("FROM t WHERE pk = 'x' SET a = 1"), "(FROM t WHERE (pk = 'x') SET a = 1)");
  EXPECT_EQ(Parse("DELETE FROM t WHERE pk = 'x' RETURNING ALL OLD *"),
            "(DELETE FROM t WHERE (pk = 'x') RETURNING ALL OLD *)");
  EXPECT_EQ(Parse("EXISTS(SELECT * FROM t WHERE pk = 'x')"),
            "exists((SELECT * FROM t WHERE (pk = 'x')))");
}

TEST(PartiqlParserTest, CommentsAreSpace) {
  EXPECT_EQ(Parse("-- a note\nSELECT * /* b */ FROM t -- c"), "(SELECT * FROM t)");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = 1 /* note"), "! ");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = 1 # note"), "! ");
}

TEST(PartiqlParserTest, WhatIsLeftOver) {
  const std::string leftover = "! Unexpected token after expression";
  for (const char* text :
       {"SELECT * FROM \"t\" WHERE pk = 1 foo", "SELECT * FROM \"t\" WHERE pk = 1 e5",
        "INSERT INTO \"t\" VALUE {'pk': 1} foo", "UPDATE \"t\" SET a = 9 WHERE pk = 1 foo",
        "DELETE FROM \"t\" WHERE pk = 1 foo", "SELECT * FROM \"t\" WHERE pk = 1)",
        "DELETE FROM \"t\" WHERE pk = 1 ORDER BY pk",
        "SELECT * FROM \"t\" ORDER BY pk WHERE pk = 1", "INSERT INTO \"t\" t VALUE {'pk': 'x'}",
        "FROM \"t\" SET c = 1 WHERE pk = 'x'"}) {
    EXPECT_EQ(Parse(text), leftover) << text;
  }
}

TEST(PartiqlParserTest, WhatIsMissing) {
  for (const char* text :
       {"SELECT * FROM t WHERE", "SELECT * FROM t WHERE;", "UPDATE t SET a = 1 WHERE",
        "DELETE FROM t WHERE", "SELECT * FROM t WHERE NOT", "SELECT * FROM t WHERE (",
        "SELECT * FROM"}) {
    EXPECT_EQ(Parse(text), "! Unexpected term") << text;
  }
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = 'p1' AND"),
            "! Missing right-hand side expression of infix operator");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE ORDER BY pk"), "! Unexpected keyword");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE IS NULL"), "! Unexpected operator");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = LIKE"), "! Unexpected operator");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = 'a' AND x IS FOO"), "! Expected type name");
  EXPECT_EQ(Parse("SLECT * FROM \"t\" WHERE pk = 'x'"), "! Expected data manipulation");
  EXPECT_EQ(Parse("SELECT * FROM t WHERE m.inner = 1"), "! Invalid path dot component");
  for (const char* text :
       {"DELETE FROM", "DELETE FROM   ", "DELETE FROM;", "DELETE FROM WHERE pk = 'a'"}) {
    EXPECT_EQ(Parse(text), "! Expected identifier for simple path") << text;
  }
}

TEST(PartiqlParserTest, NumbersAreReadAsJavaReadsThem) {
  for (const char* number : {"1e2147483648", "1e99999999999", "1.5e-2147483647"}) {
    EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = " + std::string(number)), "! ") << number;
  }
  EXPECT_EQ(Parse("SELECT * FROM t WHERE pk = 1e2147483647"),
            "(SELECT * FROM t WHERE (pk = 1e2147483647))");
}

TEST(PartiqlParserTest, TypesAreNamedAsTheStandardDoes) {
  EXPECT_EQ(Parse("x IS DOUBLE PRECISION"), "(x is double precision)");
  EXPECT_EQ(Parse("x IS CHARACTER VARYING"), "(x is character varying)");
  EXPECT_EQ(Parse("x IS INT4"), "(x is int4)");
}

TEST(PartiqlParserTest, DepthIsBounded) {
  const std::string deep(100000, '(');
  EXPECT_EQ(Parse("SELECT * FROM t WHERE " + deep), "! Expression is nested too deeply");
  // "a = 1 AND a = 1": three operators, the tree two high.
  std::string chain = "SELECT * FROM t WHERE a = 1";
  for (int i = 1; 2 * i + 1 <= kOperatorsMax; ++i) chain += " AND a = 1";
  EXPECT_FALSE(Parse(chain).starts_with("!"));
  EXPECT_EQ(Parse(chain + " AND a = 1"), "! Expression is nested too deeply");
}

TEST(PartiqlParserTest, ParametersAreCounted) {
  const Result<ParsedPtr> parsed =
      ParseStatement("UPDATE t SET a = ? WHERE pk = ? AND b IN [?, ?]");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)->parameters, 4u);
}

TEST(PartiqlParserTest, PositionsAreCountedInCharacters) {
  const Result<ParsedPtr> parsed = ParseStatement("\n  x\xc3\xa9");
  EXPECT_FALSE(parsed.ok());
  const Result<ParsedPtr> ok = ParseStatement("'\xc3\xa9\xf0\x9f\x98\x80' = foo(1)");
  ASSERT_TRUE(ok.ok());
  EXPECT_EQ(PositionText((*ok)->root->children[1]->at), " at 1:8:3");
}

}  // namespace
}  // namespace everwrite::partiql
