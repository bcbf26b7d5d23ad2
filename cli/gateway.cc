#include "cli/gateway.h"

#include "base/log.h"
#include "cli/upstream.h"
#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

constexpr std::string_view kJson = "application/x-amz-json-1.0";

// Headers that speak of one connection (RFC 9110, 7.6.1), or that the server writes itself.
bool StaysBehind(std::string_view name) {
  for (const std::string_view hop :
       {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer",
        "upgrade", "proxy-connection", "expect"}) {
    if (http::EqualsIgnoringCase(name, hop)) return true;
  }
  return false;
}

std::string ErrorBody(std::string_view type, std::string_view message) {
  std::string body = "{\"__type\":";
  AppendJsonString(body, type);
  body += ",\"message\":";
  AppendJsonString(body, message);
  body += '}';
  return body;
}

void Answer(http::HttpResponder& responder, Result<UpstreamReply> result) {
  if (!result.ok()) {
    // 500 and 503 are what SDKs try again. Whether a request that was cut short had been carried
    // out is not known, exactly as with the service itself.
    const bool refused = result.status().code() != StatusCode::kDeadlineExceeded;
    responder.Send(
        {.status = refused ? 503 : 500,
         .content_type = kJson,
         .body = ErrorBody(refused ? "com.amazonaws.dynamodb.v20120810#ServiceUnavailable"
                                   : "com.amazonaws.dynamodb.v20120810#InternalServerError",
                           "gateway: " + result.status().message())});
    return;
  }
  std::string headers;
  for (const auto& [name, value] : result->fields) {
    if (StaysBehind(name) || name == "content-type" || name == "date" || name == "server") continue;
    headers.append(name).append(": ").append(value).append("\r\n");
  }
  responder.Send({.status = result->status,
                  .content_type = result->Field("content-type"),
                  .headers = headers,
                  .body = std::move(result->body)});
}

}  // namespace

std::string_view RegionOfAuthorization(std::string_view authorization) {
  constexpr std::string_view kCredential = "Credential=";
  const size_t at = authorization.find(kCredential);
  if (!authorization.starts_with("AWS4-") || at == std::string_view::npos) return {};
  std::string_view scope = authorization.substr(at + kCredential.size());
  scope = scope.substr(0, scope.find_first_of(", "));
  // From the end, because a key may contain a slash: KEY/DATE/REGION/SERVICE/aws4_request.
  for (int part = 0; part < 2; ++part) {
    const size_t slash = scope.rfind('/');
    if (slash == std::string_view::npos) return {};
    scope = scope.substr(0, slash);
  }
  const size_t slash = scope.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : scope.substr(slash + 1);
}

std::string ForwardedRequest(const http::HttpRequest& request) {
  std::string out;
  out.reserve(1024 + request.body.size());
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  for (const http::HttpField& field : request.fields) {
    if (StaysBehind(field.name)) continue;
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n\r\n");
  out.append(request.body);
  return out;
}

struct Gateway::Impl {
  GatewayOptions options;
  std::string known;  // the regions' names, for messages
  // The server goes first, so that nothing new comes; then the pool fails what is in flight. Its
  // callbacks post to the server's executors, which must therefore outlive it: see ~Gateway.
  std::unique_ptr<UpstreamPool> pool;
  std::unique_ptr<http::HttpServer> server;

  // The index of the region to ask, or -1.
  int Choose(const http::HttpRequest& request) const {
    const std::string_view region = RegionOfAuthorization(request.Header("authorization"));
    if (region.empty() || region == "local") return 0;
    for (size_t i = 0; i < options.regions.size(); ++i) {
      if (options.regions[i].name == region) return static_cast<int>(i);
    }
    return -1;
  }

  void Handle(const http::HttpRequest& request, http::HttpResponder responder) {
    const int region = Choose(request);
    if (region < 0) {
      const std::string name(RegionOfAuthorization(request.Header("authorization")));
      responder.Send(
          {.status = 400,
           .content_type = kJson,
           .body = ErrorBody("com.amazon.coral.validate#ValidationException",
                             "The request is signed for region '" + name +
                                 "', which is not part of this cluster. Its regions are: " + known +
                                 " (or 'local' for the first).")});
      return;
    }
    // std::function must be copyable, a responder is not.
    auto shared = std::make_shared<http::HttpResponder>(std::move(responder));
    Executor* const executor = request.executor;
    pool->Send(region, ForwardedRequest(request), request.method == "HEAD", options.timeout_ms,
               [executor, shared](Result<UpstreamReply> result) {
                 auto reply = std::make_shared<Result<UpstreamReply>>(std::move(result));
                 executor->Post([shared, reply] { Answer(*shared, std::move(*reply)); });
               });
  }
};

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Gateway::~Gateway() {
  impl_->server->Stop(/*drain_ms=*/1000);
  impl_->pool.reset();
}

Result<std::unique_ptr<Gateway>> Gateway::Start(const GatewayOptions& options) {
  if (options.regions.empty()) return InvalidArgument("gateway: no regions");
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  std::vector<UpstreamServer> servers;
  for (const GatewayRegion& region : options.regions) {
    impl->known += (impl->known.empty() ? "" : ", ") + region.name;
    servers.push_back({region.address, region.port});
  }
  EW_ASSIGN_OR_RETURN(impl->pool, UpstreamPool::Create(servers));
  http::HttpServerOptions server;
  server.address = options.address;
  server.port = options.port;
  Impl* const raw = impl.get();
  EW_ASSIGN_OR_RETURN(impl->server,
                      http::HttpServer::Start(server, [raw](const http::HttpRequest& request,
                                                            http::HttpResponder responder) {
                        raw->Handle(request, std::move(responder));
                      }));
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

uint16_t Gateway::port() const { return impl_->server->port(); }

}  // namespace everwrite::cli
