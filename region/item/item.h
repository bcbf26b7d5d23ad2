// The compact binary form of an item: what is stored, replicated and answered from.
//
//   item     = entry*, sorted by name as unsigned bytes, no name twice
//   entry    = varint name length, name, value
//   scalar   = type byte, varint payload length, payload
//                S UTF-8 · N canonical text (number.h) · B raw · BOOL one byte, 0 or 1 ·
//                NULL nothing
//   M        = type byte, 4 bytes payload length (big-endian), entries as of an item
//   L        = type byte, 4 bytes payload length, values
//   SS NS BS = type byte, 4 bytes payload length, (varint length, bytes)*
//                in ascending order, none twice: SS and BS by unsigned bytes, NS by value
//   varint   = LEB128 in its shortest form
//
// The form is canonical: names and sets are sorted, numbers have one text, lengths one encoding.
// Equal content has equal bytes in every region, so items and values are compared with memcmp.
// Nothing in it is aligned, and it has no header: an empty item is no bytes.
//
// Containers have fixed-width lengths so that they are written in one pass and patched; everything
// can be skipped by its length, so finding an attribute touches only names and lengths.
//
// ItemView and ValueView borrow; the bytes must outlive them and must be well formed: made here, or
// accepted by IsWellFormedItem.
//
// Thread-safety: views and functions are pure; a builder belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/coding.h"

namespace everwrite::item {

// DynamoDB's limits (Developer Guide, "Quotas").
inline constexpr size_t kItemBytesMax = 400 * 1024;  // by ItemSize
inline constexpr size_t kPartitionKeyBytesMax = 2048;
inline constexpr size_t kSortKeyBytesMax = 1024;
inline constexpr int kNestingLevelsMax = 32;  // attributes of the item are at level 1
inline constexpr size_t kAttributeNameBytesMax = 65535;

// Stored: the values never change.
enum class ValueType : uint8_t {
  kString = 1,
  kNumber = 2,
  kBinary = 3,
  kBool = 4,
  kNull = 5,
  kMap = 6,
  kList = 7,
  kStringSet = 8,
  kNumberSet = 9,
  kBinarySet = 10,
};

// "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS".
std::string_view TypeName(ValueType type);
bool TypeFromName(std::string_view name, ValueType& type);
inline bool IsContainer(ValueType type) { return type >= ValueType::kMap; }
inline bool IsSet(ValueType type) { return type >= ValueType::kStringSet; }
// The type of a set's elements.
ValueType ElementType(ValueType set_type);

// What is read for each attribute of each row is here, so that it costs no call.
namespace encoding {

constexpr size_t kContainerHeaderBytes = 5;  // type and fixed-width length

// Of well-formed bytes. Most lengths are below 128: one byte.
inline size_t TakeVarint(const char* data, size_t& value) {
  uint8_t byte = static_cast<uint8_t>(data[0]);
  if (byte < 0x80) [[likely]] {
    value = byte;
    return 1;
  }
  size_t result = byte & 0x7f, size = 1;
  for (int shift = 7;; shift += 7) {
    byte = static_cast<uint8_t>(data[size++]);
    result |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  value = result;
  return size;
}

// Type and length of the value at `data`; returns the size of that header.
inline size_t TakeHeader(const char* data, size_t& payload_size) {
  if (IsContainer(static_cast<ValueType>(data[0]))) {
    payload_size = coding::LoadBigEndian<uint32_t>(data + 1);
    return kContainerHeaderBytes;
  }
  return 1 + TakeVarint(data + 1, payload_size);
}

}  // namespace encoding

class ItemView;
class ListView;
class SetView;

class ValueView {
 public:
  ValueView() = default;  // of no type; only to be assigned to
  // Takes the value at the front of `bytes`.
  static ValueView Take(std::string_view& bytes) {
    size_t payload_size;
    ValueView value;
    value.header_size_ = static_cast<uint32_t>(encoding::TakeHeader(bytes.data(), payload_size));
    const size_t size = value.header_size_ + payload_size;
    value.encoded_ = {bytes.data(), size};
    bytes.remove_prefix(size);
    return value;
  }
  // All of `encoded` is one value.
  explicit ValueView(std::string_view encoded) { *this = Take(encoded); }

  ValueType type() const { return static_cast<ValueType>(encoded_[0]); }
  // The value as it stands in an item, type and length included.
  std::string_view encoded() const { return encoded_; }
  std::string_view payload() const { return encoded_.substr(header_size_); }
  // S, N, B: the text or bytes.
  std::string_view text() const { return payload(); }
  bool boolean() const { return encoded_.back() != 0; }
  ItemView map() const;
  ListView list() const;
  SetView set() const;
  bool Is(ValueType wanted) const { return type() == wanted; }

  // Equal by DynamoDB's rules: sets as sets, numbers by value, deep.
  friend bool operator==(ValueView left, ValueView right) {
    return left.encoded_ == right.encoded_;
  }

