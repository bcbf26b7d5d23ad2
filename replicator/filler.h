// Filler: the receiver half of a bootstrap. Decides whether the region beside us must be filled,
// and by whom; asks for chunks, gives credit at the rate that is allowed, hands them to the region
// one at a time, and says when all is here. The region keeps the place that it has reached
// (region/table/filling.h), so that here nothing needs to survive.
//
//   stage of the region                     what is done
//   new       somebody has rows             its catalog: the region claims what that one counts
//             all others are new too        the region may serve: there is nothing to be had
//   serving   its logs no longer reach      the catalog of who shows what is lacking: it is filled
//             back anywhere (cut loose)     anew, over what it has
//   filling   something is claimed that     passes through the rows of whoever shows some of it
//             the rows do not show
//             the same, cut loose again     a catalog once more: more is claimed
//             nothing is                    when we have what the others had then: it may serve
//   completing  digests, ledger             from a region that is complete; if there is none (each
//                                           has been filled from the other), from all of them
//   serving   but for one table             rows, digests and ledger of that table alone, from a
//                                           region that holds it
//
// A source whose clock is further ahead than the bound would draw ours along: another one is asked
// if there is one. If there is none it must do: nobody can tell then whose clock is right, and a
// region that is filled late serves nobody.
//
// Nobody waits for another one to make progress (docs/decisions/0024): what a region shows can be
// had from it at once, whatever it waits for itself, and only what somebody who can be asked shows
// is claimed. What is left are courtesies, each with a bound: of regions that are cut loose from
// each other one stops serving after the other; who has all rows catches up before it serves.
//
//   session:  none ──Scan──▶ open ──last chunk, silence, gap, End, source gone──▶ none
//
// Pure.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/random.h"
#include "replicator/feed.h"
#include "replicator/gate.h"
#include "replicator/peer_table.h"
#include "streams/link_codec.h"

namespace everwrite::replicator {

class Filler {
 public:
  Filler(const Options& options, Random& random);

  void OnState(const streams::RegionState& state);
  void OnRegionDown();
  // The peer's source half has forgotten us.
  void OnPeerReset(RegionId peer);

  void OnChunk(RegionId peer, Chunk chunk, Instant now);
  void OnEnd(RegionId peer, const End& end, Instant now);
  void OnReply(const streams::FillReply& reply, Instant now);
  // To be called after every input. `cut`: the logs that we need and that nobody holds for us.
  void Advance(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
               Instant now);
  Instant wake_at() const { return wake_at_; }

  void TakeReady(std::vector<streams::FillRequest>& fills, std::vector<Outgoing>& messages,
                 std::vector<Event>& events) {
    MoveInto(fills_, fills);
    MoveInto(messages_, messages);
    MoveInto(events_, events);
  }

  // Who fills us, and what is waited for.
  const streams::ReplicationStatus::Fill& status() const { return status_; }

 private:
  // Where the region is: what a chunk must continue.
  struct Place {
    streams::Stage stage = streams::Stage::kServing;
    uint64_t begun = 0;
    TableId table;  // of the whole region: 0
    streams::ScanPart part = streams::ScanPart::kCatalog;
    std::string after;
    uint64_t steps = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Session {
    RegionId source;
    uint64_t id = 0;
    TableId table;
    streams::ScanPart part = streams::ScanPart::kCatalog;
    std::string after;   // of the next chunk
    uint64_t index = 0;  // of the next message
    int64_t credit = 0;
    Instant said;
    Instant heard;
  };

  // Where a session begins: with whom, and whether a pass begins with it.
  struct Choice {
    RegionId source;
    bool anew = false;
  };

