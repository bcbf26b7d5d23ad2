// The two ports of the driver: the bus (nats/nats_bus) and the region beside it (link/region_link).
// Both have threads of their own; they tell what happens through the events, from any of their
// threads, and never block the caller of Send.
#pragma once

#include <functional>
#include <string>

#include "replicator/messages.h"
#include "streams/link_codec.h"

namespace everwrite::replicator {

class BusEvents {
 public:
  virtual ~BusEvents() = default;
  virtual void OnOwnBus(bool up) = 0;  // connected to the region's own server
  // Connected to the peer's server and subscribed there.
  virtual void OnPeer(RegionId peer, bool up) = 0;
  virtual void OnBusMessage(RegionId peer, Message message) = 0;
  // Something that operators should read: refused frames, lost connections.
  virtual void OnBusNote(RegionId peer, std::string text) = 0;
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Best effort, in order for each peer and direction.
  virtual void Send(RegionId to, Message message) = 0;
  // Bytes of all frames that went out for `to` since the start.
  virtual uint64_t SentBytes(RegionId to) const = 0;
};

class RegionEvents {
 public:
  virtual ~RegionEvents() = default;
  virtual void OnRegionConnected() = 0;  // a RegionState follows
  // Also when it could not be reached at all; not again while the reason stays the same.
  virtual void OnRegionDisconnected(std::string why) = 0;
  virtual void OnRegionMessage(streams::LinkMessage message) = 0;
};

class RegionPort {
 public:
  virtual ~RegionPort() = default;
  // Lost when not connected.
  virtual void Send(const streams::LinkMessage& message) = 0;
};

}  // namespace everwrite::replicator
