// Requests by operation, with latency: counted on the event loops without a lock.
#pragma once

#include <vector>

#include "base/metrics.h"
#include "region/api/call.h"

namespace everwrite::server {

class RequestMetrics : public api::RequestObserver {
 public:
  explicit RequestMetrics(Registry& registry);
  void OnRequest(int operation, int http_status, int64_t micros, std::string_view error) override;

 private:
  struct PerOperation {
    Counter* requests;
    Counter* client_errors;  // 4xx
    Counter* server_errors;  // 5xx
    Histogram* latency;
  };
  std::vector<PerOperation> operations_;
};

}  // namespace everwrite::server
