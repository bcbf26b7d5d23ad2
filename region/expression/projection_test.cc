#include "region/expression/projection.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/expression/testing/request.h"
#include "region/item/testing/random_item.h"

namespace everwrite::expression {
namespace {

using namespace testing;  // NOLINT: the test's vocabulary

const std::string& TheItem() {
  static const std::string item =
      Item({{"a", S("x")},
            {"n", N("5")},
            {"l", L({N("1"), N("2"), M({{"q", S("1")}, {"r", S("2")}})})},
            {"m", M({{"b", S("y")}, {"c", M({{"d", N("1")}, {"e", N("2")}})}})}});
  return item;
}

std::string Projected(std::string text) { return Request(text).Projection(TheItem()); }

TEST(ProjectionTest, AttributesAndNestedPaths) {
  EXPECT_EQ(Projected("a"), "{a:\"x\"}");
  EXPECT_EQ(Projected("n, a"), "{a:\"x\" n:5}");
  EXPECT_EQ(Projected("m.b"), "{m:{b:\"y\"}}");
  EXPECT_EQ(Projected("m.c.d, n, m.b"), "{m:{b:\"y\" c:{d:1}} n:5}");
  EXPECT_EQ(Projected("m"), "{m:{b:\"y\" c:{d:1 e:2}}}");
}

TEST(ProjectionTest, ListsCloseTheirGapsInOrder) {
  EXPECT_EQ(Projected("l[0]"), "{l:[1]}");
  EXPECT_EQ(Projected("l[2].q, l[0]"), "{l:[1 {q:\"1\"}]}");
  EXPECT_EQ(Projected("l[2].q, l[2].r"), "{l:[{q:\"1\" r:\"2\"}]}");
}

TEST(ProjectionTest, WhatIsNotThereIsLeftOutWithItsContainers) {
  for (std::string text :
       {"nope", "a.b", "l[9]", "m.x, m.y", "l.x", "m[0]", "l[1].z", "m.c.d[0]"}) {
    EXPECT_EQ(Projected(text), "{}") << text;
  }
  EXPECT_EQ(Projected("m.x, a"), "{a:\"x\"}");
}

TEST(ProjectionTest, NamesBehindPlaceholdersMayHoldDots) {
  EXPECT_EQ(Request("#d").Name("#d", "m.b").Projection(TheItem()), "{}");
  EXPECT_EQ(Request("#d").Name("#d", "m.b").Projection(Item({{"m.b", N("1")}})), "{m.b:1}");
}

TEST(ProjectionTest, AllAttributesTogetherAreTheItem) {
  Random random(61);
  for (int i = 0; i < 500; ++i) {
    const std::string bytes = item::testing::RandomItem(random);
    Request request("");
    Placeholders placeholders;
    std::string text;
    int number = 0;
    for (const item::Attribute& attribute : item::ItemView(bytes)) {
      const std::string placeholder = "#n" + std::to_string(number++);
      ASSERT_TRUE(placeholders.AddName(placeholder, attribute.name).ok());
      text = text.empty() ? placeholder : placeholder + "," + text;
    }
    if (text.empty()) continue;
    Binding binding = Bind(Parse(Kind::kProjection, text).value(), placeholders).value();
    ASSERT_EQ(Project(binding, item::ItemView(bytes)), bytes);
  }
}

}  // namespace
}  // namespace everwrite::expression
