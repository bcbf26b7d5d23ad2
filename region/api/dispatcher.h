// Dispatcher: the HTTP handler of the DynamoDB endpoint. From a request to its operation, by
// X-Amz-Target and the one table in operations.cc; and what is answered before there is an
// operation: health, CORS, wrong content types, malformed JSON, unknown operations, missing
// signatures, in the order in which the service looks at them.
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
  const ApiContext context_;
};

}  // namespace everwrite::api
