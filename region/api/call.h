// Call: one request of the DynamoDB API from the moment its operation is known to its answer. Moved
// into whatever knows the answer first: the handler's own stack for reads, a WriteOperation for
// writes.
//
// Thread-safety: on the request's event loop only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "region/api/api_error.h"
#include "region/api/content_coding.h"
#include "region/http/http_types.h"
#include "region/session/session_gate.h"
#include "region/table/engine.h"

namespace everwrite::api {

// Told of every answer. Implementations are lock-free counters: it is on every request's path.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // `operation` is an index into Operations() (operations.h), 0 for a request that names none.
  // `error` is the name behind the "#", empty for success. `micros` is from dispatch to answer.
  virtual void OnRequest(int operation, int http_status, int64_t micros,
                         std::string_view error) = 0;
};

// Looks at the document of the request that this thread is just handing to its operation: a wrong
// JSON type anywhere in it comes before any other complaint (request_types.h).
class RequestCheck {
 public:
  virtual bool Passes(ApiError& error) const = 0;

 protected:
  RequestCheck() : outer_(current_) { current_ = this; }
  ~RequestCheck() { current_ = outer_; }

 private:
  friend class Call;
  RequestCheck(const RequestCheck&) = delete;
  const RequestCheck* const outer_;
  static thread_local const RequestCheck* current_;
};

// What all operations share; outlives every call.
struct ApiContext {
  std::string region;  // as in ARNs and in the x-everwrite-region header
  table::TableEngine* engine = nullptr;
  const Clock* clock = nullptr;
  RequestObserver* observer = nullptr;  // may be null
  // UpdateTimeToLive is refused so long after the last one of a table; 0: never.
  uint64_t ttl_change_interval_ms = 0;
  // Session tokens, given out and waited for; null: neither.
  session::SessionGate* sessions = nullptr;
  std::map<RegionId, std::string> region_names;  // of all regions
  // A new table is in all regions of the topology; else in this one, until others are added.
  bool new_tables_everywhere = true;
};

class Call {
 public:
  Call(const ApiContext* context, int operation, const http::HttpRequest& request,
       http::HttpResponder responder);
  Call(Call&&) = default;
  Call& operator=(Call&&) = default;

  const ApiContext& context() const { return *context_; }
  table::TableEngine& engine() const { return *context_->engine; }
  Executor& executor() const { return *executor_; }
  // The request's Host header, empty when there is none. Only until the handler has returned.
  std::string_view host() const { return request_->Header("host"); }

  // The request lies elsewhere now: it has waited.
  void Rebind(const http::HttpRequest& request) { request_ = &request; }

  // What the request wrote, when it was one item or the first of several that belong together: the
  // answer carries its name as a receipt (x-everwrite-receipt). Before Reply.
  void SetWritten(const conflict::Version& written) { written_ = written; }

  // Answers, once. `body` is the whole JSON document.
  void Reply(std::string body) { Send(200, std::move(body), ErrorType::kNone); }
  // Refusals before the operation has returned (its document is still there) go through
  // RequestCheck.
  void Fail(const ApiError& error);
  void Fail(const Status& status) { Fail(ErrorOf(status)); }
  // An answer that is not an operation's: health, CORS, a wrong content type.
  void ReplyPlain(int http_status, std::string_view content_type, std::string body,
                  std::string_view extra_headers = {});

 private:
  void Send(int http_status, std::string body, ErrorType error);
  void SendWith(int http_status, std::string_view content_type, std::string body, ErrorType error,
                std::string_view extra_headers);

  const ApiContext* context_;
  const http::HttpRequest* request_;  // the caller's, gone when the handler has returned
  Executor* executor_;
  http::HttpResponder responder_;
  Instant start_;
  int operation_;
  conflict::Version written_;
  bool has_origin_;       // a browser: answers carry Access-Control-Allow-Origin
  ContentCoding coding_;  // of a larger answer: what the client asked for
  bool plain_json_;       // the request came as application/json, so does the answer
};

}  // namespace everwrite::api
