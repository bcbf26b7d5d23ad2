// HttpServer: HTTP/1.1 over event loops, one thread each. Used for the DynamoDB endpoint, the
// gateway and the admin endpoint; any number in one process.
//
// One acceptor hands each connection to the loop that has the fewest, and there it stays: its
// requests are parsed, handled and answered on that loop's thread. A connection handles one request
// at a time; pipelined requests wait in its buffer, or in the kernel's, and are answered in order.
// The handler is called on the loop and must not block; it answers at once or later through the
// responder.
//
// Lean on purpose (docs/benchmarks.md): requests are parsed in the buffer they were read into, an
// answer is one gather write of a hand-made head and the body, and a request that is answered at
// once costs one read, one write and no timer, clock reading or handler allocation. Deadlines are
// kept by one coarse tick a loop.
//
// What is refused: bodies over body_bytes_max (413), heads over head_bytes_max or kFieldsMax fields
// (431), two lengths or a length beside Transfer-Encoding, folded header lines and everything else
// that Beast's parser calls malformed (400), transfer encodings but "chunked" (501), a request that
// is not complete in time (408), bodies when buffered_bytes_max is used up (503). Each of these
// ends the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "base/result.h"
#include "region/http/http_types.h"

namespace everwrite::http {

constexpr size_t kFieldsMax = 100;

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IPv4 or IPv6 address
  uint16_t port = 0;                  // 0: any free port, see HttpServer::port()
  int threads = 1;                    // event loops
  std::string thread_name = "http";   // of each, as the system shows it
  size_t head_bytes_max = 16 * 1024;
  size_t body_bytes_max = 16 * 1024 * 1024;
  size_t connections_max = 10000;  // what comes above is closed at once
  // Of all connections' buffers together, counting only those above the small first one.
  size_t buffered_bytes_max = 512 * 1024 * 1024;
  // Deadlines, kept to the precision of one tick.
  int64_t tick_ms = 1000;
  int64_t idle_ms = 120 * 1000;    // between requests
  int64_t request_ms = 30 * 1000;  // from a request's first byte to its last
  int64_t write_ms = 30 * 1000;    // for the client to take an answer
  int64_t linger_ms = 2 * 1000;    // for the client to read an error before the connection is cut
};

using HttpHandler = std::function<void(const HttpRequest& request, HttpResponder responder)>;

class HttpServer {
 public:
  // Listens and serves. kInvalidArgument for a bad address, kFailedPrecondition with the address
  // and the system's reason when it cannot listen there (port in use, no right).
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                   HttpHandler handler);
  // Ends the loops and joins their threads; tasks posted later are dropped. Not on a loop's thread.
  ~HttpServer();

  uint16_t port() const;
  size_t connections() const;
  // The loops themselves, for work that belongs to none of the requests.
  size_t loops() const;
  Executor& executor(size_t loop);

  // Stops accepting, closes idle connections, lets requests in flight be answered for up to
  // `drain_ms`, then cuts what is left. The executors run on until the destructor. Not on a loop's
  // thread.
  void Stop(int64_t drain_ms);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace everwrite::http
