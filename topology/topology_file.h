// The topology file: YAML, strict. Whatever is not understood is refused, never skipped, with
//
//   demo.yaml:14:5: unknown key "latencey"; did you mean "latency"?
//
// The format, with every key, is shown by topology/examples/three_regions.yaml and
// docs/operations.md. Anchors and aliases are refused (a few lines of them can stand for
// gigabytes), as are files above kMaxTopologyFileBytes, nesting above kMaxConfigDepth and duplicate
// keys.
//
// Errors: kNotFound (no such file), kUnavailable (cannot be read), kInvalidArgument (all else).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "topology/config_tree.h"
#include "topology/topology.h"

namespace everwrite::topology {

inline constexpr size_t kMaxTopologyFileBytes = 1 << 20;
inline constexpr int kMaxConfigDepth = 16;

Result<Topology> LoadTopology(const std::string& path);
// `file_name` is only for messages and for Topology::directory.
Result<Topology> ParseTopology(std::string_view text, std::string_view file_name);

// What other files of the same YAML are made of (chaos/scenario): the text of a file, at most
// kMaxTopologyFileBytes and one more, and its tree.
Result<std::string> ReadConfigText(const std::string& path);
Result<ConfigNode> ParseConfig(std::string_view text, std::string_view file_name);

// A file that ParseTopology reads back as the same topology: for tools that make one.
std::string WriteTopology(const Topology& topology);

}  // namespace everwrite::topology
