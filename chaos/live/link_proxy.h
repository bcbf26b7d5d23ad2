// A faulty link between two real processes: a TCP proxy with delay, jitter, bandwidth and cuts.
//
// One link is one listening port that leads to one target. A link has two directions: kForward,
// from who dialled to the target, and kBackward. Each direction has its own shape and can be cut by
// itself.
//
//   delay, jitter  a byte is passed on `delay` plus up to `jitter` after it came, and never
//                  before an earlier one: this is TCP, order stays
//   bandwidth      bytes a second, shared by the connections of the direction
//   cut            a black hole, as when packets are dropped: nothing passes, not even an end or a
//                  reset, connections stay open on both sides, new ones are accepted and hang
//   heal           what was held passes, as TCP would have sent it again
//   reset          every connection ends at once with a reset on both sides
//
// A direction of a connection holds at most kMaxQueuedBytes; then its source is not read, and TCP
// slows the sender down. With a delay d, throughput is at most kMaxQueuedBytes / d a connection.
//
// Threads: one thread of its own with epoll, however many links. All methods may be called from any
// thread; they return when the change holds for every byte read from then on (and for a cut, every
// byte not yet passed on). The destructor ends the thread and closes every socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace everwrite::chaos {

constexpr size_t kMaxQueuedBytes = 4U << 20;
constexpr size_t kMaxLinkConnections = 64;

enum class LinkDirection : uint8_t { kForward, kBackward };

struct LinkShape {
  int64_t delay_us = 0;
  int64_t jitter_us = 0;
  int64_t bytes_per_second = 0;  // 0: no bound
  // A black hole of long packets, 0: none. Once a connection has more than this to pass on at once,
  // nothing of it passes, then or later, until the bound is gone: what a sender does not learn of
  // it sends for ever again.
  uint64_t over_bytes = 0;
};

struct LinkSpec {
  std::string target_host = "127.0.0.1";  // a numeric IPv4 address
  uint16_t target_port = 0;
  uint16_t listen_port = 0;  // on 127.0.0.1; 0: any free one
  LinkShape forward;
  LinkShape backward;
};

struct LinkStats {
  uint64_t forward_bytes = 0;  // passed on
  uint64_t backward_bytes = 0;
  uint64_t queued_bytes = 0;
  uint32_t connections = 0;
};

class LinkProxy {
 public:
  using LinkId = int;

  // kUnavailable when the system gives no thread or descriptor.
  static Result<std::unique_ptr<LinkProxy>> Create(uint64_t jitter_seed);
  ~LinkProxy();

  // kInvalidArgument: a bad address; kUnavailable: the port is in use.
  Result<LinkId> Add(const LinkSpec& spec);
  uint16_t port(LinkId link) const;

  void SetShape(LinkId link, LinkDirection direction, const LinkShape& shape);
  LinkShape Shape(LinkId link, LinkDirection direction) const;
  void Cut(LinkId link, LinkDirection direction);
  void Heal(LinkId link, LinkDirection direction);
  bool IsCut(LinkId link, LinkDirection direction) const;
  void Reset(LinkId link);
  LinkStats Stats(LinkId link) const;

 private:
  class Loop;
  explicit LinkProxy(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace everwrite::chaos
