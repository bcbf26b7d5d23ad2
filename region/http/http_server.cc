#include "region/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace everwrite::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
// Without the type-erased executor: a virtual call less in every operation.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;
using boost::system::error_code;

constexpr size_t kFirstBuffer = 4 * 1024;   // holds the usual request; what an idle connection costs
constexpr size_t kKeptBuffer = 32 * 1024;   // a larger one is given back after its request
constexpr size_t kAcceptsPerTurn = 64;      // so that a flood of connections does not starve requests

struct FieldOffsets {
  uint32_t name, name_size, value, value_size;
};

// Collects the head as offsets from the request's first byte, which survive a move of the buffer. Bodies
// with a length are not fed to it: they are taken from the buffer as they lie there.
class RequestParser final : public beast::http::basic_parser<true> {
 public:
  explicit RequestParser(const HttpServerOptions& options, std::vector<FieldOffsets>& fields,
                         std::string& chunked_body)
      : fields_(fields), chunked_body_(chunked_body) {
    fields_.clear();
    chunked_body_.clear();
    header_limit(static_cast<uint32_t>(options.head_bytes_max));
    body_limit(options.body_bytes_max);
  }

  // Where the request begins, and how much of it is there; before each put.
  void SetWindow(const char* base, size_t size) {
    base_ = base;
    size_ = size;
  }

  FieldOffsets method_and_target{};
  bool http_1_1 = false;
  bool unsupported_coding = false;
  bool expects_continue = false;

 private:
  using View = beast::string_view;

  void on_request_impl(beast::http::verb, View method, View target, int version,
                       error_code&) override {
    http_1_1 = version == 11;
    method_and_target = {Offset(method), Size(method), Offset(target), Size(target)};
  }
  void on_response_impl(int, View, int, error_code&) override {}

