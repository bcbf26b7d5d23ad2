#include "region/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "base/named_thread.h"
#include "region/http/connection.h"
#include "region/http/event_loop.h"

namespace everwrite::http {
namespace {

constexpr size_t kAcceptsPerTurn = 64;  // so that a flood of connections does not starve requests

}  // namespace

struct HttpServer::Impl {
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::vector<std::shared_ptr<EventLoop>> loops;
  std::vector<std::thread> threads;
  std::unique_ptr<Acceptor> acceptor;  // of the first loop's thread, once started
  tcp protocol = tcp::v4();
  uint16_t port = 0;
  bool accept_paused = false;
  bool stopped = false;

  Status Listen();
  void Accept();
  void OnAcceptable();
  bool AcceptOne();
  void Stop(int64_t drain_ms);
  bool WaitForNone(int64_t ms) const;
};

Status HttpServer::Impl::Listen() {
  const HttpServerOptions& options = shared->options;
  error_code ec;
  const auto address = asio::ip::make_address(options.address, ec);
  if (ec) return InvalidArgument("\"" + options.address + "\" is not an IP address");
  const tcp::endpoint endpoint(address, options.port);
  protocol = endpoint.protocol();
  acceptor = std::make_unique<Acceptor>(loops[0]->context);
  acceptor->open(protocol, ec);
  if (!ec) acceptor->set_option(Acceptor::reuse_address(true), ec);
  if (!ec) acceptor->bind(endpoint, ec);
  if (!ec) acceptor->listen(1024, ec);
  if (!ec) acceptor->native_non_blocking(true, ec);
  if (!ec) port = acceptor->local_endpoint(ec).port();
  if (ec)
    return FailedPrecondition("cannot listen on " + options.address + ":" +
                              std::to_string(options.port) + ": " + ec.message());
  return OkStatus();
}

void HttpServer::Impl::Accept() {
  acceptor->async_wait(Acceptor::wait_read, [this](error_code ec) {
    if (!ec) OnAcceptable();
  });
}

void HttpServer::Impl::OnAcceptable() {
  for (size_t i = 0; i < kAcceptsPerTurn; ++i)
    if (!AcceptOne()) break;
  if (!accept_paused && acceptor->is_open()) Accept();
}

// False when nobody is waiting, or the system has no descriptor left: then the next tick tries
// again.
bool HttpServer::Impl::AcceptOne() {
  const int fd =
      ::accept4(acceptor->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    accept_paused = errno != EAGAIN && errno != EWOULDBLOCK;
    return false;
  }
  if (shared->connections.load() >= shared->options.connections_max) {
    ::close(fd);
    return true;
  }
  const std::shared_ptr<EventLoop>& loop = *std::min_element(
      loops.begin(), loops.end(),
      [](const auto& a, const auto& b) { return a->connections.load() < b->connections.load(); });
  loop->connections.fetch_add(1);
  shared->connections.fetch_add(1);
  auto start = [loop, fd, v = protocol] { std::make_shared<Connection>(loop, v, fd)->Start(); };
  if (loop == loops[0]) {
    start();
  } else {
    loop->Post(std::move(start));
  }
  return true;
}

bool HttpServer::Impl::WaitForNone(int64_t ms) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (shared->connections.load() > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void HttpServer::Impl::Stop(int64_t drain_ms) {
  if (stopped) return;
  stopped = true;
  loops[0]->Post([this] {
    error_code ignored;
    acceptor->close(ignored);
  });
  for (const auto& loop : loops) loop->Post([loop = loop.get()] { loop->BeginDrain(); });
  if (WaitForNone(drain_ms)) return;
  for (const auto& loop : loops) loop->Post([loop = loop.get()] { loop->CloseAll(); });
  WaitForNone(1000);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      HttpHandler handler) {
  if (options.threads < 1 || options.tick_ms < 1)
    return InvalidArgument("an HTTP server needs at least one thread and a tick of 1 ms");
  auto impl = std::make_unique<Impl>();
  impl->shared->options = options;
  impl->shared->handler = std::move(handler);
  for (int i = 0; i < options.threads; ++i)
    impl->loops.push_back(std::make_shared<EventLoop>(impl->shared));
  EW_RETURN_IF_ERROR(impl->Listen());
  Impl* raw = impl.get();
  raw->loops[0]->on_tick = [raw] {
    if (!raw->accept_paused || !raw->acceptor->is_open()) return;
    raw->accept_paused = false;
    raw->Accept();
  };
  raw->Accept();
  for (const auto& loop : raw->loops)
    raw->threads.push_back(NamedThread(options.thread_name, [loop = loop.get()] { loop->Run(); }));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  impl_->Stop(0);
  for (const auto& loop : impl_->loops) {
    loop->Post([loop = loop.get()] {
      loop->CloseAll();
      loop->ticker.cancel();
      loop->guard.reset();
    });
  }
  for (std::thread& thread : impl_->threads) thread.join();
}

uint16_t HttpServer::port() const { return impl_->port; }
size_t HttpServer::connections() const { return impl_->shared->connections.load(); }
size_t HttpServer::loops() const { return impl_->loops.size(); }
Executor& HttpServer::executor(size_t loop) { return *impl_->loops[loop]; }
void HttpServer::Stop(int64_t drain_ms) { impl_->Stop(drain_ms); }

}  // namespace everwrite::http
