#include "region/expression/update.h"

#include <algorithm>
#include <vector>

#include "region/expression/projection.h"
#include "region/item/attribute_value.h"
#include "region/item/number.h"

namespace everwrite::expression {
namespace {

using item::ValueType;
using item::ValueView;

Status IncorrectType(const Expression& expression) {
  return InvalidArgument(expression.dialect == Dialect::kLegacy
                             ? "Type mismatch for attribute to update"
                             : "An operand in the update expression has an incorrect data type");
}
Status MissingAttribute() {
  return InvalidArgument(
      "The provided expression refers to an attribute that does not exist in the item");
}
Status InvalidPath() {
  return InvalidArgument(
      "The document path provided in the update expression is invalid for update");
}

// What becomes of the attribute that one path leads to.
struct Effect {
  enum class Type : uint8_t { kKeep, kWrite, kRemove };
  Type type = Type::kKeep;
  std::string value;  // kWrite: in the compact form
};

void AppendLists(ValueView first, ValueView second, std::string& out) {
  const size_t mark = item::BeginContainer(out, ValueType::kList);
  out.append(first.payload()).append(second.payload());
  item::EndContainer(out, mark);
}

// --- operands: read from the old item ----------------------------------------------------------

class Operands {
 public:
  Operands(const Binding& binding, item::ItemView old)
      : binding_(binding), expression_(*binding.expression), old_(old) {}

  // The value of a node, compact. `storage` holds it when it was computed.
  Result<ValueView> Evaluate(NodeIndex index, std::string& storage) const;

 private:
  Result<ValueView> Sum(const Node& node, std::string& storage) const;
  Result<ValueView> Call(const Node& node, std::string& storage) const;
  Result<item::Number> NumberOf(NodeIndex index) const;

