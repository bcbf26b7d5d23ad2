// The syntax of expressions, as parsed: immutable, and independent of the request it came with.
// Placeholders (#name, :value) stay unresolved, so one parsed expression can be shared by all
// requests that send the same text; names and values are looked up when it is bound (binding.h).
//
// Nodes live in flat vectors and refer to each other by index: one expression is a handful of
// allocations, whatever its size. All kinds of expression share one form; a new kind of operand,
// function or clause is a new enumerator and its cases in parser, binding and evaluation.
//
// Thread-safety: immutable once parsed; may be read from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everwrite::expression {

// DynamoDB's limits (Developer Guide, "Quotas").
inline constexpr size_t kExpressionBytesMax = 4096;
inline constexpr int kOperatorsMax = 300;
inline constexpr size_t kInOperandsMax = 100;
inline constexpr size_t kPathElementsMax = 32;
// Ours: of nested parentheses and functions, so that recursion is bounded.
inline constexpr int kDepthMax = 320;

// What kind of expression a text is.
enum class Kind : uint8_t { kCondition, kFilter, kKeyCondition, kProjection, kUpdate };
// "ConditionExpression", "FilterExpression", … as error messages name it.
std::string_view KindName(Kind kind);

// The language that an expression came from. All are evaluated alike; what fails while an item is
// read is said in the language's own words.
enum class Dialect : uint8_t { kExpression, kLegacy, kPartiql };

struct PathElement {
  enum class Type : uint8_t { kName, kPlaceholder, kIndex };
  Type type = Type::kName;
  uint32_t index = 0;  // kIndex
  std::string name;    // kName: the attribute; kPlaceholder: with its '#'
};

// A document path: `size` elements from `begin` on in Expression::elements.
struct Path {
  uint32_t begin = 0;
  uint32_t size = 0;
};

enum class Function : uint8_t {
  kAttributeExists,
  kAttributeNotExists,
  kAttributeType,
  kBeginsWith,
  kContains,
  kSize,
  kIfNotExists,
  kListAppend,
};
std::string_view FunctionName(Function function);
// Answers yes or no: a condition by itself, and no operand.
bool IsPredicate(Function function);

enum class Comparator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual
};
std::string_view ComparatorName(Comparator comparator);  // "=", "<>", …

// Index into Expression::nodes.
using NodeIndex = uint32_t;

struct Node {
  enum class Type : uint8_t {
    // operands
    kPath,      // index: path
    kValue,     // index: value
    kFunction,  // function, children: its operands; also a condition when it answers yes or no
    kPlus,      // children: two operands
    kMinus,
    // conditions
    kCompare,  // comparator, children: two operands
    kBetween,  // children: operand, lower, upper
    kIn,       // children: operand and the list
    kAnd,      // children: two conditions
    kOr,
    kNot,  // children: one condition
  };
  Type type = Type::kPath;
  Function function = Function::kSize;
  Comparator comparator = Comparator::kEqual;
  uint32_t index = 0;
  // `children_size` nodes from `children` on in Expression::children.
  uint32_t children = 0;
  uint32_t children_size = 0;
};

struct UpdateAction {
  enum class Type : uint8_t { kSet, kRemove, kAdd, kDelete };
  Type type = Type::kSet;
  uint32_t path = 0;      // index of the path changed
  NodeIndex operand = 0;  // all but kRemove
};

struct Expression {
  Kind kind = Kind::kCondition;
  Dialect dialect = Dialect::kExpression;
  std::vector<PathElement> elements;
  std::vector<Path> paths;
  std::vector<std::string> values;  // ":v", each once
  std::vector<Node> nodes;
  std::vector<NodeIndex> children;
  NodeIndex root = 0;                 // kCondition, kFilter, kKeyCondition
  std::vector<uint32_t> projection;   // kProjection: indexes of paths
  std::vector<UpdateAction> actions;  // kUpdate, in order of the text

  NodeIndex Child(const Node& node, uint32_t i) const { return children[node.children + i]; }
};
using ExpressionPtr = std::shared_ptr<const Expression>;

}  // namespace everwrite::expression
