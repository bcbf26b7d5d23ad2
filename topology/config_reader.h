// What readers of configuration trees share: values of each kind, and a refusal that names the
// place and the mend. A reader of a file derives from it (topology_reader.cc, chaos/scenario).
// Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/status.h"
#include "topology/config_tree.h"

namespace everwrite::topology {

using Words = std::initializer_list<std::string_view>;

// In quotes, and cut: somebody's whole file may stand in one value.
std::string Quoted(std::string_view text);
// "a, b, c"
std::string Listed(Words words);

class ConfigReader {
 public:
  // `file` is for messages, and outlives it.
  explicit ConfigReader(std::string_view file) : file_(file) {}

 protected:
  Status Error(const ConfigNode& at, std::string_view text) const;
  // A map with no key but `known`.
  Status CheckMap(const ConfigNode& node, std::string_view what, Words known) const;
  Status Require(const ConfigNode& map, std::string_view what, std::string_view key,
                 const ConfigNode*& value) const;
  Status CheckScalar(const ConfigNode& node, std::string_view what) const;
  // A lower-case letter, then letters, digits and "-".
  Status ReadName(const ConfigNode& node, std::string_view what, std::string& name) const;
  // Bounds are included.
  Status ReadInteger(const ConfigNode& node, uint64_t low, uint64_t high, uint64_t& value) const;
  Status ReadDuration(const ConfigNode& node, int64_t low, int64_t high, int64_t& micros) const;
  Status ReadBytes(const ConfigNode& node, uint64_t low, uint64_t high, uint64_t& bytes) const;
  // 1KB/s to 1TB/s; `otherwise` is what else may be written.
  Status ReadRate(const ConfigNode& value, const std::string& otherwise, uint64_t& bytes) const;
  Status ReadChoice(const ConfigNode& node, std::string_view first, std::string_view second,
                    bool& is_second) const;

 private:
  std::string_view file_;
};

}  // namespace everwrite::topology