  void on_field_impl(beast::http::field field, View name, View value, error_code& ec) override {
    if (head_done_) return;  // trailers say nothing that we act on
    // A folded line is unfolded into a buffer of the parser's own; nothing else leaves the window.
    if (!value.empty() && (value.data() < base_ || value.data() >= base_ + size_)) {
      ec = beast::http::error::bad_value;
      return;
    }
    if (fields_.size() == kFieldsMax) {
      ec = beast::http::error::header_limit;
      return;
    }
    fields_.push_back({Offset(name), Size(name), Offset(value), Size(value)});
    if (field == beast::http::field::content_length) {
      // Beast takes "3, 3" for 3, as the RFC allows; another reader might not.
      if (++lengths_ > 1 || value.find(',') != View::npos)
        ec = beast::http::error::bad_content_length;
    } else if (field == beast::http::field::transfer_encoding) {
      if (!EqualsIgnoringCase({value.data(), value.size()}, "chunked")) {
        unsupported_coding = true;
        ec = beast::http::error::bad_transfer_encoding;
      }
    } else if (field == beast::http::field::expect) {
      expects_continue = EqualsIgnoringCase({value.data(), value.size()}, "100-continue");
    }
  }
  void on_header_impl(error_code& ec) override {
    head_done_ = true;
    if (chunked() && !http_1_1) ec = beast::http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(View body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, View, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, View body, error_code&) override {
    chunked_body_.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  uint32_t Offset(View view) const {
    return view.empty() ? 0 : static_cast<uint32_t>(view.data() - base_);
  }
  static uint32_t Size(View view) { return static_cast<uint32_t>(view.size()); }

  std::vector<FieldOffsets>& fields_;
  std::string& chunked_body_;
  const char* base_ = nullptr;
  size_t size_ = 0;
  int lengths_ = 0;
  bool head_done_ = false;
};

std::string_view Reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

void AppendNumber(std::string& out, uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// What all loops of one server share.
struct Shared {
  HttpServerOptions options;
  HttpHandler handler;
  std::atomic<size_t> connections{0};
  std::atomic<size_t> buffered{0};
};

class Connection;

// One event loop: the Executor of everything that happens on its thread.
class Loop final : public Executor {
 public:
  explicit Loop(std::shared_ptr<Shared> shared)
      : shared(std::move(shared)), guard(context.get_executor()), ticker(context) {}

  // The first task of a batch wakes the loop; those that come before it has woken ride along.
  void Post(std::function<void()> task) override {
    bool wake;
    {
      std::lock_guard lock(mutex);
      if (dead) return;
      wake = tasks.empty();
      tasks.push_back(std::move(task));
    }
    if (wake) asio::post(context, [this] { RunTasks(); });
  }

  void Run() {
    StartTick();
    context.run();
    // Tasks hold connections, which hold this loop: cut the circle.
    std::vector<std::function<void()>> dropped;
    {
      std::lock_guard lock(mutex);
      dead = true;
      dropped.swap(tasks);
    }
  }

  uint64_t TickIn(int64_t ms) const {
    return tick + 1 + static_cast<uint64_t>((ms + shared->options.tick_ms - 1) / shared->options.tick_ms);
  }

  void BeginDrain();
  void CloseAll();

  const std::shared_ptr<Shared> shared;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  Timer ticker;
  std::atomic<size_t> connections{0};  // accepted for this loop and not yet closed
  std::function<void()> on_tick;

  // Of the loop's thread alone.
  Connection* first = nullptr;
  uint64_t tick = 0;
  bool draining = false;

 private:
  void RunTasks() {
    {
      std::lock_guard lock(mutex);
      running.swap(tasks);
    }
    for (std::function<void()>& task : running) {
      task();
      task = nullptr;
    }
    running.clear();
  }
  void StartTick() {
    ticker.expires_after(std::chrono::milliseconds(shared->options.tick_ms));
    ticker.async_wait([this](error_code ec) {
      if (ec) return;
      OnTick();
      StartTick();
    });
  }
  void OnTick();

  std::mutex mutex;
  std::vector<std::function<void()>> tasks;    // guarded by mutex
  std::vector<std::function<void()>> running;  // of the loop's thread; keeps its capacity
  bool dead = false;                           // guarded by mutex
};

// One client. States:
//
//            ┌────────── answered, keep-alive ───────────┐
//            v                                           │
//   kReading ── request complete ──> kHandling ── Send ──┴─> kWriting ──> (the same)
//      │                                │ close                │ close
//      ├── malformed, too large, late ──┴──> kLingering <──────┘   the client may still be sending: read and
//      │                                        │                  drop, so that our answer is not reset
//      └── idle too long, end of stream ──> kClosed <── end of stream, deadline
//
// All methods run on the loop's thread, except Abandon.
class Connection final : public ResponseSink, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Loop> loop, tcp protocol, int fd)
      : loop_(std::move(loop)), options_(loop_->shared->options), socket_(loop_->context) {
    error_code ec;
    socket_.assign(protocol, fd, ec);
    if (!ec) socket_.non_blocking(true, ec);
    if (!ec) socket_.set_option(tcp::no_delay(true), ec);
    request_.executor = loop_.get();
    Allocate(kFirstBuffer);
  }
  ~Connection() override { Charge(capacity_, 0); }

  void Start() {
    self_ = shared_from_this();
    next_ = loop_->first;
    if (next_) next_->previous_ = this;
    loop_->first = this;
    deadline_ = loop_->TickIn(options_.idle_ms);
    if (!socket_.is_open() || loop_->draining) return Close();
    Process();
  }

  void Send(HttpResponse response) override;

  void Abandon() override {
    if (closed_.load(std::memory_order_acquire)) return;
    loop_->Post([self = shared_from_this()] {
      self->Send({.status = 500, .content_type = {}, .headers = {}, .body = {}, .close = true});
    });
  }

  void OnTick() {
    if (loop_->tick < deadline_ || state_ == State::kHandling) return;
    if (state_ == State::kReading && parser_) return Fail(408);
    Close();
  }
  void OnDrain() {
    if (state_ == State::kReading && !parser_) Close();
  }

  void Close() {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    closed_.store(true, std::memory_order_release);
    error_code ignored;
    socket_.close(ignored);
    (previous_ ? previous_->next_ : loop_->first) = next_;
    if (next_) next_->previous_ = previous_;
    loop_->connections.fetch_sub(1);
    loop_->shared->connections.fetch_sub(1);
    const std::shared_ptr<Connection> self = std::move(self_);  // may be the last reference
  }

  Connection* next() const { return next_; }

 private:
  enum class State : uint8_t { kReading, kHandling, kWriting, kLingering, kClosed };

  size_t Available() const { return end_ - begin_; }
  const char* Base() const { return buffer_.get() + begin_; }

  void Process();
  bool ReadRequest();
  bool ReadHead();
  bool ReadChunks();
  void Dispatch();
  void StartRead(size_t request_size);
  void OnRead(error_code ec, size_t size);
  bool MakeRoom(size_t request_size);
  void Fail(int status);
  void AppendHead(const HttpResponse& response);
  void Write();
  void FinishResponse();
  void Linger();

  void Allocate(size_t capacity) {
    std::unique_ptr<char[]> fresh(new char[capacity + kBodyPadding]);
    if (Available() > 0) std::memcpy(fresh.get(), Base(), Available());
    end_ -= begin_;
    begin_ = 0;
    buffer_ = std::move(fresh);
    capacity_ = capacity;
  }
  void Shrink() {
    if (capacity_ == kFirstBuffer) return;
    Charge(capacity_, kFirstBuffer);
    Allocate(kFirstBuffer);
  }
  // Keeps the account of large buffers; false, and nothing charged, when there is no more.
  bool Charge(size_t from, size_t to) {
    std::atomic<size_t>& buffered = loop_->shared->buffered;
    from = std::max(from, kFirstBuffer);
    to = std::max(to, kFirstBuffer);
    if (to <= from) {
      if (to < from) buffered.fetch_sub(from - to, std::memory_order_relaxed);
      return true;
    }
    if (buffered.fetch_add(to - from, std::memory_order_relaxed) + (to - from) <=
        options_.buffered_bytes_max)
      return true;
    buffered.fetch_sub(to - from, std::memory_order_relaxed);
    return false;
  }

  const std::shared_ptr<Loop> loop_;  // before the socket: destroyed after it
  const HttpServerOptions& options_;
  Socket socket_;
  std::shared_ptr<Connection> self_;  // while open
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
  State state_ = State::kReading;
  bool processing_ = false;    // Process is on the stack: Send need not call it
  bool read_pending_ = false;
  bool close_after_ = false;
  bool head_request_ = false;
  std::atomic<bool> closed_{false};
  uint64_t deadline_ = 0;      // a tick

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;           // the current request's first byte
  size_t end_ = 0;
  size_t parsed_ = 0;          // of the current request, by the parser
  size_t head_size_ = 0;
  std::optional<RequestParser> parser_;  // from a request's first byte to its answer
  std::vector<FieldOffsets> fields_;
  std::string chunked_body_;
  HttpRequest request_;
  std::string head_;
  std::string body_;
};

void Connection::Process() {
  processing_ = true;
  while (state_ == State::kReading && ReadRequest()) Dispatch();
  processing_ = false;
}

// True when the whole request is there. Otherwise a read was started, or the request refused.
bool Connection::ReadRequest() {
  if (!parser_) {
    if (Available() == 0) {
      begin_ = end_ = 0;
      if (loop_->draining) {
        Close();
        return false;
      }
      StartRead(1);
      return false;
    }
    parser_.emplace(options_, fields_, chunked_body_);
    parsed_ = head_size_ = 0;
    deadline_ = loop_->TickIn(options_.request_ms);
  }
  if (head_size_ == 0 && !ReadHead()) return false;
  if (parser_->chunked()) return ReadChunks();
  const size_t size = head_size_ + parser_->content_length().value_or(0);
  if (Available() >= size) {
    parsed_ = size;
    return true;
  }
  StartRead(size);
  return false;
}

bool Connection::ReadHead() {
  error_code ec;
  parser_->SetWindow(Base(), Available());
  parsed_ += parser_->put(asio::buffer(Base() + parsed_, Available() - parsed_), ec);
  if (ec == beast::http::error::need_more) {
    if (Available() >= options_.head_bytes_max) {
      Fail(431);
    } else {
      StartRead(Available() + 1);
    }
    return false;
  }
  if (ec) {
    Fail(ec == beast::http::error::header_limit ? 431
         : ec == beast::http::error::body_limit ? 413
         : parser_->unsupported_coding          ? 501
                                                : 400);
    return false;
  }
  if (parsed_ > options_.head_bytes_max) {
    Fail(431);
    return false;
  }
  head_size_ = parsed_;
  if (parser_->expects_continue && Available() == head_size_ && !parser_->is_done()) {
    // Short, and the first thing in an empty send buffer: it is taken, or the client is gone.
    socket_.write_some(asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), ec);
  }
  return true;
}

