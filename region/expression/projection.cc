#include "region/expression/projection.h"

namespace everwrite::expression {
namespace {

using item::ValueType;
using item::ValueView;

class Projector {
 public:
  explicit Projector(const PathTree& tree) : tree_(tree) {}

  // Entries of `map` that the node's children name, both in order of name.
  void Entries(const PathTree::Node& node, item::ItemView map, std::string& out) const {
    auto child = node.children.begin();
    for (const item::Attribute& attribute : map) {
      while (child != node.children.end() && child->element.name < attribute.name) ++child;
      if (child == node.children.end()) return;
      if (child->element.name != attribute.name) continue;
      const size_t before = out.size();
      item::PutName(out, attribute.name);
      if (!Value(tree_.node(child->node), attribute.value, out)) out.resize(before);
    }
  }

 private:
  void Elements(const PathTree::Node& node, item::ListView list, std::string& out) const {
    auto child = node.children.begin();
    uint32_t index = 0;
    for (ValueView element : list) {
      if (child == node.children.end()) return;
      if (child->element.index == index) {
        Value(tree_.node(child->node), element, out);
        ++child;
      }
      ++index;
    }
  }

  // False, and nothing appended, when no path leads anywhere.
  bool Value(const PathTree::Node& node, ValueView value, std::string& out) const {
    if (node.path != PathTree::kNoPath) {
      out.append(value.encoded());
      return true;
    }
    const bool indexed = node.children[0].element.is_index;
    if (!value.Is(indexed ? ValueType::kList : ValueType::kMap)) return false;
    const size_t mark = item::BeginContainer(out, value.type());
    const size_t empty = out.size();
    if (indexed) {
      Elements(node, value.list(), out);
    } else {
      Entries(node, value.map(), out);
    }
    if (out.size() == empty) {
      out.resize(mark);
      return false;
    }
    item::EndContainer(out, mark);
    return true;
  }

  const PathTree& tree_;
};

}  // namespace

std::string Project(const PathTree& tree, item::ItemView item) {
  std::string out;
  if (!tree.empty()) Projector(tree).Entries(tree.root(), item, out);
  return out;
}

}  // namespace everwrite::expression
