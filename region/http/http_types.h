// What an HTTP handler sees of the server: a request, and the one-shot means to answer it. No
// socket, no third-party header: the API layer and its tests include only this.
//
// Thread-safety: a request belongs to the event loop it came in on. Everything here is used on that
// loop (HttpRequest::executor), except that a responder may be moved and destroyed on any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"

namespace everwrite::http {

// At least so many bytes behind a request's body may be read (their content means nothing):
// simdjson parses such a body in place.
constexpr size_t kBodyPadding = 64;

struct HttpField {
  std::string_view name;
  std::string_view value;
};

// ASCII letters only, as field names are compared.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// All views stay readable until the request is answered, or its responder destroyed.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as sent: path and query
  std::vector<HttpField> fields;
  std::string_view body;         // kBodyPadding readable bytes follow
  Executor* executor = nullptr;  // the loop of this connection; outlives all its requests

  // The first field of that name, or null.
  const std::string_view* Find(std::string_view name) const;
  // The same; empty when there is none.
  std::string_view Header(std::string_view name) const {
    const std::string_view* value = Find(name);
    return value ? *value : std::string_view();
  }
};

struct HttpResponse {
  int status = 200;
  std::string_view content_type;  // left out of the head when empty
  // Further header lines, each ended by CRLF. Read during Send only.
  std::string_view headers;
  std::string body;
  bool close = false;  // close the connection behind this answer
};

// Where an answer goes: a connection, or a test.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual void Send(HttpResponse response) = 0;
  // The responder was destroyed without an answer. Any thread.
  virtual void Abandon() = 0;
};

// Answers one request, once. Moved to where the answer will be known, for example into a
// WriteOperation. An answer to a client that has gone is dropped; a responder that is destroyed
// unused answers 500.
class HttpResponder {
 public:
  HttpResponder() = default;
  explicit HttpResponder(std::shared_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}
  HttpResponder(HttpResponder&&) = default;
  HttpResponder& operator=(HttpResponder&& other) {
    if (this != &other) {
      Drop();
      sink_ = std::move(other.sink_);
    }
    return *this;
  }
  ~HttpResponder() { Drop(); }

  // On the request's loop. The request's views are gone afterwards.
  void Send(HttpResponse response) {
    if (std::shared_ptr<ResponseSink> sink = std::move(sink_)) sink->Send(std::move(response));
  }
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  void Drop() {
    if (std::shared_ptr<ResponseSink> sink = std::move(sink_)) sink->Abandon();
  }
  std::shared_ptr<ResponseSink> sink_;
};

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const unsigned char x = a[i], y = b[i];
    if (x == y) continue;
    const unsigned char lower = x | 0x20;
    if (lower != (y | 0x20) || lower < 'a' || lower > 'z') return false;
  }
  return true;
}

inline const std::string_view* HttpRequest::Find(std::string_view name) const {
  for (const HttpField& field : fields)
    if (EqualsIgnoringCase(field.name, name)) return &field.value;
  return nullptr;
}

}  // namespace everwrite::http