bool Connection::ReadChunks() {
  while (!parser_->is_done()) {
    error_code ec = beast::http::error::need_more;
    parser_->SetWindow(Base(), Available());
    if (Available() > parsed_)
      parsed_ += parser_->put(asio::buffer(Base() + parsed_, Available() - parsed_), ec);
    if (ec == beast::http::error::need_more) {
      // Decoded bytes have been copied out: close the gap behind the head, so that the buffer holds no
      // more than one unfinished chunk line.
      const size_t rest = Available() - parsed_;
      if (rest >= options_.head_bytes_max) {
        Fail(400);
        return false;
      }
      std::memmove(buffer_.get() + begin_ + head_size_, Base() + parsed_, rest);
      parsed_ = head_size_;
      end_ = begin_ + head_size_ + rest;
      StartRead(Available() + kFirstBuffer);
      return false;
    }
    if (ec) {
      Fail(ec == beast::http::error::body_limit ? 413 : 400);
      return false;
    }
  }
  return true;
}

void Connection::Dispatch() {
  const char* base = Base();
  const FieldOffsets& line = parser_->method_and_target;
  request_.method = {base + line.name, line.name_size};
  request_.target = {base + line.value, line.value_size};
  request_.fields.clear();
  for (const FieldOffsets& field : fields_)
    request_.fields.push_back({{base + field.name, field.name_size},
                               {base + field.value, field.value_size}});
  if (parser_->chunked()) {
    chunked_body_.reserve(chunked_body_.size() + kBodyPadding);
    request_.body = chunked_body_;
  } else {
    request_.body = {base + head_size_, parsed_ - head_size_};
  }
  head_request_ = request_.method == "HEAD";
  state_ = State::kHandling;
  loop_->shared->handler(request_, HttpResponder(self_));
}

