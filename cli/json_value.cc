#include "cli/json_value.h"

#include <simdjson.h>

#include <charconv>
#include <cstdlib>

#include "base/log.h"

namespace everwrite::cli {
namespace {

std::string DoubleText(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

// The parser bounds the depth (1,024). Each get() is of the type that was just asked for.
JsonValue Convert(simdjson::dom::element element) {
  using Type = simdjson::dom::element_type;
  JsonValue result;
  switch (element.type()) {
    case Type::NULL_VALUE: break;
    case Type::BOOL: {
      bool value = false;
      if (element.get(value) == simdjson::SUCCESS) result = JsonValue::Bool(value);
      break;
    }
    case Type::INT64: {
      int64_t value = 0;
      if (element.get(value) == simdjson::SUCCESS) result = JsonValue::Number(value);
      break;
    }
    case Type::UINT64: {
      uint64_t value = 0;
      if (element.get(value) == simdjson::SUCCESS) {
        result = JsonValue::NumberText(std::to_string(value));
      }
      break;
    }
    case Type::DOUBLE: {
      double value = 0;
      if (element.get(value) == simdjson::SUCCESS)
        result = JsonValue::NumberText(DoubleText(value));
      break;
    }
    case Type::STRING: {
      std::string_view value;
      if (element.get(value) == simdjson::SUCCESS) result = JsonValue::String(std::string(value));
      break;
    }
    case Type::ARRAY: {
      simdjson::dom::array array;
      result = JsonValue::Array();
      if (element.get(array) != simdjson::SUCCESS) break;
      for (const simdjson::dom::element item : array) result.Add(Convert(item));
      break;
    }
    case Type::OBJECT: {
      simdjson::dom::object object;
      result = JsonValue::Object();
      if (element.get(object) != simdjson::SUCCESS) break;
      for (const auto [name, value] : object) result.Set(name, Convert(value));
      break;
    }
  }
  return result;
}

}  // namespace

JsonValue JsonValue::Bool(bool value) {
  JsonValue json;
  json.kind_ = Kind::kBool;
  json.bool_ = value;
  return json;
}
JsonValue JsonValue::Number(int64_t value) { return NumberText(std::to_string(value)); }
JsonValue JsonValue::NumberText(std::string text) {
  JsonValue json;
  json.kind_ = Kind::kNumber;
  json.text_ = std::move(text);
  return json;
}
JsonValue JsonValue::String(std::string text) {
  JsonValue json;
  json.kind_ = Kind::kString;
  json.text_ = std::move(text);
  return json;
}
JsonValue JsonValue::Array() {
  JsonValue json;
  json.kind_ = Kind::kArray;
  return json;
}
JsonValue JsonValue::Object() {
  JsonValue json;
  json.kind_ = Kind::kObject;
  return json;
}

Result<JsonValue> JsonValue::Parse(std::string_view text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  simdjson::dom::element element;
  const auto error = parser.parse(padded).get(element);
  if (error != simdjson::SUCCESS) {
    return InvalidArgument(std::string("not JSON: ") + simdjson::error_message(error));
  }
  return Convert(element);
}

int64_t JsonValue::AsInt(int64_t otherwise) const {
  if (kind_ != Kind::kNumber) return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error == std::errc() && end == text_.data() + text_.size()) return value;
  return static_cast<int64_t>(AsDouble(static_cast<double>(otherwise)));
}

double JsonValue::AsDouble(double otherwise) const {
  return kind_ == Kind::kNumber ? std::strtod(text_.c_str(), nullptr) : otherwise;
}

const JsonValue& JsonValue::operator[](std::string_view name) const {
  static const JsonValue nothing;
  for (const auto& [key, value] : members_) {
    if (key == name) return value;
  }
  return nothing;
}

JsonValue& JsonValue::Add(JsonValue item) {
  items_.push_back(std::move(item));
  return *this;
}

JsonValue& JsonValue::Set(std::string_view name, JsonValue value) {
  for (auto& [key, old] : members_) {
    if (key == name) {
      old = std::move(value);
      return *this;
    }
  }
  members_.emplace_back(std::string(name), std::move(value));
  return *this;
}

std::string JsonValue::Dump(bool indented) const {
  std::string out;
  AppendTo(out, indented, 0);
  return out;
}

void JsonValue::AppendTo(std::string& out, bool indented, int level) const {
  const auto line = [&](int depth) {
    if (indented) out += '\n' + std::string(static_cast<size_t>(depth) * 2, ' ');
  };
  switch (kind_) {
    case Kind::kNull: out += "null"; return;
    case Kind::kBool: out += bool_ ? "true" : "false"; return;
    case Kind::kNumber: out += text_; return;
    case Kind::kString: AppendJsonString(out, text_); return;
    case Kind::kArray:
      out += '[';
      for (size_t i = 0; i < items_.size(); ++i) {
        if (i > 0) out += ',';
        line(level + 1);
        items_[i].AppendTo(out, indented, level + 1);
      }
      if (!items_.empty()) line(level);
      out += ']';
      return;
    case Kind::kObject:
      out += '{';
      for (size_t i = 0; i < members_.size(); ++i) {
        if (i > 0) out += ',';
        line(level + 1);
        AppendJsonString(out, members_[i].first);
        out += indented ? ": " : ":";
        members_[i].second.AppendTo(out, indented, level + 1);
      }
      if (!members_.empty()) line(level);
      out += '}';
      return;
  }
}

}  // namespace everwrite::cli