  const Binding& binding_;
  const Expression& expression_;
  item::ItemView old_;
};

Result<ValueView> Operands::Evaluate(NodeIndex index, std::string& storage) const {
  const Node& node = expression_.nodes[index];
  switch (node.type) {
    case Node::Type::kPath: {
      const std::optional<ValueView> value = FindPath(old_, binding_.PathAt(node.index));
      if (!value) return MissingAttribute();
      return *value;
    }
    case Node::Type::kValue: return binding_.values[node.index];
    case Node::Type::kPlus:
    case Node::Type::kMinus: return Sum(node, storage);
    case Node::Type::kFunction: return Call(node, storage);
    default: CHECK(false, "the parser lets no condition into an update");
  }
}

Result<item::Number> Operands::NumberOf(NodeIndex index) const {
  std::string storage;
  EW_ASSIGN_OR_RETURN(const ValueView value, Evaluate(index, storage));
  if (!value.Is(ValueType::kNumber)) return IncorrectType(expression_);
  return item::Number::Parse(value.text());
}

Result<ValueView> Operands::Sum(const Node& node, std::string& storage) const {
  EW_ASSIGN_OR_RETURN(const item::Number left, NumberOf(expression_.Child(node, 0)));
  EW_ASSIGN_OR_RETURN(const item::Number right, NumberOf(expression_.Child(node, 1)));
  EW_ASSIGN_OR_RETURN(const item::Number sum, node.type == Node::Type::kPlus
                                                  ? item::Number::Add(left, right)
                                                  : item::Number::Subtract(left, right));
  item::PutScalar(storage, ValueType::kNumber, sum.ToString());
  return ValueView(storage);
}

Result<ValueView> Operands::Call(const Node& node, std::string& storage) const {
  if (node.function == Function::kIfNotExists) {
    const Node& path = expression_.nodes[expression_.Child(node, 0)];
    if (const auto value = FindPath(old_, binding_.PathAt(path.index))) return *value;
    return Evaluate(expression_.Child(node, 1), storage);
  }
  CHECK(node.function == Function::kListAppend, "the parser lets in no other function");
  std::string first_storage, second_storage;
  EW_ASSIGN_OR_RETURN(const ValueView first, Evaluate(expression_.Child(node, 0), first_storage));
  EW_ASSIGN_OR_RETURN(const ValueView second, Evaluate(expression_.Child(node, 1), second_storage));
  if (!first.Is(ValueType::kList) || !second.Is(ValueType::kList)) {
    return IncorrectType(expression_);
  }
  AppendLists(first, second, storage);
  return ValueView(storage);
}

// --- the four clauses --------------------------------------------------------------------------

// The union of two sets, or the first without the second, both merged in their order.
std::string MergeSets(ValueView left, ValueView right, UpdateAction::Type how) {
  const ValueType type = left.type();
  std::string out;
  const size_t mark = item::BeginContainer(out, type);
  const item::SetView left_set = left.set(), right_set = right.set();
  const bool add = how == UpdateAction::Type::kAdd;
  auto b = right_set.begin();
  for (std::string_view a : left_set) {
    while (b != right_set.end() && item::SetElementLess(type, *b, a)) {
      if (add) item::PutSetElement(out, *b);
      ++b;
    }
    const bool in_both = b != right_set.end() && *b == a;
    if (in_both) ++b;
    if (add || !in_both) item::PutSetElement(out, a);
  }
  for (; add && b != right_set.end(); ++b) item::PutSetElement(out, *b);
  item::EndContainer(out, mark);
  return out;
}

Result<Effect> AddEffect(const Expression& expression, std::optional<ValueView> old,
                         ValueView operand) {
  if (!old) return Effect{Effect::Type::kWrite, std::string(operand.encoded())};
  if (old->type() != operand.type()) return IncorrectType(expression);
  if (operand.Is(ValueType::kList)) {  // of AttributeUpdates; an expression cannot say it
    Effect effect{Effect::Type::kWrite, {}};
    AppendLists(*old, operand, effect.value);
    return effect;
  }
  if (item::IsSet(operand.type())) {
    return Effect{Effect::Type::kWrite, MergeSets(*old, operand, UpdateAction::Type::kAdd)};
  }
  EW_ASSIGN_OR_RETURN(const item::Number left, item::Number::Parse(old->text()));
  EW_ASSIGN_OR_RETURN(const item::Number right, item::Number::Parse(operand.text()));
  EW_ASSIGN_OR_RETURN(const item::Number sum, item::Number::Add(left, right));
  Effect effect{Effect::Type::kWrite, {}};
  item::PutScalar(effect.value, ValueType::kNumber, sum.ToString());
  return effect;
}

Result<Effect> DeleteEffect(const Expression& expression, std::optional<ValueView> old,
                            ValueView operand) {
  if (!old) return Effect();
  if (old->type() != operand.type()) return IncorrectType(expression);
  Effect effect{Effect::Type::kWrite, MergeSets(*old, operand, UpdateAction::Type::kDelete)};
  if (ValueView(effect.value).payload().empty()) return Effect{Effect::Type::kRemove, {}};
  return effect;
}

Result<Effect> SetEffect(const Binding& binding, const UpdateAction& action, item::ItemView old) {
  std::string storage;
  EW_ASSIGN_OR_RETURN(const ValueView operand,
                      Operands(binding, old).Evaluate(action.operand, storage));
  return Effect{Effect::Type::kWrite, std::string(operand.encoded())};
}

// What a path changes stands in a map or a list that is there.
Status CheckParent(PathSpan path, item::ItemView old) {
  if (path.size() == 1) return OkStatus();
  const std::optional<ValueView> parent = FindPath(old, path.first(path.size() - 1));
  const ValueType type = path.back().is_index ? ValueType::kList : ValueType::kMap;
  return parent && parent->Is(type) ? OkStatus() : InvalidPath();
}

Result<Effect> EffectOf(const Binding& binding, const UpdateAction& action, item::ItemView old) {
  if (action.type == UpdateAction::Type::kRemove) return Effect{Effect::Type::kRemove, {}};
  const ValueView operand = binding.values[binding.expression->nodes[action.operand].index];
  const std::optional<ValueView> target = FindPath(old, binding.PathAt(action.path));
  return action.type == UpdateAction::Type::kAdd
             ? AddEffect(*binding.expression, target, operand)
             : DeleteEffect(*binding.expression, target, operand);
}

// --- writing the new item ----------------------------------------------------------------------

class Writer {
 public:
  Writer(const PathTree& tree, const std::vector<Effect>& effects)
      : tree_(tree), effects_(effects) {}

  // Merges the entries of a map with the node's children; both are in order of name.
  Status Entries(const PathTree::Node& node, item::ItemView old, std::string& out) const {
    auto child = node.children.begin();
    for (const item::Attribute& attribute : old) {
      for (; child != node.children.end() && child->element.name < attribute.name; ++child) {
        EW_RETURN_IF_ERROR(Entry(*child, std::nullopt, out));
      }
      if (child != node.children.end() && child->element.name == attribute.name) {
        EW_RETURN_IF_ERROR(Entry(*child++, attribute.value, out));
      } else {
        out.append(attribute.encoded);
      }
    }
    for (; child != node.children.end(); ++child) {
      EW_RETURN_IF_ERROR(Entry(*child, std::nullopt, out));
    }
    return OkStatus();
  }

 private:
  Status Entry(const PathTree::Child& child, std::optional<ValueView> old, std::string& out) const {
    const size_t before = out.size();
    item::PutName(out, child.element.name);
    const size_t value = out.size();
    EW_RETURN_IF_ERROR(Value(tree_.node(child.node), old, out));
    if (out.size() == value) out.resize(before);
    return OkStatus();
  }

