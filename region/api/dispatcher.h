// Dispatcher: the HTTP handler of the DynamoDB endpoint. From a request to its operation, by
// X-Amz-Target and the one table in operations.cc; and what is answered before there is an
// operation: health, CORS, wrong content types, malformed JSON, unknown operations, missing
// signatures, in the order in which the service looks at them.
//
// A request that bears a session token (x-everwrite-session) is carried out once the region has
// caught up with it, or refused with a retryable error when that takes too long.
//
// Thread-safety: Handle may be called on any number of event loops at once. Each thread keeps a
// parser.
#pragma once

#include "region/api/call.h"
#include "region/http/http_types.h"

namespace everwrite::api {

class Dispatcher {
 public:
  // Everything the context points to must outlive the dispatcher and the calls in flight.
  explicit Dispatcher(ApiContext context);

  void Handle(const http::HttpRequest& request, http::HttpResponder responder) const;

 private:
  // From the body on: `after_wait` when the request's session has been waited for.
  void Run(const http::HttpRequest& request, size_t index, Call call, bool after_wait) const;
  // False when the call was answered, or waits.
  bool IsInSession(const http::HttpRequest& request, size_t index, Call& call) const;

  const ApiContext context_;
};

}  // namespace everwrite::api
