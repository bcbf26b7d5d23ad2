// NatsBus: the bus of the replicator over core NATS (nats.c 3.4.1).
//
// One connection to the region's own server and one to each peer's, each with a thread of its own
// that connects, publishes and closes, so that a server that hangs holds up nobody else: nats.c has
// its connection's mutex while it connects and while it writes, and other callers would wait for
// it. A connection that breaks is closed and made anew every 200 ms, for ever; nats.c's own
// reconnecting, which replays stale frames and blocks, is off. A dead link is noticed by pings in 3
// to 5 seconds.
//
// Nothing is promised about delivery: messages of a connection that is down, or whose queue is
// full, are dropped. The sessions of the core see the gap.
//
// Threads: Send from any thread, never blocks. Events come from nats.c's threads and from ours.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "replicator/ports.h"

namespace everwrite::replicator {

struct NatsBusOptions {
  std::string cluster;
  RegionId self;
  std::string self_name;
  std::string own_url;
  struct Peer {
    RegionId id;
    std::string name;
    std::string url;
  };
  std::vector<Peer> peers;
};

class NatsBus : public Bus {
 public:
  // `events` must outlive the bus. Starts to connect at once; never fails because a server is away.
  NatsBus(NatsBusOptions options, BusEvents* events);
  // Waits at most some seconds for what is queued and for nats.c to let go.
  ~NatsBus() override;

  void Send(RegionId to, Message message) override;
  uint64_t SentBytes(RegionId to) const override;

 private:
  class Connection;
  struct Session;
  struct Target;
  using SentBytesTable = std::map<RegionId, std::atomic<uint64_t>>;
  friend struct NatsCallbacks;

  NatsBusOptions options_;
  std::shared_ptr<Target> target_;
  SentBytesTable sent_;  // its keys are fixed from construction on
  std::unique_ptr<Connection> own_;
  std::map<RegionId, std::unique_ptr<Connection>> peers_;
};

}  // namespace everwrite::replicator
