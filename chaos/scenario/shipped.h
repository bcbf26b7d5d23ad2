// The scenarios of chaos/scenarios, built into the program (chaos/CMakeLists.txt writes the list).
//
// Thread-safety: a constant.
#pragma once

#include <string_view>
#include <vector>

namespace everwrite::chaos {

struct ShippedScenario {
  std::string_view name;  // of the file, without .yaml
  std::string_view text;
};

// By name.
const std::vector<ShippedScenario>& ShippedScenarios();

}  // namespace everwrite::chaos
