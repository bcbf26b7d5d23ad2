// One request's expression, names, values and item, written down compactly for tests.
//
//   Request("SET a = a + :one").Value(":one", N("1")).Update(Item({{"a", N("2")}}))
//
// Answers are texts: an error's message, or the item as Show writes it.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "region/expression/binding.h"
#include "region/expression/evaluator.h"
#include "region/expression/parser.h"
#include "region/expression/projection.h"
#include "region/expression/update.h"
#include "region/item/attribute_value.h"

namespace everwrite::expression::testing {

using V = item::AttributeValue;

inline V S(std::string text) { return V::String(std::move(text)); }
inline V N(std::string text) { return V::Number(std::move(text)); }
inline V B(std::string bytes) { return V::Binary(std::move(bytes)); }
inline V SS(V::Set elements) { return V::OfSet(item::ValueType::kStringSet, std::move(elements)); }
inline V NS(V::Set elements) { return V::OfSet(item::ValueType::kNumberSet, std::move(elements)); }
inline V L(V::List list) { return V::OfList(std::move(list)); }
inline V M(V::Map map) { return V::OfMap(std::move(map)); }

inline std::string Item(std::initializer_list<std::pair<std::string_view, V>> attributes) {
  item::ItemBuilder builder;
  for (const auto& [name, value] : attributes) value.AppendTo(builder.Begin(name));
  return builder.Finish();
}

// {a:"x" l:[1 "b"] m:{b:"y"} s:<"a" "b">}
inline std::string Show(item::ItemView item);
inline std::string Show(item::ValueView value) {
  using item::ValueType;
  std::string out;
  switch (value.type()) {
    case ValueType::kString: return "\"" + std::string(value.text()) + "\"";
    case ValueType::kNumber: return std::string(value.text());
    case ValueType::kBinary: return "b\"" + std::string(value.text()) + "\"";
    case ValueType::kBool: return value.boolean() ? "true" : "false";
    case ValueType::kNull: return "null";
    case ValueType::kMap: return Show(value.map());
    case ValueType::kList:
      for (item::ValueView element : value.list()) out += (out.empty() ? "" : " ") + Show(element);
      return "[" + out + "]";
    default:
      for (std::string_view element : value.set()) {
        out += (out.empty() ? "" : " ") + std::string(element);
      }
      return "<" + out + ">";
  }
}
inline std::string Show(item::ItemView item) {
  std::string out;
  for (const item::Attribute& attribute : item) {
    out += (out.empty() ? "" : " ") + std::string(attribute.name) + ":" + Show(attribute.value);
  }
  return "{" + out + "}";
}

class Request {
 public:
  explicit Request(std::string text) : text_(std::move(text)) {}

  Request& Value(std::string_view placeholder, const V& value) {
    value.AppendTo(values_.Begin(placeholder));
    has_values_ = true;
    return *this;
  }
  Request& Name(std::string_view placeholder, std::string_view name) {
    if (status_.ok()) status_ = placeholders_.AddName(placeholder, name);
    return *this;
  }

  Result<Binding> BindAs(Kind kind) {
    EW_RETURN_IF_ERROR(status_);
    if (has_values_) EW_RETURN_IF_ERROR(placeholders_.SetValues(values_.Finish()));
    EW_ASSIGN_OR_RETURN(ExpressionPtr expression, Parse(kind, text_));
    EW_ASSIGN_OR_RETURN(Binding binding, Bind(std::move(expression), placeholders_));
    EW_RETURN_IF_ERROR(placeholders_.CheckAllUsed());
    return binding;
  }
  // "" when the expression is fine, or the error.
  std::string Check(Kind kind) { return BindAs(kind).status().message(); }

  std::string Condition(const std::string& item) {
    Result<Binding> binding = BindAs(Kind::kCondition);
    if (!binding.ok()) return binding.status().message();
    return Matches(*binding, item::ItemView(item)) ? "true" : "false";
  }
  std::string Projection(const std::string& item) {
    Result<Binding> binding = BindAs(Kind::kProjection);
    if (!binding.ok()) return binding.status().message();
    return Checked(Project(*binding, item::ItemView(item)));
  }
  std::string Update(const std::string& item) {
    Result<Binding> binding = BindAs(Kind::kUpdate);
    if (!binding.ok()) return binding.status().message();
    Result<std::string> updated = ApplyUpdate(*binding, item::ItemView(item));
    return updated.ok() ? Checked(*updated) : updated.status().message();
  }
  // "UPDATED_OLD -> UPDATED_NEW".
  std::string Updated(const std::string& item) {
    Result<Binding> binding = BindAs(Kind::kUpdate);
    if (!binding.ok()) return binding.status().message();
    Result<std::string> updated = ApplyUpdate(*binding, item::ItemView(item));
    if (!updated.ok()) return updated.status().message();
    return Checked(UpdatedPart(*binding, item::ItemView(item))) + " -> " +
           Checked(UpdatedPart(*binding, item::ItemView(*updated)));
  }

 private:
  static std::string Checked(const std::string& bytes) {
    if (!item::IsWellFormedItem(bytes)) return "not a well-formed item";
    return Show(item::ItemView(bytes));
  }

  std::string text_;
  Status status_;
  Placeholders placeholders_;
  item::ItemBuilder values_;
  bool has_values_ = false;
};

}  // namespace everwrite::expression::testing
