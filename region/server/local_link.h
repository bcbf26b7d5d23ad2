// LocalLink: the region's side of the Unix socket to its replicator.
//
// One thread, one replicator: whoever connects last is served, and the one before is cut, so a
// replicator that was restarted is never locked out by its own ghost. The thread answers reads of
// the change log, hands batches to the engine and replies when they are committed, and pushes what
// commits: the state, and our own new records as long as the replicator has credit and takes them
// (it reads from the log what it missed). Everything is bounded: a replicator that does not read
// gets nothing pushed.
//
// Nothing that a replicator does, or fails to do, reaches the request path.
//
// Thread-safety: OnCommit on the commit thread, the rest from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/metrics.h"
#include "region/table/region_engine.h"
#include "topology/topology.h"

namespace everwrite::server {

// One directed pair, as the replicator last told it.
struct LinkStatus {
  std::string from;
  std::string to;
  std::string state;
  int64_t lag_ms = -1;
  int64_t lag_p50_ms = -1;  // this and the next two: where `to` is this region
  int64_t lag_p99_ms = -1;
  int64_t lag_max_ms = -1;
  uint64_t pending = 0;
  int64_t pending_bytes = -1;  // this and the next: where `from` is this region; -1: not known
  int64_t oldest_ms = -1;      // age of the oldest change that `to` has not applied; 0: it has all
  uint64_t sent_bytes = 0;  // on the bus, since the replicator started; where `from` is this region
  int64_t held_ahead_ms = 0;  // `from`'s changes are held, stamped so far ahead of our clock
  int64_t clock_offset_ms = 0;
};

struct LocalLinkOptions {
  std::string socket_path;
  std::string cluster;
  RegionId region;
  table::RegionEngine* engine = nullptr;
  const topology::Topology* topology = nullptr;
  Registry* registry = nullptr;  // replication metrics are set here as the replicator tells them
  // A letter from another region; on the link's thread.
  std::function<void(RegionId from, std::string body)> on_mail;
  Logger log;
};

class LocalLink {
 public:
  // kFailedPrecondition when the socket cannot be made there.
  static Result<std::unique_ptr<LocalLink>> Start(const LocalLinkOptions& options);
  ~LocalLink();

  void OnCommit(const table::CommitReport& report);
  // The region's state has moved without a commit.
  void TellState();
  // To another region; dropped when the replicator or the peer is away, or busy.
  void SendMail(RegionId to, std::string body);
  bool connected() const;
  std::vector<LinkStatus> Links() const;
  // What every other region has applied, as last heard.
  std::vector<streams::PeerProgress::Peer> Peers() const;
  // Of a bootstrap of this region, by name.
  struct FillStatus {
    std::string source;  // empty: nobody now
    std::string waits;   // what for; empty: nothing
  };
  FillStatus Fill() const;
  // Ends the thread; replies under way are dropped.
  void Stop();

 private:
  class Impl;
  explicit LocalLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace everwrite::server
