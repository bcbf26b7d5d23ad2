#include "region/api/dispatcher.h"

#include "region/api/content_coding.h"
#include "region/api/operations.h"
#include "region/api/request_json.h"
#include "region/api/request_types.h"
#include "region/api/sigv4.h"

namespace everwrite::api {
namespace {

// A parser keeps about 14 bytes for each byte of the largest document it has seen.
constexpr size_t kKeptDocumentMax = 256 * 1024;
constexpr size_t kDecodedBodyMax = 16 * 1024 * 1024;  // as of a body that comes as it is

simdjson::dom::parser& ParserOfThread() {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() > kKeptDocumentMax) parser = simdjson::dom::parser();
  return parser;
}

// The body, decoded if the request says that it is encoded; valid until the next one of this
// thread. False when the call has been answered.
bool DecodeBody(const http::HttpRequest& request, std::string_view& body, Call& call) {
  body = request.body;
  const std::string_view coding = request.Header("content-encoding");
  if (coding.empty() || http::EqualsIgnoringCase(coding, "identity")) return true;
  thread_local std::string decoded;
  if (decoded.capacity() > kKeptDocumentMax) decoded = {};
  const DecodeResult result =
      http::EqualsIgnoringCase(coding, "gzip")
          ? DecodeGzip(request.body, kDecodedBodyMax, http::kBodyPadding, decoded)
          : DecodeResult::kDamaged;
  body = decoded;
  if (result == DecodeResult::kDone) return true;
  if (result == DecodeResult::kTooLarge) {
    call.ReplyPlain(413, "", "");
  } else {
    call.Fail(ApiError{ErrorType::kInternalServerError, "", ""});  // what the service says to these
  }
  return false;
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

class TypeCheck final : public RequestCheck {
 public:
  TypeCheck(std::string_view operation, simdjson::dom::object request)
      : operation_(operation), request_(request) {}
  bool Passes(ApiError& error) const override {
    return HasRequestTypes(operation_, request_, error);
  }

 private:
  const std::string_view operation_;
  const simdjson::dom::object request_;
};

ApiError RegionBehind(const ApiContext& context, const conflict::Vector& wanted) {
  const std::string missing = context.sessions->Missing(wanted);
  std::string message = "Region " + context.region + " has not caught up with the session: ";
  message += missing.empty() ? "it was a moment late" : "it still misses " + missing;
  message += ". Try again, here or in another region.";
  return {ErrorType::kRegionBehind, std::move(message), ""};
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

  Run(request, index, std::move(call), false);
}

void Dispatcher::Run(const http::HttpRequest& request, size_t index, Call call,
                     bool after_wait) const {
  std::string_view body;
  if (!DecodeBody(request, body, call)) return;
  simdjson::dom::object object;
  if (ParserOfThread()
          .parse(reinterpret_cast<const uint8_t*>(body.data()), body.size(), false)
          .get_object()
          .get(object) != simdjson::SUCCESS)
    return call.Fail(ApiError{ErrorType::kSerialization, "", ""});
  if (index == kUnknownOperation) return call.Fail(ApiError{ErrorType::kUnknownOperation, "", ""});
  Signature signature;
  ApiError error;
  if (!ParseSignature(request, signature, error)) return call.Fail(error);
  if (const Status serving = context_.engine->Serving(); !serving.ok())
    return call.Fail(ApiError{ErrorType::kServiceUnavailable, serving.message(), ""});
  if (!after_wait && context_.sessions && !IsInSession(request, index, call)) return;
  const Operation& operation = OperationAt(index);
  const TypeCheck check(operation.name, object);
  operation.handle(Params(object), std::move(call));
}

bool Dispatcher::IsInSession(const http::HttpRequest& request, size_t index, Call& call) const {
  const std::string_view* header = request.Find("x-everwrite-session");
  if (header == nullptr || header->empty()) return true;
  session::SessionGate& gate = *context_.sessions;
  const auto wait_us = gate.ParseWait(request.Header("x-everwrite-session-wait"));
  auto wanted = gate.Parse(*header);
  if (!wanted.ok() || !wait_us.ok()) {
    call.Fail(wanted.ok() ? wait_us.status() : wanted.status());
    return false;
  }
  if (gate.IsReached(*wanted)) return true;
  // The document is parsed again afterwards: the parser is the thread's. The request's bytes stay
  // where they are until it is answered.
  struct Waiting {
    http::HttpRequest request;
    Call call;
    conflict::Vector wanted;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{request, std::move(call), *wanted});
  gate.Wait(std::move(*wanted), *wait_us, *request.executor, [this, waiting, index](bool reached) {
    waiting->call.Rebind(waiting->request);
    if (reached) return Run(waiting->request, index, std::move(waiting->call), true);
    waiting->call.Fail(RegionBehind(context_, waiting->wanted));
  });
  return false;
}

}  // namespace everwrite::api
