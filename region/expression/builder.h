// ExpressionBuilder: expressions that do not come as the text of an expression. The legacy
// parameters and PartiQL are lowered with it onto the one syntax, binding and evaluation.
//
//   ExpressionBuilder builder(Kind::kCondition, Dialect::kLegacy);
//   const NodeIndex left = builder.Attribute("age"), right = builder.Value(encoded);
//   Result<Binding> binding = builder.Finish(builder.Compare(Comparator::kLess, left, right));
//
// Nothing is checked but what the evaluator relies on: callers know the rules of their language, or
// ask CheckOperands (binding.h). Conditions of many parts become balanced trees, so evaluating them
// recurses by the logarithm of their number.
//
// Thread-safety: belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "region/expression/binding.h"

namespace everwrite::expression {

class ExpressionBuilder {
 public:
  ExpressionBuilder(Kind kind, Dialect dialect);

  // --- paths ---
  // Elements of types kName and kIndex. The number of the path.
  uint32_t AddPath(std::vector<PathElement> elements);
  uint32_t AddName(std::string_view attribute);

  // --- operands ---
  NodeIndex Path(uint32_t path);
  NodeIndex Attribute(std::string_view name) { return Path(AddName(name)); }
  NodeIndex Value(std::string_view encoded);  // compact form (item.h), copied
  NodeIndex Call(Function function, const std::vector<NodeIndex>& operands);
  NodeIndex Sum(Node::Type plus_or_minus, NodeIndex left, NodeIndex right);

  // --- conditions ---
  NodeIndex Compare(Comparator comparator, NodeIndex left, NodeIndex right);
  NodeIndex Between(NodeIndex operand, NodeIndex low, NodeIndex high);
  NodeIndex In(NodeIndex operand, const std::vector<NodeIndex>& list);
  NodeIndex Not(NodeIndex condition);
  // kAnd or kOr of one or more conditions.
  NodeIndex Join(Node::Type and_or_or, const std::vector<NodeIndex>& conditions);

  // --- updates and projections ---
  void AddAction(UpdateAction::Type type, uint32_t path, NodeIndex operand = 0);
  void AddProjection(uint32_t path);

  const Node& node(NodeIndex index) const { return expression_->nodes[index]; }

  // The builder is used up. `root` is the condition's. The error is that of paths that overlap.
  Result<Binding> Finish(NodeIndex root = 0);

 private:
  NodeIndex Add(Node node, const std::vector<NodeIndex>& children);

  std::shared_ptr<Expression> expression_;
  std::string values_;
  std::vector<std::pair<size_t, size_t>> value_ranges_;  // offset and size in values_
};

}  // namespace everwrite::expression
