// The JSON type of every parameter of every operation, and what the service's deserializer says of
// a document that has another one somewhere.
//
// The service reads the whole document into its types before it looks at any of them: a wrong type
// comes before every other complaint. Ours reads a parameter when it needs it. So types are looked
// at here only when a request is about to be refused for another reason: who succeeds had them
// right where it matters, and pays nothing.
//
// Includes simdjson: for .cc files of this folder only.
//
// Thread-safety: constant tables, pure functions.
#pragma once

#include <string_view>

#include <simdjson.h>

#include "region/api/api_error.h"

namespace everwrite::api {

// False, with the service's SerializationException, at the first value (in the document's order)
// whose type is not the one of the API's model. Names that the model does not have, and null, are
// passed over.
bool HasRequestTypes(std::string_view operation, simdjson::dom::object request, ApiError& error);

}  // namespace everwrite::api
