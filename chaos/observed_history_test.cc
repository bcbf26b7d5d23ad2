#include "chaos/observed_history.h"

#include <gtest/gtest.h>

namespace everwrite::chaos {
namespace {

TEST(ObservedHistory, WhatIsWrittenIsReadBack) {
  const std::string text =
      "everwrite history 1 us-east-1 eu-west-1\n"
      "put s=3 r=us-east-1 k=hot1 id=17 order=5 b=1000 e=1200 ok if=absent after=hot2:9 "
      "receipt=01-02-03\n"
      "put s=3 r=us-east-1 k=cas1 id=18 order=0 b=1300 e=1400 refused if=12\n"
      "delete s=3 r=us-east-1 k=again1 id=19 order=6 b=1300 e=1400 ok\n"
      "count s=3 r=us-east-1 k=count id=20 order=0 b=1500 e=1600 unknown\n"
      "get s=4 r=eu-west-1 k=hot1 saw=17 b=1300 e=1310 ok after=hot2:9 far torn\n"
      "get r=eu-west-1 k=count saw=20 b=1300 e=1310 ok n=3 last\n"
      "transact s=3 r=us-east-1 i=pair0.a:21:7 i=pair0.b:22:8 b=1700 e=1800 ok\n"
      "snapshot s=4 r=eu-west-1 i=pair0.a:21 i=pair0.b:0 b=1900 e=1950 ok\n"
      "found k=again1 order=9\n"
      "lost r=us-east-1 b=2000 log=281474976710657\n";
  const auto history = ParseObservedHistory(text, "h");
  ASSERT_TRUE(history.ok()) << history.status().message();
  EXPECT_EQ(history->regions, (std::vector<std::string>{"us-east-1", "eu-west-1"}));
  EXPECT_EQ(history->ops.size(), 10u);
  EXPECT_EQ(WriteObservedHistory(*history), text);
}

TEST(ObservedHistory, WhatIsNoHistoryIsRefusedWithItsLine) {
  for (const std::string bad : {"jump s=1 r=a k=x", "put r=a k=x id=one", "put k=x id=1", "get r=a",
                                "put r=a k=x sideways", "put r=a k=x colour=red"}) {
    const auto history = ParseObservedHistory("# a comment\n\n" + bad + "\n", "h");
    ASSERT_FALSE(history.ok()) << bad;
    EXPECT_TRUE(history.status().message().starts_with("h:3: not a line of a history"))
        << history.status().message();
  }
}

}  // namespace
}  // namespace everwrite::chaos
