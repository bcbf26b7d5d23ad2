#include "region/expression/expression_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace everwrite::expression {
namespace {

std::string Text(int i) { return "attribute_" + std::to_string(i) + " = :v" + std::to_string(i); }

TEST(ExpressionCacheTest, TheSameTextIsParsedOnce) {
  ExpressionCache cache;
  const ExpressionPtr first = cache.Parse(Kind::kCondition, "a = :v").value();
  const ExpressionPtr again = cache.Parse(Kind::kCondition, "a = :v").value();
  EXPECT_EQ(first.get(), again.get());
  EXPECT_EQ(cache.hits(), 1u);
  EXPECT_EQ(cache.misses(), 1u);
}

TEST(ExpressionCacheTest, TheKindIsPartOfTheKey) {
  ExpressionCache cache;
  EXPECT_EQ(cache.Parse(Kind::kCondition, "a = :v").value()->kind, Kind::kCondition);
  EXPECT_EQ(cache.Parse(Kind::kFilter, "a = :v").value()->kind, Kind::kFilter);
  EXPECT_EQ(cache.entries(), 2u);
}

TEST(ExpressionCacheTest, WhatDoesNotParseIsNotKept) {
  ExpressionCache cache;
  EXPECT_FALSE(cache.Parse(Kind::kCondition, "a =").ok());
  EXPECT_FALSE(cache.Parse(Kind::kCondition, "a =").ok());
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(ExpressionCacheTest, GrowsToItsNumberOfEntriesAndNoFurther) {
  ExpressionCache cache({.entries_max = 10, .bytes_max = 1 << 20});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(i)).ok());
    ASSERT_LE(cache.entries(), 10u);
  }
  EXPECT_EQ(cache.entries(), 10u);
}

TEST(ExpressionCacheTest, GrowsToItsBytesAndNoFurther) {
  constexpr size_t kBytesMax = 64 * 1024;
  ExpressionCache cache({.entries_max = 100000, .bytes_max = kBytesMax});
  for (int i = 0; i < 2000; ++i) {
    std::string text = Text(i);
    for (int more = 0; more < i % 100; ++more) text += " OR a = :v";
    ASSERT_TRUE(cache.Parse(Kind::kCondition, text).ok());
    ASSERT_LE(cache.bytes(), kBytesMax);
  }
  EXPECT_GT(cache.entries(), 1u);
}

TEST(ExpressionCacheTest, AnExpressionLargerThanTheCacheIsParsedAndNotKept) {
  ExpressionCache cache({.entries_max = 10, .bytes_max = 100});
  EXPECT_TRUE(cache.Parse(Kind::kCondition, "a = :v").ok());
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(ExpressionCacheTest, TheOneUsedLongestAgoGoesFirst) {
  ExpressionCache cache({.entries_max = 2, .bytes_max = 1 << 20});
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(1)).ok());
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(2)).ok());
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(1)).ok());  // 2 is now the older one
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(3)).ok());
  const uint64_t misses = cache.misses();
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(1)).ok());
  EXPECT_EQ(cache.misses(), misses);
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(2)).ok());
  EXPECT_EQ(cache.misses(), misses + 1);
}

TEST(ExpressionCacheTest, AnExpressionOutlivesItsPlace) {
  ExpressionCache cache({.entries_max = 1, .bytes_max = 1 << 20});
  const ExpressionPtr kept = cache.Parse(Kind::kCondition, Text(1)).value();
  ASSERT_TRUE(cache.Parse(Kind::kCondition, Text(2)).ok());
  EXPECT_EQ(kept->elements[0].name, "attribute_1");
}

}  // namespace
}  // namespace everwrite::expression