  Status Elements(const PathTree::Node& node, item::ListView old, std::string& out) const {
    auto child = node.children.begin();
    uint32_t index = 0;
    for (ValueView element : old) {
      if (child != node.children.end() && child->element.index == index) {
        EW_RETURN_IF_ERROR(Value(tree_.node((child++)->node), element, out));
      } else {
        out.append(element.encoded());
      }
      ++index;
    }
    // Beyond the end: appended, whatever the index.
    for (; child != node.children.end(); ++child) {
      EW_RETURN_IF_ERROR(Value(tree_.node(child->node), std::nullopt, out));
    }
    return OkStatus();
  }

  // Appends what becomes of the value: nothing when it is removed or was not there.
  Status Value(const PathTree::Node& node, std::optional<ValueView> old, std::string& out) const {
    if (node.path != PathTree::kNoPath) {
      const Effect& effect = effects_[node.path];
      if (effect.type == Effect::Type::kWrite) out.append(effect.value);
      if (effect.type == Effect::Type::kKeep && old) out.append(old->encoded());
      return OkStatus();
    }
    const bool indexed = node.children[0].element.is_index;
    if (!old || !old->Is(indexed ? ValueType::kList : ValueType::kMap)) return InvalidPath();
    const size_t mark = item::BeginContainer(out, old->type());
    EW_RETURN_IF_ERROR(indexed ? Elements(node, old->list(), out) : Entries(node, old->map(), out));
    item::EndContainer(out, mark);
    return OkStatus();
  }

  const PathTree& tree_;
  const std::vector<Effect>& effects_;
};

int Depth(ValueView value) {
  int deepest = 0;
  if (value.Is(ValueType::kMap)) {
    for (const item::Attribute& attribute : value.map()) {
      deepest = std::max(deepest, Depth(attribute.value));
    }
  } else if (value.Is(ValueType::kList)) {
    for (ValueView element : value.list()) deepest = std::max(deepest, Depth(element));
  }
  return deepest + 1;
}

Status CheckDepth(const Binding& binding, const std::vector<Effect>& effects) {
  for (size_t i = 0; i < effects.size(); ++i) {
    if (effects[i].type != Effect::Type::kWrite) continue;
    const size_t above = binding.PathAt(binding.expression->actions[i].path).size() - 1;
    if (static_cast<int>(above) + Depth(ValueView(effects[i].value)) > item::kNestingLevelsMax) {
      return InvalidArgument(
          "Nesting Levels have exceeded supported limits: Attributes in the item have nested "
          "levels "
          "beyond supported limit");
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::string> ApplyUpdate(const Binding& update, item::ItemView old) {
  constexpr const char* kTooLarge = "Item size to update has exceeded the maximum allowed size";
  const std::vector<UpdateAction>& actions = update.expression->actions;
  std::vector<Effect> effects(actions.size());  // by number of action, as its path in the tree
  size_t written = 0, written_bytes = 0;
  // What is set is put together before any path is looked at.
  for (const bool set : {true, false}) {
    for (size_t i = 0; i < actions.size(); ++i) {
      const bool sets = actions[i].type == UpdateAction::Type::kSet;
      if (!set) EW_RETURN_IF_ERROR(CheckParent(update.PathAt(actions[i].path), old));
      if (sets != set) continue;
      EW_ASSIGN_OR_RETURN(effects[i], sets ? SetEffect(update, actions[i], old)
                                           : EffectOf(update, actions[i], old));
      const std::string& value = effects[i].value;
      // A value may stand in the expression hundreds of times: no more is put together than fits.
      if (!value.empty()) written += item::ValueSize(ValueView(value));
      if (written > item::kItemBytesMax) return InvalidArgument(kTooLarge);
      written_bytes += value.size();
    }
  }
  EW_RETURN_IF_ERROR(CheckDepth(update, effects));
  std::string item;
  item.reserve(old.bytes().size() + written_bytes + 32);
  EW_RETURN_IF_ERROR(Writer(update.tree, effects).Entries(update.tree.root(), old, item));
  if (item::ItemSize(item::ItemView(item)) > item::kItemBytesMax) return InvalidArgument(kTooLarge);
  return item;
}

bool OnlyRemoves(const Binding& update) {
  for (const UpdateAction& action : update.expression->actions) {
    if (action.type == UpdateAction::Type::kSet || action.type == UpdateAction::Type::kAdd) {
      return false;
    }
  }
  return !update.expression->actions.empty();
}

std::string UpdatedPart(const Binding& update, item::ItemView item) {
  return Project(update.tree, item);
}

}  // namespace everwrite::expression
