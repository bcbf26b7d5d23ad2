// An asynchronous HTTP/1.1 client with pooled keep-alive connections, for the gateway: any number
// of requests to a handful of servers on loopback, from one thread with epoll.
//
// Requests are handed over as finished bytes and are never sent twice: a connection of the pool
// that the server has closed is dropped as soon as the kernel says so, and a request that had
// already been sent on it fails, because nobody knows whether it was carried out. The client
// decides.
//
// Bounds: kMaxUpstreamConnections to one server (more requests wait, at most kMaxWaitingRequests),
// an answer's head and body, and a deadline for each request from Send to the last byte.
//
// Threads: one of its own. Send may be called from any thread; callbacks run on the thread of the
// pool and must be quick. The destructor fails what is in flight (callbacks included) and joins.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace everwrite::cli {

constexpr size_t kMaxUpstreamConnections = 256;
constexpr size_t kMaxWaitingRequests = 10000;
constexpr size_t kMaxUpstreamHeadBytes = 64 * 1024;
constexpr size_t kMaxUpstreamBodyBytes = 32U << 20;

struct UpstreamServer {
  std::string address;  // numeric IPv4
  uint16_t port = 0;
};

struct UpstreamReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::string body;
  std::string_view Field(std::string_view name) const;  // empty when it is not there
};

class UpstreamPool {
 public:
  // kUnavailable: not reached, or the connection ended (says which); kDeadlineExceeded;
  // kResourceExhausted.
  using Callback = std::function<void(Result<UpstreamReply>)>;

  static Result<std::unique_ptr<UpstreamPool>> Create(const std::vector<UpstreamServer>& servers);
  ~UpstreamPool();

  // `server` is an index into what Create was given. `request` is the whole request, head and body.
  // `head_only`: the answer has no body (HEAD).
  void Send(int server, std::string request, bool head_only, int64_t timeout_ms, Callback done);

 private:
  class Loop;
  explicit UpstreamPool(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace everwrite::cli
