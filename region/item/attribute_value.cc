#include "region/item/attribute_value.h"

#include <algorithm>

#include "base/check.h"
#include "region/item/number.h"

namespace everwrite::item {

bool SetElementLess(ValueType set_type, std::string_view left, std::string_view right) {
  if (set_type == ValueType::kNumberSet) return CompareNumberText(left, right) < 0;
  return left < right;
}

AttributeValue AttributeValue::OfSet(ValueType set_type, Set elements) {
  CHECK(IsSet(set_type));
  std::sort(elements.begin(), elements.end(),
            [set_type](const auto& a, const auto& b) { return SetElementLess(set_type, a, b); });
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  return {set_type, SetBox{std::move(elements)}};
}

AttributeValue AttributeValue::From(ValueView view) {
  switch (view.type()) {
    case ValueType::kString:
    case ValueType::kNumber:
    case ValueType::kBinary: return {view.type(), std::string(view.text())};
    case ValueType::kBool: return Bool(view.boolean());
    case ValueType::kNull: return Null();
    case ValueType::kMap: {
      Map map;
      for (const Attribute& attribute : view.map()) {
        map.emplace_hint(map.end(), attribute.name, From(attribute.value));
      }
      return OfMap(std::move(map));
    }
    case ValueType::kList: {
      List list;
      for (ValueView element : view.list()) list.push_back(From(element));
      return OfList(std::move(list));
    }
    case ValueType::kStringSet:
    case ValueType::kNumberSet:
    case ValueType::kBinarySet: {
      SetBox box;
      for (std::string_view element : view.set()) box.elements.emplace_back(element);
      return {view.type(), std::move(box)};
    }
  }
  CHECK(false, "a value of unknown type");
}

void AttributeValue::AppendTo(std::string& out) const {
  if (type_ == ValueType::kBool) return PutBool(out, boolean());
  if (type_ == ValueType::kNull) return PutNull(out);
  if (!IsContainer(type_)) return PutScalar(out, type_, text());
  size_t mark = BeginContainer(out, type_);
  if (type_ == ValueType::kMap) {
    for (const auto& [name, value] : map()) {
      PutName(out, name);
      value.AppendTo(out);
    }
  } else if (type_ == ValueType::kList) {
    for (const AttributeValue& value : list()) value.AppendTo(out);
  } else {
    for (const std::string& element : set()) PutSetElement(out, element);
  }
  EndContainer(out, mark);
}

std::string AttributeValue::Encode() const {
  std::string out;
  AppendTo(out);
  return out;
}

}  // namespace everwrite::item
