// Legacy conditions and updates: the rules of their arguments, and that they say what the
// expressions say that replaced them.
#include "region/expression/legacy.h"

#include <gtest/gtest.h>

#include "region/expression/key_condition.h"
#include "region/expression/testing/legacy_model.h"
#include "region/expression/testing/request.h"

namespace everwrite::expression {
namespace {

using testing::B;
using testing::Item;
using testing::L;
using testing::N;
using testing::NS;
using testing::S;
using testing::Show;
using testing::SS;
using testing::V;
using Op = LegacyOperator;

LegacyCondition Make(std::string attribute, Op op, std::initializer_list<V> values) {
  LegacyCondition condition{std::move(attribute), op, {}};
  for (const V& value : values) condition.values.push_back(value.Encode());
  return condition;
}

std::string Check(Op op, std::initializer_list<V> values) {
  return CheckArguments(Make("a", op, values)).message();
}

bool Holds(const LegacyCondition& condition, const std::string& item) {
  const Binding binding =
      LowerConditions(Kind::kCondition, std::span(&condition, 1), Node::Type::kAnd);
  return Matches(binding, item::ItemView(item));
}

TEST(LegacyTest, EachOperatorHasItsNumberOfArguments) {
  const std::string wrong =
      "One or more parameter values were invalid: Invalid number of argument(s) for the ";
  for (const Op op : {Op::kEqual, Op::kNotEqual, Op::kLess, Op::kLessOrEqual, Op::kGreater,
                      Op::kGreaterOrEqual, Op::kContains, Op::kNotContains, Op::kBeginsWith}) {
    const std::string message = wrong + std::string(LegacyOperatorName(op)) + " ComparisonOperator";
    EXPECT_EQ(Check(op, {}), message);
    EXPECT_EQ(Check(op, {S("x")}), "");
    EXPECT_EQ(Check(op, {S("x"), S("x")}), message);
  }
  for (const Op op : {Op::kNull, Op::kNotNull}) {
    EXPECT_EQ(Check(op, {}), "");
    EXPECT_EQ(Check(op, {S("x")}),
              wrong + std::string(LegacyOperatorName(op)) + " ComparisonOperator");
  }
  EXPECT_EQ(Check(Op::kIn, {}), wrong + "IN ComparisonOperator");
  EXPECT_EQ(Check(Op::kIn, {S("x"), S("y"), S("z")}), "");
  EXPECT_EQ(Check(Op::kBetween, {N("1")}), wrong + "BETWEEN ComparisonOperator");
  EXPECT_EQ(Check(Op::kBetween, {N("1"), N("2"), N("3")}), wrong + "BETWEEN ComparisonOperator");
  EXPECT_EQ(Check(Op::kBetween, {N("9"), N("10")}), "");
}

TEST(LegacyTest, EachOperatorHasItsTypes) {
  const auto refused = [](std::string_view op, std::string_view type) {
    return "One or more parameter values were invalid: ComparisonOperator " + std::string(op) +
           " is not valid for " + std::string(type) + " AttributeValue type";
  };
  EXPECT_EQ(Check(Op::kLess, {SS({"a"})}), refused("LT", "SS"));
  EXPECT_EQ(Check(Op::kBeginsWith, {N("1")}), refused("BEGINS_WITH", "N"));
  EXPECT_EQ(Check(Op::kContains, {L({})}), refused("CONTAINS", "L"));
  EXPECT_EQ(Check(Op::kContains, {V::Null()}), "");
  EXPECT_EQ(Check(Op::kIn, {V::Bool(true), V::Bool(true)}), refused("IN", "BOOL"));
  EXPECT_EQ(Check(Op::kEqual, {L({})}), "");
  EXPECT_EQ(Check(Op::kIn, {S("a"), N("1")}),
            "One or more parameter values were invalid: AttributeValues inside AttributeValueList "
            "must be of same type");
  EXPECT_EQ(Check(Op::kBetween, {N("10"), N("9")}),
            "The BETWEEN condition was provided a range where the lower bound is greater than the "
            "upper bound");
}

TEST(LegacyTest, NotContainsIsFalseOfWhatIsNotThere) {
  const std::string item = Item({{"s", S("hello")}, {"n", N("1")}});
  EXPECT_FALSE(Holds(Make("absent", Op::kNotContains, {S("x")}), item));
  EXPECT_TRUE(Holds(Make("s", Op::kNotContains, {S("x")}), item));
  EXPECT_FALSE(Holds(Make("s", Op::kNotContains, {S("ell")}), item));
  EXPECT_TRUE(Holds(Make("n", Op::kNotContains, {S("x")}), item));
  // NE is the other way round.
  EXPECT_TRUE(Holds(Make("absent", Op::kNotEqual, {S("x")}), item));
}

TEST(LegacyTest, ANameIsAWholeName) {
  const std::string item = Item({{"a.b", N("1")}, {"size", N("2")}});
  EXPECT_TRUE(Holds(Make("a.b", Op::kEqual, {N("1")}), item));
  EXPECT_TRUE(Holds(Make("size", Op::kEqual, {N("2")}), item));
}

TEST(LegacyTest, ConditionsSayWhatTheirExpressionsSay) {
  Random random(20);
  int held = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string bytes = item::testing::RandomItem(random);
    const item::ItemView item(bytes);
    std::vector<LegacyCondition> conditions;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      conditions.push_back(testing::RandomLegacyCondition(random, item));
    }
    const auto how = random.Chance(1, 2) ? Node::Type::kAnd : Node::Type::kOr;
    const bool legacy = testing::AnswerOfLegacy(conditions, how, item);
    ASSERT_EQ(legacy, testing::AnswerOfText(conditions, how, item)) << round;
    held += legacy;
  }
  EXPECT_GT(held, 2000);  // both answers were seen
  EXPECT_LT(held, 18000);
}

