// SigV4: what a request says of who signed it and for which region. Nothing is verified yet: any
// well-formed credentials are accepted, in the Authorization header or in the query string (a
// presigned URL). The gateway uses the region of the credential scope to choose where a request
// goes.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "region/api/api_error.h"
#include "region/http/http_types.h"

namespace everwrite::api {

// Views into the request. In the query-string form they are as sent, percent-encoding included,
// except that the credential scope is taken apart at "/" or "%2F".
struct Signature {
  std::string_view access_key;
  std::string_view date;  // of the scope, YYYYMMDD
  std::string_view region;
  std::string_view service;
  std::string_view signed_headers;
  std::string_view signature;
};

// False with DynamoDB's MissingAuthenticationTokenException, IncompleteSignatureException or
// InvalidSignatureException.
bool ParseSignature(const http::HttpRequest& request, Signature& signature, ApiError& error);

// The region of the credential scope, or empty when the request has none that can be read.
std::string_view RegionOfRequest(const http::HttpRequest& request);

}  // namespace everwrite::api
