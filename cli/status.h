// `everwrite status`: a verdict, then regions, vectors and links, from each region's admin endpoint
// and from the control endpoint of a running `up`.
//
// Thread-safety: free functions and values.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster_view.h"
#include "cli/json_value.h"

namespace everwrite::cli {

// Asks everybody, each with a deadline; who does not answer is shown so. The object:
//   verdict   "healthy" or "degraded"; reasons: why it is degraded, in words
//   regions   [{name, endpoint, admin, state, pids, vector, durable}] and, unless it is away,
//             conflicts, clock_ms, replicator_connected.
//             state: "serving", "starting" or "unreachable"; pids: {region, replicator, nats}
//   links     [{from, to, state, lag_ms, lag_p50_ms, lag_p99_ms, lag_max_ms, pending,
//   pending_bytes,
//             oldest_ms, held_ahead_ms, clock_offset_ms}], one a direction, null where it is not
//             known; and delay_ms and cut where `up` simulates the link
JsonValue CollectStatus(const ClusterView& view);

// For people: verdict first, then two tables.
std::string FormatStatus(const JsonValue& status);

// Columns as wide as their widest cell, two spaces apart.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace everwrite::cli
