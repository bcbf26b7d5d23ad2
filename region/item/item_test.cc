#include "region/item/item.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "region/item/attribute_value.h"
#include "region/item/testing/random_item.h"

namespace everwrite::item {
namespace {

TEST(ItemTest, BuilderSortsNamesAndKeepsTheLaterOfTwo) {
  ItemBuilder forward, backward;
  forward.AddString("a", "1");
  forward.AddNumber("b", "2");
  forward.AddBool("c", true);
  backward.AddBool("c", true);
  backward.AddString("a", "old");
  backward.AddNumber("b", "2");
  backward.AddString("a", "1");
  std::string bytes = forward.Finish();
  EXPECT_EQ(bytes, backward.Finish());
  EXPECT_TRUE(IsWellFormedItem(bytes));
  EXPECT_EQ(ItemView(bytes).size(), 3u);
}

TEST(ItemTest, FindsByNameAndReadsEveryScalar) {
  ItemBuilder builder;
  builder.AddString("s", "text");
  builder.AddInteger("n", -5);
  builder.AddBinary("b", std::string("\0\xff", 2));
  builder.AddBool("t", true);
  builder.AddBool("f", false);
  builder.AddNull("z");
  builder.AddString(std::string(300, 'x'), std::string(70000, 'y'));
  std::string bytes = builder.Finish();
  ItemView item(bytes);
  EXPECT_EQ(item.Find("s")->text(), "text");
  EXPECT_EQ(item.Find("n")->text(), "-5");
  EXPECT_EQ(item.Find("b")->text(), std::string_view("\0\xff", 2));
  EXPECT_TRUE(item.Find("t")->boolean());
  EXPECT_FALSE(item.Find("f")->boolean());
  EXPECT_EQ(item.Find("z")->type(), ValueType::kNull);
  EXPECT_EQ(item.Find(std::string(300, 'x'))->text().size(), 70000u);
  EXPECT_FALSE(item.Find("nope").has_value());
  EXPECT_FALSE(ItemView().Find("").has_value());
}

TEST(ItemTest, ViewsWalkContainers) {
  AttributeValue list =
      AttributeValue::OfList({AttributeValue::String("a"), AttributeValue::Null()});
  AttributeValue set = AttributeValue::OfSet(ValueType::kNumberSet, {"10", "9", "-1", "9"});
  std::string list_bytes = list.Encode(), set_bytes = set.Encode();
  ListView list_view = ValueView(list_bytes).list();
  EXPECT_EQ(list_view.size(), 2u);
  EXPECT_EQ(list_view.At(0)->text(), "a");
  EXPECT_FALSE(list_view.At(2).has_value());
  std::vector<std::string> elements;
  for (std::string_view element : ValueView(set_bytes).set()) elements.emplace_back(element);
  EXPECT_EQ(elements, (std::vector<std::string>{"-1", "9", "10"}));
  EXPECT_TRUE(ValueView(set_bytes).set().Contains("9"));
  EXPECT_FALSE(ValueView(set_bytes).set().Contains("1"));
}

TEST(ItemTest, SizesFollowDynamoDb) {
  ItemBuilder builder;
  builder.AddString("pk", "abc");  // 2 + 3
  builder.AddNumber("n", "123");   // 1 + 3
  builder.AddBool("b", true);      // 1 + 1
  builder.AddNull("z");            // 1 + 1
  builder.Add(
      "l",
      ValueView(AttributeValue::OfList({AttributeValue::String("xy")}).Encode()));  // 1 + 3 + 1 + 2
  EXPECT_EQ(ItemSize(ItemView(builder.Finish())), 5u + 4 + 2 + 2 + 7);
  std::string map = AttributeValue::OfMap({{"k", AttributeValue::String("v")}}).Encode();
  EXPECT_EQ(ValueSize(ValueView(map)), 3u + 1 + 1 + 1);
  std::string set = AttributeValue::OfSet(ValueType::kStringSet, {"ab", "c"}).Encode();
  EXPECT_EQ(ValueSize(ValueView(set)), 3u);
}

TEST(ItemTest, TypeNamesRoundTrip) {
  for (int i = 1; i <= 10; ++i) {
    ValueType type;
    ASSERT_TRUE(TypeFromName(TypeName(static_cast<ValueType>(i)), type));
    EXPECT_EQ(static_cast<int>(type), i);
  }
  ValueType type;
  EXPECT_FALSE(TypeFromName("X", type));
  EXPECT_FALSE(TypeFromName("", type));
}

TEST(ItemTest, RandomItemsAreWellFormedAndCanonical) {
  Random random(11);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = testing::RandomItem(random);
    ASSERT_TRUE(IsWellFormedItem(bytes));
    // Through a tree and back, in reverse order: the same bytes.
    std::vector<std::pair<std::string, AttributeValue>> values;
    for (const Attribute& attribute : ItemView(bytes)) {
      values.emplace_back(std::string(attribute.name), AttributeValue::From(attribute.value));
    }
    ItemBuilder builder;
    for (size_t k = values.size(); k-- > 0;) {
      values[k].second.AppendTo(builder.Begin(values[k].first));
    }
    ASSERT_EQ(builder.Finish(), bytes);
  }
}

// What the validator accepts, every view can walk: run under the address sanitizer.
size_t Walk(ValueView value) {
  size_t sum = value.encoded().size();
  if (value.Is(ValueType::kMap)) {
    for (const Attribute& attribute : value.map()) sum += Walk(attribute.value);
  } else if (value.Is(ValueType::kList)) {
    for (ValueView element : value.list()) sum += Walk(element);
  } else if (IsSet(value.type())) {
    for (std::string_view element : value.set()) sum += element.size();
  }
  return sum;
}

TEST(ItemTest, DamagedBytesAreRefusedOrHarmless) {
  Random random(12);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = testing::RandomItem(random);
    for (uint64_t n = 1 + random.Below(3); n > 0 && !bytes.empty(); --n) {
      size_t at = random.Below(bytes.size());
      switch (random.Below(4)) {
        case 0: bytes[at] = static_cast<char>(random.Next()); break;
        case 1: bytes.erase(at, 1 + random.Below(4)); break;
        case 2: bytes.insert(at, 1, static_cast<char>(random.Next())); break;
        default: bytes.resize(at); break;
      }
    }
    std::string exact(bytes.data(), bytes.size());
    exact.shrink_to_fit();
    if (!IsWellFormedItem(exact)) {
      ++refused;
      continue;
    }
    for (const Attribute& attribute : ItemView(exact)) Walk(attribute.value);
    ItemSize(ItemView(exact));
  }
  EXPECT_GT(refused, 5000);
}

