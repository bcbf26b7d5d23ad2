// ConflictRecord: one entry of the ledger of losing writes: who lost, to whom, and both contents.
//
// Written in the same batch as the decision. An entry is named by the loser (a write loses unknown
// at most once in a region), and sorted by the loser's stamp.
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "conflict/version.h"

namespace everwrite::conflict {

enum class Reason : uint8_t {
  kConcurrentWrite = 0,  // two writes of one item, neither of which knew the other
  kTableDeleted = 1,     // a write to a table that was deleted elsewhere
  kRepaired = 2,         // no write lost: the row was damaged, and another region's took its place
  // A write that came when deletions of its time were forgotten: one may have been of its item.
  kDeletionForgotten = 3,
};

// Whether an entry of that reason names who won.
inline bool NamesWinner(Reason reason) {
  return reason == Reason::kConcurrentWrite || reason == Reason::kRepaired;
}

// `Text` is std::string, or std::string_view for who reads and keeps nothing.
template <typename Text>
struct ConflictSideOf {
  Version version;
  bool tombstone = false;
  Text image;  // the whole item, or the key attributes of a deleted one
};

template <typename Text>
struct ConflictRecordOf {
  Reason reason = Reason::kConcurrentWrite;
  bool is_table = false;  // a definition lost, not an item
  TableId table;
  Text key;  // encoded item key, or the table's name
  ConflictSideOf<Text> loser;
  ConflictSideOf<Text> winner;
  uint64_t decided_ms = 0;  // physical time at the region that decided
};

using ConflictSide = ConflictSideOf<std::string>;
using ConflictRecord = ConflictRecordOf<std::string>;
using ConflictRecordView = ConflictRecordOf<std::string_view>;

// The entry's place in the ledger: loser's stamp, log and number, 24 bytes, ordered by time.
std::string LedgerKey(const Version& loser);
std::string_view ReasonName(Reason reason);
// The same in hex, "018f3c…-0001a2b3c4d5e6f7-000000000000002a", for people and URLs, and back:
// names sort as keys do.
std::string ConflictName(const Version& loser);
bool ParseConflictName(std::string_view name, Version& loser);

std::string EncodeConflictRecord(const ConflictRecord& record);
bool DecodeConflictRecord(std::string_view bytes, ConflictRecord& record);
bool DecodeConflictRecord(std::string_view bytes, ConflictRecordView& record);  // into `bytes`

}  // namespace everwrite::conflict
