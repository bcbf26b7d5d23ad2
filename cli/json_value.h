// JSON as a tree, for the answers of admin and control endpoints. Small and plain: the request path
// of a region has its own (region/api).
//
// Numbers keep their text, so that a 64-bit count goes through unchanged. Reading a member that is
// not there, or of another type, gives an empty value: what an older or newer process answers is
// shown as far as it is understood.
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace everwrite::cli {

class JsonValue {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  JsonValue() = default;
  static JsonValue Bool(bool value);
  static JsonValue Number(int64_t value);
  static JsonValue NumberText(std::string text);  // must be a JSON number
  static JsonValue String(std::string text);
  static JsonValue Array();
  static JsonValue Object();
  // kInvalidArgument with the parser's reason. Depth and size are bounded by the parser and the
  // caller.
  static Result<JsonValue> Parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool AsBool(bool otherwise = false) const { return kind_ == Kind::kBool ? bool_ : otherwise; }
  int64_t AsInt(int64_t otherwise = 0) const;
  double AsDouble(double otherwise = 0) const;
  const std::string& AsString() const { return text_; }  // of a number its text; else ""
  const std::vector<JsonValue>& items() const& { return items_; }
  const std::vector<JsonValue>& items() && = delete;  // would dangle in a range-for
  const std::vector<std::pair<std::string, JsonValue>>& members() const { return members_; }
  // The member, or a null value.
  const JsonValue& operator[](std::string_view name) const;

  JsonValue& Add(JsonValue item);                          // to an array
  JsonValue& Set(std::string_view name, JsonValue value);  // in an object; replaces
  // Indented by two spaces a level, or on one line.
  std::string Dump(bool indented) const;

 private:
  void AppendTo(std::string& out, bool indented, int level) const;
  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  std::string text_;
  std::vector<JsonValue> items_;
  std::vector<std::pair<std::string, JsonValue>> members_;
};

}  // namespace everwrite::cli
