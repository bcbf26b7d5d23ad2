#include "region/api/item_json.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "region/item/attribute_value.h"
#include "region/item/number.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using item::ValueType;

constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
constexpr std::string_view kAttributeValueClass =
    "class com.amazonaws.dynamodb.v20120810.AttributeValue";
constexpr std::string_view kAttributeValueMap =
    "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>";
constexpr std::string_view kStringClass = "class java.lang.String";
constexpr std::string_view kBytesClass = "class java.nio.ByteBuffer";

bool FailSerialization(ApiError& error, std::string message) {
  return Fail(error, ErrorType::kSerialization, std::move(message));
}
bool FailInvalid(ApiError& error, std::string_view what) {
  return FailValidation(error, std::string(kInvalid).append(what));
}

// --- JSON types, with the service's deserializer's complaints ----------------------------------

bool FailCollection(std::string_view type, ApiError& error) {
  return FailSerialization(error, "Unrecognized collection type " + std::string(type));
}
bool FailStructure(ApiError& error) {
  return FailSerialization(error, "Start of structure or map found where not expected");
}

bool FailScalar(dom::element json, std::string_view type, ApiError& error) {
  std::string_view kind;
  switch (json.type()) {
    case dom::element_type::BOOL:
      kind = json.get_bool().value_unsafe() ? "TRUE_VALUE" : "FALSE_VALUE";
      break;
    case dom::element_type::DOUBLE: kind = "DECIMAL_VALUE"; break;
    case dom::element_type::STRING: kind = "STRING_VALUE"; break;
    default: kind = "NUMBER_VALUE"; break;
  }
  return FailSerialization(error,
                           std::string(kind) + " cannot be converted to " + std::string(type));
}

bool ReadText(dom::element json, std::string_view& out, ApiError& error) {
  if (json.get_string().get(out) == simdjson::SUCCESS) [[likely]]
    return true;
  if (json.is_array()) return FailCollection(kStringClass, error);
  if (json.is_object()) return FailStructure(error);
  return FailScalar(json, "String", error);
}

bool ReadBool(dom::element json, bool& out, ApiError& error) {
  if (json.get_bool().get(out) == simdjson::SUCCESS) [[likely]]
    return true;
  std::string_view text;
  if (json.get_string().get(text) == simdjson::SUCCESS) {
    if (text != "true" && text != "false") {
      return FailSerialization(error, "Unexpected token received from parser");
    }
    out = text == "true";
    return true;
  }
  if (json.is_array()) return FailCollection("class java.lang.Boolean", error);
  if (json.is_object()) return FailStructure(error);
  return FailScalar(json, "Boolean", error);
}

bool ReadArray(dom::element json, dom::array& out, ApiError& error) {
  if (json.get_array().get(out) == simdjson::SUCCESS) [[likely]]
    return true;
  if (json.is_object()) return FailStructure(error);
  return FailSerialization(error, "Unexpected field type");
}

bool ReadObject(dom::element json, std::string_view type, dom::object& out, ApiError& error) {
  if (json.get_object().get(out) == simdjson::SUCCESS) [[likely]]
    return true;
  if (json.is_array()) return FailCollection(type, error);
  // A value is an element of a map or list, mostly; a map is a field.
  return FailSerialization(error, type == kAttributeValueClass ? "Unexpected value type in payload"
                                                               : "Unexpected field type");
}

// --- base64 ------------------------------------------------------------------------------------

bool AppendBytes(dom::element json, std::string& out, ApiError& error) {
  std::string_view text;
  if (json.get_string().get(text) != simdjson::SUCCESS) {
    if (json.is_array()) return FailCollection(kBytesClass, error);
    if (json.is_object()) return FailStructure(error);
    return FailSerialization(error, "only base-64-encoded strings are convertible to bytes");
  }
  if (AppendFromBase64(out, text)) return true;
  return FailSerialization(error, DescribeBadBase64(text));
}

// --- attribute values --------------------------------------------------------------------------

class ItemReader {
 public:
  ItemReader(std::string& out, ApiError& error) : out_(out), error_(error) {}

  bool Attributes(dom::object object, int level);
  bool Value(dom::element json, int level);
  // The attribute of the outermost object that failed.
  std::string_view failed() const { return failed_; }

 private:
  struct Field {
    std::string_view name;
    dom::element value;
  };

  bool Entry(const Field& field, int level);
  bool Typed(ValueType type, dom::element content, int level);
  bool Number(dom::element content);
  bool Binary(dom::element content);
  bool List(dom::element content, int level);
  bool Map(dom::element content, int level);
  bool Set(ValueType type, dom::element content);
  bool SetElements(ValueType type, dom::array array, std::string& bytes,
                   std::vector<std::pair<size_t, size_t>>& ranges);
  bool FailDuplicates(ValueType type, dom::array array);