// Reads more, with room for a request of `request_size` bytes; a large one gets its room as it comes.
void Connection::StartRead(size_t request_size) {
  if (!MakeRoom(request_size)) return Fail(503);
  read_pending_ = true;
  socket_.async_read_some(
      asio::buffer(buffer_.get() + end_, capacity_ - end_),
      [self = self_](error_code ec, size_t size) { self->OnRead(ec, size); });
}

bool Connection::MakeRoom(size_t request_size) {
  if (begin_ + request_size <= capacity_ && end_ < capacity_) return true;
  if (begin_ > 0) {  // pipelined requests were before this one
    std::memmove(buffer_.get(), Base(), Available());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return true;
  const size_t wanted = std::max(request_size, end_ + 1);
  const size_t capacity = std::max(std::min(wanted, 2 * capacity_), end_ + 1);
  if (!Charge(capacity_, capacity)) return false;
  Allocate(capacity);
  return true;
}

void Connection::OnRead(error_code ec, size_t size) {
  read_pending_ = false;
  if (state_ == State::kLingering) {
    if (ec) return Close();
    return Linger();
  }
  if (state_ != State::kReading) return;
  if (ec) return Close();
  end_ += size;
  Process();
}

// A refusal by the server itself. The rest of what the client sends is not looked at.
void Connection::Fail(int status) {
  state_ = State::kHandling;
  HttpResponse response{.status = status, .content_type = "text/plain", .headers = {}, .body = {},
                        .close = true};
  response.body = Reason(status);
  if (status == 503) response.headers = "Retry-After: 1\r\n";
  head_request_ = false;
  Send(std::move(response));
}

void Connection::AppendHead(const HttpResponse& response) {
  head_.assign("HTTP/1.1 ");
  AppendNumber(head_, static_cast<uint64_t>(response.status));
  head_ += ' ';
  head_ += Reason(response.status);
  if (!response.content_type.empty()) {
    head_ += "\r\nContent-Type: ";
    head_ += response.content_type;
  }
  head_ += "\r\nContent-Length: ";
  AppendNumber(head_, response.body.size());
  head_ += "\r\n";
  head_ += response.headers;
  if (close_after_) {
    head_ += "Connection: close\r\n";
  } else if (!parser_->http_1_1) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";
}

void Connection::Send(HttpResponse response) {
  if (state_ != State::kHandling) return;
  close_after_ = response.close || !parser_->keep_alive() || loop_->draining;
  AppendHead(response);
  body_ = std::move(response.body);
  if (head_request_) body_.clear();
  Write();
  if (state_ == State::kReading && !processing_) Process();
}

void Connection::Write() {
  std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body_)};
  error_code ec;
  size_t written = socket_.write_some(buffers, ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) {
    written = 0;
  } else if (ec) {
    return Close();
  }
  if (written == head_.size() + body_.size()) return FinishResponse();
  // A client that takes its time: the rest goes out as it does.
  state_ = State::kWriting;
  deadline_ = loop_->TickIn(options_.write_ms);
  const size_t of_head = std::min(written, head_.size());
  buffers = {asio::buffer(head_) + of_head, asio::buffer(body_) + (written - of_head)};
  asio::async_write(socket_, buffers, [self = self_](error_code failed, size_t) {
    if (self->state_ != State::kWriting) return;
    if (failed) return self->Close();
    self->FinishResponse();
    if (self->state_ == State::kReading) self->Process();
  });
}

