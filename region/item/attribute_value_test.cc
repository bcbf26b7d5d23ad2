#include "region/item/attribute_value.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/item/testing/random_item.h"

namespace everwrite::item {
namespace {

TEST(AttributeValueTest, TreesAndBytesAreTheSameThing) {
  Random random(21);
  for (int i = 0; i < 3000; ++i) {
    AttributeValue value = testing::RandomValue(random);
    std::string bytes = value.Encode();
    ASSERT_TRUE(IsWellFormedValue(bytes));
    ASSERT_EQ(AttributeValue::From(ValueView(bytes)), value);
  }
}

TEST(AttributeValueTest, EqualExactlyWhenBytesAreEqual) {
  Random random(22);
  for (int i = 0; i < 3000; ++i) {
    AttributeValue a = testing::RandomValue(random, 1), b = testing::RandomValue(random, 1);
    ASSERT_EQ(a == b, a.Encode() == b.Encode());
  }
}

TEST(AttributeValueTest, SetsCompareAsSets) {
  using V = AttributeValue;
  EXPECT_EQ(V::OfSet(ValueType::kStringSet, {"b", "a", "b"}),
            V::OfSet(ValueType::kStringSet, {"a", "b"}));
  EXPECT_NE(V::OfSet(ValueType::kStringSet, {"a"}), V::OfSet(ValueType::kBinarySet, {"a"}));
  EXPECT_NE(V::OfList({V::String("a"), V::String("b")}),
            V::OfList({V::String("b"), V::String("a")}));
  EXPECT_NE(V::String("1"), V::Number("1"));
}

}  // namespace
}  // namespace everwrite::item
