// One simulated run: a few regions with their replicators, a network, clients, and the faults of a
// schedule (schedule.h).
//
//   phases   chaos for the schedule's seconds · heal · wait until all vectors are equal (bounded: a
//            world that does not converge is a violation) · check the end (chaos/checkers)
//
// Deterministic: equal schedules give equal results, trace hash included.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/mark.h"
#include "chaos/sim/schedule.h"

namespace everwrite::chaos {

// Planted bugs of every build, at the simulator's seams (decision 0007).
struct Plants {
  bool lying_sync = false;             // sim_region.h
  bool split_transactions = false;     // sim_daemon.h
  bool forgets_index_deletes = false;  // sim_region.h
  bool loses_stream_entries = false;   // sim_region.h
};

// Numbers alone, so that worlds can be summed up.
struct WorldCounts {
  uint64_t events = 0;
  int64_t simulated_micros = 0;
  uint64_t writes = 0;
  uint64_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t conflicts = 0;
  uint64_t compared = 0;      // buckets of two regions, while they were written to, and equal
  uint64_t transactions = 0;  // in all regions' logs
  uint64_t expired = 0;       // deletions because the time had come, in all logs
  uint64_t streamed = 0;      // records that the consumer of the table's stream has seen
  uint64_t moved = 0;         // how often it went on in another region
  uint64_t roamed = 0;        // answers to clients that go from region to region
  uint64_t placed = 0;        // replicas of a table that were added or taken away
  uint64_t crashes = 0;
  uint64_t lost_disks = 0;
  uint64_t fillings = 0;        // of regions from their peers, new ones and those cut loose
  uint64_t saved_by_peers = 0;  // acknowledged writes of a lost disk that others had
  uint64_t lost_with_disk = 0;  // acknowledged writes that nobody else had
  uint64_t cuts = 0;
  uint64_t pauses = 0;
  uint64_t disk_failures = 0;                // processes that ended because a write failed
  std::array<uint64_t, kMarkCount> marks{};  // rare branches of the product (base/mark.h)

  WorldCounts& operator+=(const WorldCounts& other);
};

struct WorldResult {
  uint64_t trace_hash = 0;
  WorldCounts counts;
  std::vector<std::string> violations;
};

WorldResult RunWorld(const Schedule& schedule, const Plants& plants = {});

}  // namespace everwrite::chaos
