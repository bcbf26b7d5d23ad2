#include "region/api/dispatcher.h"

#include "region/api/operations.h"
#include "region/api/request_json.h"
#include "region/api/sigv4.h"

namespace everwrite::api {
namespace {

// A parser keeps about 14 bytes for each byte of the largest document it has seen.
constexpr size_t kKeptDocumentMax = 256 * 1024;

simdjson::dom::parser& ParserOfThread() {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() > kKeptDocumentMax) parser = simdjson::dom::parser();
  return parser;
}

void ReplyHealthy(const ApiContext& context, Call call) {
  // The trailing space is the service's.
  call.ReplyPlain(200, "text/plain", "healthy: dynamodb." + context.region + ".amazonaws.com ");
}

void ReplyPreflight(const http::HttpRequest& request, Call call) {
  std::string lines;
  const auto echo = [&](std::string_view asked, std::string_view answer) {
    if (const std::string_view* value = request.Find(asked))
      lines.append(answer).append(": ").append(*value).append("\r\n");
  };
  echo("access-control-request-headers", "Access-Control-Allow-Headers");
  echo("access-control-request-method", "Access-Control-Allow-Methods");
  lines += "Access-Control-Max-Age: 172800\r\n";
  call.ReplyPlain(200, "", "", lines);
}

bool IsOurContentType(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return type == "application/x-amz-json-1.0" || type == "application/json";
}

}  // namespace

Dispatcher::Dispatcher(ApiContext context) : context_(std::move(context)) {}

void Dispatcher::Handle(const http::HttpRequest& request, http::HttpResponder responder) const {
  const size_t index = FindOperation(request.Header("x-amz-target"));
  Call call(&context_, static_cast<int>(index), request, std::move(responder));
  if (request.method != "POST") {
    const std::string_view path = request.target.substr(0, request.target.find('?'));
    if ((request.method == "GET" || request.method == "HEAD") && path == "/")
      return ReplyHealthy(context_, std::move(call));
    if (request.method == "OPTIONS" && request.Find("origin"))
      return ReplyPreflight(request, std::move(call));
  }
  if (request.method != "POST" || !IsOurContentType(request.Header("content-type")))
    return call.ReplyPlain(404, "", "<UnknownOperationException/>\n");

  simdjson::dom::object object;
  if (ParserOfThread()
          .parse(reinterpret_cast<const uint8_t*>(request.body.data()), request.body.size(), false)
          .get_object()
          .get(object) != simdjson::SUCCESS)
    return call.Fail(ApiError{ErrorType::kSerialization, "", ""});
  if (index == kUnknownOperation) return call.Fail(ApiError{ErrorType::kUnknownOperation, "", ""});
  Signature signature;
  ApiError error;
  if (!ParseSignature(request, signature, error)) return call.Fail(error);
  OperationAt(index).handle(Params(object), std::move(call));
}

}  // namespace everwrite::api
