#include "region/item/key.h"

#include "base/coding.h"
#include "region/item/number.h"

namespace everwrite::item {
namespace {

ValueType TypeOf(KeyType type) {
  switch (type) {
    case KeyType::kString: return ValueType::kString;
    case KeyType::kNumber: return ValueType::kNumber;
    case KeyType::kBinary: return ValueType::kBinary;
  }
  CHECK(false, "a key of unknown type");
}

Status CheckNotEmpty(std::string_view name, ValueView value) {
  if (value.Is(ValueType::kNumber) || !value.text().empty()) return OkStatus();
  return InvalidArgument(
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
      "contain an empty " +
      std::string(value.Is(ValueType::kString) ? "string" : "binary") +
      " value. Key: " + std::string(name));
}

enum class KeyRole : uint8_t { kPartition, kSort };

Status TooLong(KeyRole role) {
  if (role == KeyRole::kPartition) {
    // The missing space is the service's.
    return InvalidArgument(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
        "limit of2048 bytes");
  }
  return InvalidArgument(
      "One or more parameter values were invalid: Aggregated size of all range keys has exceeded "
      "the size limit of 1024 bytes");
}

Status CheckSize(KeyRole role, ValueView value) {
  if (value.Is(ValueType::kNumber)) return OkStatus();
  const size_t bytes_max = role == KeyRole::kPartition ? kPartitionKeyBytesMax : kSortKeyBytesMax;
  return value.text().size() > bytes_max ? TooLong(role) : OkStatus();
}

void AppendOrderedValue(std::string& out, ValueView value) {
  if (!value.Is(ValueType::kNumber)) return PutOrderedBytes(out, value.text());
  Result<Number> number = Number::Parse(value.text());
  CHECK(number.ok(), "numbers of an item are canonical");
  number->AppendOrdered(out);
}

Status AppendPartition(std::string& out, ValueView value) {
  EW_RETURN_IF_ERROR(CheckSize(KeyRole::kPartition, value));
  const size_t start = out.size();
  out.append(8, '\0');
  AppendOrderedValue(out, value);
  uint64_t hash = Hash64(std::string_view(out).substr(start + 8));
  StoreFixed64(out.data() + start, hash);
  return OkStatus();
}

Status AppendSort(std::string& out, ValueView value) {
  EW_RETURN_IF_ERROR(CheckSize(KeyRole::kSort, value));
  AppendOrderedValue(out, value);
  return OkStatus();
}

Status TypeMismatch(const KeyAttribute& key, ValueView value) {
  return InvalidArgument("One or more parameter values were invalid: Type mismatch for key " +
                         key.name + " expected: " + std::string(TypeName(TypeOf(key.type))) +
                         " actual: " + std::string(TypeName(value.type())));
}

// A key attribute of an item to be put.
Result<ValueView> TakeKeyAttribute(const KeyAttribute& key, ItemView item) {
  std::optional<ValueView> value = item.Find(key.name);
  if (!value) {
    return InvalidArgument("One or more parameter values were invalid: Missing the key " +
                           key.name + " in the item");
  }
  if (!value->Is(TypeOf(key.type))) return TypeMismatch(key, *value);
  EW_RETURN_IF_ERROR(CheckNotEmpty(key.name, *value));
  return *value;
}

Result<std::string> Encode(ValueView partition, const std::optional<ValueView>& sort) {
  std::string out;
  out.reserve(8 + partition.text().size() + (sort ? sort->text().size() : 0) + 8);
  EW_RETURN_IF_ERROR(AppendPartition(out, partition));
  if (sort) EW_RETURN_IF_ERROR(AppendSort(out, *sort));
  return out;
}

}  // namespace

Result<std::string> EncodeKeyOfItem(const KeySchema& schema, ItemView item) {
  EW_ASSIGN_OR_RETURN(ValueView partition, TakeKeyAttribute(schema.partition, item));
  std::optional<ValueView> sort;
  if (schema.sort) {
    EW_ASSIGN_OR_RETURN(sort, TakeKeyAttribute(*schema.sort, item));
  }
  return Encode(partition, sort);
}

Result<std::string> EncodeKey(const KeySchema& schema, ItemView key) {
  constexpr std::string_view kMismatch = "The provided key element does not match the schema";
  std::optional<ValueView> partition = key.Find(schema.partition.name);
  std::optional<ValueView> sort;
  if (schema.sort) sort = key.Find(schema.sort->name);
  const size_t wanted = schema.sort ? 2 : 1;
  if (!partition || (schema.sort && !sort) || key.size() != wanted ||
      !partition->Is(TypeOf(schema.partition.type)) ||
      (sort && !sort->Is(TypeOf(schema.sort->type)))) {
    return InvalidArgument(std::string(kMismatch));
  }
  EW_RETURN_IF_ERROR(CheckNotEmpty(schema.partition.name, *partition));
  if (sort) EW_RETURN_IF_ERROR(CheckNotEmpty(schema.sort->name, *sort));
  return Encode(*partition, sort);
}

Result<std::string> EncodePartition(const KeySchema& schema, ValueView partition) {
  if (!partition.Is(TypeOf(schema.partition.type))) {
    return TypeMismatch(schema.partition, partition);
  }
  EW_RETURN_IF_ERROR(CheckNotEmpty(schema.partition.name, partition));
  std::string out;
  EW_RETURN_IF_ERROR(AppendPartition(out, partition));
  return out;
}

Result<std::string> EncodeSortValue(const KeySchema& schema, ValueView value) {
  CHECK(schema.sort.has_value(), "the table has no sort key");
  if (!value.Is(TypeOf(schema.sort->type))) return TypeMismatch(*schema.sort, value);
  std::string out;
  EW_RETURN_IF_ERROR(AppendSort(out, value));
  return out;
}

// --- keys of several attributes ------------------------------------------------------------------

CompositeKeySchema::CompositeKeySchema(const KeySchema& schema) : partition{schema.partition} {
  if (schema.sort) sort.push_back(*schema.sort);
}

const KeyAttribute* CompositeKeySchema::Find(std::string_view name) const {
  for (const auto* attributes : {&partition, &sort})
    for (const KeyAttribute& attribute : *attributes)
      if (attribute.name == name) return &attribute;
  return nullptr;
}

namespace {

bool AppendAttributes(const std::vector<KeyAttribute>& attributes, ItemView item, size_t bytes_max,
                      std::string& out) {
  size_t bytes = 0;
  for (const KeyAttribute& attribute : attributes) {
    const std::optional<ValueView> value = item.Find(attribute.name);
    if (!value || !value->Is(TypeOf(attribute.type))) return false;
    if (attribute.type != KeyType::kNumber) {
      if (value->text().empty()) return false;
      bytes += value->text().size();
    }
    AppendOrderedValue(out, *value);
  }
  return bytes <= bytes_max;
}

void SetHash(std::string& out, size_t start) {
  StoreFixed64(out.data() + start, Hash64(std::string_view(out).substr(start + 8)));
}

std::string InIndex(std::string_view index, std::string_view name) {
  return "IndexName: " + std::string(index) + ", IndexKey: " + std::string(name);
}

Status CheckIndexAttribute(const KeyAttribute& key, std::string_view index, ValueView value,
                           KeyWrite write) {
  const bool of_type = value.Is(TypeOf(key.type));
  if (!of_type && write == KeyWrite::kPut) return CheckIndexKeyType(key, index, value.type());
  const bool has_text = value.Is(ValueType::kString) || value.Is(ValueType::kBinary);
  const bool empty = has_text && value.text().empty();
  if (of_type && !empty) return OkStatus();
  if (!empty)
    return InvalidArgument(
        "The update expression attempted to update the secondary index key to unsupported type");
  const std::string kind = value.Is(ValueType::kString) ? "string" : "binary";
  if (write == KeyWrite::kUpdate)
    return InvalidArgument(
        "One or more parameter values are not valid. The update expression attempted to update a "
        "secondary index key to a value that is not supported. The AttributeValue for a key "
        "attribute cannot contain an empty " +
        kind + " value.");
  return InvalidArgument(
      "One or more parameter values are not valid. A value specified for a secondary index key is "
      "not supported. The AttributeValue for a key attribute cannot contain an empty " +
      kind + " value. " + InIndex(index, key.name));
}

}  // namespace

Status CheckIndexKeyType(const KeyAttribute& key, std::string_view index, ValueType type) {
  if (type == TypeOf(key.type)) return OkStatus();
  return InvalidArgument("One or more parameter values were invalid: Type mismatch for Index Key " +
                         key.name + " Expected: " + std::string(TypeName(TypeOf(key.type))) +
                         " Actual: " + std::string(TypeName(type)) +
                         " IndexName: " + std::string(index));
}

bool AppendCompositeKey(const CompositeKeySchema& schema, ItemView item, std::string& out) {
  const size_t start = out.size();
  out.append(8, '\0');
  if (AppendAttributes(schema.partition, item, kPartitionKeyBytesMax, out)) {
    SetHash(out, start);
    if (AppendAttributes(schema.sort, item, kSortKeyBytesMax, out)) return true;
  }
  out.resize(start);
  return false;
}

Status CheckCompositeKey(const CompositeKeySchema& schema, std::string_view index, ItemView item,
                         KeyWrite write) {
  for (const auto* attributes : {&schema.partition, &schema.sort}) {
    const bool is_sort = attributes == &schema.sort;
    size_t bytes = 0;
    for (const KeyAttribute& key : *attributes) {
      const std::optional<ValueView> value = item.Find(key.name);
      if (!value) continue;
      EW_RETURN_IF_ERROR(CheckIndexAttribute(key, index, *value, write));
      if (key.type != KeyType::kNumber) bytes += value->text().size();
    }
    if (bytes > (is_sort ? kSortKeyBytesMax : kPartitionKeyBytesMax))
      return TooLong(is_sort ? KeyRole::kSort : KeyRole::kPartition);
  }
  return OkStatus();
}

Result<std::string> EncodeCompositePartition(const CompositeKeySchema& schema,
                                             const std::vector<ValueView>& values) {
  CHECK(values.size() == schema.partition.size());
  std::string out(8, '\0');
  size_t bytes = 0;
  for (const ValueView value : values) {
    if (!value.Is(ValueType::kNumber)) bytes += value.text().size();
    AppendOrderedValue(out, value);
  }
  if (bytes > kPartitionKeyBytesMax) return TooLong(KeyRole::kPartition);
  SetHash(out, 0);
  return out;
}

Status CheckSortSize(size_t bytes) {
  return bytes > kSortKeyBytesMax ? TooLong(KeyRole::kSort) : OkStatus();
}

void AppendSortValue(ValueView value, std::string& out) { AppendOrderedValue(out, value); }

std::string KeyAttributesOf(const KeySchema& schema, ItemView item,
                            const CompositeKeySchema* index) {
  std::string out;
  for (const Attribute& attribute : item) {
    if (attribute.name == schema.partition.name ||
        (schema.sort && attribute.name == schema.sort->name) ||
        (index && index->Has(attribute.name))) {
      out.append(attribute.encoded);
    }
  }
  return out;
}

}  // namespace everwrite::item
