// A Registry's snapshot in the Prometheus text format, serialised by prometheus-cpp.
//
// Histograms are exported with one bucket an octave (their finer buckets are merged) between 16 and
// 2^36 recorded units: enough for alerts, and a fifth of the text.
//
// Thread-safety: free function; any thread.
#pragma once

#include <string>

#include "base/metrics.h"

namespace everwrite::metrics {

// For the answer to GET /metrics, whose content type is kPrometheusContentType.
std::string ExportPrometheus(const Registry& registry);

constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace everwrite::metrics
