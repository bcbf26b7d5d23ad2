// The gateway of `everwrite demo`: one DynamoDB endpoint for all regions, a reverse proxy that
// sends each request to the region that its signature names.
//
// Every AWS SDK signs for a region: Authorization: AWS4-HMAC-SHA256
// Credential=KEY/DATE/REGION/dynamodb/... So a client changes region as it does with AWS (--region,
// AWS_REGION), and one endpoint serves all. The region `local`, and a request without a signature,
// go to the first region; an unknown region is answered with an error that names the known ones.
// Requests and answers pass unchanged but for the headers that belong to one connection. A request
// whose region does not answer is not sent elsewhere.
//
// Threads: the server's loop and the pool's. Construct, and destroy when done.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "region/http/http_types.h"

namespace everwrite::cli {

struct GatewayRegion {
  std::string name;
  std::string address;  // numeric IPv4
  uint16_t port = 0;
};

struct GatewayOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8000;  // 0: any free one
  std::vector<GatewayRegion> regions;
  int64_t timeout_ms = 60000;
};

class Gateway {
 public:
  // kFailedPrecondition when it cannot listen.
  static Result<std::unique_ptr<Gateway>> Start(const GatewayOptions& options);
  ~Gateway();
  uint16_t port() const;

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The region in a SigV4 Authorization header's credential scope; empty when there is none.
std::string_view RegionOfAuthorization(std::string_view authorization);
// The request as it goes to the region: the same but for hop-by-hop headers and with a plain
// length.
std::string ForwardedRequest(const http::HttpRequest& request);

}  // namespace everwrite::cli