  std::string& out_;
  ApiError& error_;
  std::string_view failed_;
};

bool ItemReader::Attributes(dom::object object, int level) {
  // Sorted by name; usually few, so in place and by insertion.
  constexpr size_t kInline = 48;
  Field few[kInline];
  std::vector<Field> many;
  Field* fields = few;
  size_t count = 0;
  bool sorted = true;
  for (dom::key_value_pair field : object) {
    if (field.key.empty()) return FailValidation(error_, "Empty attribute name");
    if (field.key.size() > item::kAttributeNameBytesMax) {
      return FailValidation(error_, "Attribute name is too large, must be less than 65536 bytes");
    }
    if (count > 0 && field.key <= fields[count - 1].name) sorted = false;
    if (count == kInline && many.empty()) many.assign(few, few + kInline);
    if (count >= kInline) {
      many.push_back({field.key, field.value});
      fields = many.data();
    } else {
      fields[count] = {field.key, field.value};
    }
    ++count;
  }
  auto less = [](const Field& a, const Field& b) { return a.name < b.name; };
  if (!sorted && count > kInline) std::stable_sort(fields, fields + count, less);
  if (!sorted && count <= kInline) {
    // Stable as well, and without the buffer that std::stable_sort allocates.
    for (Field* field = fields + 1; field < fields + count; ++field) {
      std::rotate(std::upper_bound(fields, field, *field, less), field, field + 1);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const bool repeated = !sorted && i + 1 < count && fields[i + 1].name == fields[i].name;
    if (!repeated && !Entry(fields[i], level)) {
      failed_ = fields[i].name;
      return false;
    }
  }
  return true;
}

bool ItemReader::Entry(const Field& field, int level) {
  item::PutName(out_, field.name);
  return Value(field.value, level);
}

bool ItemReader::Value(dom::element json, int level) {
  if (level > item::kNestingLevelsMax) {
    return FailValidation(error_,
                          "Nesting Levels have exceeded supported limits: Attributes in the item "
                          "have nested levels beyond supported limit");
  }
  int types = 0;
  ValueType type = ValueType::kNull;
  dom::element content;
  if (!json.is_null()) {
    dom::object object;
    if (!ReadObject(json, kAttributeValueClass, object, error_)) return false;
    for (dom::key_value_pair field : object) {
      ValueType named;
      if (field.value.is_null() || !item::TypeFromName(field.key, named)) continue;
      if (types > 0 && named != type) ++types;
      if (types == 0) types = 1;
      type = named;
      content = field.value;
    }
  }
  if (types == 0) {
    return FailValidation(error_,
                          "Supplied AttributeValue is empty, must contain exactly one of the "
                          "supported datatypes");
  }
  if (types > 1) {
    return FailValidation(error_,
                          "Supplied AttributeValue has more than one datatypes set, must contain "
                          "exactly one of the supported datatypes");
  }
  return Typed(type, content, level);
}

bool ItemReader::Typed(ValueType type, dom::element content, int level) {
  switch (type) {
    case ValueType::kString: {
      std::string_view text;
      if (!ReadText(content, text, error_)) return false;
      item::PutScalar(out_, type, text);
      return true;
    }
    case ValueType::kNumber: return Number(content);
    case ValueType::kBinary: return Binary(content);
    case ValueType::kBool: {
      bool value;
      if (!ReadBool(content, value, error_)) return false;
      item::PutBool(out_, value);
      return true;
    }
    case ValueType::kNull: {
      bool value;
      if (!ReadBool(content, value, error_)) return false;
      if (!value) {
        return FailInvalid(error_, "Null attribute value types must have the value of true");
      }
      item::PutNull(out_);
      return true;
    }
    case ValueType::kMap: return Map(content, level);
    case ValueType::kList: return List(content, level);
    default: return Set(type, content);
  }
}

bool ItemReader::Number(dom::element content) {
  std::string_view text;
  if (!ReadText(content, text, error_)) return false;
  std::string canonical;  // short: no allocation in the usual case
  Status status = item::AppendCanonicalNumber(text, canonical);
  if (!status.ok()) return FailValidation(error_, status.message());
  item::PutScalar(out_, ValueType::kNumber, canonical);
  return true;
}

bool ItemReader::Binary(dom::element content) {
  std::string bytes;
  if (!AppendBytes(content, bytes, error_)) return false;
  item::PutScalar(out_, ValueType::kBinary, bytes);
  return true;
}

bool ItemReader::List(dom::element content, int level) {
  dom::array array;
  if (!ReadArray(content, array, error_)) return false;
  const size_t mark = item::BeginContainer(out_, ValueType::kList);
  for (dom::element element : array) {
    if (!Value(element, level + 1)) return false;
  }
  item::EndContainer(out_, mark);
  return true;
}

bool ItemReader::Map(dom::element content, int level) {
  dom::object object;
  if (!ReadObject(content, kAttributeValueMap, object, error_)) return false;
  const size_t mark = item::BeginContainer(out_, ValueType::kMap);
  if (!Attributes(object, level + 1)) return false;
  item::EndContainer(out_, mark);
  return true;
}

bool ItemReader::SetElements(ValueType type, dom::array array, std::string& bytes,
                             std::vector<std::pair<size_t, size_t>>& ranges) {
  for (dom::element element : array) {
    const size_t start = bytes.size();
    if (element.is_null()) {
      const std::string_view what = type == ValueType::kStringSet   ? "string"
                                    : type == ValueType::kNumberSet ? "number"
                                                                    : "binary";
      return FailInvalid(error_, "An " + std::string(what) + " set may not have a null " +
                                     std::string(what) + " as a member");
    }
    if (type == ValueType::kBinarySet) {
      if (!AppendBytes(element, bytes, error_)) return false;
    } else {
      std::string_view text;
      if (!ReadText(element, text, error_)) return false;
      if (type == ValueType::kStringSet) {
        bytes.append(text);
      } else if (Status status = item::AppendCanonicalNumber(text, bytes); !status.ok()) {
        return FailValidation(error_, status.message());
      }
    }
    ranges.emplace_back(start, bytes.size() - start);
  }
  return true;
}

bool ItemReader::Set(ValueType type, dom::element content) {
  dom::array array;
  if (!ReadArray(content, array, error_)) return false;
  std::string bytes;
  std::vector<std::pair<size_t, size_t>> ranges;
  if (!SetElements(type, array, bytes, ranges)) return false;
  if (ranges.empty()) {
    return FailInvalid(error_, type == ValueType::kStringSet   ? "An string set  may not be empty"
                               : type == ValueType::kNumberSet ? "An number set  may not be empty"
                                                               : "Binary sets should not be empty");
  }
  auto element = [&bytes](const std::pair<size_t, size_t>& range) {
    return std::string_view(bytes).substr(range.first, range.second);
  };
  std::sort(ranges.begin(), ranges.end(), [&](const auto& a, const auto& b) {
    return item::SetElementLess(type, element(a), element(b));
  });
  const size_t mark = item::BeginContainer(out_, type);
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i > 0 && element(ranges[i]) == element(ranges[i - 1])) return FailDuplicates(type, array);
    item::PutSetElement(out_, element(ranges[i]));
  }
  item::EndContainer(out_, mark);
  return true;
}

