#include "base/base64.h"

#include <array>
#include <cstdint>

namespace everwrite {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 0xff;

constexpr std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits{};
  for (uint8_t& digit : digits) digit = kNoDigit;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

}  // namespace

bool IsBase64Digit(char c) { return kDigits[static_cast<uint8_t>(c)] != kNoDigit; }

void AppendBase64(std::string& out, std::string_view bytes) {
  const size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const uint8_t* at = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, at += 3) {
    const uint32_t group = uint32_t{at[0]} << 16 | uint32_t{at[1]} << 8 | at[2];
    *to++ = kAlphabet[group >> 18];
    *to++ = kAlphabet[group >> 12 & 63];
    *to++ = kAlphabet[group >> 6 & 63];
    *to++ = kAlphabet[group & 63];
  }
  if (left == 0) return;
  const uint32_t group = uint32_t{at[0]} << 16 | (left == 2 ? uint32_t{at[1]} << 8 : 0);
  *to++ = kAlphabet[group >> 18];
  *to++ = kAlphabet[group >> 12 & 63];
  *to++ = left == 2 ? kAlphabet[group >> 6 & 63] : '=';
  *to++ = '=';
}

bool AppendFromBase64(std::string& out, std::string_view text) {
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const size_t padding = text[text.size() - 1] != '=' ? 0 : text[text.size() - 2] != '=' ? 1 : 2;
  const size_t start = out.size();
  out.resize(start + text.size() / 4 * 3);
  uint8_t* to = reinterpret_cast<uint8_t*>(out.data() + start);
  bool good = true;
  for (size_t i = 0; i < text.size(); i += 4) {
    const size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t digit = k < digits ? kDigits[static_cast<uint8_t>(text[i + k])] : uint8_t{0};
      good &= digit != kNoDigit;
      group = group << 6 | (digit & 63u);
    }
    *to++ = static_cast<uint8_t>(group >> 16);
    *to++ = static_cast<uint8_t>(group >> 8);
    *to++ = static_cast<uint8_t>(group);
    // The bits that the padding drops are zero: one text for one value.
    if (digits == 3) good &= (group & 0xff) == 0;
    if (digits == 2) good &= (group & 0xffff) == 0;
  }
  out.erase(good ? out.size() - padding : start);
  return good;
}

}  // namespace everwrite
