#include "region/partiql/literal.h"

#include <algorithm>
#include <set>

#include "region/item/attribute_value.h"
#include "region/item/item.h"
#include "region/item/number.h"

namespace everwrite::partiql {
namespace {

using item::ValueType;
using Type = Expr::Type;

// What messages call an expression that is no value: itself, or its kind when it is inside one.
std::string NameOf(const Expr& expr, bool inside) {
  switch (expr.type) {
    case Type::kMissing: return inside ? "LiteralMissing" : "MISSING";
    case Type::kPath: return inside ? "Path" : "PATH";
    case Type::kStatement: return "Select";
    case Type::kIs: return inside ? "Typed" : "is";
    case Type::kVariable: return inside ? "VariableReference" : expr.text;
    default: return inside ? "NAry" : expr.text;
  }
}

std::string_view KeyTypeName(const Expr& key) {
  switch (key.type) {
    case Type::kNumber:
      return key.text.find_first_of(".eE") == std::string::npos ? "INT" : "DECIMAL";
    case Type::kBool: return "BOOL";
    case Type::kNull: return "NULL";
    case Type::kVariable: return "VariableReference";
    case Type::kParameter: return "Parameter";
    case Type::kPath: return "Path";
    default: return "Expression";
  }
}

bool IsNegativeZero(const std::string& number) {
  if (!number.starts_with("-") || number.find('.') == std::string::npos) return false;
  const std::string digits = number.substr(0, number.find_first_of("eE"));
  return digits.find_first_of("123456789") == std::string::npos;
}

constexpr const char* kRootPath = "root";

class Writer {
 public:
  explicit Writer(Parameters parameters) : parameters_(parameters) {}

  Status Value(const Expr& expr, const std::string& path, int level, std::string& out) {
    if (level > item::kNestingLevelsMax) {
      return InvalidArgument("Nesting Levels have exceeded supported limits under " + path);
    }
    switch (expr.type) {
      case Type::kString: item::PutScalar(out, ValueType::kString, expr.text); return OkStatus();
      case Type::kNumber: return Number(expr, path, out);
      case Type::kBool: item::PutBool(out, expr.text == "true"); return OkStatus();
      case Type::kNull: item::PutNull(out); return OkStatus();
      case Type::kParameter:
        // The value itself, or an attribute of an item; not a part of a literal.
        if (path != kRootPath) return Unsupported(expr, path, "Parameter");
        out += parameters_[expr.index];
        return OkStatus();
      case Type::kList: return List(expr, path, level, out);
      case Type::kBag: return Bag(expr, path, out);
      case Type::kStruct: return Struct(expr, path, level, out);
      case Type::kIon:
        return InvalidArgument("Ion Literals are not supported: " + expr.text + " under key " +
                               path + PositionText(expr.at));
      default: return Unsupported(expr, path, NameOf(expr, path != kRootPath));
    }
  }

  // The attributes of a struct, in order of name.
  Status Attributes(const Expr& expr, const std::string& path, int level, std::string& out) {
    std::set<std::string_view> names;
    item::ItemBuilder builder;
    for (size_t i = 0; i + 1 < expr.children.size(); i += 2) {
      const Expr& key = *expr.children[i];
      if (key.type != Type::kString) {
        return InvalidArgument("Tuple keys must be of type String. Actual type: " +
                               std::string(KeyTypeName(key)) + " under " + path + PositionOf(key));
      }
      if (!names.insert(key.text).second) {
        return InvalidArgument("Duplicate keys in tuple. Key: " + key.text + " under " + path +
                               PositionText(key.at));
      }
      // Of the item itself, an attribute is the root of its value.
      const std::string inner = level == 0 ? path : path + "." + key.text;
      EW_RETURN_IF_ERROR(Value(*expr.children[i + 1], inner, level + 1, builder.Begin(key.text)));
    }
    out += builder.Finish();
    return OkStatus();
  }

 private:
  static Status Unsupported(const Expr& expr, const std::string& path, const std::string& name) {
    return InvalidArgument("Unsupported data type: " + name + " under key " + path +
                           PositionOf(expr));
  }

