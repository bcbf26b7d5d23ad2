// SessionTokens: a region's vector as a small opaque text that any region of the cluster can read
// and nobody else can make.
//
// An answer carries the vector of the region that gave it; a request that bears the token asks to
// be served by a region that has applied all of it. So a client that roams reads its own writes,
// and never goes back in time (session guarantees: Terry et al., "Session guarantees for weakly
// consistent replicated data", 1994).
//
// The text is base64url of: a format byte, the vector's own encoding, and the first 12 bytes of
// HMAC-SHA256 over both. The MAC key comes from the topology file (`sessions.key`); without one it
// is derived from the cluster's name, which keeps damaged and foreign tokens out, but not somebody
// who wants to forge one. All that a forged token can do is to make its own request wait.
//
// Thread-safety: const methods from any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "conflict/vector_clock.h"

namespace everwrite::session {

// Of one token: some 500 logs. A region that hands one out must be able to read it again, and a
// head of 16 KB to hold it.
inline constexpr size_t kTokenBytesMax = 8192;
// In one header.
inline constexpr size_t kTokensMax = 16;

class SessionTokens {
 public:
  SessionTokens(std::string_view cluster, std::string_view key);

  std::string Encode(const conflict::Vector& vector) const;
  // kInvalidArgument, with a text for the client, when it is not a token of this cluster.
  Result<conflict::Vector> Decode(std::string_view token) const;
  // One token, or several with commas between: what they cover together.
  Result<conflict::Vector> DecodeAll(std::string_view header) const;

 private:
  std::string Mac(std::string_view bytes) const;

  std::string key_;
};

}  // namespace everwrite::session
