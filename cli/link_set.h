// The simulated network of `everwrite up`: who reaches whom, how late, and what is cut.
//
// A replicator dials its peers' servers, so each ordered pair (dialler, target) has one proxied
// link. The network between two regions A and B is spoken of by direction: A to B is what travels
// from A to B, on the link that A dialled (forward) and on the one that B dialled (backward).
// Delays and cuts of a direction hold for both.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chaos/live/link_proxy.h"
#include "cli/json_value.h"

namespace everwrite::cli {

struct NetworkNode {
  std::string name;
  std::string host;  // numeric IPv4 of its nats-server
  uint16_t port = 0;
};

struct NetworkDirection {
  std::string from;
  std::string to;
  chaos::LinkShape shape;
  bool cut = false;
};

class LinkSet {
 public:
  // A link for every ordered pair of nodes; pairs that `directions` does not name have no delay.
  static Result<std::unique_ptr<LinkSet>> Create(const std::vector<NetworkNode>& nodes,
                                                 const std::vector<NetworkDirection>& directions);

  // The port on 127.0.0.1 by which `dialler` reaches the server of `target`.
  uint16_t PortFor(const std::string& dialler, const std::string& target) const;

  // kNotFound for a pair that is not there. Without `one_way`, both directions.
  Status Cut(const std::string& from, const std::string& to, bool one_way);
  Status Heal(const std::string& from, const std::string& to, bool one_way);
  Status Shape(const std::string& from, const std::string& to, bool one_way,
               const chaos::LinkShape& shape);
  // Ends the connections between the two, as a middlebox that lost its state does.
  Status Reset(const std::string& a, const std::string& b);
  void HealAll();

  // [{from, to, delay_ms, jitter_ms, bytes_per_second, cut, queued_bytes, connections}]
  JsonValue Describe() const;

 private:
  using Pair = std::pair<std::string, std::string>;
  struct Direction {
    chaos::LinkShape shape;
    bool cut = false;
  };
  explicit LinkSet(std::unique_ptr<chaos::LinkProxy> proxy) : proxy_(std::move(proxy)) {}
  // Calls act(direction's key) for one or both directions, under the mutex.
  template <typename Act>
  Status ForEach(const std::string& from, const std::string& to, bool one_way, Act act);
  // Tells the proxy what holds for a direction now.
  void Apply(const Pair& key);

  const std::unique_ptr<chaos::LinkProxy> proxy_;
  std::map<Pair, chaos::LinkProxy::LinkId> links_;  // by (dialler, target); fixed after Create
  mutable std::mutex mutex_;
  std::map<Pair, Direction> directions_;  // under mutex_
};

}  // namespace everwrite::cli
