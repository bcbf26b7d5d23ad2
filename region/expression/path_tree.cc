#include "region/expression/path_tree.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace everwrite::expression {
namespace {

// A step from a node, as the key of an index of children.
using Step = std::tuple<uint32_t, bool, uint32_t, std::string_view>;
Step StepOf(uint32_t node, const ResolvedElement& element) {
  return {node, element.is_index, element.index, element.name};
}

Status Refuse(std::string_view how, PathSpan one, PathSpan two) {
  return InvalidArgument("Two document paths " + std::string(how) +
                         " with each other; must remove or rewrite one of these paths; path one: " +
                         PathText(one) + ", path two: " + PathText(two));
}

}  // namespace

std::string PathText(PathSpan path) {
  std::string text = "[";
  for (const ResolvedElement& element : path) {
    if (text.size() > 1) text += ", ";
    if (element.is_index) {
      text += "[" + std::to_string(element.index) + "]";
    } else {
      text += element.name;
    }
  }
  return text + "]";
}

uint32_t PathTree::AnyPath(uint32_t node) const {
  while (nodes_[node].path == kNoPath) node = nodes_[node].children[0].node;
  return nodes_[node].path;
}

Status PathTree::Build(std::span<const PathSpan> paths) {
  // An expression's few paths are looked up in line; AttributeUpdates may name thousands.
  constexpr size_t kPathsInLineMax = 32;
  const bool indexed = paths.size() > kPathsInLineMax;
  std::map<Step, uint32_t> index;
  nodes_.assign(1, Node());
  for (uint32_t number = 0; number < paths.size(); ++number) {
    const PathSpan path = paths[number];
    uint32_t at = 0;
    for (const ResolvedElement& element : path) {
      if (nodes_[at].path != kNoPath) return Refuse("overlap", paths[nodes_[at].path], path);
      const std::vector<Child>& children = nodes_[at].children;
      if (!children.empty() && children[0].element.is_index != element.is_index) {
        return Refuse("conflict", paths[AnyPath(at)], path);
      }
      const uint32_t added = static_cast<uint32_t>(nodes_.size());
      if (indexed) {
        const auto [known, is_new] = index.try_emplace(StepOf(at, element), added);
        if (!is_new) {
          at = known->second;
          continue;
        }
      } else {
        const auto found = std::find_if(children.begin(), children.end(), [&](const Child& child) {
          return child.element == element;
        });
        if (found != children.end()) {
          at = found->node;
          continue;
        }
      }
      nodes_[at].children.push_back({element, added});
      nodes_.emplace_back();
      at = added;
    }
    if (nodes_[at].path != kNoPath || !nodes_[at].children.empty()) {
      return Refuse("overlap", paths[AnyPath(at)], path);
    }
    nodes_[at].path = number;
  }
  for (Node& node : nodes_) {
    std::sort(node.children.begin(), node.children.end(), [](const Child& a, const Child& b) {
      return a.element.is_index ? a.element.index < b.element.index
                                : a.element.name < b.element.name;
    });
  }
  return OkStatus();
}

}  // namespace everwrite::expression
