// Admission: may this process number changes in the log that it has found in its data folder, and
// may it serve at all?
//
// A data folder may be older than what its peers have seen of it: a snapshot of the machine was
// rolled back, files were copied back in place, the tail of a write-ahead log was lost. Nothing in
// the folder shows it. Then the next numbers are taken already, the peers would drop what bears
// them, and would never tell. Only the peers know. And two processes may say that they are this
// region: a copy of the folder was started elsewhere. Only the peers hear both.
//
//            ┌─ a peer holds more of our log than we do ────────────────▶ a new log ─┐
//   started ─┤─ every peer has said, since our start, that it does not ──────────────┼▶ admitted
//            │─ not every peer in time: cannot prove that it goes on ──▶ a new log ──┘     │
//            └─ another process of this region is heard, and goes first ▶ refused ◀────────┤
//                                          a peer holds more after all ▶ a new log ◀───────┘
//
// Who is admitted numbers changes and replicates. Clients are served once the region is whole, too:
// once it has again what peers hold of its own logs. Before that a strong read could miss a write
// that this region has acknowledged, and a condition hold that no longer does. Whoever holds the
// missing part may be away: when nothing of it has come for a while, clients are served without it.
//
// A log that was begun by this process, or begins empty with the folder, is nobody else's: nothing
// need be proven. So a region without peers serves at once, and one that is cut off from some of
// them after the wait, with a log more (12 bytes in each context).
//
// Which of two processes goes first: who is admitted; of two that are, or are not, the earlier
// started. One that was heard shortly before our start may be our own former process: it counts
// only when it is heard on, and is waited for until it is silent.
//
// Pure. Thread-safety: none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "streams/region_port.h"

namespace everwrite::table {

struct AdmissionOptions {
  std::vector<RegionId> peers;
  int64_t wait_us = 3 * kMicrosPerSecond;
  // Without anything of the missing part having come, the region is taken for whole as it is.
  int64_t stall_us = 10 * kMicrosPerSecond;
};

class Admission {
 public:
  // `fresh`: the log was made now. `life.admitted` does not matter.
  Admission(AdmissionOptions options, streams::Life life, bool fresh, Instant now);

  void OnWord(const streams::PeerWord& word, Instant now);

  enum class Decision : uint8_t {
    kNothing,  // all is as it was
    kAdmit,    // the log goes on
    kNewLog,   // begin another, then call Began
    kRefuse,   // end: reason()
    kWhole,    // whole() from here on; reason() says what is missing still, if anything is
  };
  // `log`: our current one. `applied`: what our rows show, of our own logs at the least.
  Decision Decide(LogId log, const conflict::Vector& applied, Instant now);
  // The new log is there: nothing of it can be elsewhere.
  void Began();

  const streams::Life& life() const { return life_; }
  bool admitted() const { return life_.admitted; }
  bool whole() const { return whole_; }
  // It was taken for whole without every peer's word, or without what one of them holds.
  bool unproven() const { return unproven_; }
  // Changes of our own logs that peers hold and we had not when Decide was last asked.
  uint64_t missing() const { return missing_; }
  // Of peers whose word is waited for.
  std::vector<RegionId> Waiting() const;
  // For people: why it is refused, or why another log was begun.
  const std::string& reason() const { return reason_; }
  // Another process that says it is this region, and does not go first.
  const std::optional<streams::Life>& twin() const { return twin_; }

 private:
  enum class Other : uint8_t { kNone, kMayBe, kGoesFirst };
  Other Judge(const streams::PeerWord::Sighting& mine, const streams::PeerWord::Sighting& other);
  Decision JudgeWhole(const conflict::Vector& applied, Instant now);

  const AdmissionOptions options_;
  streams::Life life_;
  bool fresh_;
  const Instant started_;
  std::set<RegionId> heard_;         // that have said their word since our start
  conflict::Vector holds_;           // of our logs, all together
  std::map<RegionId, bool> may_be_;  // by its last word: another process may be there
  bool beginning_ = false;           // kNewLog was said
  bool refused_ = false;
  bool whole_;
  bool unproven_ = false;
  uint64_t missing_ = 0;
  Instant missed_since_;  // so much; moves when some of it has come
  std::optional<streams::Life> twin_;
  std::string reason_;
};

}  // namespace everwrite::table