bool ItemReader::FailDuplicates(ValueType type, dom::array array) {
  if (type == ValueType::kNumberSet) {
    return FailValidation(error_, "Input collection contains duplicates");
  }
  std::string list;
  for (dom::element element : array) {
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS) continue;
    if (!list.empty()) list.append(", ");
    list.append(text);
  }
  return FailInvalid(
      error_, "Input collection [" + list +
                  (type == ValueType::kStringSet ? "] contains duplicates."
                                                 : "]of type BS contains duplicates."));  // sic
}

// --- writing -----------------------------------------------------------------------------------

inline bool NeedsEscape(char c) { return static_cast<uint8_t>(c) < 0x20 || c == '"' || c == '\\'; }

// The first byte from `at` on that cannot stand in a JSON string as it is, or `end`.
const char* FindEscape(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const __m128i hit = _mm_or_si128(
        control, _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, slash)));
    const int mask = _mm_movemask_epi8(hit);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#else
  constexpr uint64_t kOnes = 0x0101010101010101u, kHighs = 0x8080808080808080u;
  for (; end - at >= 8; at += 8) {
    uint64_t block;
    std::memcpy(&block, at, 8);
    // A byte below n, by the borrow into its high bit; high bytes are not taken for small ones.
    const uint64_t quote = block ^ (kOnes * '"'), slash = block ^ (kOnes * '\\');
    const uint64_t hit =
        ((block - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes)) & ~block & kHighs;
    if (hit != 0) break;
  }
#endif
  while (at < end && !NeedsEscape(*at)) ++at;
  return at;
}