TEST(LegacyTest, ThousandsOfConditionsNestByTheirLogarithm) {
  std::vector<LegacyCondition> conditions;
  for (int i = 0; i < 20000; ++i) {
    conditions.push_back(Make("a" + std::to_string(i), Op::kNull, {}));
  }
  EXPECT_TRUE(testing::AnswerOfLegacy(conditions, Node::Type::kAnd, item::ItemView()));
}

// --- updates -----------------------------------------------------------------------------------

using Action = LegacyUpdate::Action;

std::string Apply(std::vector<LegacyUpdate> updates, const std::string& item) {
  const Result<std::string> updated = ApplyUpdate(LowerUpdates(updates), item::ItemView(item));
  return updated.ok() ? Show(item::ItemView(*updated)) : updated.status().message();
}
std::string Apply(Action action, const V& value, const std::string& item) {
  return Apply({{"a", action, value.Encode()}}, item);
}

TEST(LegacyTest, PutWritesAddAddsDeleteTakesAway) {
  EXPECT_EQ(Apply(Action::kPut, S("x"), Item({{"a", N("1")}})), "{a:\"x\"}");
  EXPECT_EQ(Apply(Action::kAdd, N("2"), Item({{"a", N("1")}})), "{a:3}");
  EXPECT_EQ(Apply(Action::kAdd, N("2"), Item({})), "{a:2}");
  EXPECT_EQ(Apply(Action::kAdd, SS({"y"}), Item({{"a", SS({"x"})}})), "{a:<x y>}");
  EXPECT_EQ(Apply(Action::kAdd, L({N("3")}), Item({{"a", L({N("1")})}})), "{a:[1 3]}");
  EXPECT_EQ(Apply(Action::kAdd, L({N("3")}), Item({})), "{a:[3]}");
  EXPECT_EQ(Apply(Action::kDelete, SS({"x"}), Item({{"a", SS({"x", "y"})}})), "{a:<y>}");
  EXPECT_EQ(Apply(Action::kDelete, SS({"x"}), Item({{"a", SS({"x"})}})), "{}");
  EXPECT_EQ(Apply(Action::kDelete, SS({"x"}), Item({})), "{}");
  EXPECT_EQ(Apply({{"a", Action::kDelete, std::nullopt}}, Item({{"a", N("1")}, {"b", N("2")}})),
            "{b:2}");
}

TEST(LegacyTest, AnUpdateOfAnotherTypeIsAMismatch) {
  const std::string mismatch = "Type mismatch for attribute to update";
  EXPECT_EQ(Apply(Action::kAdd, N("2"), Item({{"a", S("x")}})), mismatch);
  EXPECT_EQ(Apply(Action::kAdd, NS({"2"}), Item({{"a", SS({"x"})}})), mismatch);
  EXPECT_EQ(Apply(Action::kAdd, L({}), Item({{"a", SS({"x"})}})), mismatch);
  EXPECT_EQ(Apply(Action::kDelete, NS({"2"}), Item({{"a", N("2")}})), mismatch);
}

