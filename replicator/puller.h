// Puller: the receiver half. For every log that somebody has and we have not, it decides whom to
// ask, opens a session there after the last number we hold, checks that nothing is missing, and
// gives credit as changes are applied.
//
//              source found                Opened or Batch
//     idle ───────────────────▶ opening ───────────────────▶ streaming
//      ▲  ▲                       │  ▲                          │
//      │  │ End, no source left   │  │ gap; behind and silent   │
//      │  └───────────────────────┘  └──────────────────────────┘
//      └── source gone, caught up at a relay, or a better source: Close, and again
//
// Whom: the region that wrote the log, while it is reachable and it is its current one; a session
// there stays open when there is nothing to send, so that new changes are pushed. Otherwise a
// relay: any reachable region whose heartbeat shows that it holds more than we do, rather one that
// is whole than one that is being filled, which lacks the beginning of its logs. It pushes too,
// until the origin is back; for a log that nobody writes any more the session ends when we have
// all. A relay may have the bare numbers of what we need in full (feed.h): it is left for another
// one. When nobody who can be reached
// has more, the log waits: what depends on a change is not shown without it. But what a former life
// of its region wrote will come no more: then the numbers will do.
//
// Credit: what one source may have under way to us stays below options.credit_bytes: half of it for
// the source's own log, the other half shared by those that it relays. What the gate still holds
// counts, so a log that cannot be applied stops its source and nothing else.
//
// Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/flat_map.h"
#include "base/random.h"
#include "replicator/feed.h"
#include "replicator/gate.h"
#include "replicator/peer_table.h"

namespace everwrite::replicator {

class Puller {
 public:
  Puller(const Options& options, Random& random);

  // The region is there (its current log is never pulled), or away: all sessions are dropped.
  void OnRegionUp(LogId own_log);
  void OnRegionDown();
  // The peer's source half has forgotten us: connection lost or made again, or another process.
  void OnPeerReset(RegionId peer);

  // Hands what is new and in order to the gate.
  void OnBatch(RegionId peer, Batch batch, Gate& gate, Instant now);
  void OnOpened(RegionId peer, const Opened& opened, Instant now);
  void OnEnd(RegionId peer, const End& end, Instant now);
  // Decides on sources and credit; to be called after every input.
  void Advance(const PeerTable& peers, const Gate& gate, Instant now);
  Instant wake_at() const { return wake_at_; }
  // The last Advance has given something up, opened or granted, which may make room for more: it is
  // to be called again. If it has not, then not before an input that changes what is known of
  // peers, sessions or gate, or the time that one of them is waited for.
  bool has_moved() const { return moved_; }

  void TakeReady(std::vector<Outgoing>& messages, std::vector<Event>& events) {
    MoveInto(messages_, messages);
    MoveInto(events_, events);
  }

  struct Received {
    uint64_t batches = 0;
    uint64_t bytes = 0;
    uint64_t sessions = 0;
    uint64_t gaps = 0;
  };
  // By the region that wrote the changes.
  Received ReceivedOf(RegionId origin) const;
  // Who gives us the newest log of `origin`; 0: nobody.
  RegionId SourceOf(RegionId origin) const;
  // Nobody who can be asked holds what we need of a log of `origin` any more.
  bool MustBootstrap(RegionId origin, const PeerTable& peers, const Gate& gate, Instant now) const;
  // Of which logs it is so, for options.cut_loose_us already: they bring us on no more from here.
  std::vector<LogId> CutLogs(const PeerTable& peers, const Gate& gate, Instant now) const;
  // Of any log, for any time.
  bool IsBehindAll(const PeerTable& peers, const Gate& gate, Instant now) const;

 private:
  enum class State : uint8_t { kIdle, kOpening, kStreaming };
  struct Pull {
    State state = State::kIdle;
    RegionId source;
    uint64_t session = 0;
    uint64_t window = 0;  // of this session
    int64_t credit = 0;   // that the source has left, as far as we know
    Instant opened;       // kOpening: since when
    Instant said;         // last Open or Credit
    std::optional<Instant>
        behind;        // the source has more than we: since when, or since the last batch
    int failures = 0;  // of this source in a row
    std::map<RegionId, Instant> resting;  // sources that are not asked before then
    std::map<RegionId, Instant> trimmed;  // of those, who no longer holds what we need
    std::set<RegionId> lacking;           // who had the bare number of what comes next
    size_t slot = 0;
  };

  // Nothing is to be remembered of it.
  static bool IsUnused(const Pull& pull) {
    return pull.state == State::kIdle && pull.resting.empty() && pull.trimmed.empty() &&
           pull.lacking.empty();
  }
  Pull* FindSession(RegionId peer, uint64_t session, LogId* log);
  RegionId Choose(LogId log, Pull& pull, const PeerTable& peers, const Gate& gate,
                  Instant now) const;
  bool Usable(RegionId region, const Pull& pull, const PeerTable& peers, Instant now) const;
  bool Usable(RegionId region, const PeerTable::Peer& peer, const Pull& pull,
              const PeerTable& peers, Instant now) const;
  // Since when nobody who can be asked holds what we need, though somebody shows it in its rows;
  // nullopt: somebody may.
  std::optional<Instant> TrimmedSince(LogId log, const Pull& pull, const PeerTable& peers,
                                      const Gate& gate, Instant now) const;
  std::optional<size_t> FreeSlot(RegionId source, bool own_log) const;
  std::optional<size_t> TakeSlot(RegionId source, const Gate& gate);
  bool NumbersWillDo(LogId log, const Pull& pull, const PeerTable& peers, const Gate& gate,
                     Instant now) const;
  void OpenAt(LogId log, Pull& pull, RegionId source, const PeerTable& peers, const Gate& gate,
              Instant now);
  void Drop(Pull& pull, bool tell);
  void Failed(LogId log, Pull& pull, Instant now, const char* why);
  void Watch(LogId log, Pull& pull, const PeerTable& peers, const Gate& gate, Instant now);
  void TopUp(LogId log, Pull& pull, const Gate& gate, Instant now);
  void WakeBy(Instant at) { wake_at_ = std::min(wake_at_, at); }

  const Options options_;
  const size_t side_slots_;
  bool active_ = false;
  LogId own_log_;
  uint64_t session_base_;
  uint32_t session_count_ = 0;
  FlatMap<LogId, Pull> pulls_;
  Instant wake_at_{INT64_MAX};
  bool moved_ = false;
  std::vector<Outgoing> messages_;
  std::vector<Event> events_;
  std::map<RegionId, Received> received_;
};

}  // namespace everwrite::replicator
