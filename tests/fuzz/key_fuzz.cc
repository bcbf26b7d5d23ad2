// Keys: encoded keys of one partition order as their sort values do, equal ones are one key, and
// what is encoded as a table's key is encoded as an index's key of the same attributes.
//
// The first byte chooses the type of the sort key, a zero byte stands between the two values.
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.h"
#include "region/item/key.h"
#include "region/item/number.h"

namespace {

using namespace everwrite::item;

struct Key {
  std::string value;  // of the sort key: canonical when a number
  std::string encoded;
};

std::optional<Key> Encode(const KeySchema& schema, std::string_view text) {
  ItemBuilder builder;
  builder.AddString("p", "partition");
  Key key{std::string(text), {}};
  switch (schema.sort->type) {
    case KeyType::kString: builder.AddString("s", text); break;
    case KeyType::kBinary: builder.AddBinary("s", text); break;
    case KeyType::kNumber: {
      const auto number = Number::Parse(text);
      if (!number.ok()) return std::nullopt;
      key.value.clear();
      number->AppendTo(key.value);
      builder.AddNumber("s", key.value);
      break;
    }
  }
  const std::string item = builder.Finish();
  const auto encoded = EncodeKey(schema, ItemView(item));
  if (!encoded.ok()) return std::nullopt;  // empty, or too long
  CHECK(EncodeKeyOfItem(schema, ItemView(item)).value() == *encoded, "one item has two keys");
  std::string composite;
  CHECK(AppendCompositeKey(schema, ItemView(item), composite) && composite == *encoded,
        "a key of an index differs from the table's");
  CHECK(KeyAttributesOf(schema, ItemView(item)) == item, "the key's attributes are not the key");
  key.encoded = *encoded;
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const KeySchema schema{{"p", KeyType::kString},
                         KeyAttribute{"s", static_cast<KeyType>(data[0] % 3)}};
  const size_t middle = bytes.find('\0');
  const auto left = Encode(schema, bytes.substr(0, middle));
  if (!left || middle == std::string_view::npos) return 0;
  const auto right = Encode(schema, bytes.substr(middle + 1));
  if (!right) return 0;
  const int by_value = schema.sort->type == KeyType::kNumber
                           ? CompareNumberText(left->value, right->value)
                           : left->value.compare(right->value);
  const int by_bytes = left->encoded.compare(right->encoded);
  CHECK((by_value < 0) == (by_bytes < 0) && (by_value == 0) == (by_bytes == 0),
        "keys do not order as their values");
  return 0;
}