void Connection::FinishResponse() {
  body_ = {};
  if (close_after_) {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    state_ = State::kLingering;
    deadline_ = loop_->TickIn(options_.linger_ms);
    if (!read_pending_) {
      begin_ = end_ = 0;
      Shrink();
    }
    return Linger();
  }
  state_ = State::kReading;
  deadline_ = loop_->TickIn(options_.idle_ms);
  begin_ += parsed_;
  parser_.reset();
  if (chunked_body_.capacity() > kKeptBuffer) chunked_body_ = {};
  if (capacity_ > kKeptBuffer && Available() < kFirstBuffer) Shrink();
}

void Connection::Linger() {
  if (read_pending_) return;
  read_pending_ = true;
  socket_.async_read_some(asio::buffer(buffer_.get(), capacity_),
                          [self = self_](error_code ec, size_t size) { self->OnRead(ec, size); });
}

void Loop::OnTick() {
  ++tick;
  for (Connection* connection = first; connection;) {
    Connection* next = connection->next();
    connection->OnTick();
    connection = next;
  }
  if (on_tick) on_tick();
}

void Loop::BeginDrain() {
  draining = true;
  for (Connection* connection = first; connection;) {
    Connection* next = connection->next();
    connection->OnDrain();
    connection = next;
  }
}

void Loop::CloseAll() {
  draining = true;
  while (first) first->Close();
}

}  // namespace

struct HttpServer::Impl {
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::vector<std::shared_ptr<Loop>> loops;
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

// False when nobody is waiting, or the system has no descriptor left: then the next tick tries again.
bool HttpServer::Impl::AcceptOne() {
  const int fd = ::accept4(acceptor->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    accept_paused = errno != EAGAIN && errno != EWOULDBLOCK;
    return false;
  }
  if (shared->connections.load() >= shared->options.connections_max) {
    ::close(fd);
    return true;
  }
  const std::shared_ptr<Loop>& loop = *std::min_element(
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
    impl->loops.push_back(std::make_shared<Loop>(impl->shared));
  EW_RETURN_IF_ERROR(impl->Listen());
  Impl* raw = impl.get();
  raw->loops[0]->on_tick = [raw] {
    if (!raw->accept_paused || !raw->acceptor->is_open()) return;
    raw->accept_paused = false;
    raw->Accept();
  };
  raw->Accept();
  for (const auto& loop : raw->loops)
    raw->threads.emplace_back([loop = loop.get()] { loop->Run(); });
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
