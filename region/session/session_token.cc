#include "region/session/session_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/check.h"

namespace everwrite::session {
namespace {

constexpr char kFormat = 1;
constexpr size_t kMacBytes = 12;
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void AppendBase64Url(std::string& out, std::string_view bytes) {
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(byte);
    for (held += 8; held >= 6; held -= 6) out += kAlphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) out += kAlphabet[(bits << (6 - held)) & 63];
}

constexpr std::array<int8_t, 256> MakeValues() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (int i = 0; i < 64; ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}

bool ParseBase64Url(std::string_view text, std::string& out) {
  static constexpr std::array<int8_t, 256> kValues = MakeValues();
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) return false;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held);
    }
  }
  // One form only: what is left over is zero.
  return (bits & ((1u << held) - 1)) == 0;
}

Status NotAToken() {
  return InvalidArgument(
      "x-everwrite-session: not a session token of this cluster; send one that an answer carried, "
      "unchanged, or none");
}

}  // namespace

SessionTokens::SessionTokens(std::string_view cluster, std::string_view key)
    : key_(key.empty() ? "everwrite session tokens of " + std::string(cluster) : std::string(key)) {
}

std::string SessionTokens::Mac(std::string_view bytes) const {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // Fails for lack of memory alone.
  CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), mac,
             &size) != nullptr,
        "no MAC");
  return {reinterpret_cast<const char*>(mac), kMacBytes};
}

std::string SessionTokens::Encode(const conflict::Vector& vector) const {
  std::string bytes(1, kFormat);
  vector.EncodeTo(bytes);
  bytes += Mac(bytes);
  std::string token;
  token.reserve((bytes.size() * 4 + 2) / 3);
  AppendBase64Url(token, bytes);
  return token;
}

Result<conflict::Vector> SessionTokens::Decode(std::string_view token) const {
  std::string bytes;
  if (token.size() > kTokenBytesMax || !ParseBase64Url(token, bytes) || bytes.size() <= kMacBytes ||
      bytes[0] != kFormat)
    return NotAToken();
  const std::string_view said = std::string_view(bytes).substr(bytes.size() - kMacBytes);
  const std::string_view body = std::string_view(bytes).substr(0, bytes.size() - kMacBytes);
  if (CRYPTO_memcmp(said.data(), Mac(body).data(), kMacBytes) != 0) return NotAToken();
  conflict::Vector vector;
  if (!conflict::Vector::Decode(body.substr(1), vector)) return NotAToken();
  return vector;
}

Result<conflict::Vector> SessionTokens::DecodeAll(std::string_view header) const {
  conflict::Vector all;
  for (size_t count = 1;; ++count) {
    if (count > kTokensMax)
      return InvalidArgument("x-everwrite-session: more than " + std::to_string(kTokensMax) +
                             " tokens; send those of the newest answers");
    const size_t comma = header.find(',');
    std::string_view token = header.substr(0, comma);
    while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
    while (!token.empty() && token.back() == ' ') token.remove_suffix(1);
    EW_ASSIGN_OR_RETURN(const conflict::Vector vector, Decode(token));
    all.Merge(vector);
    if (comma == std::string_view::npos) return all;
    header.remove_prefix(comma + 1);
  }
}

}  // namespace everwrite::session
