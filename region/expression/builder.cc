#include "region/expression/builder.h"

#include "base/check.h"

namespace everwrite::expression {

ExpressionBuilder::ExpressionBuilder(Kind kind, Dialect dialect)
    : expression_(std::make_shared<Expression>()) {
  expression_->kind = kind;
  expression_->dialect = dialect;
}

uint32_t ExpressionBuilder::AddPath(std::vector<PathElement> elements) {
  CHECK(!elements.empty(), "a path has a name");
  const auto begin = static_cast<uint32_t>(expression_->elements.size());
  const auto size = static_cast<uint32_t>(elements.size());
  for (PathElement& element : elements) expression_->elements.push_back(std::move(element));
  expression_->paths.push_back({begin, size});
  return static_cast<uint32_t>(expression_->paths.size() - 1);
}

uint32_t ExpressionBuilder::AddName(std::string_view attribute) {
  std::vector<PathElement> elements(1);
  elements[0].name = attribute;
  return AddPath(std::move(elements));
}

NodeIndex ExpressionBuilder::Add(Node node, const std::vector<NodeIndex>& children) {
  node.children = static_cast<uint32_t>(expression_->children.size());
  node.children_size = static_cast<uint32_t>(children.size());
  expression_->children.insert(expression_->children.end(), children.begin(), children.end());
  expression_->nodes.push_back(node);
  return static_cast<NodeIndex>(expression_->nodes.size() - 1);
}

NodeIndex ExpressionBuilder::Path(uint32_t path) {
  return Add({.type = Node::Type::kPath, .index = path}, {});
}

NodeIndex ExpressionBuilder::Value(std::string_view encoded) {
  const auto index = static_cast<uint32_t>(value_ranges_.size());
  value_ranges_.emplace_back(values_.size(), encoded.size());
  values_.append(encoded);
  return Add({.type = Node::Type::kValue, .index = index}, {});
}

NodeIndex ExpressionBuilder::Call(Function function, const std::vector<NodeIndex>& operands) {
  return Add({.type = Node::Type::kFunction, .function = function}, operands);
}

NodeIndex ExpressionBuilder::Sum(Node::Type plus_or_minus, NodeIndex left, NodeIndex right) {
  return Add({.type = plus_or_minus}, {left, right});
}

NodeIndex ExpressionBuilder::Compare(Comparator comparator, NodeIndex left, NodeIndex right) {
  return Add({.type = Node::Type::kCompare, .comparator = comparator}, {left, right});
}

NodeIndex ExpressionBuilder::Between(NodeIndex operand, NodeIndex low, NodeIndex high) {
  return Add({.type = Node::Type::kBetween}, {operand, low, high});
}

NodeIndex ExpressionBuilder::In(NodeIndex operand, const std::vector<NodeIndex>& list) {
  std::vector<NodeIndex> children = {operand};
  children.insert(children.end(), list.begin(), list.end());
  return Add({.type = Node::Type::kIn}, children);
}

NodeIndex ExpressionBuilder::Not(NodeIndex condition) {
  return Add({.type = Node::Type::kNot}, {condition});
}

NodeIndex ExpressionBuilder::Join(Node::Type and_or_or, const std::vector<NodeIndex>& conditions) {
  CHECK(!conditions.empty(), "nothing to join");
  std::vector<NodeIndex> level = conditions;
  while (level.size() > 1) {
    std::vector<NodeIndex> above;
    for (size_t i = 0; i + 1 < level.size(); i += 2) {
      above.push_back(Add({.type = and_or_or}, {level[i], level[i + 1]}));
    }
    if (level.size() % 2 == 1) above.push_back(level.back());
    level = std::move(above);
  }
  return level[0];
}

void ExpressionBuilder::AddAction(UpdateAction::Type type, uint32_t path, NodeIndex operand) {
  expression_->actions.push_back({.type = type, .path = path, .operand = operand});
}

void ExpressionBuilder::AddProjection(uint32_t path) { expression_->projection.push_back(path); }

Result<Binding> ExpressionBuilder::Finish(NodeIndex root) {
  expression_->root = root;
  Binding binding;
  binding.own_values = std::make_shared<const std::string>(std::move(values_));
  const std::string_view values(*binding.own_values);
  for (const auto& [offset, size] : value_ranges_) {
    binding.values.emplace_back(values.substr(offset, size));
  }
  const Expression& expression = *expression_;
  binding.elements.reserve(expression.elements.size());
  for (const PathElement& element : expression.elements) {
    binding.elements.push_back({.name = element.name,
                                .index = element.index,
                                .is_index = element.type == PathElement::Type::kIndex});
  }
  binding.expression = std::move(expression_);
  std::vector<PathSpan> paths;
  for (uint32_t path : expression.projection) paths.push_back(binding.PathAt(path));
  for (const UpdateAction& action : expression.actions) {
    paths.push_back(binding.PathAt(action.path));
  }
  if (!paths.empty()) EW_RETURN_IF_ERROR(binding.tree.Build(paths));
  return binding;
}

}  // namespace everwrite::expression