  Status Number(const Expr& expr, const std::string& path, std::string& out) {
    if (IsNegativeZero(expr.text)) {
      return InvalidArgument("Negative zero decimal is not supported under key " + path +
                             PositionText(expr.at));
    }
    std::string canonical;
    const Status status = item::AppendCanonicalNumber(expr.text, canonical);
    if (!status.ok()) return InvalidArgument(status.message() + " under " + path);
    item::PutScalar(out, ValueType::kNumber, canonical);
    return OkStatus();
  }

  Status List(const Expr& expr, const std::string& path, int level, std::string& out) {
    const size_t mark = item::BeginContainer(out, ValueType::kList);
    for (size_t i = 0; i < expr.children.size(); ++i) {
      EW_RETURN_IF_ERROR(
          Value(*expr.children[i], path + "[" + std::to_string(i) + "]", level + 1, out));
    }
    item::EndContainer(out, mark);
    return OkStatus();
  }

  Status Struct(const Expr& expr, const std::string& path, int level, std::string& out) {
    const size_t mark = item::BeginContainer(out, ValueType::kMap);
    EW_RETURN_IF_ERROR(Attributes(expr, path, level, out));
    item::EndContainer(out, mark);
    return OkStatus();
  }

  // A set: all members of one type, which is string or number.
  Status Bag(const Expr& expr, const std::string& path, std::string& out) {
    constexpr const char* kMixed =
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags";
    if (expr.children.empty()) return InvalidArgument("Empty bags are not supported");
    item::AttributeValue::Set members;
    ValueType type = ValueType::kNull;
    for (const ExprPtr& child : expr.children) {
      std::string encoded;
      const bool scalar = child->type == Type::kString || child->type == Type::kNumber;
      if (!scalar) return InvalidArgument(kMixed + PositionOf(*child));
      EW_RETURN_IF_ERROR(Value(*child, path, 1, encoded));
      const item::ValueView member(encoded);
      if (!members.empty() && member.type() != type) return InvalidArgument(kMixed);
      type = member.type();
      members.emplace_back(member.text());
    }
    EW_RETURN_IF_ERROR(CheckDistinct(expr, path, type, members));
    const ValueType set_type =
        type == ValueType::kString ? ValueType::kStringSet : ValueType::kNumberSet;
    item::AttributeValue::OfSet(set_type, std::move(members)).AppendTo(out);
    return OkStatus();
  }

  // Members are shown as they are written.
  static Status CheckDistinct(const Expr& bag, const std::string& path, ValueType type,
                              const item::AttributeValue::Set& members) {
    const std::set<std::string_view> distinct(members.begin(), members.end());
    if (distinct.size() == members.size()) return OkStatus();
    std::string shown;
    for (const ExprPtr& member : bag.children) shown += (shown.empty() ? "" : ", ") + member->text;
    return InvalidArgument("One or more parameter values were invalid: Input collection [" + shown +
                           "] contains duplicates" +
                           (type == ValueType::kNumber ? "! under " + path : "."));
  }

  Parameters parameters_;
};

}  // namespace

bool IsValue(const Expr& expr) {
  switch (expr.type) {
    case Type::kString:
    case Type::kNumber:
    case Type::kBool:
    case Type::kNull:
    case Type::kIon:
    case Type::kParameter:
    case Type::kList:
    case Type::kBag:
    case Type::kStruct: return true;
    default: return false;
  }
}

Status AppendValue(const Expr& expr, Parameters parameters, std::string& out) {
  return Writer(parameters).Value(expr, kRootPath, 1, out);
}

Result<std::string> ValueOf(const Expr& expr, Parameters parameters) {
  std::string value;
  EW_RETURN_IF_ERROR(AppendValue(expr, parameters, value));
  return value;
}

Result<std::string> ItemOf(const Expr& expr, Parameters parameters) {
  std::string item;
  EW_RETURN_IF_ERROR(Writer(parameters).Attributes(expr, kRootPath, 0, item));
  return item;
}

}  // namespace everwrite::partiql
