// The admin endpoint's answers: JSON written as text, and what is read from a request's target.
//
// Thread-safety: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "region/http/http_types.h"
#include "region/table/engine.h"

namespace everwrite::server {

http::HttpResponse Json(int status, std::string body);
http::HttpResponse Text(int status, std::string body);
// {"error": ...} with the status that fits.
http::HttpResponse Error(const everwrite::Status& error);

// Members of the object that `out` is the beginning of.
void AppendField(std::string& out, std::string_view name, std::string_view value);
void AppendRaw(std::string& out, std::string_view name, std::string_view value);
template <typename Integer>
void AppendNumber(std::string& out, std::string_view name, Integer value) {
  AppendRaw(out, name, std::to_string(value));
}
std::string HexOf(uint64_t value);

std::optional<std::string> QueryParameter(std::string_view query, std::string_view name);
// An item's key, in hex of its DynamoDB JSON, in the encoded form.
Result<std::string> KeyParameter(const table::Table& table, std::string_view hex);

}  // namespace everwrite::server
