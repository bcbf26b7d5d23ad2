#include "cli/conflict_text.h"

#include <gtest/gtest.h>

namespace everwrite::cli {
namespace {

TEST(ConflictText, AConflictIsShownAsADifference) {
  const auto conflict = JsonValue::Parse(
      R"({"name":"n1","kind":"item","table":"notes","reason":"concurrent write","decided":"D",)"
      R"("key":{"pk":{"S":"x"}},)"
      R"("loser":{"version":"v1","region_id":1,"time":"T1","deleted":false,)"
      R"("item":{"pk":{"S":"x"},"a":{"N":"1"},"only":{"BOOL":true}}},)"
      R"("winner":{"version":"v2","region_id":2,"time":"T2","deleted":false,)"
      R"("item":{"pk":{"S":"x"},"a":{"N":"2"},"new":{"S":"y"}}}})");
  ASSERT_TRUE(conflict.ok());
  EXPECT_EQ(ConflictDiff(*conflict), R"(n1
item of table notes  key {"pk":{"S":"x"}}
concurrent write, decided D
--- lost  T1 region 1  v1
+++ won   T2 region 2  v2
- a: {"N":"1"}
+ a: {"N":"2"}
+ new: {"S":"y"}
- only: {"BOOL":true}
  pk: {"S":"x"}
)");
}

TEST(ConflictText, TimesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(*ParseTime("1700000000123"), 1700000000123u);
  EXPECT_EQ(*ParseTime("2023-11-14T22:13:20Z"), 1700000000000u);
  EXPECT_EQ(*ParseTime("2023-11-14 22:13"), 1699999980000u);
  EXPECT_EQ(*ParseTime("2023-11-14"), 1699920000000u);
  EXPECT_EQ(*ParseTime("2023-11-14T22:13:20.500Z"), 1700000000000u);
  for (const char* bad : {"", "yesterday", "2023-13-01", "2023-02-30", "2023-11-14T25:00",
                          "2023-11-14T22", "2023-11-14T22:13:20+01:00", "2023/11/14"})
    EXPECT_FALSE(ParseTime(bad).ok()) << bad;
}

}  // namespace
}  // namespace everwrite::cli
