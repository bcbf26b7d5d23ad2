// Values of the types B and BS: base64 in JSON.
//
// Thread-safety: a pure function.
#pragma once

#include <string>
#include <string_view>

#include "base/base64.h"

namespace everwrite::api {

// What the service says of a text for which AppendFromBase64 is false.
std::string DescribeBadBase64(std::string_view text);

}  // namespace everwrite::api
