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
#include <vector>

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

// --- keys of several attributes ---
//
// A secondary index may have up to four partition and four sort attributes. Its encoded key has the
// form above with the attributes in their order, one behind the other: every encoding delimits
// itself, so the whole orders by the first attribute, then the second, and so on. A table's key is
// the case of one and at most one.
inline constexpr size_t kCompositeAttributesMax = 4;  // of each kind

struct CompositeKeySchema {
  CompositeKeySchema() = default;
  CompositeKeySchema(const KeySchema& schema);  // NOLINT: a table's key is one of these
  std::vector<KeyAttribute> partition;          // 1 .. 4
  std::vector<KeyAttribute> sort;               // 0 .. 4
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  const KeyAttribute* Find(std::string_view name) const;
  friend bool operator==(const CompositeKeySchema&, const CompositeKeySchema&) = default;
};

// Appends the encoded key of an item; false, and nothing appended, when the item has none: an
// attribute is missing, of another type, empty, or they are too long together.
bool AppendCompositeKey(const CompositeKeySchema& schema, ItemView item, std::string& out);
// Whether a value of this type may be the attribute of an index's key.
Status CheckIndexKeyType(const KeyAttribute& key, std::string_view index, ValueType type);
// The attributes that AppendCompositeKey would not take, in the words of a write that gives them;
// OK when it would, and for attributes that are missing.
enum class KeyWrite : uint8_t { kPut, kUpdate };
Status CheckCompositeKey(const CompositeKeySchema& schema, std::string_view index, ItemView item,
                         KeyWrite write);
// The prefix of all keys of one partition. The values are of their attributes' types.
Result<std::string> EncodeCompositePartition(const CompositeKeySchema& schema,
                                             const std::vector<ValueView>& values);
// Whether sort attributes of so many bytes together are short enough (numbers count none).
Status CheckSortSize(size_t bytes);
// Appends one sort value, as it stands behind what is before it.
void AppendSortValue(ValueView value, std::string& out);

// An item with the key attributes of `item` alone, and with those of an index's key unless null.
std::string KeyAttributesOf(const KeySchema& schema, ItemView item,
                            const CompositeKeySchema* index = nullptr);

}  // namespace everwrite::item
