#include "region/api/base64.h"

namespace everwrite::api {

std::string DescribeBadBase64(std::string_view text) {
  if (text.size() % 4 != 0)
    return "Base64 encoded length is expected a multiple of 4 bytes but found: " +
           std::to_string(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool padding =
        text[i] == '=' && i + 2 >= text.size() && (i + 1 == text.size() || text[i + 1] == '=');
    if (!IsBase64Digit(text[i]) && !padding)
      return std::string("Invalid Base64 character: '") +
             (static_cast<signed char>(text[i]) >= 0 ? text[i] : '?') + "'";
  }
  return "Invalid last non-pad Base64 character dectected";  // sic
}

}  // namespace everwrite::api
