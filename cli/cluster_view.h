// Where a running cluster is: what `everwrite up` or `demo` left for the other commands.
//
// `up` writes a small JSON file (its pid, control endpoint, regions) to DATA/up.json and to
// current.json in the user's runtime folder ($XDG_RUNTIME_DIR/everwrite, or /tmp/everwrite-UID), so
// that commands without a FILE find what was started last. The file is written beside and renamed;
// that of a process that is gone is not believed.
//
// Thread-safety: free functions and values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/json_value.h"

namespace everwrite::cli {

struct RegionEndpoint {
  std::string name;
  std::string endpoint;  // DynamoDB: host:port
  std::string admin;     // host:port
};

struct ClusterView {
  std::string cluster;
  std::string topology_file;
  std::vector<RegionEndpoint> regions;
  pid_t pid = 0;        // of the `up` process; 0 when it was not asked or is not there
  std::string control;  // its control endpoint, host:port; empty without one
  std::string gateway;  // host:port; empty without one
  std::string data;     // empty: the folders of the topology file
};

// The folder of current.json; created for the user alone. kFailedPrecondition when somebody else
// owns it.
Result<std::string> RuntimeFolder();

// Writes the view to current.json and, unless `data` is empty, to DATA/up.json; and takes them away
// again, if they are still this process's.
Status PublishView(const ClusterView& view);
void WithdrawView(const ClusterView& view);

// What runs now; kNotFound when nothing does.
Result<ClusterView> FindRunning();
JsonValue ViewToJson(const ClusterView& view);
Result<ClusterView> ViewFromJson(const JsonValue& json);

// GET /status of a region's admin endpoint.
Result<JsonValue> FetchRegionStatus(const std::string& admin, int64_t timeout_ms);
// A vector of /status ({"<log hex>": number}) as text, logs in order: equal vectors, equal texts.
std::string VectorText(const JsonValue& vector);

}  // namespace everwrite::cli
