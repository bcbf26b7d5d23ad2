// The replicator's bounds and times, each with a name; defaults for production. The simulator sets
// cruel ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace everwrite::replicator {

// The largest unit of apply. DynamoDB's transactions are at most 4 MB of items.
inline constexpr size_t kMaxTransactionBytes = 16U << 20;
// A peer's Scan and Credit count up to so much, whatever our own window is.
inline constexpr uint64_t kFillWindowMax = 4'000'000;
// Logs that are followed at once; a heartbeat that names more is cut.
inline constexpr size_t kMaxLogs = 1024;

struct Options {
  RegionId self;
  std::vector<RegionId> peers;  // all other regions of the topology

  size_t batch_bytes = 128'000;  // records are gathered into one Batch up to about so much
  uint64_t credit_bytes =
      16'000'000;  // outstanding from one source, all sessions (< 24 MB: nats.md 1.2)
  int64_t heartbeat_us = 500 * kMicrosPerMilli;
  int64_t silence_us = 3 * kMicrosPerSecond;
  int64_t open_timeout_us = 1 * kMicrosPerSecond;    // an Open without an answer is said again
  int64_t keepalive_us = 1 * kMicrosPerSecond;       // at the latest so long after the last credit
  int64_t session_expiry_us = 8 * kMicrosPerSecond;  // a source forgets a receiver it does not hear
  int64_t source_rest_us = 1 * kMicrosPerSecond;    // a source that failed is not asked for so long
  int64_t ahead_rest_us = 10 * kMicrosPerSecond;    // nor one whose clock is ahead of the bound
  int64_t trimmed_rest_us = 30 * kMicrosPerSecond;  // the same when it cannot have what we need
  int64_t max_clock_offset_us = 500 * kMicrosPerMilli;

  // Bootstrap (filler.h): chunks on the way to us and not merged yet. Comes on top of credit_bytes.
  uint64_t fill_window = kFillWindowMax;
  size_t fill_chunk = 512U << 10;      // one chunk is about so much
  uint64_t fill_bytes_per_second = 0;  // 0: as fast as it goes
  // The logs of all who can be asked must have been trimmed for so long until we are filled anew.
  int64_t cut_loose_us = 5 * kMicrosPerSecond;
  // It goes on serving for so long while others that are cut loose are filled.
  int64_t yield_us = 10 * kMicrosPerSecond;
  // A pass through rows waits so long for somebody who can go on with it; then another is begun.
  int64_t orphan_us = 10 * kMicrosPerSecond;
  // What nobody shows, though all are there, is given up after so long.
  int64_t forsake_us = 15 * kMicrosPerSecond;
  // With all rows here the region serves after so long, whatever the logs still have to bring.
  int64_t catch_up_us = 30 * kMicrosPerSecond;

  size_t cache_bytes = 16U << 20;   // of recent records of our own log, for the feed
  size_t apply_bytes = 512U << 10;  // one ApplyRequest, but for a transaction, is at most so much
  size_t applies_per_log_max = 2;   // outstanding: one under way and one waiting; the rest merges
  size_t applies_max = 8;
  int64_t apply_retry_us = 100 * kMicrosPerMilli;  // doubled with each failure in a row up to ...
  int64_t apply_retry_max_us = 2 * kMicrosPerSecond;
};

// Something that operators should read in the log.
struct Event {
  enum class Level : uint8_t { kInfo, kWarning };
  Level level = Level::kInfo;
  std::string text;
  RegionId peer;  // 0: none
};

}  // namespace everwrite::replicator
