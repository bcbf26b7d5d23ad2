// What replicators say to each other, as plain values. docs/protocol.md tells the story; on the bus
// they are the frames of replicator/proto/replication.proto (messages_codec.h).
//
// Two directions between a receiver and a source of changes:
//   receiver -> source   over the receiver's connection to the source's server: Open, Credit,
//   Close,
//                        Ask, Hello, Scan
//   source -> receiver   published on the source's own server: Opened, Batch, End, Heartbeat, Chunk
//
// Any of them may be lost, repeated, delayed or reordered.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "streams/region_port.h"

namespace everwrite::replicator {

// "Send me log `log` after number `after`, as far as `credit` bytes (BatchCost) go." The newest
// Open of a peer for a log replaces the one before.
struct Open {
  // High 32 bits: drawn when the receiver started; low 32 bits: rising. So an old Open that was
  // delayed cannot replace a newer one.
  uint64_t session = 0;
  LogId log;
  uint64_t after = 0;
  uint64_t credit = 0;
  // Changes of which the source has the bare numbers will do, though the receiver should have all
  // of them: their maker has lost them, and nobody who can be asked has more.
  bool bare = false;
};
// So many bytes more. 0 keeps the session alive.
struct Credit {
  uint64_t session = 0;
  uint64_t bytes = 0;
};
struct Close {
  uint64_t session = 0;
};
// "Say your Heartbeat now."
struct Ask {};
// Every heartbeat, on the peer's own bus: this process says it is the sender's region. What a peer
// hears of all who say so it tells them in its heartbeats; so two of them learn of each other,
// wherever each has its bus.
struct Hello {
  streams::Life life;
  bool gone = false;  // it has ended
};
// Bootstrap: "send me what stands behind `after`, as far as the credit (ChunkCost) goes". Answered
// by chunks; Credit and Close are as for logs. The newest Scan of a peer replaces the one before.
struct Scan {
  uint64_t session = 0;  // as of Open
  streams::ScanPart part = streams::ScanPart::kCatalog;
  std::string after;
  conflict::Vector floor;  // who has not applied all of it cannot serve
  uint64_t credit = 0;
  TableId table;  // 0: all tables
};
struct Chunk {
  uint64_t session = 0;
  uint64_t index = 0;  // within the session, from 0
  bool more = false;   // a part of a catalog; its other rows come with the next index
  streams::ScanChunk chunk;
};

struct Opened {
  uint64_t session = 0;
  LogId log;
};
struct Batch {
  uint64_t session = 0;
  streams::RecordBatch records;
};

enum class EndReason : uint8_t {
  kTrimmed = 0,         // the log does not reach back to `after`
  kUnknownLog = 1,      // the source holds nothing of it
  kAhead = 2,           // the receiver has more than the source
  kUnknownSession = 3,  // forgotten, or the source was started again
  kUnavailable = 4,     // the source's region is away
  kNobody = 5,          // said by the bus: nobody serves that subject
  kBehind = 6,          // of a Scan: the source has not applied the floor
  kLacking = 7,  // of what comes next the source has the bare numbers: it holds no such table
};
inline constexpr uint8_t kEndReasonMax = 7;
struct End {
  uint64_t session = 0;
  LogId log;
  EndReason reason = EndReason::kUnknownSession;
};

struct Heartbeat {
  uint64_t boot = 0;      // of this replicator process
  uint64_t sequence = 0;  // rising within a boot
  bool serving = false;   // its region is there; what follows is empty otherwise
  LogId log;              // the region's current log
  conflict::Vector applied;
  conflict::Vector durable;
  uint64_t physical_ms = 0;         // the region's clock when this was sent, corrected
  int64_t clock_correction_ms = 0;  // how much of it is correction
  // For measuring clocks as NTP does: the last `physical_ms` heard from the receiver of this
  // message, without the correction, and how long ago. 0: none.
  uint64_t echo_ms = 0;
  uint64_t echo_age_ms = 0;
  streams::Stage stage = streams::Stage::kServing;  // whether its region's data is whole
  // Of the receiver's region, also when the sender's own does not serve: how much has been received
  // of its logs, and its processes as they are heard. `has_word`: the sender knows its own state.
  bool has_word = false;
  conflict::Vector holds;
  std::vector<streams::PeerWord::Sighting> sightings;
  bool wants_filling = false;  // no log brings it on from where it is; it serves still
  // Of every table that it holds its rows show all of this; empty: of some they lack a part. Of one
  // moment, which `durable` may be past already.
  conflict::Vector whole_at;
  // What its rows do not show of its vector.
  conflict::Claims claims;
  // What can be had from it by a scan.
  conflict::Vector Shown() const {
    return stage == streams::Stage::kNew ? conflict::Vector() : claims.ShownOf(durable);
  }
  // The current logs of the regions as the sender has heard them (conflict/stability.h).
  std::vector<LogId> lives;
  // Of logs of former lives: what the sender has received, and what is durable at the least.
  conflict::Vector coming;
};

// From our region to the receiver's (streams::Mail).
struct PeerMail {
  std::string body;
};

using Message = std::variant<Open, Credit, Close, Ask, Opened, Batch, End, Heartbeat, PeerMail,
                             Scan, Chunk, Hello>;

// The direction that decides on which server a message is published.
inline bool IsFromReceiver(const Message& message) {
  return std::holds_alternative<Open>(message) || std::holds_alternative<Credit>(message) ||
         std::holds_alternative<Close>(message) || std::holds_alternative<Ask>(message) ||
         std::holds_alternative<Scan>(message) || std::holds_alternative<Hello>(message);
}

// Of those, what its receiver half wants of our source half, and nothing that it tells of itself.
inline bool IsForSource(const Message& message) {
  return IsFromReceiver(message) && !std::holds_alternative<Hello>(message);
}

// What records weigh against credit: their bytes and a little for each.
inline constexpr uint64_t kRecordOverhead = 32;
uint64_t BatchCost(const streams::RecordBatch& batch);
uint64_t ChunkCost(const streams::ScanChunk& chunk);

// One line each, for transcripts and logs.
std::string ToString(LogId log);  // "2.4d"
std::string_view EndReasonName(EndReason reason);
std::string_view ScanPartName(streams::ScanPart part);
std::string ToString(const Message& message);

}  // namespace everwrite::replicator
