// Topology: which regions there are, how they are linked, and what holds for all of them. Plain
// values, read from one YAML file that goes to every region (topology_file.h); a daemon is told
// which region it is.
//
// Durations are in microseconds and sizes in bytes unless a name says otherwise. A Topology that
// came from topology_file is valid: names, ids and addresses are unique, every pair of regions has
// one link.
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace everwrite::topology {

// Upper bounds of what a file may say; each is named in the message that refuses more.
inline constexpr size_t kMaxRegions = 32;
inline constexpr size_t kMaxNameLength = 32;
// Credit outstanding to one connection: nats-server stalls publishers above 32 MB (nats.md 1.2).
inline constexpr uint64_t kMaxCreditBytes = 24'000'000;

struct Address {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  uint16_t port = 0;
  std::string ToString() const;  // "127.0.0.1:8100", "[::1]:8100"
  friend bool operator==(const Address&, const Address&) = default;
};

struct Region {
  std::string name;  // AWS-like: us-east-1
  RegionId id;       // 1 .. 65535; never given to another region
  Address endpoint;  // DynamoDB API
  Address admin;     // health, metrics, status
  Address nats;      // the region's own nats-server
  std::string data;  // folder, as written: DataFolder() resolves it

  std::string NatsUrl() const { return "nats://" + nats.ToString(); }
};

enum class LinkState : uint8_t { kUp, kCut };

// What `everwrite up` makes of the way between two regions, the same in both directions. Real
// deployments have real networks and only the pair counts.
struct Link {
  RegionId a;
  RegionId b;                     // a < b
  int64_t latency_us = 0;         // one way
  int64_t jitter_us = 0;          // up to so much more
  uint64_t bytes_per_second = 0;  // 0: no bound
  LinkState state = LinkState::kUp;

  bool Joins(RegionId x, RegionId y) const { return (a == x && b == y) || (a == y && b == x); }
};

// Where a new table is: in all regions, those added later included, or in the one that made it.
enum class ReplicateScope : uint8_t { kAll, kExplicit };

struct ReplicationSettings {
  uint64_t batch_bytes = 128'000;      // records are gathered up to about so much
  uint64_t credit_bytes = 16'000'000;  // outstanding from one source region, all logs together
  int64_t heartbeat_us = 500'000;
  int64_t silence_us = 3'000'000;  // without a word for so long: another session, another source
  int64_t max_clock_offset_us = 500'000;
  // A region that is filled from a peer asks for so much a second; 0: as fast as it goes.
  uint64_t bootstrap_bytes_per_second = 50'000'000;
  ReplicateScope replicate = ReplicateScope::kAll;
};

enum class Durability : uint8_t {
  kDurable,  // an answered write is on disk
  kRelaxed,  // it is in the system's page cache: survives the process, not the machine
};

struct Limits {
  uint64_t connections = 10'000;       // of clients, a region
  uint64_t threads = 0;                // event loops; 0: one a core
  uint64_t cache_bytes = 64ULL << 20;  // of blocks of the store
  uint64_t change_log_bytes = 64ULL << 30;
  uint64_t change_log_hours = 24;
  // The conflict ledger: entries are kept so long, and up to so many bytes.
  uint64_t ledger_days = 30;
  uint64_t ledger_bytes = 10ULL << 30;
  // Rows that are read again each second to prove that they are what was written; 0: none.
  uint64_t verify_rows_per_second = 10'000;
  // The store's files are read again so fast to see that no bit has flipped; 0: not at all.
  uint64_t verify_bytes_per_second = 8ULL << 20;
  // A table's time to live may be changed once in so long, as DynamoDB's once an hour; 0: any time.
  int64_t ttl_change_interval_us = 0;
};

// Session tokens (docs/sessions.md).
struct Sessions {
  std::string key;              // authenticates them; empty: derived from the cluster's name
  int64_t wait_us = 1'000'000;  // how long a request waits for its token, by default
};

struct Topology {
  std::string cluster;   // frames of another cluster are refused
  uint64_t version = 0;  // of the file: a lower one never takes its place (kept_topology.h)
  std::vector<Region> regions;
  std::vector<Link> links;  // one for each pair
  ReplicationSettings replication;
  Durability durability = Durability::kDurable;
  Limits limits;
  Sessions sessions;
  std::string directory = ".";  // of the file; relative data folders start here

  // Null when there is none.
  const Region* FindRegion(std::string_view name) const;
  const Region* FindRegion(RegionId id) const;
  const Link* FindLink(RegionId x, RegionId y) const;
  // Its name, or its number when there is none.
  std::string NameOf(RegionId id) const;
  // All but `self`, in the order of the file.
  std::vector<RegionId> Others(RegionId self) const;
  // "us-east-1, eu-west-1", for messages.
  std::string RegionNames() const;
  // Where the region keeps its data: `data` when it is absolute, otherwise below `base` (--data),
  // or below the file's own folder when `base` is empty.
  std::string DataFolder(const Region& region, std::string_view base = {}) const;
};

}  // namespace everwrite::topology
