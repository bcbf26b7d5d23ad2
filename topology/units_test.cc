#include "topology/units.h"

#include <gtest/gtest.h>

namespace everwrite::topology {
namespace {

TEST(Units, DurationsAreExact) {
  EXPECT_EQ(*ParseDuration("40ms"), 40'000);
  EXPECT_EQ(*ParseDuration("1.5s"), 1'500'000);
  EXPECT_EQ(*ParseDuration("0.25ms"), 250);
  EXPECT_EQ(*ParseDuration("24h"), 86'400'000'000);
  EXPECT_EQ(*ParseDuration("0"), 0);
}

TEST(Units, SizesKnowThousandsAnd1024s) {
  EXPECT_EQ(*ParseBytes("128KB"), 128'000u);
  EXPECT_EQ(*ParseBytes("64KiB"), 65'536u);
  EXPECT_EQ(*ParseBytes("1.5GiB"), 1'610'612'736u);
  EXPECT_EQ(*ParseRate("10MB/s"), 10'000'000u);
}

TEST(Units, WhatIsNotClearIsRefused) {
  for (const char* text : {"40", "", "ms", "40 ms", "-1ms", "1.2.3s", "40MS", "0.0000001s", "1e3ms",
                           "99999999999999999999s", "0.1us", "9999999999999999h"})
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  for (const char* text : {"40", "KB", "10kb", "10MB/s", "0.5B"})
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  for (const char* text : {"10MB", "/s", "10/s"}) EXPECT_FALSE(ParseRate(text).ok()) << text;
}

TEST(Units, FormattedDurationsReadBack) {
  for (const int64_t micros : {0L, 1L, 999L, 1000L, 40'000L, 1'500'000L, 3'000'000L})
    EXPECT_EQ(*ParseDuration(FormatDuration(micros)), micros);
}

}  // namespace
}  // namespace everwrite::topology
