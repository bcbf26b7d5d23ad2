// A configuration file as a tree that remembers where each word stood, so that every complaint can
// name file, line and column. Parsers (YAML) make it; topology_reader reads it. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace everwrite::topology {

struct ConfigNode {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 1;                   // from 1
  int column = 1;                 // from 1
  std::string text;               // of kScalar
  std::vector<ConfigNode> keys;   // of kMap: scalars, no two equal
  std::vector<ConfigNode> items;  // values of kMap (beside `keys`), or of kList

  // The value under `key`, or null.
  const ConfigNode* Find(std::string_view key) const;
};

// "a list", "nothing", for messages.
std::string_view KindName(ConfigNode::Kind kind);

// "file:line:column: text"
Status ConfigError(std::string_view file, const ConfigNode& at, std::string_view text);

// The one of `known` that `word` was most likely meant to be; empty when none is near.
std::string_view NearestWord(std::string_view word, std::initializer_list<std::string_view> known);

}  // namespace everwrite::topology