TEST(LegacyTest, EachActionHasItsTypes) {
  const auto check = [](Action action, std::optional<V> value) {
    LegacyUpdate update{"a", action, std::nullopt};
    if (value) update.value = value->Encode();
    return CheckUpdate(update).message();
  };
  const std::string invalid = "One or more parameter values were invalid: ";
  EXPECT_EQ(check(Action::kPut, std::nullopt),
            invalid + "Only DELETE action is allowed when no attribute value is specified");
  EXPECT_EQ(check(Action::kAdd, std::nullopt),
            invalid + "Only DELETE action is allowed when no attribute value is specified");
  EXPECT_EQ(check(Action::kDelete, std::nullopt), "");
  EXPECT_EQ(check(Action::kDelete, L({})),
            invalid + "DELETE action with value is not supported for the type L");
  EXPECT_EQ(check(Action::kAdd, S("x")), invalid + "ADD action is not supported for the type S");
  EXPECT_EQ(check(Action::kAdd, L({})), "");
  EXPECT_EQ(check(Action::kPut, V::Null()), "");
}

TEST(LegacyTest, ManyUpdatesAreOneMerge) {
  std::vector<LegacyUpdate> updates;
  for (int i = 0; i < 5000; ++i) {
    updates.push_back({"a" + std::to_string(i), Action::kAdd, N("1").Encode()});
  }
  const Result<std::string> updated = ApplyUpdate(LowerUpdates(updates), item::ItemView());
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(item::ItemView(*updated).size(), 5000u);
}

TEST(LegacyTest, AnUpdateThatOnlyTakesAwayIsKnown) {
  const std::vector<LegacyUpdate> removes = {{"a", Action::kDelete, std::nullopt},
                                             {"b", Action::kDelete, SS({"x"}).Encode()}};
  const std::vector<LegacyUpdate> mixed = {{"a", Action::kDelete, std::nullopt},
                                           {"b", Action::kAdd, N("1").Encode()}};
  EXPECT_TRUE(OnlyRemoves(LowerUpdates(removes)));
  EXPECT_FALSE(OnlyRemoves(LowerUpdates(mixed)));
}

// --- key conditions ----------------------------------------------------------------------------

const item::KeySchema kSchema{{"pk", item::KeyType::kString}, {{"sk", item::KeyType::kNumber}}};
const item::KeySchema kHashOnly{{"pk", item::KeyType::kString}, {}};

std::string KeyError(std::vector<LegacyCondition> conditions,
                     const item::KeySchema& schema = kSchema) {
  const Binding binding = LowerConditions(Kind::kKeyCondition, conditions, Node::Type::kAnd);
  return ResolveKeyCondition(binding, schema).status().message();
}

TEST(LegacyTest, KeyConditionsAreKeyConditionsOrRefused) {
  const LegacyCondition pk = Make("pk", Op::kEqual, {S("p")});
  EXPECT_EQ(KeyError({pk}), "");
  EXPECT_EQ(KeyError({pk, Make("sk", Op::kBetween, {N("1"), N("2")})}), "");
  EXPECT_EQ(KeyError({Make("sk", Op::kLess, {N("1")}), pk}), "");
  EXPECT_EQ(KeyError({Make("sk", Op::kEqual, {N("1")})}),
            "Query condition missed key schema element: pk");
  EXPECT_EQ(KeyError({pk, Make("x", Op::kEqual, {N("1")})}),
            "Query condition missed key schema element: sk");
  EXPECT_EQ(KeyError({pk, Make("x", Op::kNull, {})}),
            "Query condition missed key schema element: sk");
  EXPECT_EQ(KeyError({Make("pk", Op::kLess, {S("p")})}), "Query key condition not supported");
  EXPECT_EQ(KeyError({Make("pk", Op::kNotEqual, {N("1")}), Make("sk", Op::kEqual, {S("s")})}),
            "Attempted conditional constraint is not an indexable operation");
  EXPECT_EQ(KeyError({Make("pk", Op::kEqual, {N("1")}), Make("sk", Op::kNull, {})}),
            "One or more parameter values were invalid: Condition parameter type does not match "
            "schema type");
  EXPECT_EQ(KeyError({pk, Make("x", Op::kEqual, {N("1")})}, kHashOnly),
            "Query key condition not supported");
  for (const auto& condition :
       {Make("sk", Op::kNotEqual, {N("1")}), Make("sk", Op::kContains, {N("1")}),
        Make("sk", Op::kNotContains, {N("1")}), Make("sk", Op::kIn, {N("1")}),
        Make("sk", Op::kNull, {}), Make("sk", Op::kNotNull, {})}) {
    EXPECT_EQ(KeyError({pk, condition}),
              "Attempted conditional constraint is not an indexable operation");
  }
}

}  // namespace
}  // namespace everwrite::expression
