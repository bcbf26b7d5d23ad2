#include "base/named_thread.h"

#include <gtest/gtest.h>

namespace everwrite {
namespace {

std::string NameSeenBy(const std::string& name) {
  char seen[64] = "";
  NamedThread(name, [&seen] { pthread_getname_np(pthread_self(), seen, sizeof seen); }).join();
  return seen;
}

TEST(NamedThread, TheSystemKnowsItsName) { EXPECT_EQ(NameSeenBy("commit"), "commit"); }

TEST(NamedThread, ALongNameIsCut) {
  EXPECT_EQ(NameSeenBy("0123456789abcdefgh"), "0123456789abcde");
}

TEST(NamedThread, TheOneWhoStartsItKeepsItsOwn) {
  char before[64] = "", after[64] = "";
  pthread_getname_np(pthread_self(), before, sizeof before);
  NamedThread("other", [] {}).join();
  pthread_getname_np(pthread_self(), after, sizeof after);
  EXPECT_STREQ(before, after);
}

}  // namespace
}  // namespace everwrite
