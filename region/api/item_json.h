// DynamoDB JSON <-> the compact item.
//
// Reading goes from simdjson's tape straight into the compact form, one pass and no tree of our
// own; writing goes from the compact form straight into the answer, mostly by memcpy.
//
// Errors of reading are the service's: a value of the wrong JSON type or bad base64 is a
// SerializationException, everything else a ValidationException. Of a name given twice the last
// counts.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "region/api/api_error.h"
#include "region/api/base64.h"
#include "region/item/item.h"

namespace simdjson::dom {
class element;
}

namespace everwrite::api {

// Appends the item {"name":{"S":"..."},...} to `out` in compact form. False with `error`, and `out`
// in no particular state, when it is none. Does not look at ItemSize.
bool ReadItemJson(simdjson::dom::element json, std::string& out, ApiError& error);
// The same from text; false when it is no JSON either.
bool ParseItemJson(std::string_view text, std::string& out);
// The same for one attribute value {"S":"..."}.
bool ReadValueJson(simdjson::dom::element json, std::string& out, ApiError& error);
// ExpressionAttributeValues, as an item whose names have their colon: looked up with
// ItemView::Find. Errors are worded as the service does for that parameter.
bool ReadValuesJson(simdjson::dom::element json, std::string& out, ApiError& error);

// {"name":{"S":"..."},...}
void AppendItemJson(std::string& out, item::ItemView item);
// {"S":"..."}
void AppendValueJson(std::string& out, item::ValueView value);
// A JSON string with its quotes; `text` is UTF-8.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace everwrite::api
