#include "region/item/key.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "region/item/number.h"
#include "region/item/testing/random_item.h"

namespace everwrite::item {
namespace {

KeySchema Schema(KeyType partition, std::optional<KeyType> sort) {
  KeySchema schema;
  schema.partition = {"pk", partition};
  if (sort) schema.sort = KeyAttribute{"sk", *sort};
  return schema;
}

std::string Item(std::initializer_list<std::pair<std::string_view, AttributeValue>> attributes) {
  ItemBuilder builder;
  for (const auto& [name, value] : attributes) value.AppendTo(builder.Begin(name));
  return builder.Finish();
}

std::string ErrorOf(const Result<std::string>& result) { return result.status().message(); }

using V = AttributeValue;

TEST(KeyTest, KeyAndItemGiveTheSameBytes) {
  KeySchema schema = Schema(KeyType::kString, KeyType::kNumber);
  std::string item = Item({{"pk", V::String("p")}, {"sk", V::Number("5")}, {"x", V::Bool(true)}});
  std::string key = Item({{"pk", V::String("p")}, {"sk", V::Number("5")}});
  Result<std::string> encoded = EncodeKeyOfItem(schema, ItemView(item));
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(*encoded, *EncodeKey(schema, ItemView(key)));
  EXPECT_EQ(KeyAttributesOf(schema, ItemView(item)), key);
  std::string prefix = *EncodePartition(schema, *ItemView(item).Find("pk"));
  EXPECT_EQ(*encoded, prefix + *EncodeSortValue(schema, *ItemView(item).Find("sk")));
}

TEST(KeyTest, MissingAndMistypedKeysSayWhich) {
  KeySchema schema = Schema(KeyType::kString, KeyType::kNumber);
  EXPECT_EQ(ErrorOf(EncodeKeyOfItem(schema, ItemView(Item({{"sk", V::Number("1")}})))),
            "One or more parameter values were invalid: Missing the key pk in the item");
  EXPECT_EQ(
      ErrorOf(EncodeKeyOfItem(schema,
                              ItemView(Item({{"pk", V::String("a")}, {"sk", V::String("1")}})))),
      "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S");
  for (const std::string& key :
       {Item({{"pk", V::String("a")}}), Item({{"pk", V::String("a")}, {"sk", V::String("b")}}),
        Item({{"pk", V::String("a")}, {"sk", V::Number("1")}, {"x", V::Null()}}),
        Item({{"x", V::String("a")}, {"sk", V::Number("1")}}), std::string()}) {
    EXPECT_EQ(ErrorOf(EncodeKey(schema, ItemView(key))),
              "The provided key element does not match the schema");
  }
}

TEST(KeyTest, EmptyAndOversizeKeysAreRefused) {
  KeySchema schema = Schema(KeyType::kString, KeyType::kBinary);
  auto encode = [&](std::string pk, std::string sk) {
    return ErrorOf(
        EncodeKeyOfItem(schema, ItemView(Item({{"pk", V::String(pk)}, {"sk", V::Binary(sk)}}))));
  };
  EXPECT_EQ(encode("", "b"),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk");
  EXPECT_EQ(encode("a", ""),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty binary value. Key: sk");
  EXPECT_EQ(encode(std::string(2048, 'x'), std::string(1024, 'y')), "");
  EXPECT_EQ(encode(std::string(2049, 'x'), "y"),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum "
            "size limit of2048 bytes");
  EXPECT_EQ(encode("x", std::string(1025, 'y')),
            "One or more parameter values were invalid: Aggregated size of all range keys has "
            "exceeded the size limit of 1024 bytes");
}

TEST(KeyTest, SortKeysKeepTheirOrderWithinAPartition) {
  Random random(31);
  for (KeyType type : {KeyType::kString, KeyType::kNumber, KeyType::kBinary}) {
    KeySchema schema = Schema(KeyType::kString, type);
    for (int i = 0; i < 3000; ++i) {
      auto value = [&] {
        return type == KeyType::kNumber ? V::Number(testing::RandomNumber(random))
               : type == KeyType::kString
                   ? V::String("s" + testing::RandomText(random))
                   : V::Binary(std::string(1, '\0') + testing::RandomBytes(random));
      };
      V a = value(), b = value();
      std::string key_a =
          *EncodeKeyOfItem(schema, ItemView(Item({{"pk", V::String("p")}, {"sk", a}})));
      std::string key_b =
          *EncodeKeyOfItem(schema, ItemView(Item({{"pk", V::String("p")}, {"sk", b}})));
      int wanted = type == KeyType::kNumber ? CompareNumberText(a.text(), b.text())
                                            : a.text().compare(b.text());
      int actual = key_a.compare(key_b);
      ASSERT_EQ(actual < 0, wanted < 0);
      ASSERT_EQ(actual == 0, wanted == 0);
    }
  }
}

}  // namespace
}  // namespace everwrite::item
