#include "region/http/connection.h"

#include <array>
#include <charconv>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace everwrite::http {
namespace {

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

}  // namespace

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
      // Decoded bytes have been copied out: close the gap behind the head, so that the buffer holds
      // no more than one unfinished chunk line.
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
    request_.fields.push_back(
        {{base + field.name, field.name_size}, {base + field.value, field.value_size}});
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

// Reads more, with room for a request of `request_size` bytes; a large one gets its room as it
// comes.
void Connection::StartRead(size_t request_size) {
  if (!MakeRoom(request_size)) return Fail(503);
  read_pending_ = true;
  socket_.async_read_some(asio::buffer(buffer_.get() + end_, capacity_ - end_),
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
  HttpResponse response{
      .status = status, .content_type = "text/plain", .headers = {}, .body = {}, .close = true};
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

}  // namespace everwrite::http
