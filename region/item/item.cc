#include "region/item/item.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "region/item/number.h"

namespace everwrite::item {
namespace {

using encoding::kContainerHeaderBytes;
using encoding::TakeHeader;
using encoding::TakeVarint;

inline void PutVarint(std::string& out, size_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

constexpr std::string_view kTypeNames[] = {"",  "S", "N",  "B",  "BOOL", "NULL",
                                           "M", "L", "SS", "NS", "BS"};

}  // namespace

std::string_view TypeName(ValueType type) { return kTypeNames[static_cast<size_t>(type)]; }

bool TypeFromName(std::string_view name, ValueType& type) {
  // By length and first letter: this is asked for every value of a request.
  auto is = [&](std::string_view wanted, ValueType candidate) {
    type = candidate;
    return name == wanted;
  };
  switch (name.size()) {
    case 1:
      switch (name[0]) {
        case 'S': return is("S", ValueType::kString);
        case 'N': return is("N", ValueType::kNumber);
        case 'B': return is("B", ValueType::kBinary);
        case 'M': return is("M", ValueType::kMap);
        case 'L': return is("L", ValueType::kList);
        default: return false;
      }
    case 2:
      return is("SS", ValueType::kStringSet) || is("NS", ValueType::kNumberSet) ||
             is("BS", ValueType::kBinarySet);
    case 4: return is("BOOL", ValueType::kBool) || is("NULL", ValueType::kNull);
    default: return false;
  }
}

ValueType ElementType(ValueType set_type) {
  CHECK(IsSet(set_type));
  return static_cast<ValueType>(static_cast<int>(set_type) - 7);
}

// --- views -------------------------------------------------------------------------------------

ItemView ValueView::map() const { return ItemView(payload()); }
ListView ValueView::list() const { return ListView(payload()); }
SetView ValueView::set() const { return SetView(payload()); }

size_t ItemView::size() const {
  size_t count = 0;
  for (auto it = begin(); it != end(); ++it) ++count;
  return count;
}

std::optional<ValueView> ItemView::Find(std::string_view name) const {
  const char* at = bytes_.data();
  const char* const end = at + bytes_.size();
  while (at < end) {
    size_t name_size, payload_size;
    at += TakeVarint(at, name_size);
    const char* value = at + name_size;
    // The first letters mostly differ where the names do.
    if (name_size == name.size() && (name_size == 0 || *at == name[0]) &&
        std::memcmp(at, name.data(), name_size) == 0) {
      std::string_view rest(value, static_cast<size_t>(end - value));
      return ValueView::Take(rest);
    }
    at = value + TakeHeader(value, payload_size);
    at += payload_size;
  }
  return std::nullopt;
}

void ListView::Iterator::Load() {
  if (rest_.empty()) return;
  std::string_view rest = rest_;
  value_ = ValueView::Take(rest);
}

size_t ListView::size() const {
  size_t count = 0;
  for (auto it = begin(); it != end(); ++it) ++count;
  return count;
}

std::optional<ValueView> ListView::At(size_t index) const {
  for (ValueView value : *this) {
    if (index-- == 0) return value;
  }
  return std::nullopt;
}

void SetView::Iterator::Load() {
  if (rest_.empty()) return;
  size_t size;
  const size_t prefix = TakeVarint(rest_.data(), size);
  element_ = {rest_.data() + prefix, size};
  encoded_size_ = prefix + size;
}

size_t SetView::size() const {
  size_t count = 0;
  for (auto it = begin(); it != end(); ++it) ++count;
  return count;
}

bool SetView::Contains(std::string_view element) const {
  for (std::string_view candidate : *this) {
    if (candidate == element) return true;
  }
  return false;
}

// --- writing -----------------------------------------------------------------------------------

void PutName(std::string& out, std::string_view name) {
  PutVarint(out, name.size());
  out.append(name);
}

void PutScalar(std::string& out, ValueType type, std::string_view payload) {
  out.push_back(static_cast<char>(type));
  PutVarint(out, payload.size());
  out.append(payload);
}

void PutBool(std::string& out, bool value) {
  PutScalar(out, ValueType::kBool, value ? std::string_view("\1", 1) : std::string_view("\0", 1));
}

void PutNull(std::string& out) { PutScalar(out, ValueType::kNull, {}); }

size_t BeginContainer(std::string& out, ValueType type) {
  size_t mark = out.size();
  out.push_back(static_cast<char>(type));
  out.append(kContainerHeaderBytes - 1, '\0');
  return mark;
}

void EndContainer(std::string& out, size_t mark) {
  const size_t size = out.size() - mark - kContainerHeaderBytes;
  CHECK(size <= UINT32_MAX, "a request's size is bounded far below this");
  for (int i = 0; i < 4; ++i) {
    out[mark + 1 + static_cast<size_t>(i)] = static_cast<char>(size >> (24 - 8 * i));
  }
}

void PutSetElement(std::string& out, std::string_view element) {
  PutVarint(out, element.size());
  out.append(element);
}

std::string& ItemBuilder::Begin(std::string_view name) {
  if (sorted_ && !bytes_.empty() &&
      std::string_view(bytes_).substr(last_name_, last_name_size_) >= name) {
    sorted_ = false;
  }
  PutVarint(bytes_, name.size());
  last_name_ = bytes_.size();
  last_name_size_ = name.size();
  bytes_.append(name);
  return bytes_;
}

void ItemBuilder::AddString(std::string_view name, std::string_view text) {
  PutScalar(Begin(name), ValueType::kString, text);
}
void ItemBuilder::AddNumber(std::string_view name, std::string_view canonical) {
  PutScalar(Begin(name), ValueType::kNumber, canonical);
}
void ItemBuilder::AddInteger(std::string_view name, int64_t value) {
  char buffer[24];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  CHECK(error == std::errc());
  AddNumber(name, std::string_view(buffer, static_cast<size_t>(end - buffer)));
}
void ItemBuilder::AddBinary(std::string_view name, std::string_view bytes) {
  PutScalar(Begin(name), ValueType::kBinary, bytes);
}
void ItemBuilder::AddBool(std::string_view name, bool value) { PutBool(Begin(name), value); }
void ItemBuilder::AddNull(std::string_view name) { PutNull(Begin(name)); }
void ItemBuilder::Add(std::string_view name, ValueView value) {
  Begin(name).append(value.encoded());
}
void ItemBuilder::Add(const Attribute& attribute) { Add(attribute.name, attribute.value); }

std::string ItemBuilder::Finish() {
  std::string bytes = std::move(bytes_);
  bool sorted = sorted_;
  *this = ItemBuilder();
  if (sorted) return bytes;
  std::vector<Attribute> attributes;
  for (const Attribute& attribute : ItemView(bytes)) attributes.push_back(attribute);
  std::stable_sort(attributes.begin(), attributes.end(),
                   [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  std::string ordered;
  ordered.reserve(bytes.size());
  for (size_t i = 0; i < attributes.size(); ++i) {
    bool replaced = i + 1 < attributes.size() && attributes[i + 1].name == attributes[i].name;
    if (!replaced) ordered.append(attributes[i].encoded);
  }
  return ordered;
}

// --- sizes -------------------------------------------------------------------------------------

size_t ItemSize(ItemView item) {
  size_t size = 0;
  for (const Attribute& attribute : item) {
    size += attribute.name.size() + ValueSize(attribute.value);
  }
  return size;
}

size_t ValueSize(ValueView value) {
  constexpr size_t kContainerOverhead = 3, kElementOverhead = 1;
  size_t size = 0;
  switch (value.type()) {
    case ValueType::kString:
    case ValueType::kBinary: return value.text().size();
    case ValueType::kNumber: return NumberSize(value.text());
    case ValueType::kBool:
    case ValueType::kNull: return 1;
    case ValueType::kMap:
      for (const Attribute& attribute : value.map()) {
        size += attribute.name.size() + ValueSize(attribute.value) + kElementOverhead;
      }
      return size + kContainerOverhead;
    case ValueType::kList:
      for (ValueView element : value.list()) size += ValueSize(element) + kElementOverhead;
      return size + kContainerOverhead;
    case ValueType::kStringSet:
    case ValueType::kBinarySet:
      for (std::string_view element : value.set()) size += element.size();
      return size;
    case ValueType::kNumberSet:
      for (std::string_view element : value.set()) size += NumberSize(element);
      return size;
  }
  CHECK(false, "a value of unknown type");
}

}  // namespace everwrite::item
