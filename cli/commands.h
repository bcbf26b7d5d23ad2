// The sub-commands, one function each: they print, and return the process's exit status. main.cc
// reads the command line into these structs and does nothing else.
//
// Exit statuses: 0 done; 1 the answer is no (verify found a difference, status is degraded with
// --check); 2 usage; 69 a server cannot be reached; 70 something of ours broke; 78 bad
// configuration.
//
// Threads: call from the main thread, once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace everwrite::cli {

constexpr int kExitNo = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnreachable = 69;
constexpr int kExitSoftware = 70;
constexpr int kExitConfiguration = 78;

// Prints the error to standard error and says the exit status that fits.
int ReportError(const Status& status);

struct UpCommand {
  std::string topology_file;
  std::string data;
  int gateway_port = -1;  // none
};
int RunUp(const UpCommand& command);

struct DemoCommand {
  std::string data;  // empty: temporary
  int gateway_port = 8000;
};
int RunDemo(const DemoCommand& command);

struct DaemonCommand {
  std::string topology_file;
  std::string region;
  std::string data;
  std::string socket;
  std::string keep;
  std::vector<std::string> peers;  // NAME=URL; replicator only
  bool is_new = false;             // region only
};
int RunRegionCommand(const DaemonCommand& command);
int RunReplicatorCommand(const DaemonCommand& command);

struct StatusCommand {
  std::string topology_file;  // empty: what runs
  bool json = false;
  bool check = false;  // exit status 1 when it is degraded
};
int RunStatus(const StatusCommand& command);

struct VerifyCommand {
  std::string topology_file;
  bool json = false;
  bool full = false;  // every item, not the digests
  int64_t wait_seconds = 30;
};
int RunVerify(const VerifyCommand& command);

struct ConflictsCommand {
  enum class Action : uint8_t { kList, kShow, kRestore } action = Action::kList;
  std::string topology_file;
  std::string region;
  std::string table;
  std::string key;      // DynamoDB JSON, of a table
  std::string lost_by;  // the region whose write lost
  std::string since;    // ISO 8601, UTC, or milliseconds since 1970
  std::string until;
  std::string name;
  int limit = 20;
  bool json = false;
};
int RunConflicts(const ConflictsCommand& command);

// Where a write is visible, and what became of it.
struct WhereCommand {
  std::string topology_file;
  std::string region;  // who is asked; empty: the first that answers
  std::string write;   // a receipt
  std::string session;
  std::string table;
  std::string key;  // DynamoDB JSON
  bool json = false;
};
int RunWhere(const WhereCommand& command);

struct LinkCommand {
  std::string action;  // cut, heal, delay, reset
  std::string from;
  std::string to;
  bool one_way = false;
  int64_t delay_ms = 0;
  int64_t jitter_ms = 0;
};
int RunLink(const LinkCommand& command);

// The simulator: so many seeds, from `seed` on.
struct SimulateCommand {
  uint64_t seeds = 100;
  uint64_t seed = 1;
  uint64_t regions = 0;             // 0: each seed draws
  int64_t seconds = 20;             // of chaos, a seed
  std::vector<std::string> events;  // files to replay, instead of seeds
  std::string save;                 // write the seed's schedule to this file, and do not run it
  std::string out = ".";            // the folder for shrunk schedules
  bool shrink = false;              // what fails of files; seeds that fail are
  bool no_shrink = false;
  bool marks = false;               // tell of all rare branches, not only of those never reached
  int64_t shrink_seconds = 120;     // at most, each
  bool twice = false;               // run each seed twice and compare traces
  bool lying_sync = false;          // a planted bug
  bool split_transactions = false;  // another
  bool small_logs = false;          // regions are cut loose by the bound of the change log
  bool overlapping_losses = false;  // disks are lost while another region is being filled
  bool placed_tables = true;        // a table's replicas come and go
};
int RunSimulate(const SimulateCommand& command);

// Holds the data folders of ended regions against what clients were told.
struct ChaosCheckCommand {
  std::string history;
  std::vector<std::string> folders;
};
int RunChaosCheck(const ChaosCheckCommand& command);

// A scenario on real processes.
struct ChaosRunCommand {
  std::string other;        // another version's program; empty: none
  bool lying_disk = false;  // syncs do nothing: power cuts lose what was acknowledged
  std::string scenario;     // a file, or the name of one that is shipped
  uint64_t seed = 0;        // 0: any
  std::string data;         // an empty or new folder, kept; empty: a temporary one
  std::string report;       // files to write; empty: none
  std::string json;
  std::string history;
};
int RunChaosRun(const ChaosRunCommand& command);
int RunChaosList();
int RunChaosShow(const std::string& name);

int RunTopologyCheck(const std::string& file);
int RunEnv(const std::string& topology_file);
int RunVersion();

}  // namespace everwrite::cli
