// A tiny blocking HTTP/1.1 client for the command line: one request a connection, over plain
// sockets, with one deadline for all of it and a bound on what it reads. For the admin and control
// endpoints on loopback or a private network; not for untrusted servers, and no TLS.
//
// Thread-safety: free functions; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace everwrite::cli {

struct HttpReply {
  int status = 0;
  std::string body;
  std::string head;  // the status line and the fields
  // The first field of this name, in lower case; empty when there is none.
  std::string Field(std::string_view name) const;
};

struct HttpCallOptions {
  int64_t timeout_ms = 5000;
  size_t body_bytes_max = 256U << 20;
  std::string_view headers;  // further lines, each ended by CRLF
  std::string_view body;
};

// `address` is "host:port" ("127.0.0.1:7001", "[::1]:7001"); a leading "http://" and a trailing
// slash are ignored. kUnavailable when it cannot be reached, kDeadlineExceeded when it takes too
// long, kDataLoss when the answer is cut or not HTTP. Any status is an answer.
Result<HttpReply> HttpCall(std::string_view method, std::string_view address,
                           std::string_view target, const HttpCallOptions& options = {});

// Requests one after the other over a connection that is kept. After an error it is closed, and the
// next call opens another one. One thread at a time.
class HttpSession {
 public:
  explicit HttpSession(std::string address);
  ~HttpSession();
  // As HttpCall. An error after the request was begun leaves open whether it was carried out.
  Result<HttpReply> Call(std::string_view method, std::string_view target,
                         const HttpCallOptions& options = {});

 private:
  class State;
  const std::unique_ptr<State> state_;
};

// Percent-encodes all but unreserved characters, for a query's values.
std::string UrlEncode(std::string_view text);
// Undoes UrlEncode and '+'; what is malformed stays as it is.
std::string UrlDecode(std::string_view text);
// The value of `name` in the query of a request target; empty when it is not there.
std::string QueryValue(std::string_view target, std::string_view name);

struct HostPort {
  std::string host;
  std::string port;
};
// kInvalidArgument when there is no port.
Result<HostPort> SplitAddress(std::string_view address);

}  // namespace everwrite::cli
