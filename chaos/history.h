// What clients of a simulated world did and were told: the ground truth that checkers hold the
// final states against.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "conflict/version.h"

namespace everwrite::chaos {

enum class Outcome : uint8_t { kUnknown, kAcknowledged, kRefused };

// One write. A write whose region crashed before it answered stays kUnknown for ever.
struct HistoryWrite {
  uint64_t id = 0;  // unique; stands in the item as its value
  size_t region = 0;
  std::string key;  // encoded item key
  bool is_delete = false;
  bool once = false;            // the key is written by this write alone
  bool in_transaction = false;  // and may have been sent several times with one token
  Outcome outcome = Outcome::kUnknown;
  conflict::Version version;  // when acknowledged and something was written
  // Once the disk of the region that made it is lost: bit i for each region that has held it
  // durably, and has not lost that since. One is enough that it may not be gone.
  uint32_t held_by = 0;
  bool lost_by_maker = false;
};

struct History {
  std::vector<HistoryWrite> writes;  // by id - 1
  // Every change record that became durable in the region that made it, for ever: logs are trimmed,
  // and a region that was filled never had what lies before. Empty: what the logs hold is all.
  std::map<Dot, std::shared_ptr<const std::string>> records;
  // Of those, what nobody held durably any more when a disk was lost. They are not in `records`,
  // unless they came back: they were on their way. A number may have been given again, and be gone
  // again: then the last one is the last.
  std::multimap<Dot, std::shared_ptr<const std::string>> gone;
  // A disk was lost: what that region had told nobody is gone, and nobody is to blame.
  struct LostDisk {
    size_t region = 0;
    bool old_copy = false;    // is in its place
    std::set<LogId> logs;     // that were on it, of its own
    uint64_t last_write = 0;  // id of the last write before
    // What it had held; and what each of the others had that had also gathered what was decided
    // elsewhere. What met nowhere but on the lost disk may stand in no other ledger.
    conflict::Vector held;
    std::vector<conflict::Vector> told;
  };
  std::vector<LostDisk> lost_disks;
  // What each region's conflict ledger has forgotten because it was full; and who has been filled,
  // maybe by one that had forgotten it.
  std::map<size_t, std::set<Dot>> ledger_forgot;
  std::set<size_t> filled;
  std::vector<std::string> violations;  // found while running: one line each
  uint64_t reads = 0;
  // No region was silent for so long that another may have deleted what it wrote last (ttl.h).
  bool expiry_by_writer_alone = false;

  bool WasLost(Dot dot) const {
    for (const LostDisk& disk : lost_disks)
      if (disk.logs.count(dot.log) != 0) return true;
    return false;
  }
  // Nobody has it, and nobody is to blame.
  bool IsExcused(const HistoryWrite& write) const {
    return WasLost(write.version.dot) && write.held_by == 0;
  }
  bool MayHaveForgotten(size_t region, Dot loser) const {
    return std::any_of(ledger_forgot.begin(), ledger_forgot.end(), [&](const auto& entry) {
      return (entry.first == region || filled.count(region) != 0) && entry.second.count(loser) != 0;
    });
  }
  // The region that was asked has forgotten the write and its token.
  bool WasForgotten(const HistoryWrite& write) const {
    for (const LostDisk& disk : lost_disks)
      if (disk.region == write.region && write.id <= disk.last_write) return true;
    return false;
  }

  HistoryWrite& Add() {
    writes.emplace_back();
    writes.back().id = writes.size();
    return writes.back();
  }
  HistoryWrite& At(uint64_t id) { return writes[id - 1]; }
};

}  // namespace everwrite::chaos
