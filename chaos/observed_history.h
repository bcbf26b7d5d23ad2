// What clients of real processes did, saw and were told: the history that the checkers of reads
// judge (chaos/checkers/observed_checks.h).
//
// Every write bears an id of its own, which its item holds and readers see. A write's `order` is
// its place among all versions that some region's change log has, from 1: the later wins. It is
// learnt from the logs when the regions have ended, and is 0 for a write that is in no log. A
// request whose answer did not come is kUnknown for ever: it may or may not have been carried out.
//
// As text, a line an operation, words apart by spaces (docs/chaos.md, "Histories"):
//
//   put s=3 r=us-east-1 k=hot1 id=17 b=1000 e=1200 ok order=5 if=absent after=hot2:9 receipt=...
//   delete s=3 r=us-east-1 k=again1 id=18 b=1300 e=1400 ok order=6
//   count s=3 r=us-east-1 k=count id=19 b=1500 e=1600 unknown
//   get s=4 r=eu-west-1 k=hot1 b=1300 e=1310 ok saw=17 after=hot2:9 far
//   transact s=3 r=us-east-1 b=1700 e=1800 ok i=pair0.a:20:7 i=pair0.b:21:8
//   snapshot s=4 r=eu-west-1 b=1900 e=1950 ok i=pair0.a:20 i=pair0.b:21
//   scan s=4 r=eu-west-1 b=2000 e=2050 ok from=hot1 next=once9 i=hot2:5 i=once9:7      one page
//   found k=again1 order=9           a deletion that nobody was told of
//   lost r=us-east-1 b=2000 log=7    that region's disk was lost then
//
// Thread-safety: values and free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chaos/history.h"

namespace everwrite::chaos {

enum class Act : uint8_t {
  kPut,
  kDelete,
  kCount,     // ADD 1
  kGet,       // a strongly consistent read
  kTransact,  // TransactWriteItems: puts
  kSnapshot,  // TransactGetItems
  kFound,
  kLost,
  kScan,  // one page of a Scan of the table
};

struct ObservedItem {
  std::string key;
  uint64_t id = 0;     // written, or seen; 0: nothing was there
  uint64_t order = 0;  // of what was written
};

struct ObservedOp {
  Act act = Act::kPut;
  uint64_t session = 0;  // of one client, one request after the other, in its own region unless far
  std::string region;
  int64_t begin_us = 0;
  int64_t end_us = 0;
  Outcome outcome = Outcome::kUnknown;
  std::vector<ObservedItem> items;
  bool far = false;                  // in another region, with the session's tokens
  bool torn = false;                 // the item's copies of the id differed
  bool last = false;                 // a read after all regions were equal
  std::optional<uint64_t> expected;  // the condition: that id stands there; 0: nothing does
  std::optional<int64_t> number;     // of a counter, as seen or answered
  std::string receipt;               // of an acknowledged write, as the region named it
  std::vector<uint64_t> logs;        // of kLost: the region's own logs that were on the disk
  std::string from, next;            // of kScan: the page begins behind, and goes on behind
  std::string after_key;             // the item says that its writer had seen this one before
  uint64_t after_id = 0;

  bool IsWrite() const {
    return act == Act::kPut || act == Act::kDelete || act == Act::kCount || act == Act::kTransact;
  }
  bool IsRead() const { return act == Act::kGet || act == Act::kSnapshot || act == Act::kScan; }
};

struct ObservedHistory {
  std::vector<std::string> regions;  // all, in the order of the topology
  std::vector<ObservedOp> ops;
};

// The first line of the text form begins so, and names the regions; how it is told from the older
// form (live_history.h).
inline constexpr std::string_view kObservedHistoryHead = "everwrite history 1";

std::string WriteObservedHistory(const ObservedHistory& history);
// kInvalidArgument with file and line. Lines that are empty or start with '#' mean nothing.
Result<ObservedHistory> ParseObservedHistory(std::string_view text, std::string_view file);

}  // namespace everwrite::chaos
