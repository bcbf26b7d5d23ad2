// ConvergenceGuard: the continuous proof that all regions hold the same rows, and what is done when
// they do not.
//
//   scrub     one bucket after the other is counted again from its rows; a bucket whose rows do not
//             add up to its digest is damaged here
//   compare   digests of buckets that have moved, and in turn all others, are shown to every other
//             region; where both have decided on the same changes the sums must be equal, so a
//             difference is never lag
//   repair    a bucket that is suspect for either reason is held against another region's rows, key
//             by key; the side that is wrong (row_repair.h) takes the right row; then the digest is
//             made to agree with the rows
//
// What a region did not take because it came after a forgotten deletion may never have been deleted
// (docs/decisions/0062): its bucket is held against its maker's at once, without an alarm, and not
// compared meanwhile. Only if that does not end it in time it is a finding.
//
// All of it goes on under load, at bounded rates. What was found stays in the report.
//
// Pure: time and letters come in, letters go out through `send`.
//
// Threading: Tick and OnMail on one thread (the executor given to them must be that thread's);
// report() from any.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "region/convergence/mail.h"
#include "region/table/region_engine.h"

namespace everwrite::convergence {

struct GuardOptions {
  std::vector<RegionId> peers;
  uint64_t scrub_rows_per_second = 10'000;  // 0: no scrub
  int64_t ask_again_us = 2 * kMicrosPerSecond;
  size_t moved_per_tick = 200;  // digests shown at most, of those that moved
  size_t others_per_tick = 16;  // and of the others, in turn
  size_t page_rows = 2000;      // of a bucket, in one letter
  size_t repairs_per_ask = 64;  // rows fetched at once
  size_t reply_bytes_max = 512 * 1024;
  int64_t quiet_us = 10 * kMicrosPerSecond;  // for what came late
  size_t quiet_per_tick = 50;                // buckets asked about
};

// One bucket in which something was wrong.
struct Finding {
  TableId table;
  uint16_t bucket = 0;
  bool damaged_here = false;      // our rows do not add up to our digest
  RegionId differs_from;          // 0: from none, as far as we know
  uint64_t found_ms = 0;          // physical time
  uint64_t ended_ms = 0;          // 0: still suspect
  std::vector<std::string> keys;  // encoded, that were repaired here; at most kKeysMax
  uint64_t repaired = 0;          // rows
  static constexpr size_t kKeysMax = 20;
};

struct GuardReport {
  std::vector<Finding> findings;  // the open ones and the last that ended, newest first
  size_t open = 0;                // suspect now
  uint64_t found = 0;             // ever, since the start
  uint64_t repaired_rows = 0;
  uint64_t compared_equal = 0;   // buckets
  uint64_t compared_moving = 0;  // of which nothing could be said
  uint64_t scrubbed_rows = 0;
  uint64_t scrub_passes = 0;
};

class ConvergenceGuard {
 public:
  using Send = std::function<void(RegionId to, std::string letter)>;
  // A line for the log.
  using Note = std::function<void(const Finding&, std::string_view what)>;

  ConvergenceGuard(table::RegionEngine& engine, const Clock& clock, GuardOptions options, Send send,
                   Note note);

  // Every 100 ms or so.
  void Tick(Executor& executor);
  void OnMail(RegionId from, std::string_view letter, Executor& executor);

  GuardReport report() const;

 private:
  using Place = std::pair<TableId, uint16_t>;
  struct Suspect {
    Finding finding;
    RegionId asked;        // whom last
    Instant asked_at{-1};  // never
    uint64_t ask_id = 0;   // what an answer must bear
    bool faults = false;   // of ours, found in this round
    size_t repairs_open = 0;
    bool whole = false;          // the last page of the round was seen
    table::BucketDigest theirs;  // of the one asked, as it said last
    std::map<std::string, std::optional<table::RowSummary>> wanted;  // key -> what stands here
    // No finding yet: some of it came late. Its judge must have applied this, or it may have yet to
    // hear of the deletion.
    std::optional<conflict::Vector> quiet;
    Instant quiet_since;
  };

  void Scrub(int64_t elapsed_us);
  std::optional<Place> NextToScrub(table::BucketCounter& counter) const;
  void Show();
  void AskAboutSuspects(Instant now);
  void TakeLate();
  bool IsQuiet(Place place) const;
  void Compare(RegionId from, const Digests& digests);
  void Suspicion(Place place, bool damaged_here, RegionId differs_from);
  void Ask(Place place, Suspect& suspect, Instant now);
  void Answer(RegionId from, const AskPage& ask);
  void Answer(RegionId from, const AskRows& ask);
  void OnPage(RegionId from, const PageReply& reply, Executor& executor);
  void OnRows(RegionId from, RowsReply reply, Executor& executor);
  void Repair(Place place, std::string key, std::optional<table::RowSummary> expected,
              std::string value, Executor& executor);
  void RoundEnded(Place place, Executor& executor);
  void Close(Place place);
  Suspect* Find(Place place, uint64_t ask_id);

  table::RegionEngine& engine_;
  const Clock& clock_;
  const GuardOptions options_;
  const Send send_;
  const Note note_;

  Instant last_tick_{-1};
  int64_t scrub_credit_ = 0;  // rows
  Place scrub_at_{};
  Place show_at_{};
  uint64_t next_id_ = 1;
  std::map<Place, Suspect> suspects_;

  mutable std::mutex mutex_;
  std::map<Place, Finding> open_;  // guarded by mutex_
  std::deque<Finding> ended_;      // guarded by mutex_; newest first, bounded
  GuardReport counts_;             // guarded by mutex_; its findings are not used
};

}  // namespace everwrite::convergence
