// Random values and items for property tests: all ten types, nested, with awkward names and texts.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "region/item/attribute_value.h"
#include "region/item/number.h"

namespace everwrite::item::testing {

inline std::string RandomText(Random& random) {
  static const char* const kPieces[] = {"a",  "B",           "7", "\"",       "\\",
                                        "\n", "\x01",        "/", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                        " ",  "longer piece"};
  std::string text;
  for (uint64_t n = random.Below(6); n > 0; --n) text += kPieces[random.Below(std::size(kPieces))];
  return text;
}

inline std::string RandomNumber(Random& random) {
  std::string out;
  std::string text =
      std::to_string(random.Between(-100000, 100000)) + "e" + std::to_string(random.Between(-8, 8));
  Status status = AppendCanonicalNumber(text, out);
  return status.ok() ? out : "0";
}

inline std::string RandomBytes(Random& random) {
  std::string bytes;
  for (uint64_t n = random.Below(6); n > 0; --n) bytes.push_back(static_cast<char>(random.Next()));
  return bytes;
}

inline AttributeValue RandomValue(Random& random, int depth = 3) {
  switch (1 + random.Below(depth > 0 ? 10 : 5)) {
    case 1: return AttributeValue::String(RandomText(random));
    case 2: return AttributeValue::Number(RandomNumber(random));
    case 3: return AttributeValue::Binary(RandomBytes(random));
    case 4: return AttributeValue::Bool(random.Chance(1, 2));
    case 5: return AttributeValue::Null();
    case 6: {
      AttributeValue::Map map;
      for (uint64_t n = random.Below(4); n > 0; --n) {
        map.insert_or_assign("k" + RandomText(random), RandomValue(random, depth - 1));
      }
      return AttributeValue::OfMap(std::move(map));
    }
    case 7: {
      AttributeValue::List list;
      for (uint64_t n = random.Below(4); n > 0; --n) list.push_back(RandomValue(random, depth - 1));
      return AttributeValue::OfList(std::move(list));
    }
    default: break;
  }
  ValueType type = static_cast<ValueType>(8 + random.Below(3));
  AttributeValue::Set set;
  for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
    set.push_back(type == ValueType::kStringSet   ? RandomText(random)
                  : type == ValueType::kNumberSet ? RandomNumber(random)
                                                  : RandomBytes(random));
  }
  return AttributeValue::OfSet(type, std::move(set));
}

inline std::string RandomItem(Random& random) {
  ItemBuilder builder;
  for (uint64_t n = random.Below(8); n > 0; --n) {
    std::string name = "n" + RandomText(random);
    RandomValue(random).AppendTo(builder.Begin(name));
  }
  return builder.Finish();
}

}  // namespace everwrite::item::testing
