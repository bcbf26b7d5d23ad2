// AttributeValue: one of DynamoDB's ten types as a tree, for the places that build or change values
// piece by piece (update expressions). Whatever only reads uses ValueView (item.h).
//
// Equality is DynamoDB's: sets as sets, numbers by value. Both hold by construction: sets are kept
// sorted and numbers canonical.
//
// Thread-safety: a value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "region/item/item.h"

namespace everwrite::item {

class AttributeValue {
 public:
  using List = std::vector<AttributeValue>;
  using Map = std::map<std::string, AttributeValue, std::less<>>;
  using Set = std::vector<std::string>;  // sorted, none twice

  AttributeValue() : type_(ValueType::kNull) {}
  static AttributeValue String(std::string text) { return {ValueType::kString, std::move(text)}; }
  static AttributeValue Number(std::string canonical) {
    return {ValueType::kNumber, std::move(canonical)};
  }
  static AttributeValue Binary(std::string bytes) { return {ValueType::kBinary, std::move(bytes)}; }
  static AttributeValue Bool(bool value) { return {ValueType::kBool, value}; }
  static AttributeValue Null() { return {}; }
  static AttributeValue OfList(List list) { return {ValueType::kList, std::move(list)}; }
  static AttributeValue OfMap(Map map) { return {ValueType::kMap, std::move(map)}; }
  // Sorts the elements and drops duplicates; canonical texts for kNumberSet.
  static AttributeValue OfSet(ValueType set_type, Set elements);
  static AttributeValue From(ValueView view);

  ValueType type() const { return type_; }
  bool Is(ValueType wanted) const { return type_ == wanted; }
  const std::string& text() const { return std::get<std::string>(content_); }
  bool boolean() const { return std::get<bool>(content_); }
  List& list() { return std::get<List>(content_); }
  const List& list() const { return std::get<List>(content_); }
  Map& map() { return std::get<Map>(content_); }
  const Map& map() const { return std::get<Map>(content_); }
  const Set& set() const { return std::get<SetBox>(content_).elements; }

  // Appends the compact form.
  void AppendTo(std::string& out) const;
  std::string Encode() const;

  friend bool operator==(const AttributeValue&, const AttributeValue&) = default;

 private:
  struct SetBox {  // std::vector<std::string> in a type of its own
    Set elements;
    friend bool operator==(const SetBox&, const SetBox&) = default;
  };
  using Content = std::variant<std::monostate, bool, std::string, List, Map, SetBox>;
  AttributeValue(ValueType type, Content content) : type_(type), content_(std::move(content)) {}

  ValueType type_;
  Content content_;
};

// The order of a set's elements in the compact form: numbers by value, else unsigned bytes.
bool SetElementLess(ValueType set_type, std::string_view left, std::string_view right);

}  // namespace everwrite::item
