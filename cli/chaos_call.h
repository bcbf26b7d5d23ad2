// How the requests of a chaos client are said in DynamoDB's words, and how its answers are
// understood (chaos/run/client.h).
//
// Thread-safety: free functions.
#pragma once

#include <string>
#include <string_view>

#include "chaos/run/client.h"
#include "cli/http_client.h"

namespace everwrite::cli {

inline constexpr std::string_view kChaosTable = "chaos";

struct ChaosCall {
  std::string headers;  // with the operation's name; each ended by CRLF
  std::string body;
};
ChaosCall MakeCall(const chaos::Request& request);
// Headers of any operation: signed with credentials that need not be right.
std::string CallHeaders(std::string_view operation, std::string_view region);

// What an answer says; an error of the connection is an outcome that is not known.
chaos::Reply Understand(const chaos::Request& request, const Result<HttpReply>& answer);

}  // namespace everwrite::cli