void AppendEscape(std::string& out, char c) {
  switch (c) {
    case '"': out.append("\\\""); return;
    case '\\': out.append("\\\\"); return;
    case '\n': out.append("\\n"); return;
    case '\r': out.append("\\r"); return;
    case '\t': out.append("\\t"); return;
    case '\b': out.append("\\b"); return;
    case '\f': out.append("\\f"); return;
    default: break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append("\\u00").push_back(kHex[static_cast<uint8_t>(c) >> 4]);
  out.push_back(kHex[static_cast<uint8_t>(c) & 15]);
}

void AppendSetJson(std::string& out, ValueType type, item::SetView set) {
  char separator = '[';
  for (std::string_view element : set) {
    out.push_back(separator);
    separator = ',';
    if (type == ValueType::kStringSet) {
      AppendJsonString(out, element);
      continue;
    }
    out.push_back('"');
    if (type == ValueType::kBinarySet) {
      AppendBase64(out, element);
    } else {
      out.append(element);
    }
    out.push_back('"');
  }
  out.push_back(']');
}

}  // namespace

bool ReadItemJson(dom::element json, std::string& out, ApiError& error) {
  dom::object object;
  if (!ReadObject(json, kAttributeValueMap, object, error)) return false;
  return ItemReader(out, error).Attributes(object, 1);
}

bool ReadValueJson(dom::element json, std::string& out, ApiError& error) {
  return ItemReader(out, error).Value(json, 1);
}

namespace {

// ":name"; what is wrong with a name is said before what is wrong with any value.
bool IsPlaceholder(std::string_view name) {
  const auto is_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return name.size() > 1 && name[0] == ':' && std::all_of(name.begin() + 1, name.end(), is_word);
}

}  // namespace

bool ReadValuesJson(dom::element json, std::string& out, ApiError& error) {
  dom::object object;
  if (!ReadObject(json, kAttributeValueMap, object, error)) return false;
  if (object.size() == 0) {
    return FailValidation(error, "ExpressionAttributeValues must not be empty");
  }
  for (const dom::key_value_pair field : object) {
    if (IsPlaceholder(field.key)) continue;
    return FailValidation(error,
                          "ExpressionAttributeValues contains invalid key: Syntax error; key: \"" +
                              std::string(field.key) + "\"");
  }
  ItemReader reader(out, error);
  if (reader.Attributes(object, 1)) return true;
  if (error.type == ErrorType::kValidation && !reader.failed().empty()) {
    error.message = "ExpressionAttributeValues contains invalid value: " + error.message +
                    " for key " + std::string(reader.failed());
  }
  return false;
}

void AppendJsonString(std::string& out, std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  out.push_back('"');
  while (true) {
    const char* escape = FindEscape(at, end);
    out.append(at, static_cast<size_t>(escape - at));
    if (escape == end) break;
    AppendEscape(out, *escape);
    at = escape + 1;
  }
  out.push_back('"');
}

void AppendValueJson(std::string& out, item::ValueView value) {
  const ValueType type = value.type();
  switch (type) {
    case ValueType::kString:
      out.append("{\"S\":");
      AppendJsonString(out, value.text());
      break;
    case ValueType::kNumber: out.append("{\"N\":\"").append(value.text()).push_back('"'); break;
    case ValueType::kBinary:
      out.append("{\"B\":\"");
      AppendBase64(out, value.text());
      out.push_back('"');
      break;
    case ValueType::kBool:
      out.append(value.boolean() ? "{\"BOOL\":true" : "{\"BOOL\":false");
      break;
    case ValueType::kNull: out.append("{\"NULL\":true"); break;
    case ValueType::kMap:
      out.append("{\"M\":");
      AppendItemJson(out, value.map());
      break;
    case ValueType::kList: {
      out.append("{\"L\":[");
      bool first = true;
      for (item::ValueView element : value.list()) {
        if (!first) out.push_back(',');
        first = false;
        AppendValueJson(out, element);
      }
      out.push_back(']');
      break;
    }
    case ValueType::kStringSet:
    case ValueType::kNumberSet:
    case ValueType::kBinarySet:
      out.append("{\"").append(item::TypeName(type)).append("\":");
      AppendSetJson(out, type, value.set());
      break;
  }
  out.push_back('}');
}

bool ParseItemJson(std::string_view text, std::string& out) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  ApiError error;
  return parser.parse(text.data(), text.size()).get(json) == simdjson::SUCCESS &&
         ReadItemJson(json, out, error);
}

void AppendItemJson(std::string& out, item::ItemView item) {
  // Names and values with room for the punctuation; grown once, as a rule.
  if (out.capacity() - out.size() < item.bytes().size() + 64) {
    out.reserve(std::max(out.capacity() * 2, out.size() + item.bytes().size() * 3 / 2 + 64));
  }
  out.push_back('{');
  bool first = true;
  for (const item::Attribute& attribute : item) {
    if (!first) out.push_back(',');
    first = false;
    AppendJsonString(out, attribute.name);
    out.push_back(':');
    AppendValueJson(out, attribute.value);
  }
  out.push_back('}');
}

}  // namespace everwrite::api