 private:
  std::string_view encoded_;
  uint32_t header_size_ = 0;
};

struct Attribute {
  std::string_view name;
  ValueView value;
  std::string_view encoded;  // the entry, name included
};

// The attributes of an item or map, in order of name.
class ItemView {
 public:
  ItemView() = default;
  explicit ItemView(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;  // number of attributes; walks
  std::optional<ValueView> Find(std::string_view name) const;

  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { Load(); }
    const Attribute& operator*() const { return attribute_; }
    const Attribute* operator->() const { return &attribute_; }
    Iterator& operator++() {
      rest_.remove_prefix(attribute_.encoded.size());
      Load();
      return *this;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void Load() {
      if (rest_.empty()) return;
      size_t name_size;
      const size_t prefix = encoding::TakeVarint(rest_.data(), name_size);
      attribute_.name = {rest_.data() + prefix, name_size};
      std::string_view rest = rest_;
      rest.remove_prefix(prefix + name_size);
      attribute_.value = ValueView::Take(rest);
      attribute_.encoded = {rest_.data(), rest_.size() - rest.size()};
    }
    std::string_view rest_;
    Attribute attribute_;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(bytes_.substr(bytes_.size())); }

  friend bool operator==(ItemView left, ItemView right) { return left.bytes_ == right.bytes_; }

 private:
  std::string_view bytes_;
};

// The values of an L.
class ListView {
 public:
  explicit ListView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;  // walks
  std::optional<ValueView> At(size_t index) const;

  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { Load(); }
    const ValueView& operator*() const { return value_; }
    Iterator& operator++() {
      rest_.remove_prefix(value_.encoded().size());
      Load();
      return *this;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void Load();
    std::string_view rest_;
    ValueView value_;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(bytes_.substr(bytes_.size())); }

 private:
  std::string_view bytes_;
};

// The elements of an SS, NS or BS, in order.
class SetView {
 public:
  explicit SetView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes() const { return bytes_; }
  size_t size() const;                            // walks
  bool Contains(std::string_view element) const;  // canonical text, for numbers

  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { Load(); }
    std::string_view operator*() const { return element_; }
    Iterator& operator++() {
      rest_.remove_prefix(encoded_size_);
      Load();
      return *this;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void Load();
    std::string_view rest_;
    std::string_view element_;
    size_t encoded_size_ = 0;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(bytes_.substr(bytes_.size())); }

 private:
  std::string_view bytes_;
};

// --- writing: appending to one string, in one pass ---------------------------------------------
// The writer sees to the order of names (ItemBuilder does it by itself) and of set elements.

void PutName(std::string& out, std::string_view name);
void PutScalar(std::string& out, ValueType type, std::string_view payload);
void PutBool(std::string& out, bool value);
void PutNull(std::string& out);
// Opens an M, L or set; its contents are appended; EndContainer patches the length.
size_t BeginContainer(std::string& out, ValueType type);
void EndContainer(std::string& out, size_t mark);
void PutSetElement(std::string& out, std::string_view element);

// Builds the attributes of an item (or the payload of an M) in any order of names. A name added
// twice keeps the later value. No allocation of its own unless the names come out of order.
//
//   ItemBuilder builder;
//   builder.AddString("pk", "user#1");
//   builder.AddNumber("age", "42");
//   std::string bytes = builder.Finish();
class ItemBuilder {
 public:
  void AddString(std::string_view name, std::string_view text);
  void AddNumber(std::string_view name, std::string_view canonical);  // number.h
  void AddInteger(std::string_view name, int64_t value);
  void AddBinary(std::string_view name, std::string_view bytes);
  void AddBool(std::string_view name, bool value);
  void AddNull(std::string_view name);
  void Add(std::string_view name, ValueView value);
  // An attribute of another item, in one copy.
  void Add(const Attribute& attribute);
  // Starts an attribute and returns where its value, and only that, is to be appended.
  std::string& Begin(std::string_view name);
  // The item; the builder is empty again.
  std::string Finish();

 private:
  std::string bytes_;
  size_t last_name_ = 0;  // offset and length of the name added last
  size_t last_name_size_ = 0;
  bool sorted_ = true;
};

// --- properties --------------------------------------------------------------------------------

// Whether the bytes, which may come from anywhere, are an item in canonical form: lengths in
// bounds, known types, names and S valid UTF-8, names and sets sorted, numbers canonical, at most
// kNestingLevelsMax deep. Never reads out of bounds.
bool IsWellFormedItem(std::string_view bytes);
// The same for one value that stands alone.
bool IsWellFormedValue(std::string_view bytes);
bool IsValidUtf8(std::string_view bytes);

// The size that DynamoDB counts against 400 KB and charges for: names and values; S, B their bytes;
// N about half a byte a digit (NumberSize); BOOL, NULL 1; M, L 3 and 1 for each element and
// contents; sets the sum of their elements.
size_t ItemSize(ItemView item);
size_t ValueSize(ValueView value);

}  // namespace everwrite::item
