#include "region/expression/evaluator.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/expression/testing/request.h"

namespace everwrite::expression {
namespace {

using namespace testing;  // NOLINT: the test's vocabulary

const std::string& TheItem() {
  static const std::string item = Item({{"s", S("hello")},
                                        {"e", S("\xc3\xa9\xf0\x9f\x98\x80")},
                                        {"n", N("5")},
                                        {"neg", N("-2.5")},
                                        {"b", B("abc")},
                                        {"t", V::Bool(true)},
                                        {"nul", V::Null()},
                                        {"l", L({N("1"), S("x"), M({{"q", S("deep")}})})},
                                        {"m", M({{"b", S("y")}, {"c", M({{"d", N("1")}})}})},
                                        {"ss", SS({"a", "b"})},
                                        {"ns", NS({"1", "20"})}});
  return item;
}

std::string Holds(std::string text, const V& v = V::Null(), const V& w = V::Null()) {
  Request request(text);
  if (text.find(":v") != std::string::npos) request.Value(":v", v);
  if (text.find(":w") != std::string::npos) request.Value(":w", w);
  return request.Condition(TheItem());
}

TEST(EvaluatorTest, Comparisons) {
  EXPECT_EQ(Holds("s = :v", S("hello")), "true");
  EXPECT_EQ(Holds("s = :v", B("hello")), "false");
  EXPECT_EQ(Holds("s <> :v", S("hello")), "false");
  EXPECT_EQ(Holds("s > :v", S("Z")), "true");
  EXPECT_EQ(Holds("n < :v", N("10")), "true") << "by value, not by text";
  EXPECT_EQ(Holds("n <= :v", N("5")), "true");
  EXPECT_EQ(Holds("n >= :v", N("5.1")), "false");
  EXPECT_EQ(Holds("neg < :v", N("-2.4")), "true");
  EXPECT_EQ(Holds("b > :v", B("abb")), "true");
  EXPECT_EQ(Holds("n > :v", S("")), "false") << "types differ";
  EXPECT_EQ(Holds("NOT n > :v", S("")), "true");
  EXPECT_EQ(Holds("ss = :v", SS({"b", "a"})), "true");
  EXPECT_EQ(Holds("l = :v", L({N("1"), S("x"), M({{"q", S("deep")}})})), "true");
  EXPECT_EQ(Holds("t = :v", V::Bool(true)), "true");
  EXPECT_EQ(Holds("nul = :v", V::Null()), "true");
  EXPECT_EQ(Holds(":v = :v", S("x")), "true");
  EXPECT_EQ(Holds("n = neg"), "false");
}

TEST(EvaluatorTest, WhatIsNotThereIsOnlyUnequal) {
  EXPECT_EQ(Holds("nope = :v", S("x")), "false");
  EXPECT_EQ(Holds("nope <> :v", S("x")), "true");
  EXPECT_EQ(Holds("nope <> neither"), "true");
  EXPECT_EQ(Holds("nope = neither"), "false");
  EXPECT_EQ(Holds("nope < :v", S("x")), "false");
  EXPECT_EQ(Holds("NOT nope = :v", S("x")), "true");
  EXPECT_EQ(Holds("nope IN (:v)", S("x")), "false");
  EXPECT_EQ(Holds("nope BETWEEN :v AND :v", S("x")), "false");
  EXPECT_EQ(Holds("size(nope) <> :v", N("1")), "true");
  EXPECT_EQ(Holds("begins_with(s, nope)"), "false");
}

TEST(EvaluatorTest, Paths) {
  EXPECT_EQ(Holds("m.b = :v", S("y")), "true");
  EXPECT_EQ(Holds("m.c.d = :v", N("1")), "true");
  EXPECT_EQ(Holds("l[0] = :v", N("1")), "true");
  EXPECT_EQ(Holds("l[2].q = :v", S("deep")), "true");
  EXPECT_EQ(Holds("attribute_exists(l[3])"), "false");
  EXPECT_EQ(Holds("attribute_exists(l.q)"), "false");
  EXPECT_EQ(Holds("attribute_exists(m[0])"), "false");
  EXPECT_EQ(Holds("attribute_exists(s.b)"), "false");
  EXPECT_EQ(Holds("attribute_exists(m.c)"), "true");
  EXPECT_EQ(Holds("attribute_not_exists(m.x)"), "true");
}

TEST(EvaluatorTest, RangesAndLists) {
  EXPECT_EQ(Holds("n BETWEEN :v AND :w", N("5"), N("5")), "true");
  EXPECT_EQ(Holds("n BETWEEN :v AND :w", N("5.1"), N("6")), "false");
  EXPECT_EQ(Holds("s BETWEEN :v AND :w", S("a"), S("z")), "true");
  EXPECT_EQ(Holds("n BETWEEN neg AND :v", N("5")), "true");
  EXPECT_EQ(Holds("n BETWEEN :v AND s", N("1")), "false");
  EXPECT_EQ(Holds("n IN (:v, :w)", N("4"), N("5")), "true");
  EXPECT_EQ(Holds(":v IN (s, n)", S("hello")), "true");
  EXPECT_EQ(Holds("n IN (:v)", S("5")), "false");
}

TEST(EvaluatorTest, Functions) {
  EXPECT_EQ(Holds("attribute_type(n, :v)", S("N")), "true");
  EXPECT_EQ(Holds("attribute_type(n, :v)", S("S")), "false");
  EXPECT_EQ(Holds("attribute_type(nope, :v)", S("S")), "false");
  EXPECT_EQ(Holds("begins_with(s, :v)", S("he")), "true");
  EXPECT_EQ(Holds("begins_with(s, :v)", S("el")), "false");
  EXPECT_EQ(Holds("begins_with(b, :v)", B("ab")), "true");
  EXPECT_EQ(Holds("begins_with(s, :v)", B("he")), "false");
  EXPECT_EQ(Holds("begins_with(n, :v)", S("5")), "false");
  EXPECT_EQ(Holds("contains(s, :v)", S("ell")), "true");
  EXPECT_EQ(Holds("contains(s, :v)", S("")), "true");
  EXPECT_EQ(Holds("contains(b, :v)", B("bc")), "true");
  EXPECT_EQ(Holds("contains(ss, :v)", S("a")), "true");
  EXPECT_EQ(Holds("contains(ss, :v)", SS({"a"})), "false");
  EXPECT_EQ(Holds("contains(ns, :v)", N("20")), "true");
  EXPECT_EQ(Holds("contains(ns, :v)", S("20")), "false");
  EXPECT_EQ(Holds("contains(l, :v)", M({{"q", S("deep")}})), "true");
  EXPECT_EQ(Holds("contains(n, :v)", N("5")), "false");
  EXPECT_EQ(Holds("contains(:v, s)", S("oh hello there")), "true");
}

TEST(EvaluatorTest, SizesOfEveryType) {
  EXPECT_EQ(Holds("size(s) = :v", N("5")), "true");
  EXPECT_EQ(Holds("size(e) = :v", N("3")), "true") << "UTF-16 code units";
  EXPECT_EQ(Holds("size(b) = :v", N("3")), "true");
  EXPECT_EQ(Holds("size(l) = :v", N("3")), "true");
  EXPECT_EQ(Holds("size(m) = :v", N("2")), "true");
  EXPECT_EQ(Holds("size(ss) = :v", N("2")), "true");
  EXPECT_EQ(Holds("size(n) < :v", N("100")), "false") << "a number has none";
  EXPECT_EQ(Holds("size(s) BETWEEN :v AND :w", N("1"), N("10")), "true");
  EXPECT_EQ(Holds("size(s) = n"), "true");
}

TEST(EvaluatorTest, AndBindsTighterThanOrAndNotTightest) {
  for (int bits = 0; bits < 8; ++bits) {
    const bool a = bits & 1, b = bits & 2, c = bits & 4;
    const std::string item = Item({{"a", V::Bool(a)}, {"b", V::Bool(b)}, {"c", V::Bool(c)}});
    auto holds = [&](std::string text) {
      return Request(text).Value(":v", V::Bool(true)).Condition(item) == "true";
    };
    EXPECT_EQ(holds("a=:v OR b=:v AND c=:v"), a || (b && c));
    EXPECT_EQ(holds("a=:v AND b=:v OR c=:v"), (a && b) || c);
    EXPECT_EQ(holds("(a=:v OR b=:v) AND c=:v"), (a || b) && c);
    EXPECT_EQ(holds("NOT a=:v AND b=:v OR c=:v"), (!a && b) || c);
    EXPECT_EQ(holds("NOT (a=:v OR NOT b=:v) OR NOT NOT c=:v"), !(a || !b) || c);
  }
}

TEST(EvaluatorTest, AnItemThatDoesNotExistIsEmpty) {
  EXPECT_EQ(Request("attribute_not_exists(pk)").Condition(""), "true");
  EXPECT_EQ(Request("attribute_exists(pk)").Condition(""), "false");
}

}  // namespace
}  // namespace everwrite::expression
