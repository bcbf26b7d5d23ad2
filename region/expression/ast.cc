#include "region/expression/ast.h"

#include "base/check.h"

namespace everwrite::expression {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kCondition: return "ConditionExpression";
    case Kind::kFilter: return "FilterExpression";
    case Kind::kKeyCondition: return "KeyConditionExpression";
    case Kind::kProjection: return "ProjectionExpression";
    case Kind::kUpdate: return "UpdateExpression";
  }
  CHECK(false, "an expression of unknown kind");
}

std::string_view FunctionName(Function function) {
  switch (function) {
    case Function::kAttributeExists: return "attribute_exists";
    case Function::kAttributeNotExists: return "attribute_not_exists";
    case Function::kAttributeType: return "attribute_type";
    case Function::kBeginsWith: return "begins_with";
    case Function::kContains: return "contains";
    case Function::kSize: return "size";
    case Function::kIfNotExists: return "if_not_exists";
    case Function::kListAppend: return "list_append";
  }
  CHECK(false, "an unknown function");
}

bool IsPredicate(Function function) {
  return function != Function::kSize && function != Function::kIfNotExists &&
         function != Function::kListAppend;
}

std::string_view ComparatorName(Comparator comparator) {
  switch (comparator) {
    case Comparator::kEqual: return "=";
    case Comparator::kNotEqual: return "<>";
    case Comparator::kLess: return "<";
    case Comparator::kLessOrEqual: return "<=";
    case Comparator::kGreater: return ">";
    case Comparator::kGreaterOrEqual: return ">=";
  }
  CHECK(false, "an unknown comparator");
}

}  // namespace everwrite::expression
