#include "base/flat_map.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "base/random.h"

namespace everwrite {
namespace {

TEST(FlatMap, IsAMap) {
  Random random(1);
  FlatMap<int, int> flat;
  std::map<int, int> map;
  for (int step = 0; step < 20'000; ++step) {
    const int key = static_cast<int>(random.Below(40));
    switch (random.Below(4)) {
      case 0: flat[key] = map[key] = step; break;
      case 1: EXPECT_EQ(flat.erase(key), map.erase(key)); break;
      case 2: {
        const auto low = [&](const auto& entry) { return entry.first % 10 == key % 10; };
        EXPECT_EQ(erase_if(flat, low), std::erase_if(map, low));
        break;
      }
      default: {
        const auto found = flat.find(key);
        ASSERT_EQ(flat.contains(key), map.count(key) != 0);
        ASSERT_EQ(found != flat.end(), flat.contains(key));
        if (found != flat.end()) {
          EXPECT_EQ(found->first, key);
          EXPECT_EQ(flat.at(key), map.at(key));
        }
      }
    }
    ASSERT_EQ(flat.size(), map.size());
    ASSERT_EQ(flat.empty(), map.empty());
    auto at = map.begin();
    for (const auto& [first, second] : flat) {
      ASSERT_EQ(first, at->first);
      ASSERT_EQ(second, at->second);
      ++at;
    }
  }
  flat.clear();
  EXPECT_TRUE(flat.empty());
}

TEST(FlatMap, TakesWhatCanOnlyBeMoved) {
  FlatMap<int, std::unique_ptr<int>> flat;
  for (const int key : {3, 1, 2}) flat[key] = std::make_unique<int>(key);
  EXPECT_EQ(*flat.at(1), 1);
  EXPECT_EQ(*flat.begin()->second, 1);
  EXPECT_DEATH(flat.at(7), "no such key");
}

}  // namespace
}  // namespace everwrite
