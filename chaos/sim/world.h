// One simulated run: a few regions with their replicators, a network, clients, and a nemesis, from
// a seed.
//
//   phases   chaos for `chaos_seconds` · heal · wait until all vectors are equal (bounded: a world
//   that
//            does not converge is a violation) · check the end (chaos/checkers)
//
// Each seed draws its own world (swarm testing, Groce et al. 2012): which faults are on and how
// often, the network's delays and losses, the clocks, the key mix and the rates. So one seed
// exercises what another would drown.
//
// Deterministic: equal options give equal results, trace hash included.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace everwrite::chaos {

struct WorldOptions {
  uint64_t seed = 1;
  size_t regions = 3;
  int64_t chaos_seconds = 20;
  // Change logs of 10 to 150 KB, so that regions are cut loose, wherever no stream needs the log;
  // else in a third of those worlds.
  bool small_logs = false;
  bool placed_tables = true;           // a table whose replicas come and go, in half of the worlds
  bool lying_sync = false;             // planted bug (sim_region.h)
  bool split_transactions = false;     // planted bug (sim_daemon.h)
  bool forgets_index_deletes = false;  // planted bug (sim_region.h)
  bool loses_stream_entries = false;   // planted bug (sim_region.h)
};

struct WorldResult {
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  int64_t simulated_micros = 0;
  size_t writes = 0;
  size_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t conflicts = 0;
  uint64_t compared = 0;    // buckets of two regions, while they were written to, and equal
  size_t transactions = 0;  // in all regions' logs
  size_t expired = 0;       // deletions because the time had come, in all logs
  size_t streamed = 0;      // records that the consumer of the table's stream has seen
  size_t moved = 0;         // how often it went on in another region
  size_t placed = 0;        // replicas of a table that were added or taken away
  size_t crashes = 0;
  size_t lost_disks = 0;
  size_t fillings = 0;        // of regions from their peers, new ones and those cut loose
  size_t lost_with_disk = 0;  // acknowledged writes that nobody else had
  size_t cuts = 0;
  std::string faults;  // what the seed drew, for the line that is printed
  std::vector<std::string> violations;
};

WorldResult RunWorld(const WorldOptions& options);

}  // namespace everwrite::chaos
