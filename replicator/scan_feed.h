// ScanFeed: the source half of a bootstrap. Reads the region beside us chunk by chunk for a peer
// that is filled, as far as the peer's credit goes: one session a peer, one read outstanding. A
// region that is being filled itself gives out what it shows.
//
//            Scan                      the last chunk sent: nothing more to do
//   (none) ───────▶ reading ⇄ waiting for credit
//                      │ region away or empty, floor not shown: End   , (none)
//                      │ 8 s without Credit, Close, a newer Scan: (none)
//
// A chunk names its place in the session, so the receiver sees what the bus has lost. The region's
// catalog comes in one reply and is cut here; all other chunks are sent as they come.
//
// Pure: all state in memory, lost with a crash; receivers then ask again from where they are.
#pragma once

#include <map>
#include <vector>

#include "replicator/feed.h"
#include "replicator/messages.h"
#include "replicator/options.h"

namespace everwrite::replicator {

class ScanFeed {
 public:
  explicit ScanFeed(const Options& options) : options_(options) {}

  void OnState(const streams::RegionState& state);
  void OnRegionDown();
  void OnReply(streams::ScanReply reply);

  void OnScan(RegionId peer, const Scan& scan, Instant now);
  bool Has(RegionId peer, uint64_t session) const;
  void OnCredit(RegionId peer, const Credit& credit, Instant now);
  void OnClose(RegionId peer, const Close& close);
  void Advance(Instant now);
  Instant wake_at() const;

  void TakeReady(std::vector<streams::ScanRequest>& scans, std::vector<Outgoing>& messages) {
    MoveInto(scans_, scans);
    MoveInto(messages_, messages);
  }

 private:
  struct Session {
    uint64_t id = 0;
    streams::ScanPart part = streams::ScanPart::kCatalog;
    std::string after;
    conflict::Vector floor;
    TableId table;
    int64_t credit = 0;
    uint64_t index = 0;    // of the next chunk
    uint64_t reading = 0;  // id of the outstanding read; 0: none
    bool ended = false;
    Instant heard;
  };
  void Pump(RegionId peer, Session& session);
  void SendChunk(RegionId peer, Session& session, streams::ScanChunk chunk);
  void SayEnd(RegionId peer, uint64_t session, EndReason reason);

  const Options options_;
  bool has_rows_ = false;  // the region is there and not empty
  std::map<RegionId, Session> sessions_;
  uint64_t next_read_ = 1;
  std::vector<streams::ScanRequest> scans_;
  std::vector<Outgoing> messages_;
};

}  // namespace everwrite::replicator
