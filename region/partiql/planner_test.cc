// What statements do: which SELECT reads which keys, and how conditions and updates are lowered.
#include "region/partiql/planner.h"

#include <gtest/gtest.h>

#include "region/expression/evaluator.h"
#include "region/expression/testing/request.h"
#include "region/expression/update.h"
#include "region/partiql/parser.h"

namespace everwrite::partiql {
namespace {

using expression::testing::Item;
using expression::testing::L;
using expression::testing::M;
using expression::testing::N;
using expression::testing::NS;
using expression::testing::S;
using expression::testing::Show;
using expression::testing::SS;
using expression::testing::V;

const item::KeySchema kSchema{{"pk", item::KeyType::kString}, {{"sk", item::KeyType::kNumber}}};

struct Planned {
  ParsedPtr parsed;
  std::vector<std::string> parameters;
  Result<Outline> outline = Status(StatusCode::kInternal, "not yet");
};

Planned Read(std::string_view text, std::initializer_list<V> parameters = {}) {
  Planned planned;
  for (const V& value : parameters) planned.parameters.push_back(value.Encode());
  Result<ParsedPtr> parsed = ParseStatement(text);
  if (!parsed.ok()) {
    planned.outline = parsed.status();
    return planned;
  }
  planned.parsed = *parsed;
  planned.outline = OutlineOf(*planned.parsed, planned.parameters.size());
  return planned;
}

Result<SelectPlan> Select(std::string_view text, std::initializer_list<V> parameters = {}) {
  const Planned planned = Read(text, parameters);
  if (!planned.outline.ok()) return planned.outline.status();
  EW_ASSIGN_OR_RETURN(auto filter, PlanFilter(*planned.outline, planned.parameters));
  return PlanSelect(*planned.outline, planned.parameters, std::move(filter),
                    item::CompositeKeySchema(kSchema), kSchema);
}

// "scan", "one", or the number of ranges; then the keys of `items` that are in them and pass the
// filter.
std::string Reads(const std::string& where) {
  const Result<SelectPlan> plan = Select("SELECT * FROM tab WHERE " + where);
  if (!plan.ok()) return plan.status().message();
  std::string out = plan->scan          ? "scan"
                    : plan->single_item ? "one"
                                        : std::to_string(plan->ranges.size());
  size_t looked_at = 0;
  std::string found;
  for (const Range& range : plan->ranges) {
    for (const char* pk : {"a", "b"}) {
      for (int sk = 1; sk <= 5; ++sk) {
        const std::string item =
            Item({{"pk", S(pk)}, {"sk", N(std::to_string(sk))}, {"v", N(std::to_string(sk % 2))}});
        const std::string key = item::EncodeKeyOfItem(kSchema, item::ItemView(item)).value();
        if (key < range.begin || (!range.end.empty() && key >= range.end)) continue;
        ++looked_at;
        if (!expression::Matches(*plan->filter, item::ItemView(item))) continue;
        found += " " + std::string(pk) + std::to_string(sk);
      }
    }
  }
  return out + " of " + std::to_string(looked_at) + ":" + found;
}

TEST(PartiqlPlannerTest, WhichSelectReadsWhat) {
  EXPECT_EQ(Reads("pk = 'a'"), "1 of 5: a1 a2 a3 a4 a5");
  EXPECT_EQ(Reads("pk = 'a' AND sk = 2"), "one of 1: a2");
  EXPECT_EQ(Reads("pk = 'a' AND sk > 2 AND sk <= 4"), "1 of 2: a3 a4");
  EXPECT_EQ(Reads("pk = 'a' AND sk BETWEEN 2 AND 3"), "1 of 2: a2 a3");
  EXPECT_EQ(Reads("'a' = pk AND 3 < sk"), "1 of 2: a4 a5");
  EXPECT_EQ(Reads("pk = 'a' AND v = 1"), "1 of 5: a1 a3 a5");
  EXPECT_EQ(Reads("pk IN ['a', 'b'] AND sk < 2"), "2 of 2: a1 b1");
  EXPECT_EQ(Reads("pk = 'a' AND sk IN [2, 4]"), "2 of 2: a2 a4");
  EXPECT_EQ(Reads("pk IN ['a', 'b'] AND sk IN [4, 2]"), "4 of 4: a2 a4 b2 b4");
  EXPECT_EQ(Reads("pk IN ['a'] AND sk IN [4]"), "one of 1: a4");
  EXPECT_EQ(Reads("pk = 'a' AND (sk = 1 OR sk = 3)"), "2 of 2: a1 a3");
  EXPECT_EQ(Reads("pk = 'a' AND (sk < 2 OR sk > 4 OR sk BETWEEN 3 AND 3)"), "3 of 3: a1 a3 a5");
  EXPECT_EQ(Reads("(pk = 'a' OR pk = 'b') AND (sk = 1 OR sk = 3)"), "4 of 4: a1 a3 b1 b3");
  EXPECT_EQ(Reads("pk = 'a' AND sk = 1 AND sk > 0"), "1 of 1: a1");
  EXPECT_EQ(Reads("pk = 'a' AND sk > 2 AND sk <> 3"), "1 of 3: a4 a5");
  EXPECT_EQ(Reads("pk = 'a' AND sk > 4 AND sk < 2"), "0 of 0:");
  EXPECT_EQ(Reads("pk = 'a' AND pk = 'a' AND sk = 2"), "one of 1: a2");
  EXPECT_EQ(Reads("pk = 'a' OR pk = 'b' AND sk = 1"), "2 of 6: a1 a2 a3 a4 a5 b1");
  EXPECT_EQ(Reads("pk = 'a' AND sk = 1 OR pk = 'a' AND sk = 3"), "2 of 2: a1 a3");
  EXPECT_EQ(Reads("pk = 'a' AND pk = 'b'"), "scan of 10:");
  EXPECT_EQ(Reads("pk = 'a' AND (v = 1 OR v = 0)"), "1 of 5: a1 a2 a3 a4 a5");
  EXPECT_EQ(Reads("pk = 'a' OR sk = 1"), "scan of 10: a1 a2 a3 a4 a5 b1");
  EXPECT_EQ(Reads("sk = 1"), "scan of 10: a1 b1");
  EXPECT_EQ(Reads("pk = 'a' OR v = 0"), "scan of 10: a1 a2 a3 a4 a5 b2 b4");
  EXPECT_EQ(Reads("pk <> 'a'"), "scan of 10: b1 b2 b3 b4 b5");
  EXPECT_EQ(Reads("NOT pk = 'a' AND sk = 1"), "scan of 10: b1");
}

TEST(PartiqlPlannerTest, BranchesMayNotOverlapOnTheSortKey) {
  const std::string overlap =
      "Overlapping conditions with range keys are not supported in where clause";
  EXPECT_EQ(Reads("pk = 'a' AND v = 1 OR pk = 'a' AND sk = 2"), overlap);
  EXPECT_EQ(Reads("pk = 'a' AND sk > 1 OR pk = 'a' AND sk > 2"), overlap);
  EXPECT_EQ(Reads("pk = 'a' AND v = 1 OR pk = 'a' AND v = 0"), overlap);
  EXPECT_EQ(Reads("pk = 'a' AND (sk = 1 OR v = 0)"), overlap);
  EXPECT_EQ(Reads("pk IN ['a', 'b', 'a']"), overlap);
  EXPECT_EQ(Reads("pk = 'a' AND sk IN [1, 2, 1.0]"), overlap);
  EXPECT_EQ(Reads("pk = 'a' AND NOT sk = 1 OR pk = 'a' AND sk = 2"), "1 of 5: a2 a3 a4 a5");
  EXPECT_EQ(Reads("pk = 'a' OR pk = 'a' AND NOT sk = 1"), "1 of 5: a1 a2 a3 a4 a5");
}

TEST(PartiqlPlannerTest, KeysHaveTheirTypes) {
  const std::string mismatch =
      "Key attribute's data type should match its data type in table's schema: Key ";
  EXPECT_EQ(Reads("pk = 1"), mismatch + "pk");
  EXPECT_EQ(Reads("pk = 'a' AND sk < 'x'"), mismatch + "sk");
  EXPECT_EQ(Reads("pk = 1 OR pk = 'a'"), mismatch + "pk");
  EXPECT_EQ(Reads("pk = 'a' AND sk IN [1, 'x']"), mismatch + "sk");
  EXPECT_EQ(Reads("pk = 'a' AND (sk = 1 OR sk = 'x')"), mismatch + "sk");
  EXPECT_EQ(Reads("pk > 1"), "scan of 10:");
  EXPECT_EQ(Reads("pk <> 1"), "scan of 10: a1 a2 a3 a4 a5 b1 b2 b3 b4 b5");
  EXPECT_EQ(Reads("pk = 'a' AND NOT sk > 'x'"), "1 of 5: a1 a2 a3 a4 a5");
  EXPECT_EQ(Reads("pk = true"),
            "Key value must be of type S, N, or B. Key name: pk, Key type: BOOL");
  EXPECT_EQ(Reads("pk = ''"),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk");
}

std::string Members(const std::string& attribute, int count, const char* quote) {
  std::string text = attribute + " IN [";
  for (int i = 0; i < count; ++i) {
    text += (i > 0 ? ", " : "") + std::string(quote) + std::to_string(i) + quote;
  }
  return text + "]";
}

TEST(PartiqlPlannerTest, FiftyReadsAndNoMore) {
  const std::string too_many = "Too many decomposed read operations for a given query.";
  EXPECT_EQ(Reads(Members("pk", 50, "'")), "50 of 0:");
  EXPECT_EQ(Reads(Members("pk", 51, "'")), too_many);
  EXPECT_EQ(Reads("pk = 'a' AND " + Members("sk", 51, "")), too_many);
  EXPECT_EQ(Reads(Members("pk", 26, "'") + " AND sk IN [1, 2]"), too_many);
  EXPECT_EQ(Reads(Members("pk", 50, "'") + " AND " + Members("v", 100, "")), "50 of 0:");
  EXPECT_EQ(Reads(Members("pk", 51, "'") + " OR v = 7"), "scan of 10:");
  // More than there is time to spread.
  EXPECT_EQ(Reads(Members("pk", 100, "'") + " AND " + Members("sk", 100, "")), too_many);
  EXPECT_EQ(Reads("(" + Members("pk", 100, "'") + " OR v = 7) AND " + Members("sk", 100, "")),
            "scan of 10:");
}

// --- conditions --------------------------------------------------------------------------------

std::string Holds(const std::string& where, std::initializer_list<V> parameters = {}) {
  const std::string item = Item({{"n", N("5")},
                                 {"s", S("hello")},
                                 {"ss", SS({"a", "b"})},
                                 {"nul", V::Null()},
                                 {"t", V::Bool(true)},
                                 {"l", L({N("1"), S("x")})},
                                 {"m", M({{"k", S("v")}})}});
  const Result<SelectPlan> plan = Select("SELECT * FROM tab WHERE " + where, parameters);
  if (!plan.ok()) return plan.status().message();
  return expression::Matches(*plan->filter, item::ItemView(item)) ? "true" : "false";
}

TEST(PartiqlPlannerTest, Conditions) {
  for (const char* where : {"n = 5",
                            "n <> 6",
                            "n != 6",
                            "5 = n",
                            "n BETWEEN 5 AND 6",
                            "n IN (4, 5)",
                            "n IN [4, 5]",
                            "NOT n = 6",
                            "n = 5 AND s = 'hello' OR n = 7",
                            "begins_with(s, 'hel')",
                            "contains(ss, 'a')",
                            "attribute_exists(n)",
                            "ATTRIBUTE_EXISTS(n)",
                            "attribute_not_exists(x)",
                            "attribute_exists(n) = true",
                            "attribute_exists(x) = false",
                            "attribute_type(ss, 'SS')",
                            "size(s) = 5",
                            "nul IS NULL",
                            "s IS NOT NULL",
                            "x IS MISSING",
                            "n IS NOT MISSING",
                            "t IS BOOL",
                            "t IS BOOLEAN",
                            "s IS STRING",
                            "n IS NUMERIC",
                            "m IS STRUCT",
                            "l IS LIST",
                            "l[1] = 'x'",
                            "m.k = 'v'",
                            "m['k'] = 'v'",
                            "\"m\".\"k\" = 'v'",
                            "ss = <<'b', 'a'>>",
                            "m = {'k': 'v'}",
                            "l = [1, 'x']",
                            "1 = 1"}) {
    EXPECT_EQ(Holds(where), "true") << where;
  }
  for (const char* where :
       {"n = 6", "x = 1", "NOT n = 5", "s IS NULL", "nul IS NOT NULL", "x IS NOT MISSING",
        "s IS BOOL", "attribute_exists(n) = false", "n = '5'", "begins_with(s, 'x')"}) {
    EXPECT_EQ(Holds(where), "false") << where;
  }
  EXPECT_EQ(Holds("n = ? AND ss = ?", {N("5"), SS({"a", "b"})}), "true");
}

TEST(PartiqlPlannerTest, WhatAConditionMayNotSay) {
  EXPECT_EQ(Holds("n"), "WHERE clause must contain an expression that resolves to a boolean");
  EXPECT_EQ(Holds("n AND s = 1"), "The arguments to AND/OR must be Expressions");
  EXPECT_EQ(Holds("NOT n"), "The argument to NOT must be a Type or Expression");
  EXPECT_EQ(Holds("n = MISSING"), "MISSING must be compared using IS operator");
  EXPECT_EQ(Holds("n LIKE 'a'"), "Unsupported operator in Condition Expression. Operator: like");
  EXPECT_EQ(Holds("n + 1 = 2"), "Unsupported operator in Condition Expression. Operator: +");
  EXPECT_EQ(Holds("n < ?", {V::Bool(true)}),
            "Incorrect operand type for operator or function; operator or function: <, operand "
            "type: BOOL");
  EXPECT_EQ(Holds("attribute_exists('s')"),
            "Operator or function requires a document path; operator or function: "
            "attribute_exists");
  EXPECT_EQ(Holds("attribute_exists()"),
            "Incorrect number of operands for operator or function; operator or function: "
            "attribute_exists, number of operands: 0");
  EXPECT_EQ(Holds("EXISTS(s)"), "Unrecognized function: exists at 1:25:6");
  EXPECT_EQ(Holds("n IN s"),
            "IN operator must have a left hand argument of type Variable Reference and right hand "
            "argument of type Seq with at least one member");
  EXPECT_EQ(Holds("n IS INT"),
            "Unsupported data type for IS operator: INTEGER. Supported data types are [MISSING, "
            "NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST] at 1:27:2");
  EXPECT_EQ(Holds("x[-1] = 1"),
            "List index is not within the allowable range; index: [-1] at 1:28:1");
  EXPECT_EQ(Holds("pk.x = 1"),
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            "allowed: Key: pk");
  EXPECT_EQ(Holds("n = 1e126"),
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range under root");
  EXPECT_EQ(Holds("n = -0.0"), "Negative zero decimal is not supported under key root at 1:30:3");
}

// --- statements --------------------------------------------------------------------------------

std::string Insert(std::string_view text, std::initializer_list<V> parameters = {}) {
  const Planned planned = Read(text, parameters);
  if (!planned.outline.ok()) return planned.outline.status().message();
  const Result<std::string> item = PlanInsert(*planned.outline, planned.parameters, kSchema);
  if (!item.ok()) return item.status().message();
  EXPECT_TRUE(item::IsWellFormedItem(*item));
  return Show(item::ItemView(*item));
}

TEST(PartiqlPlannerTest, Inserts) {
  EXPECT_EQ(Insert("INSERT INTO tab VALUE {'pk': 'x', 'sk': 1.50, 'l': [1, 'a', true, null], "
                   "'s': <<2, 1>>, 'm': {'a': {'b': 2}}, 'q': ?}",
                   {S("q")}),
            "{l:[1 \"a\" true null] m:{a:{b:2}} pk:\"x\" q:\"q\" s:<1 2> sk:1.5}");
  EXPECT_EQ(Insert("INSERT INTO tab VALUE {'pk': 'x'}"),
            "Key attribute should be present in the item: Key sk");
  EXPECT_EQ(Insert("INSERT INTO tab VALUE {'pk': 1, 'sk': 1}"),
            "Key attribute's data type should match its data type in table's schema: Key pk");
  EXPECT_EQ(Insert("INSERT INTO tab VALUE [1]"),
            "Unsupported format in item expression. Please use struct format {...} to express item "
            "values for insert statement. at 1:23:1");
  EXPECT_EQ(Insert("INSERT INTO tab VALUES ({'pk': 'a'})"), "Unsupported operation: InsertOp");
  EXPECT_EQ(Insert("INSERT INTO tab.idx VALUE {'pk': 'a'}"),
            "FROM clause may only contain a single table name in data manipulation statements");
  EXPECT_EQ(Insert("INSERT INTO tab VALUE {'pk': 'x', 'sk': 1} RETURNING ALL OLD *"),
            "RETURNING is not supported in INSERT");
  EXPECT_EQ(Insert("INSERT INTO tab VALUE {'pk': ?}"),
            "Number of parameters in request and statement don't match.");
}

TEST(PartiqlPlannerTest, FiltersOfEachReadAreNamed) {
  const auto names = [](const std::string& where) {
    std::string out;
    const Result<SelectPlan> plan = Select("SELECT * FROM tab WHERE " + where);
    if (!plan.ok()) return plan.status().message();
    for (const std::vector<std::string>& read : plan->filtered) {
      out += out.empty() ? "" : " | ";
      for (const std::string& name : read)
        out += (out.ends_with(' ') || out.empty() ? "" : ",") + name;
    }
    return out;
  };
  EXPECT_EQ(names("pk = 'a' AND v = 1 AND NOT (w = 1 OR x.y = 2)"), "v,w,x");
  EXPECT_EQ(names("pk = 'b' AND v = 1 OR pk = 'a' AND w = 1"), "w | v");
  EXPECT_EQ(names("v = 1"), "");
}

TEST(PartiqlPlannerTest, ColumnsMayNotOverlap) {
  EXPECT_EQ(Select("SELECT m, m.b FROM tab").status().message(),
            "Two document paths overlap with each other; must remove or rewrite one of these "
            "paths; path one: [m, b], path two: [m]");
}

TEST(PartiqlPlannerTest, WhatAValueMayNotBe) {
  const auto value = [](const std::string& text) {
    return Insert("INSERT INTO tab VALUE {'pk':'x','sk':1,'v':" + text + "}");
  };
  EXPECT_EQ(value("y"), "Unsupported data type: y under key root at 1:44:1");
  EXPECT_EQ(value("1+1"), "Unsupported data type: + under key root at 1:45:1");
  EXPECT_EQ(value("[1,missing]"),
            "Unsupported data type: LiteralMissing under key root[1] at 1:47:7");
  EXPECT_EQ(value("missing"), "Unsupported data type: MISSING under key root at 1:44:7");
  EXPECT_EQ(value("[y.z]"), "Unsupported data type: Path under key root[0]");
  EXPECT_EQ(value("{'x': foo(1)}"), "Unsupported data type: NAry under key root.x at 1:50:3");
  EXPECT_EQ(value("<<>>"), "Empty bags are not supported");
  EXPECT_EQ(value("<<2, 2.0>>"),
            "One or more parameter values were invalid: Input collection [2, 2.0] contains "
            "duplicates! under root");
  EXPECT_EQ(value("<<1,'a'>>"),
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in "
            "bags");
  EXPECT_EQ(value("<<'x','x'>>"),
            "One or more parameter values were invalid: Input collection [x, x] contains "
            "duplicates.");
  const std::string overflow =
      "Number overflow. Attempting to store a number with magnitude larger than supported range";
  EXPECT_EQ(value("{'x': 1e126}"), overflow + " under root.x");
  EXPECT_EQ(value("[1, 1e126]"), overflow + " under root[1]");
  std::string deep = "1";
  for (int i = 0; i < 32; ++i) deep = "{'a':" + deep + "}";
  std::string path = "root";
  for (int i = 0; i < 32; ++i) path += ".a";
  EXPECT_EQ(value(deep), "Nesting Levels have exceeded supported limits under " + path);
  EXPECT_EQ(value("1, 'v': 2"), "Duplicate keys in tuple. Key: v under root at 1:47:3");
  EXPECT_EQ(value("{1: 2}"),
            "Tuple keys must be of type String. Actual type: INT under root at 1:45:1");
}

std::string Change(const std::string& text, const std::string& item = "",
                   std::initializer_list<V> parameters = {}) {
  const Planned planned = Read(text, parameters);
  if (!planned.outline.ok()) return planned.outline.status().message();
  const Result<ChangePlan> plan = PlanChange(*planned.outline, planned.parameters, kSchema);
  if (!plan.ok()) return plan.status().message();
  std::string out = Show(item::ItemView(plan->key_item));
  if (plan->condition) {
    out += expression::Matches(*plan->condition, item::ItemView(item)) ? " if true" : " if false";
  }
  if (!plan->update) return out;
  const Result<std::string> updated = expression::ApplyUpdate(*plan->update, item::ItemView(item));
  return out + " -> " +
         (updated.ok() ? Show(item::ItemView(*updated)) : updated.status().message());
}

TEST(PartiqlPlannerTest, Updates) {
  const std::string key = " WHERE pk = 'x' AND sk = 1";
  const std::string shown = "{pk:\"x\" sk:1}";
  EXPECT_EQ(Change("UPDATE tab SET a = 1" + key), shown + " -> {a:1}");
  EXPECT_EQ(Change("UPDATE tab SET a = a + 1 SET b = a - ?, c = (a + 1) + 1 REMOVE d" + key,
                   Item({{"a", N("5")}, {"d", N("1")}}), {N("2")}),
            shown + " -> {a:6 b:3 c:7}");
  EXPECT_EQ(Change("UPDATE tab SET s = set_add(s, <<'b'>>) SET t = SET_DELETE(t, <<1>>)" + key,
                   Item({{"s", SS({"a"})}, {"t", NS({"1", "2"})}})),
            shown + " -> {s:<a b> t:<2>}");
  EXPECT_EQ(Change("UPDATE tab SET l = list_append(l, [2]), m.x = if_not_exists(y, 'z')" + key,
                   Item({{"l", L({N("1")})}, {"m", M({})}})),
            shown + " -> {l:[1 2] m:{x:\"z\"}}");
  EXPECT_EQ(Change("UPDATE tab SET a = 1" + key + " AND b = 2", Item({{"b", N("2")}})),
            shown + " if true -> {a:1 b:2}");
  EXPECT_EQ(Change("FROM tab WHERE sk = 1 AND pk = 'x' SET a = 1"), shown + " -> {a:1}");
  EXPECT_EQ(Change("DELETE FROM tab" + key + " AND a = 1"), shown + " if false");
  EXPECT_EQ(Change("UPDATE tab SET s = set_add(s, <<1>>)" + key, Item({{"s", SS({"a"})}})),
            shown + " -> An operand in the update expression has an incorrect data type");
}

TEST(PartiqlPlannerTest, WhatAnUpdateMayNotSay) {
  const std::string key = " WHERE pk = 'x' AND sk = 1";
  const std::string incomplete =
      "Where clause does not contain a mandatory equality on all key attributes";
  EXPECT_EQ(Change("UPDATE tab SET a = 1"), incomplete);
  EXPECT_EQ(Change("UPDATE tab SET a = 1 WHERE pk = 'x'"), incomplete);
  EXPECT_EQ(Change("UPDATE tab SET a = 1 WHERE pk = 'x' AND sk > 1"), incomplete);
  EXPECT_EQ(Change("DELETE FROM tab WHERE pk = 'x' AND sk = 1 OR a = 1"), incomplete);
  EXPECT_EQ(Change("UPDATE tab SET pk = 'y'" + key),
            "One or more parameter values were invalid: Cannot update attribute pk. This attribute "
            "is part of the key");
  EXPECT_EQ(Change("UPDATE tab SET a = b * 2" + key),
            "Unsupported operator in Update Expression. Operator: *");
  EXPECT_EQ(Change("DELETE FROM tab" + key + " AND sk = 9"),
            "Multiple conditions on same key sk. Only single item Update/Insert/Delete are "
            "supported");
  EXPECT_EQ(Change("UPDATE tab SET a = foo(b)" + key), "Unrecognized function: foo at 1:20:3");
  EXPECT_EQ(Change("UPDATE tab SET a = size(b)" + key),
            "The function is not allowed in an update expression; function: size");
  EXPECT_EQ(Change("UPDATE tab SET a = b IS MISSING" + key),
            "IS operator is not supported in update expressions");
  EXPECT_EQ(Change("UPDATE tab SET a = 1 SET a = 2" + key),
            "Two document paths overlap with each other; must remove or rewrite one of these "
            "paths; path one: [a], path two: [a]");
  EXPECT_EQ(Change("UPDATE tab SET t = set_add(s, <<'x'>>)" + key),
            "The first argument to SET_ADD must equal the assignment value at 1:20:7");
  EXPECT_EQ(Change("UPDATE tab SET s = set_add(s, 'x')" + key),
            "The second argument to SET_ADD must be a value with type SET at 1:28:1");
  EXPECT_EQ(Change("UPDATE tab SET s = set_add(s)" + key),
            "SET_ADD must have exactly two arguments at 1:20:7");
  EXPECT_EQ(Change("UPDATE tab.idx SET a = 1" + key),
            "This operation is not supported on an index");
  EXPECT_EQ(Change("DELETE FROM tab" + key + " RETURNING MODIFIED OLD *"),
            "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is "
            "allowed in DELETE statements.");
}

TEST(PartiqlPlannerTest, Columns) {
  const auto row = [](const std::string& columns) {
    const Result<SelectPlan> plan = Select("SELECT " + columns + " FROM tab WHERE pk = 'x'");
    if (!plan.ok()) return plan.status().message();
    return Show(item::ItemView(ProjectRow(
        *plan,
        item::ItemView(Item(
            {{"a", N("1")}, {"l", L({S("x"), L({S("y")})})}, {"m", M({{"q", S("deep")}})}})))));
  };
  EXPECT_EQ(row("a, none"), "{a:1}");
  EXPECT_EQ(row("m.q, l[0], l[1][0]"), "{l[0]:\"x\" l[1][0]:\"y\" q:\"deep\"}");
  EXPECT_EQ(row("m.q, q"), "Duplicate identifiers in select clause: q");
  EXPECT_EQ(row("1"), "Unexpected path component at 1:8:1");
  EXPECT_EQ(row("attribute_exists(a)"), "Unexpected path component at 1:8:16");
  EXPECT_EQ(row("VALUE a"), "Select projection doesn't support value or pivot keywords");
  EXPECT_EQ(row("m.*"), "Changing item's hierarchy while reading isn't supported");
}

TEST(PartiqlPlannerTest, WhatASelectMayNotSay) {
  const auto error = [](const char* text) { return Select(text).status().message(); };
  EXPECT_EQ(error("SELECT * FROM tab t WHERE pk = 'x'"), "Aliasing is not supported");
  EXPECT_EQ(error("SELECT * FROM tab AS t"), "Aliasing is not supported");
  EXPECT_EQ(error("SELECT * FROM a.b.c"),
            "A path may contain at most 2 components in the FROM clause");
  EXPECT_EQ(error("SELECT * FROM tab.\"\""), "Path component cannot be an empty string");
  EXPECT_EQ(error("SELECT * FROM \"\""), "Path component cannot be an empty string");
  EXPECT_EQ(error("SELECT * FROM 'tab'"), "Unexpected from source");
  EXPECT_EQ(error("SELECT * FROM ab"),
            "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', "
            "'-', '_', '.'.");
  EXPECT_EQ(error("SELECT * FROM tab, tab"),
            "Only select from a single table or index is supported.");
  EXPECT_EQ(error("SELECT * FROM tab LIMIT 3"), "Unsupported clause: LIMIT at 1:25:1");
  EXPECT_EQ(error("SELECT * FROM tab GROUP BY pk"), "Unsupported clause: GROUP BY");
  EXPECT_EQ(error("SELECT * FROM tab ORDER BY sk"),
            "Must have WHERE clause in the statement when using ORDER BY clause.");
  EXPECT_EQ(error("SELECT * FROM tab WHERE sk = 1 ORDER BY sk"),
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause.");
  EXPECT_EQ(error("SELECT * FROM tab WHERE pk = 'x' ORDER BY v"),
            "Variable reference v in ORDER BY clause must be part of the primary key");
  EXPECT_EQ(error("SELECT * FROM tab WHERE pk = 'x' ORDER BY 1"),
            "Argument to ORDER BY must be of type VariableReference. Type: 1");
  EXPECT_EQ(error("DROP TABLE tab"), "Unsupported operation: DropTable");
  EXPECT_EQ(error("x IS INT4"), "Unsupported operation: IsType");
}

}  // namespace
}  // namespace everwrite::partiql
