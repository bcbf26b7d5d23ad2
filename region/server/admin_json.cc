#include "region/server/admin_json.h"

#include "base/coding.h"
#include "base/log.h"
#include "region/api/item_json.h"
#include "region/item/item.h"

namespace everwrite::server {

using http::HttpResponse;

HttpResponse Json(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  response.body += '\n';
  return response;
}

HttpResponse Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse Error(const everwrite::Status& error) {
  const int status = error.code() == StatusCode::kNotFound             ? 404
                     : error.code() == StatusCode::kFailedPrecondition ? 409
                     : error.code() == StatusCode::kInvalidArgument    ? 400
                                                                       : 503;
  std::string body = "{\"error\":";
  AppendJsonString(body, error.message());
  body += '}';
  return Json(status, std::move(body));
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  AppendJsonString(out, name);
  out += ':';
  AppendJsonString(out, value);
}
void AppendRaw(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  AppendJsonString(out, name);
  out += ':';
  out += value;
}
std::string HexOf(uint64_t value) {
  std::string bytes;
  PutFixed64(bytes, value);
  return ToHex(bytes);
}

std::optional<std::string> QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
  }
  return std::nullopt;
}

Result<std::string> KeyParameter(const table::Table& table, std::string_view hex) {
  std::string json, attributes;
  if (!FromHex(hex, json) || !api::ParseItemJson(json, attributes))
    return InvalidArgument("the key is no DynamoDB JSON, such as {\"pk\":{\"S\":\"x\"}}");
  return item::EncodeKey(table.definition.key, item::ItemView(attributes));
}

}  // namespace everwrite::server
