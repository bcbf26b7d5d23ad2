#include "region/server/request_metrics.h"

#include "region/api/operations.h"

namespace everwrite::server {

RequestMetrics::RequestMetrics(Registry& registry) {
  for (size_t i = 0; i < api::OperationCount(); ++i) {
    const MetricLabels labels{{"operation", std::string(api::OperationAt(i).name)}};
    const auto errors = [&](const char* code_class) -> Counter* {
      MetricLabels with_class = labels;
      with_class["class"] = code_class;
      return &registry.AddCounter("everwrite_request_errors_total",
                                  "Requests answered with an error.", with_class);
    };
    operations_.push_back(
        {&registry.AddCounter("everwrite_requests_total", "Requests answered.", labels),
         errors("4xx"), errors("5xx"),
         &registry.AddHistogram("everwrite_request_seconds",
                                "From the request's dispatch to its answer.", labels)});
  }
}

void RequestMetrics::OnRequest(int operation, int http_status, int64_t micros, std::string_view) {
  PerOperation& counted = operations_[operation];
  counted.requests->Add();
  if (http_status >= 500) {
    counted.server_errors->Add();
  } else if (http_status >= 400) {
    counted.client_errors->Add();
  }
  counted.latency->Record(micros < 0 ? 0 : micros);
}

}  // namespace everwrite::server
