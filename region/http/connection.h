// Connection: one client of the HTTP server, from its first byte to its last.
//
// Includes Asio and Beast: for .cc files of this folder only.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "region/http/event_loop.h"
#include "region/http/http_types.h"
#include "region/http/request_parser.h"

namespace everwrite::http {

constexpr size_t kFirstBuffer = 4 * 1024;  // holds the usual request; what an idle connection costs
constexpr size_t kKeptBuffer = 32 * 1024;  // a larger one is given back after its request

// One client. States:
//
//            ┌────────── answered, keep-alive ───────────┐
//            v                                           │
//   kReading ── request complete ──> kHandling ── Send ──┴─> kWriting ──> (the same)
//      │                                │ close                │ close
//      ├── malformed, too large, late ──┴──> kLingering <──────┘   the client may still be sending:
//      read and │                                        │                  drop, so that our
//      answer is not reset └── idle too long, end of stream ──> kClosed <── end of stream, deadline
//
// All methods run on the loop's thread, except Abandon.
class Connection final : public ResponseSink, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<EventLoop> loop, tcp protocol, int fd)
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

  const std::shared_ptr<EventLoop> loop_;  // before the socket: destroyed after it
  const HttpServerOptions& options_;
  Socket socket_;
  std::shared_ptr<Connection> self_;  // while open
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
  State state_ = State::kReading;
  bool processing_ = false;  // Process is on the stack: Send need not call it
  bool read_pending_ = false;
  bool close_after_ = false;
  bool head_request_ = false;
  std::atomic<bool> closed_{false};
  uint64_t deadline_ = 0;  // a tick

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // the current request's first byte
  size_t end_ = 0;
  size_t parsed_ = 0;  // of the current request, by the parser
  size_t head_size_ = 0;
  std::optional<RequestParser> parser_;  // from a request's first byte to its answer
  std::vector<FieldOffsets> fields_;
  std::string chunked_body_;
  HttpRequest request_;
  std::string head_;
  std::string body_;
};

}  // namespace everwrite::http
