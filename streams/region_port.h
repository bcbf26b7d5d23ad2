// What a replicator and the region beside it say to each other, as plain values. They never include
// each other: they meet here. In production the values cross a Unix socket as the frames of
// streams/proto/link.proto (region/server/local_link, replicator/link/region_link); in the
// simulator they are handed over as they are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "conflict/vector_clock.h"
#include "streams/bootstrap_port.h"

namespace everwrite::streams {

// Encoded change records of one log, contiguous: first, first + 1, ... The bytes are shared,
// because one batch goes to several peers.
struct RecordBatch {
  LogId log;
  uint64_t first = 0;
  std::vector<std::shared_ptr<const std::string>> records;
  uint64_t last() const { return first + records.size() - 1; }
  bool empty() const { return records.empty(); }
  size_t bytes() const {
    size_t total = 0;
    for (const auto& record : records) total += record->size();
    return total;
  }
};

// One process that says it is a region. Of those that do at one time only one may serve.
struct Life {
  uint64_t id = 0;          // drawn by the process; 0: not said
  uint64_t started_ms = 0;  // its clock then
  // It has made sure that its log goes on where its peers last saw it, and serves. Until then its
  // replicator asks peers for their word (PeerWord), and nothing else.
  bool admitted = true;
  std::string who;  // machine, process and folder, for people; at most kWhoBytesMax
  friend bool operator==(const Life&, const Life&) = default;
};
inline constexpr size_t kWhoBytesMax = 512;

// replicator -> region: what a peer has said of this region.
struct PeerWord {
  RegionId peer;
  // How much it has received of this region's logs, applied or not.
  conflict::Vector holds;
  // The processes of this region that it hears. A word in which our own is named was said after our
  // start. Ages are the peer's, from when it heard of it first and last.
  struct Sighting {
    Life life;
    uint64_t first_age_ms = 0;
    uint64_t last_age_ms = 0;
    friend bool operator==(const Sighting&, const Sighting&) = default;
  };
  std::vector<Sighting> sightings;
};
inline constexpr size_t kSightingsMax = 8;

// region -> replicator, once at the start and then whenever the vector moved (coalesced).
struct RegionState {
  RegionId region;
  LogId log;                        // the region's own, current log
  conflict::Vector applied;         // what readers in this region see
  conflict::Vector durable;         // what a power cut would leave; never above `applied`
  uint64_t physical_ms = 0;         // the region's physical clock when this was said, corrected
  int64_t clock_correction_ms = 0;  // how much of it is correction (base/corrected_clock.h)
  Stamp clock;                      // its hybrid clock
  // For each log, the first number that the change log still holds (trimmed below); a log that is
  // not named is held from 1.
  std::map<LogId, uint64_t> first_held;
  // Of other regions' logs: handed over to be applied and not applied yet, perhaps by a replicator
  // before this one.
  conflict::Vector coming;
  Stage stage = Stage::kServing;
  FillProgress fill;  // while kFilling and kCompleting
  Life life;          // of the region's process
};

// replicator -> region: records of `log` after number `after`, up to about `max_bytes`, at least
// one. Only durable records are given out: a number that a crash could take back is never shown to
// a peer.
struct ReadRequest {
  uint64_t id = 0;  // echoed
  LogId log;
  uint64_t after = 0;
  size_t max_bytes = 0;
};
struct ReadReply {
  uint64_t id = 0;
  RecordBatch batch;     // empty when there is nothing after `after` yet
  bool trimmed = false;  // `after + 1` is no longer held: the reader must bootstrap
};

// replicator -> region: apply these, in order. The records' contexts are covered (the gate saw to
// it). Several may be outstanding; they are carried out in the order sent.
struct ApplyRequest {
  uint64_t id = 0;  // echoed
  RecordBatch batch;
};
// The vector after it. An error leaves nothing half-applied; the replicator asks again from the
// vector.
struct ApplyReply {
  uint64_t id = 0;
  Status status;
  conflict::Vector applied;
  conflict::Vector durable;
};

// replicator -> region, now and then: what every other region holds for sure.
struct PeerProgress {
  conflict::Vector durable_everywhere;  // may be trimmed from the change log once old enough
  conflict::Vector stable;              // causally stable (conflict/stability): tombstones may go
  struct Peer {
    RegionId region;
    bool connected = false;
    int64_t clock_offset_ms = 0;  // the peer's physical clock minus ours, as measured
    uint64_t pending = 0;         // changes of our log that it has not applied
    int64_t lag_ms = -1;       // age of the newest change of its log that we applied, when applied
    conflict::Vector durable;  // what it holds for sure, as far as it has been heard
    conflict::Vector applied;  // what readers there see, as last heard
    int64_t heard_ms = -1;     // how long ago that was; -1: never heard
    // Of every table that it holds its rows show this; empty: of some they do not show all.
    conflict::Vector whole_at = {};
  };
  std::vector<Peer> peers;
  // What the region's clock must be corrected by, all in all, to be one of the majority's; nullopt:
  // it is, or nobody can tell.
  std::optional<int64_t> clock_correction_ms;
  // More than half of the regions agree in time, ours among them, once it is so corrected.
  bool clock_judged = false;
};

// region <-> replicator, both ways: a letter to, or from, the region of a peer, whose content is
// the regions' own business. Best effort: dropped when the peer is not connected.
struct Mail {
  RegionId peer;
  std::string body;
};
inline constexpr size_t kMailBytesMax = 1 << 20;

}  // namespace everwrite::streams
