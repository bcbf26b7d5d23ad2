// The local link's frames: streams/region_port.h as bytes, both ways (streams/proto/link.proto).
//
//   socket.Send(EncodeLinkFrame(message));
//   ...
//   LinkReader reader;
//   reader.Append(bytes from the socket);
//   while (true) {
//     Result<std::optional<LinkMessage>> next = reader.Next();
//     if (!next.ok()) close the connection;     // what came is no frame: never resynchronised
//     if (!next->has_value()) break;            // wait for more bytes
//     std::visit(..., **next);
//   }
//
// A length above kMaxLinkFrameBytes is refused before anything is allocated for it; so the reader
// holds at most one frame and what one Append added.
//
// Thread-safety: values; a LinkReader belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "streams/region_port.h"

namespace everwrite::streams {

inline constexpr uint32_t kLinkVersion = 1;
// The largest is a whole transaction in one Apply (replicator: kMaxTransactionBytes and a window).
inline constexpr size_t kMaxLinkFrameBytes = 48U << 20;
// The socket's name within the region's data folder.
inline constexpr std::string_view kLinkSocketName = "region.sock";

struct LinkHello {
  uint32_t version = kLinkVersion;
  std::string cluster;
  RegionId region;
  uint64_t credit = 0;  // bytes of LinkCommitted (RecordBatch::bytes) that may be sent
};
struct LinkWelcome {
  uint32_t version = kLinkVersion;
  std::string cluster;
  RegionId region;
};
struct LinkRefusal {
  std::string reason;
};
// region -> replicator: records that have just become durable, of any log. Best effort: without
// credit the region sends nothing, and the replicator reads.
struct LinkCommitted {
  RecordBatch batch;
};
struct LinkCredit {
  uint64_t bytes = 0;
};

// replicator -> region, every second or so: how replication is doing, for /status and metrics.
struct ReplicationStatus {
  enum class LinkState : uint8_t {
    kDown = 0,    // not connected to the peer's bus
    kSilent = 1,  // connected, but nothing heard for the silence bound
    kUp = 2,
  };
  // One directed pair, of which `to` or `from` is this region.
  struct Link {
    RegionId from;
    RegionId to;
    LinkState state = LinkState::kDown;
    int64_t lag_ms = -1;  // age of the newest applied change when it was applied; -1: none yet
    // Of the changes that were applied in the last half to whole minute; -1: none were.
    int64_t lag_p50_ms = -1;
    int64_t lag_p99_ms = -1;
    int64_t lag_max_ms = -1;
    uint64_t pending = 0;         // changes of `from`'s logs that `to` has not applied
    int64_t pending_bytes = -1;   // of their records, about; told by `from`; -1: not known
    int64_t held_ahead_ms = 0;    // the next is stamped so far ahead of our clock: held; 0: none
    uint64_t batches = 0;         // since the replicator started
    uint64_t bytes = 0;           // of records
    uint64_t sent_bytes = 0;      // put on the bus, all kinds of messages; told by `from`
    uint64_t sessions = 0;        // opened
    uint64_t gaps = 0;            // numbers that were missing between two batches
    int64_t clock_offset_ms = 0;  // the other region's clock minus ours
    RegionId source;              // who gives us `from`'s changes; 0: nobody; not `from`: a relay
    int64_t heard_ms = -1;        // since the last word of the other region; -1: never
    bool must_bootstrap = false;  // nobody holds what we need any more
  };
  // A bootstrap of the region beside it.
  enum class FillWaits : uint8_t {
    kNothing = 0,
    kWord = 1,    // whether others have data; of `waits_for`
    kSource = 2,  // for somebody who has what is needed; `waits_for` cannot be asked
    kLogs = 3,    // until the logs have brought what the source shows
  };
  struct Fill {
    RegionId source;  // 0: nobody now
    FillWaits waits = FillWaits::kNothing;
    std::vector<RegionId> waits_for;
  };
  bool bus_connected = false;  // to the region's own server
  Fill fill;
  uint64_t cached_bytes = 0;
  uint64_t gate_bytes = 0;
  uint64_t gate_records = 0;
  uint64_t applies_outstanding = 0;
  std::vector<Link> links;
};
std::string_view LinkStateName(ReplicationStatus::LinkState state);  // "down", "silent", "up"

using LinkMessage =
    std::variant<LinkHello, LinkWelcome, LinkRefusal, RegionState, LinkCommitted, ReadRequest,
                 ReadReply, ApplyRequest, ApplyReply, PeerProgress, LinkCredit, ReplicationStatus,
                 ScanRequest, ScanReply, FillRequest, FillReply, Mail, PeerWord>;

// Length and body. The caller keeps messages below kMaxLinkFrameBytes; a larger one is a bug
// (CHECK).
std::string EncodeLinkFrame(const LinkMessage& message);
// The body of one frame, without the length. kInvalidArgument for what is no frame.
Result<LinkMessage> DecodeLinkBody(std::string_view body);

class LinkReader {
 public:
  void Append(std::string_view bytes);
  // The next whole message; nullopt when more bytes are needed; after an error always that error.
  Result<std::optional<LinkMessage>> Next();

 private:
  std::string buffer_;
  size_t start_ = 0;  // of the first unread byte
  Status error_;
};

}  // namespace everwrite::streams
