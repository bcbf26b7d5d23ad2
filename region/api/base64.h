// Base64 (RFC 4648) with padding, as B and BS values are written in JSON.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace everwrite::api {

void AppendBase64(std::string& out, std::string_view bytes);
// False, and `out` as it was, when the text is not base64 in its one padded form.
bool AppendFromBase64(std::string& out, std::string_view text);
// What the service says of a text for which AppendFromBase64 is false.
std::string DescribeBadBase64(std::string_view text);

}  // namespace everwrite::api
