// A table's key schema, and keys in the form in which the store orders them.
//
// An encoded key is what follows the table id in the items column family:
//   8 bytes   Hash64 of the encoded partition key (spreads partitions, and gives Scan its order)
//   n bytes   the partition key attribute, order-preserving and self-delimiting
//   m bytes   the sort key attribute, order-preserving (none when the schema has none)
// S and B: PutOrderedBytes of the bytes; N: Number's ordered encoding. Within one partition,
// encoded keys compare as DynamoDB orders sort keys: numbers by value, strings and binaries by
// unsigned bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "region/item/item.h"

namespace everwrite::item {

enum class KeyType : uint8_t { kString, kNumber, kBinary };  // S, N, B

struct KeyAttribute {
  std::string name;
  KeyType type = KeyType::kString;
  friend bool operator==(const KeyAttribute&, const KeyAttribute&) = default;
};

struct KeySchema {
  KeyAttribute partition;
  std::optional<KeyAttribute> sort;
  friend bool operator==(const KeySchema&, const KeySchema&) = default;
};

// The encoded key of an item that has the key attributes among others (Put). Errors are DynamoDB's
// ValidationException texts: missing key, type mismatch, empty value, size over 2048 / 1024 bytes.
Result<std::string> EncodeKeyOfItem(const KeySchema& schema, ItemView item);
// The same for the Key parameter of Get, Delete and Update: exactly the key attributes and nothing
// else
// ("The provided key element does not match the schema").
Result<std::string> EncodeKey(const KeySchema& schema, ItemView key);

// The prefix shared by all keys of one partition, from the partition key's value.
Result<std::string> EncodePartition(const KeySchema& schema, ValueView partition);
// The ordered encoding of one key value, as it stands behind the partition; for range bounds of
// Query.
Result<std::string> EncodeSortValue(const KeySchema& schema, ValueView value);

// An item with the key attributes of `item` alone.
std::string KeyAttributesOf(const KeySchema& schema, ItemView item);

}  // namespace everwrite::item