  bool IsRows(streams::ScanPart part) const {
    return part == streams::ScanPart::kItems && place_.table.value == 0;
  }
  bool MustBegin(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                 Instant now);
  streams::ScanPart Wanted(bool begin) const;
  // Of one table, and not of the whole region anew.
  TableId WantedTable(streams::ScanPart wanted) const {
    return wanted == streams::ScanPart::kCatalog ? TableId{} : place_.table;
  }
  Choice Choose(const PeerTable& peers, const Gate& gate, streams::ScanPart part,
                const std::vector<LogId>& cut, Instant now);
  RegionId ChooseCatalog(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                         Instant now) const;
  Choice ChooseRows(const PeerTable& peers, const Gate& gate, Instant now);
  RegionId ChooseTeller(const PeerTable& peers, streams::ScanPart part, Instant now) const;
  bool Rests(RegionId region, Instant now) const;
  // It can be asked for that part, now or soon.
  bool Answers(const PeerTable& peers, RegionId region, streams::ScanPart part, Instant now) const;
  conflict::Vector ShownBy(const PeerTable& peers, RegionId region) const;
  bool Shows(const PeerTable& peers, RegionId region, const conflict::Vector& what) const;
  bool HasOtherSource(const PeerTable& peers, const Gate& gate, RegionId source, Instant now) const;
  void Forsake(const PeerTable& peers, Instant now);
  bool IsStuck(const PeerTable& peers, Instant now) const;
  void Complete(const PeerTable& peers);
  void Open(const Choice& choice, bool complete, streams::ScanPart part, Instant now);
  void Watch(const PeerTable& peers, Instant now);
  void TopUp(Instant now);
  bool IsBetterElsewhere(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                         Instant now);
  void HandOver(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                Instant now);
  void Finish(const PeerTable& peers, const Gate& gate, bool cut_loose, Instant now);
  void Send(streams::FillRequest request);
  bool IsAtRest(Instant now) const;
  void Drop(bool tell);
  void Fail(Instant now, const std::string& why);
  void Say(Event::Level level, std::string text, RegionId peer);
  void Refill(Instant now);
  size_t Step() const;
  void WakeBy(Instant at) { wake_at_ = std::min(wake_at_, at); }

  const Options options_;
  uint64_t session_base_;
  uint32_t session_count_ = 0;

  bool active_ = false;
  Place place_;                    // as the region said last
  conflict::Claims claims_;        // of the region's rows
  conflict::Vector pass_;          // what a source must show that goes on with the pass
  conflict::Vector floor_;         // and one of a table, of digests and ledger
  std::vector<RegionId> sources_;  // of a table: who holds it
  std::optional<Session> session_;
  uint64_t window_;  // of a session: half after each silence, twice after each chunk
  RegionId source_;  // of the last session
  std::map<RegionId, conflict::Vector> shown_;  // what their chunks have shown of them
  std::deque<std::pair<RegionId, streams::ScanChunk>> chunks_;  // not merged yet
  std::optional<streams::ScanChunk> assembling_;                // a catalog's first parts
  std::optional<Instant> waits_since_;  // the first of them, for the logs: until it looks elsewhere
  std::optional<Instant> stuck_since_;  // the same, until anything is merged
  uint64_t held_ = 0;                   // cost of chunks_

  uint64_t next_fill_ = 1;
  std::optional<uint64_t> filling_;  // the request that is under way
  std::optional<Place> moved_from_;  // carried out; the region's word of it has not come yet
  int failures_ = 0;                 // of the region in a row
  Instant retry_at_;
  // What we must have before the region may serve: what each other had when the rows were done.
  std::optional<std::map<RegionId, conflict::Vector>> target_;
  Instant rows_done_;
  std::optional<Instant> cut_since_;     // and serves still
  std::optional<Instant> orphan_since_;  // nobody can go on with the pass
  std::optional<Instant> nobody_since_;  // shows what is claimed, and all are there

  // Of what was decided elsewhere, this time: who has told all of it, if it was one region; and
  // whether all who told were complete. Nobody yet, and nothing, after a start in its middle.
  RegionId telling_;
  bool from_complete_ = false;
  std::set<RegionId> told_;  // who has told all it has decided, each in a time of its own
  std::map<RegionId, Instant> resting_;  // sources that are not asked before then
  int64_t allowance_ = 0;                // bytes that may be asked for now
  Instant refilled_;
  Instant wake_at_{INT64_MAX};
  streams::ReplicationStatus::Fill status_;
  std::string said_;  // the last event, so that it is said once
  std::vector<streams::FillRequest> fills_;
  std::vector<Outgoing> messages_;
  std::vector<Event> events_;
};

}  // namespace everwrite::replicator
