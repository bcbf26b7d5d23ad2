// A chaos scenario: a topology, a workload, faults over time, and what must hold. Plain values,
// read from a YAML file (scenario_file.h); what it means second by second is drawn with a seed
// (chaos/run/timeline.h).
//
// Times are microseconds; those of faults are from the end of the warm-up. A Scenario that came
// from scenario_file is valid: every region it names is in the topology.
//
// Thread-safety: values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "topology/topology.h"

namespace everwrite::chaos {

// Upper bounds of what a file may say.
inline constexpr size_t kMaxFaults = 200;
inline constexpr uint64_t kMaxTimes = 10'000;
inline constexpr int64_t kMaxScenarioMicros = 24LL * 3600 * 1'000'000;
inline constexpr uint64_t kMaxShortRegions = 9;

enum class Operation : uint8_t {
  kPut,          // of a hot key, or of one that is written once
  kCondition,    // attribute_not_exists, or a compare-and-set
  kCount,        // ADD 1 to the region's own counter
  kTransaction,  // TransactWriteItems of a group of items
  kRemake,       // delete, or create again
  kRead,         // GetItem and TransactGetItems in the own region
  kExpire,       // PutItem with a time to live of some seconds
  kFarRead,      // in another region, with the session's token
  kScan,         // all pages of a Scan of the table, among other operations
};
inline constexpr size_t kOperations = 9;
inline constexpr std::array<std::string_view, kOperations> kOperationNames = {
    "put", "condition", "count", "transaction", "remake", "read", "expire", "far_read", "scan"};

struct WorkloadSpec {
  uint64_t clients = 2;       // a region
  uint64_t rate = 20;         // operations a second, a client
  uint64_t hot_percent = 50;  // of puts; the others write keys of their own
  uint64_t hot_keys = 8;
  uint64_t value_bytes_min = 100;
  uint64_t value_bytes_max = 1000;
  int64_t timeout_us = 2'000'000;  // then the outcome is unknown
  std::array<uint64_t, kOperations> mix = {28, 10, 10, 8, 10, 21, 3, 8, 2};  // weights
};

enum class FaultKind : uint8_t {
  kCut,          // links of the chosen pairs
  kIsolate,      // all links of a region
  kSplit,        // groups that do not reach each other
  kRing,         // only neighbours of the list reach each other, first and last too
  kChain,        // the same, but first and last do not
  kSlow,         // delay, jitter and bandwidth of the chosen pairs
  kPackets,      // packets of the chosen pairs are lost or come twice, below TCP
  kBlackHole,    // long packets of the chosen pairs are lost, short ones pass
  kReset,        // connections of the chosen pairs end
  kKill,         // SIGKILL
  kPause,        // SIGSTOP, then SIGCONT
  kClock,        // a region's clock jumps, drifts, is coarse or stands still
  kLoseDisk,     // the region's data is taken away, and the region killed
  kDiskFull,     // what a region writes fails, until it has ended or its time is over
  kPowerCut,     // of a region's machine: what was not synced is lost
  kDiskError,    // the n-th write or sync of a region fails
  kDiskSlow,     // each sync of a region takes longer
  kDiskHang,     // no write and no sync of a region returns
  kDamage,       // a file of a region is damaged while it is down; it is rebuilt from a peer
  kCpu,          // a region's server gets a share of the processor only
  kMemory,       // and of memory
  kTopology,     // a bad topology file is pushed to a region, and its processes are started again
  kUpgrade,      // a region's processes are started again as another version
  kAddIndex,     // UpdateTable makes a global secondary index, by this region
  kRemakeTable,  // a table is deleted and created again, by this region
};

enum class DamagedFile : uint8_t { kWal, kSst, kManifest, kCurrent };
inline constexpr std::array<std::string_view, 4> kDamagedFileNames = {"wal", "sst", "manifest",
                                                                      "current"};
enum class DamageHow : uint8_t { kFlip, kTruncate, kDelete };
inline constexpr std::array<std::string_view, 3> kDamageHowNames = {"flip", "truncate", "delete"};

// What is pushed in place of the right file.
enum class BadTopology : uint8_t { kEmpty, kBroken, kOlder };
inline constexpr std::array<std::string_view, 3> kBadTopologyNames = {"empty", "broken", "older"};

enum class Role : uint8_t { kRegion, kReplicator, kNats, kAny, kEverything };

enum class Choice : uint8_t { kNamed, kAny, kAll };

struct Fault {
  FaultKind kind = FaultKind::kCut;
  int line = 0;  // in the file
  int64_t at = 0;
  int64_t duration = 0;  // 0: to the end of the faults
  int64_t every = 0;     // again after so long; 0: once
  uint64_t times = 0;    // so often in all; 0: as long as the faults last
  int64_t flap_off = 0;  // while it lasts: so long cut, then so long healed; 0: all the time
  int64_t flap_on = 0;
  bool one_way = false;
  Choice choice = Choice::kNamed;
  std::vector<std::vector<std::string>> groups;  // of regions; one group but for kSplit
  Role role = Role::kRegion;
  // kSlow; what is not given stays as the topology has it.
  std::optional<int64_t> delay_us;
  std::optional<int64_t> jitter_us;
  std::optional<uint64_t> bytes_per_second;
  int64_t jump_us = 0;  // kClock
  int64_t drift_us_per_second = 0;
  int64_t grain_us = 0;
  bool frozen = false;
  double loss_percent = 0;  // kPackets
  double duplicate_percent = 0;
  uint64_t over_bytes = 0;    // kBlackHole: packets longer than this
  uint64_t fail_write = 0;    // kDiskError: the n-th from then on; 0: none
  uint64_t fail_sync = 0;     // the same
  bool no_space = false;      // ENOSPC, not EIO
  bool once = false;          // that call only, not all after it
  bool from_start = false;    // counted from the region's next start, which is made at once
  bool rising = false;        // with every repetition the next one
  int64_t sync_delay_us = 0;  // kDiskSlow
  double share_percent = 0;   // kCpu
  uint64_t limit_bytes = 0;   // kMemory
  DamagedFile file = DamagedFile::kWal;  // kDamage
  DamageHow how = DamageHow::kFlip;
  BadTopology bad_topology = BadTopology::kEmpty;
};

bool CutsLinks(FaultKind kind);
// Over in an instant: what it does cannot last.
bool IsInstant(FaultKind kind);
// Needs the library that stands between a region and its files (chaos/disk_shim).
bool NeedsShim(FaultKind kind);

// The checks, by their names in files and reports (chaos/checkers/observed_checks.h, end_state.h).
enum class Check : uint8_t {
  kEndState,
  kReadYourWrites,
  kMonotonicReads,
  kFreshReads,
  kSessionTokens,
  kCausality,
  kTransactions,
  kCounters,
  kResurrection,
  kConditions,
  kIntegrity,
  kScans,
};
inline constexpr size_t kChecks = 12;
inline constexpr std::array<std::string_view, kChecks> kCheckNames = {
    "end_state",      "read_your_writes", "monotonic_reads", "fresh_reads",
    "session_tokens", "causality",        "transactions",    "counters",
    "resurrection",   "conditions",       "integrity",       "scans"};

struct Expectations {
  int64_t converged_within = 30'000'000;
  std::optional<double> local_success_percent;  // of operations in the own region, under faults
  std::optional<double> local_p99_times;        // of the p99 of the warm-up
};

struct Scenario {
  std::string name;
  std::string description;
  // One of the two: a file (its path, resolved against the scenario's own folder), or so many
  // regions with one delay.
  std::string topology_file;
  uint64_t regions = 3;
  int64_t delay_us = 20'000;
  int64_t jitter_us = 0;
  std::vector<std::string> region_names;  // of either

  int64_t warmup = 4'000'000;    // without faults; what "quiet" means
  int64_t duration = 0;          // of the faults; never 0 once read
  int64_t recovery = 2'000'000;  // load goes on for so long after all is healed
  WorkloadSpec workload;
  std::vector<Fault> faults;
  std::set<Check> checks;
  Expectations expect;
};

// The topology of the short form: `ports` has three for each region, on 127.0.0.1.
topology::Topology ShortTopology(const Scenario& scenario, const std::vector<uint16_t>& ports);
// The names that regions of the short form have, in this order.
std::vector<std::string> ShortRegionNames(uint64_t count);

}  // namespace everwrite::chaos
