// RegionScan: the source's half of a bootstrap: what stands in a range of keys, and the vector that
// it is the state of.
//
// Each chunk is read from a snapshot of its own, together with the region's state from the same
// snapshot: the two are written in one batch, so the chunk is exactly the state at that vector.
// Nothing is kept between two chunks. The catalog comes whole, as of one vector: a region begins
// with it.
//
// Pure over KvStore; thread-safe as the store is.
#pragma once

#include <functional>

#include "base/kv_store.h"
#include "base/result.h"
#include "streams/bootstrap_port.h"

namespace everwrite::table {

// A catalog that is larger cannot be handed over: some ten thousand tables with all their tags.
inline constexpr size_t kCatalogBytesMax = 32U << 20;

// Whether something of the table is left out.
using HidesTable = std::function<bool(TableId)>;

// The chunk behind `request.after`. kFailedPrecondition: the state does not cover the floor.
// kUnavailable: the region is being filled itself. total_rows and without are left to the caller.
Result<streams::ScanChunk> ReadScanChunk(const KvStore& store, const streams::ScanRequest& request,
                                         const HidesTable& hides);

}  // namespace everwrite::table