TEST(ItemTest, OtherFormsOfTheSameContentAreRefused) {
  ItemBuilder builder;
  builder.AddString("a", "x");
  builder.AddNumber("b", "10");
  const std::string good = builder.Finish();
  ASSERT_TRUE(IsWellFormedItem(good));
  std::string swapped = good.substr(5) + good.substr(0, 5);
  EXPECT_FALSE(IsWellFormedItem(swapped)) << "names out of order";
  EXPECT_FALSE(IsWellFormedItem(good.substr(0, 5) + good.substr(0, 5))) << "a name twice";
  auto value = [](ValueType type, std::string_view payload) {
    std::string out;
    PutScalar(out, type, payload);
    return out;
  };
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kNumber, "1.0")));
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kNumber, "-0")));
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kNumber, "")));
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kString, "\xc0\x80")));
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kBool, "\2")));
  EXPECT_FALSE(IsWellFormedValue(value(ValueType::kNull, "x")));
  EXPECT_FALSE(IsWellFormedValue(std::string("\1\x81\0x", 4))) << "a longer length";
  std::string set;
  size_t mark = BeginContainer(set, ValueType::kNumberSet);
  PutSetElement(set, "10");
  PutSetElement(set, "9");
  EndContainer(set, mark);
  EXPECT_FALSE(IsWellFormedValue(set)) << "a set out of order";
  std::string empty_set;
  EndContainer(empty_set, BeginContainer(empty_set, ValueType::kStringSet));
  EXPECT_FALSE(IsWellFormedValue(empty_set));
}

TEST(ItemTest, DepthIsBounded) {
  auto nested = [](int levels) {
    AttributeValue value = AttributeValue::String("leaf");
    for (int i = 0; i < levels; ++i) {
      AttributeValue::List list;
      list.push_back(std::move(value));
      value = AttributeValue::OfList(std::move(list));
    }
    return value.Encode();
  };
  EXPECT_TRUE(IsWellFormedValue(nested(kNestingLevelsMax - 1)));
  EXPECT_FALSE(IsWellFormedValue(nested(kNestingLevelsMax)));
  EXPECT_FALSE(IsWellFormedValue(nested(1000)));
}

TEST(ItemTest, Utf8IsCheckedAsUnicodeSays) {
  EXPECT_TRUE(IsValidUtf8("plain ascii that is long enough"));
  EXPECT_TRUE(IsValidUtf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_TRUE(IsValidUtf8(std::string_view("\0", 1)));
  EXPECT_FALSE(IsValidUtf8("\x80"));
  EXPECT_FALSE(IsValidUtf8("\xc1\xbf"));
  EXPECT_FALSE(IsValidUtf8("\xe0\x80\x80"));
  EXPECT_FALSE(IsValidUtf8("\xed\xa0\x80"));
  EXPECT_FALSE(IsValidUtf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(IsValidUtf8("12345678\xe2\x82"));
}

}  // namespace
}  // namespace everwrite::item
