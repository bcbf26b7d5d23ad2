// The map against std::map, and what its copies and places promise.
#include "base/leaf_map.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace everwrite {
namespace {

using Model = std::map<std::string, std::string, std::less<>>;

std::string Key(Random& random, uint64_t keys) {
  static const std::string kBefore[] = {"", "0123456789", "0123456789abcdefghi"};
  std::string key = kBefore[random.Below(3)] + std::to_string(random.Below(keys));
  return random.Below(4) == 0 ? key + '\0' : key;
}

std::optional<std::string> ValueOf(const LeafMap::Held& held) {
  return held ? std::optional(std::string(held->value())) : std::nullopt;
}

void ExpectEqual(const LeafMap& map, const Model& model) {
  LeafMap::Place place = map.LowerBound("");
  for (const auto& [key, value] : model) {
    ASSERT_FALSE(place.AtEnd());
    ASSERT_EQ(place->key(), key);
    ASSERT_EQ(place->value(), value);
    map.Next(place);
  }
  ASSERT_TRUE(place.AtEnd());
  for (auto at = model.rbegin(); at != model.rend(); ++at) {
    place = map.Before(place);
    ASSERT_FALSE(place.AtEnd());
    ASSERT_EQ(place->key(), at->first);
  }
  ASSERT_TRUE(map.Before(place).AtEnd());
}

size_t Bytes(const Model& model, std::string_view begin, std::string_view end) {
  size_t bytes = 0;
  for (auto at = model.lower_bound(begin); at != model.end() && (end.empty() || at->first < end);
       ++at)
    bytes += at->first.size() + at->second.size();
  return bytes;
}

void EraseRange(LeafMap& map, Model& model, const std::string& begin, const std::string& end) {
  std::vector<LeafMap::Held> before;
  map.EraseRange(begin, end, &before);
  auto at = model.lower_bound(begin);
  for (const LeafMap::Held& entry : before) {
    ASSERT_TRUE(at != model.end() && at->first < end);
    ASSERT_EQ(entry->key(), at->first);
    ASSERT_EQ(entry->value(), at->second);
    at = model.erase(at);
  }
  ASSERT_TRUE(at == model.end() || at->first >= end);
}

TEST(LeafMap, IsAnOrderedMap) {
  for (const uint64_t keys : {8, 200, 5000}) {
    Random random(keys);
    LeafMap map;
    Model model;
    for (int step = 0; step < 20000; ++step) {
      const std::string key = Key(random, keys);
      const auto at = model.find(key);
      const std::optional<std::string> before =
          at == model.end() ? std::nullopt : std::optional(at->second);
      if (random.Below(step < 10000 ? 3 : 2) == 0) {
        ASSERT_EQ(ValueOf(map.Erase(key)), before);
        model.erase(key);
      } else {
        const std::string value(random.Below(5), static_cast<char>('a' + step % 26));
        if (random.Below(2) == 0) {
          map.Set(key, value);
        } else {
          ASSERT_EQ(ValueOf(map.Put(key, value)), before);
        }
        model[key] = value;
      }
      if (random.Below(500) == 0) EraseRange(map, model, Key(random, keys), Key(random, keys));
      const std::string probe = Key(random, keys);
      const auto lower = model.lower_bound(probe);
      const LeafMap::Place found = map.LowerBound(probe);
      ASSERT_EQ(found.AtEnd(), lower == model.end());
      if (!found.AtEnd()) {
        ASSERT_EQ(found->key(), lower->first);
      }
      const auto upper = model.upper_bound(probe);
      const LeafMap::Place above = map.UpperBound(probe);
      ASSERT_EQ(above.AtEnd(), upper == model.end());
      if (!above.AtEnd()) {
        ASSERT_EQ(above->key(), upper->first);
      }
      ASSERT_EQ(map.Find(probe) != nullptr, model.count(probe) == 1);
    }
    ExpectEqual(map, model);
    for (int i = 0; i < 50; ++i) {
      const std::string begin = Key(random, keys), end = Key(random, keys);
      EXPECT_EQ(map.Bytes(begin, end), Bytes(model, begin, end));
      EXPECT_EQ(map.Bytes(begin, ""), Bytes(model, begin, ""));
    }
  }
}

TEST(LeafMap, ACopyStaysAsItWas) {
  Random random(1);
  LeafMap map;
  Model model;
  std::vector<std::pair<LeafMap, Model>> copies;
  for (int step = 0; step < 5000; ++step) {
    const std::string key = Key(random, 1000);
    if (random.Below(3) == 0) {
      map.Erase(key);
      model.erase(key);
      if (random.Below(50) == 0) EraseRange(map, model, key, key + "5");
    } else {
      random.Below(2) == 0 ? map.Set(key, std::to_string(step))
                           : void(map.Put(key, std::to_string(step)));
      model[key] = std::to_string(step);
    }
    if (step % 500 == 0) copies.emplace_back(map, model);
  }
  for (const auto& [copy, then] : copies) ExpectEqual(copy, then);
  ExpectEqual(map, model);
}

TEST(LeafMap, AnEntryStaysAsItWasWhileItsPlaceIsHeld) {
  LeafMap map;
  for (int i = 0; i < 1000; ++i) map.Put(std::to_string(i), "before");
  const LeafMap::Place place = map.LowerBound("5");
  const LeafMap::Entry* const entry = &*place;
  for (int i = 0; i < 1000; ++i) map.Set(std::to_string(i), "behind");  // of the same size
  EXPECT_EQ(entry->value(), "before");
  for (int i = 0; i < 1000; ++i) map.Put(std::to_string(i), "after");
  for (int i = 0; i < 1000; ++i) map.Erase(std::to_string(i));
  EXPECT_EQ(entry->key(), "5");
  EXPECT_EQ(entry->value(), "before");
  EXPECT_TRUE(map.LowerBound("").AtEnd());
}

}  // namespace
}  // namespace everwrite
