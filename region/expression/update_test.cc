// Expected answers were compared with DynamoDB Local 1.25.
#include "region/expression/update.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/expression/testing/request.h"
#include "region/item/number.h"
#include "region/item/testing/random_item.h"

namespace everwrite::expression {
namespace {

using namespace testing;  // NOLINT: the test's vocabulary

const char* const kIncorrectType = "An operand in the update expression has an incorrect data type";
const char* const kMissing =
    "The provided expression refers to an attribute that does not exist in the item";
const char* const kInvalidPath =
    "The document path provided in the update expression is invalid for update";

// {a:"x" l:[1 2 3] m:{b:"y" c:{d:1}} n:5 s:<a b>}
std::string TheItem() {
  return Item({{"a", S("x")},
               {"n", N("5")},
               {"l", L({N("1"), N("2"), N("3")})},
               {"m", M({{"b", S("y")}, {"c", M({{"d", N("1")}})}})},
               {"s", SS({"a", "b"})}});
}

// The change alone, as UpdatedPart shows it before and after.
std::string Changed(std::string text, const V& v = V::Null()) {
  Request request(text);
  if (text.find(":v") != std::string::npos) request.Value(":v", v);
  return request.Updated(TheItem());
}

TEST(UpdateTest, SetWritesAttributesAndNestedPaths) {
  EXPECT_EQ(Changed("SET a = :v", S("z")), "{a:\"x\"} -> {a:\"z\"}");
  EXPECT_EQ(Changed("SET q = :v", S("z")), "{} -> {q:\"z\"}");
  EXPECT_EQ(Changed("SET m.b = :v, m.c.d = :v", S("z")),
            "{m:{b:\"y\" c:{d:1}}} -> {m:{b:\"z\" c:{d:\"z\"}}}");
  EXPECT_EQ(Changed("SET m.q = :v", S("z")), "{} -> {m:{q:\"z\"}}");
  EXPECT_EQ(Changed("SET l[1] = :v", S("z")), "{l:[2]} -> {l:[\"z\"]}");
  EXPECT_EQ(Request("SET m.b = :v").Value(":v", N("1")).Update(TheItem()),
            "{a:\"x\" l:[1 2 3] m:{b:1 c:{d:1}} n:5 s:<a b>}");
}

TEST(UpdateTest, SetBeyondTheEndOfAListAppendsInOrder) {
  EXPECT_EQ(Request("SET l[9] = :b, l[7] = :a, l[0] = :c")
                .Value(":a", S("a"))
                .Value(":b", S("b"))
                .Value(":c", S("c"))
                .Update(Item({{"l", L({N("1"), N("2")})}})),
            "{l:[\"c\" 2 \"a\" \"b\"]}");
}

TEST(UpdateTest, IndexesMeanTheOldListWhateverIsRemoved) {
  const std::string item = Item({{"l", L({N("1"), N("2"), N("3")})}});
  EXPECT_EQ(Request("REMOVE l[0], l[1]").Update(item), "{l:[3]}");
  EXPECT_EQ(Request("REMOVE l[0] SET l[2] = :v, l[5] = :v").Value(":v", S("z")).Update(item),
            "{l:[2 \"z\" \"z\"]}");
  EXPECT_EQ(Request("SET l[1] = :v REMOVE l[0]").Value(":v", S("z")).Update(item), "{l:[\"z\" 3]}");
  EXPECT_EQ(Request("REMOVE l[9]").Update(item), "{l:[1 2 3]}");
  EXPECT_EQ(Request("REMOVE l[0], l[1], l[2]").Update(item), "{l:[]}");
}

TEST(UpdateTest, OperandsAreReadFromTheOldItem) {
  EXPECT_EQ(Changed("SET a = m.b, m.b = a"), "{a:\"x\" m:{b:\"y\"}} -> {a:\"y\" m:{b:\"x\"}}");
  EXPECT_EQ(Changed("SET q = a REMOVE a"), "{a:\"x\"} -> {q:\"x\"}");
}

TEST(UpdateTest, Arithmetic) {
  EXPECT_EQ(Changed("SET n = n + :v", N("1.5")), "{n:5} -> {n:6.5}");
  EXPECT_EQ(Changed("SET n = :v - n", N("1")), "{n:5} -> {n:-4}");
  EXPECT_EQ(Changed("SET n = n + n"), "{n:5} -> {n:10}");
  EXPECT_EQ(Changed("SET n = (n + :v)", N("1")), "{n:5} -> {n:6}");
  EXPECT_EQ(Changed("SET q = if_not_exists(q, :v) + :v", N("1")), "{} -> {q:2}");
  EXPECT_EQ(Changed("SET n = a + :v", N("1")), kIncorrectType);
  EXPECT_EQ(Changed("SET n = nope + :v", N("1")), kMissing);
  EXPECT_EQ(Changed("SET n = n + :v", N("0.00000000000000000000000000000000000001")),
            "Attempting to store more than 38 significant digits in a Number");
  const std::string huge = "9" + std::string(125, '0');
  EXPECT_EQ(
      Changed("SET q = :v + :v", N(huge)),
      "Number overflow. Attempting to store a number with magnitude larger than supported range");
}

TEST(UpdateTest, IfNotExistsAndListAppend) {
  EXPECT_EQ(Changed("SET q = if_not_exists(q, n)"), "{} -> {q:5}");
  EXPECT_EQ(Changed("SET n = if_not_exists(n, :v)", N("1")), "{n:5} -> {n:5}");
  EXPECT_EQ(Changed("SET q = if_not_exists(nope, nope)"), kMissing);
  EXPECT_EQ(Changed("SET l = list_append(l, :v)", L({S("q")})), "{l:[1 2 3]} -> {l:[1 2 3 \"q\"]}");
  EXPECT_EQ(Changed("SET l = list_append(:v, l)", L({S("q")})), "{l:[1 2 3]} -> {l:[\"q\" 1 2 3]}");
  EXPECT_EQ(Changed("SET q = list_append(if_not_exists(q, :v), :v)", L({S("q")})),
            "{} -> {q:[\"q\" \"q\"]}");
  EXPECT_EQ(Changed("SET l = list_append(a, :v)", L({})), kIncorrectType);
  EXPECT_EQ(Changed("SET l = list_append(nope, :v)", L({})), kMissing);
  EXPECT_EQ(Changed("SET q = m.nope"), kMissing);
}

TEST(UpdateTest, RemoveTakesAwayWhatIsThere) {
  EXPECT_EQ(Changed("REMOVE a"), "{a:\"x\"} -> {}");
  EXPECT_EQ(Changed("REMOVE m.b, m.c.d"), "{m:{b:\"y\" c:{d:1}}} -> {}");
  EXPECT_EQ(Request("REMOVE m.b, m.c.d").Update(TheItem()),
            "{a:\"x\" l:[1 2 3] m:{c:{}} n:5 s:<a b>}");
  EXPECT_EQ(Changed("REMOVE nope, m.nope"), "{} -> {}");
}

TEST(UpdateTest, AddCountsAndUnites) {
  EXPECT_EQ(Changed("ADD n :v", N("-7")), "{n:5} -> {n:-2}");
  EXPECT_EQ(Changed("ADD q :v", N("1")), "{} -> {q:1}");
  EXPECT_EQ(Changed("ADD m.c.d :v", N("1")), "{m:{c:{d:1}}} -> {m:{c:{d:2}}}");
  EXPECT_EQ(Changed("ADD s :v", SS({"c", "a", "Z"})), "{s:<a b>} -> {s:<Z a b c>}");
  EXPECT_EQ(Changed("ADD q :v", SS({"c"})), "{} -> {q:<c>}");
  EXPECT_EQ(Changed("ADD l[8] :v", N("1")), "{} -> {}");
  EXPECT_EQ(Changed("ADD a :v", N("1")), kIncorrectType);
  EXPECT_EQ(Changed("ADD s :v", NS({"1"})), kIncorrectType);
  EXPECT_EQ(Changed("ADD s :v", N("1")), kIncorrectType);
}

TEST(UpdateTest, DeleteTakesElementsFromSets) {
  EXPECT_EQ(Changed("DELETE s :v", SS({"a", "q"})), "{s:<a b>} -> {s:<b>}");
  EXPECT_EQ(Changed("DELETE s :v", SS({"a", "b", "c"})), "{s:<a b>} -> {}") << "no empty set";
  EXPECT_EQ(Changed("DELETE q :v", SS({"a"})), "{} -> {}");
  EXPECT_EQ(Changed("DELETE m.q :v", SS({"a"})), "{} -> {}");
  EXPECT_EQ(Changed("DELETE s :v", NS({"1"})), kIncorrectType);
  EXPECT_EQ(Changed("DELETE a :v", SS({"a"})), kIncorrectType);
}

TEST(UpdateTest, PathsMustLeadThroughContainers) {
  for (std::string text : {"SET m.x.y = :v", "SET zz.y = :v", "SET a.y = :v", "SET a[0] = :v",
                           "SET m[0] = :v", "SET l.b = :v", "SET l[0].x = :v"}) {
    EXPECT_EQ(Changed(text, S("z")), kInvalidPath) << text;
  }
  EXPECT_EQ(Changed("REMOVE nope.x"), kInvalidPath);
  EXPECT_EQ(Changed("ADD q.r :v", N("1")), kInvalidPath);
  EXPECT_EQ(Changed("DELETE q.r :v", SS({"a"})), kInvalidPath);
}

TEST(UpdateTest, AllClausesTogether) {
  EXPECT_EQ(Request("SET a = :v, b = :v REMOVE m ADD n :v DELETE s :s")
                .Value(":v", N("1"))
                .Value(":s", SS({"a"}))
                .Update(TheItem()),
            "{a:1 b:1 l:[1 2 3] n:6 s:<b>}");
}

TEST(UpdateTest, ItemsStayWithinTheirLimits) {
  const std::string half(item::kItemBytesMax / 2, 'x');
  EXPECT_EQ(Request("SET a = :v").Value(":v", S(half)).Update("").substr(0, 5), "{a:\"x");
  EXPECT_EQ(Request("SET a = :v, b = :v").Value(":v", S(half)).Update(""),
            "Item size to update has exceeded the maximum allowed size");
  std::string many = "SET a0 = :v";
  for (int i = 1; i < 300; ++i) many += ",a" + std::to_string(i) + "=:v";
  EXPECT_EQ(Request(many).Value(":v", S(std::string(300000, 'x'))).Update(""),
            "Item size to update has exceeded the maximum allowed size");
  V deep = S("leaf");
  for (int i = 0; i < 30; ++i) deep = L({deep});
  EXPECT_EQ(Request("SET l[0] = :v").Value(":v", deep).Update(TheItem()).substr(0, 3), "{a:");
  EXPECT_EQ(
      Request("SET m.c.d = :v").Value(":v", deep).Update(TheItem()),
      "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
      "beyond supported limit");
}

// Random sets of simple changes against the obvious model: a map of names.
TEST(UpdateTest, TopLevelChangesFollowAMap) {
  Random random(71);
  for (int i = 0; i < 3000; ++i) {
    std::map<std::string, V> model;
    item::ItemBuilder builder;
    for (char c = 'a'; c <= 'h'; ++c) {
      if (random.Chance(1, 2)) continue;
      V value = item::testing::RandomValue(random, 2);
      value.AppendTo(builder.Begin(std::string("f") + c));
      model.emplace(std::string("f") + c, value);
    }
    const std::string old = builder.Finish();
    std::string set, remove;
    V value = item::testing::RandomValue(random, 2);
    bool uses_value = false;
    for (char c = 'h'; c >= 'a'; --c) {
      const std::string name = std::string("f") + c;
      switch (random.Below(3)) {
        case 0:
          set += (set.empty() ? "SET " : ", ") + name + " = :v";
          model.insert_or_assign(name, value);
          uses_value = true;
          break;
        case 1:
          remove += (remove.empty() ? " REMOVE " : ", ") + name;
          model.erase(name);
          break;
        default: break;
      }
    }
    if (set.empty() && remove.empty()) continue;
    Request request(set + remove);
    if (uses_value) request.Value(":v", value);
    std::string wanted;
    for (const auto& [name, v] : model) {
      item::PutName(wanted, name);
      v.AppendTo(wanted);
    }
    ASSERT_EQ(request.Update(old), Show(item::ItemView(wanted)));
  }
}

TEST(UpdateTest, SetsAreMergedAsSets) {
  Random random(72);
  for (int i = 0; i < 2000; ++i) {
    V::Set left, right;
    for (uint64_t n = 1 + random.Below(6); n > 0; --n)
      left.push_back(std::to_string(random.Between(-9, 15)));
    for (uint64_t n = 1 + random.Below(6); n > 0; --n)
      right.push_back(std::to_string(random.Between(-9, 15)));
    const V a = NS(left), b = NS(right);
    V::Set both = left, difference;
    both.insert(both.end(), right.begin(), right.end());
    for (const std::string& element : a.set()) {
      if (std::find(right.begin(), right.end(), element) == right.end())
        difference.push_back(element);
    }
    const std::string item = Item({{"s", a}});
    ASSERT_EQ(Request("ADD s :v").Value(":v", b).Update(item),
              Show(item::ItemView(Item({{"s", NS(both)}}))));
    ASSERT_EQ(Request("DELETE s :v").Value(":v", b).Update(item),
              difference.empty() ? "{}" : Show(item::ItemView(Item({{"s", NS(difference)}}))));
  }
}

}  // namespace
}  // namespace everwrite::expression
