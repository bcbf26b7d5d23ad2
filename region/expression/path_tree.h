// PathTree: several document paths as one tree, which an item is walked along with. Its nodes'
// children are in the item's own order, so projecting and updating are one merge, from bytes to
// bytes.
//
// Thread-safety: immutable once built.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace everwrite::expression {

// One step of a path whose placeholders have been resolved. Borrows the name.
struct ResolvedElement {
  std::string_view name;
  uint32_t index = 0;
  bool is_index = false;
  friend bool operator==(const ResolvedElement&, const ResolvedElement&) = default;
};
using PathSpan = std::span<const ResolvedElement>;

// "[a, [0], b]": a path as error messages show it.
std::string PathText(PathSpan path);

class PathTree {
 public:
  static constexpr uint32_t kNoPath = UINT32_MAX;

  struct Child {
    ResolvedElement element;
    uint32_t node = 0;
  };
  struct Node {
    uint32_t path = kNoPath;      // a leaf: the number of the path that ends here
    std::vector<Child> children;  // otherwise; sorted after Build: all names, or all indexes
  };

  // Two paths of which one contains the other, or one of which takes for a map what the other takes
  // for a list, are refused with DynamoDB's message, without its "Invalid …Expression: " in front.
  Status Build(std::span<const PathSpan> paths);

  bool empty() const { return nodes_.empty(); }
  const Node& root() const { return nodes_[0]; }
  const Node& node(uint32_t i) const { return nodes_[i]; }

 private:
  // Some path at or below the node.
  uint32_t AnyPath(uint32_t node) const;

  std::vector<Node> nodes_;
};

}  // namespace everwrite::expression
