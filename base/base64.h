// Base64 (RFC 4648) with padding, one text for each value.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace everwrite {

void AppendBase64(std::string& out, std::string_view bytes);
// False, and `out` as it was, when the text is not base64 in its one padded form.
bool AppendFromBase64(std::string& out, std::string_view text);
// Of the alphabet, which the padding is no part of.
bool IsBase64Digit(char c);

}  // namespace everwrite
