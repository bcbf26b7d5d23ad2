// RegionLink: the connection to the region beside us, over its Unix socket
// (streams/proto/link.proto).
//
// A thread of its own connects, says Hello, reads and writes; when the region is away it tries
// again every 200 ms, for ever. A region of another cluster, name or protocol version is refused by
// either side and tried again every 2 s: it may be replaced by the right one.
//
// Threads: Send from any thread, never blocks. Events come from the link's thread.
#pragma once

#include <memory>
#include <string>

#include "replicator/ports.h"

namespace everwrite::replicator {

struct RegionLinkOptions {
  std::string socket_path;
  std::string cluster;
  RegionId region;
  // Bytes of pushed records that the region may send ahead of our LinkCredit.
  uint64_t credit = 16U << 20;
};

class RegionLink : public RegionPort {
 public:
  // `events` must outlive the link.
  RegionLink(RegionLinkOptions options, RegionEvents* events);
  ~RegionLink() override;

  void Send(const streams::LinkMessage& message) override;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace everwrite::replicator
