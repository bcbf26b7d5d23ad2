// Where everything lies in the store: the one place that knows keys and value forms.
//
//   items     table id (8)  encoded key                 -> stored item
//             table id 1    table name                  -> stored item whose image is a definition
//   indexes   table id  index id (8)  index key  key    -> projected item (secondary_index.h)
//   changes   log (8) number (8)                        -> change record (streams/change_log)
//   ledger    stamp (8) log (8) number (8) of the loser -> conflict record (conflict_ledger)
//   streams   stream (8) shard (8) tag (1) sequence (8) -> a table's stream (table_stream.h)
//   system    'm'                                       -> region state
//             'p'                                       -> where the data lies (region_engine.h)
//             'c' table id (8)                          -> item count and bytes
//             'n' table id (8) index id (8)             -> the same of an index
//             'b' table id (8) index id (8)             -> items key through which an index that is
//                                                          not complete is filled (index_backfill)
//             'B'                                       -> how far a region that is not whole has
//                                                          been filled (filling.h)
//             'F' table id (8)                          -> the same of a table (table_fills.h)
//             'd' log (8) number (8)                    -> items key of the tombstone with that dot
//             'f' log (8)                               -> first change held (streams/change_log)
//             't'                                       -> highest stamp of a forgotten tombstone
//             'w'                                       -> how far the clock was ahead
//             (clock_note.h) 'g' table id (8) bucket (2)               -> digest of a bucket
//             (bucket_digest.h) 'x' region (2)                            -> when it was cut loose
//             (log_keeper) 'i' token                                 -> a transaction's token
//             (transaction.h) 'j' expiry (8) token                      -> nothing: tokens by
//             expiry
//
//   stored item   flags (1)  stamp (8)  log (8)  number (8)  [rank varint]  image
//                 flags: 1 tombstone, 2 a rank follows. A tombstone's image is its key attributes.
//
// All integers are big-endian. docs/storage.md is this page for operators.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "conflict/vector_clock.h"
#include "conflict/version.h"
#include "streams/sequence.h"

namespace everwrite::table {

// The system table of tables.
constexpr TableId kCatalogTable{1};
// Ids of system tables are below this; those of users' tables are random and not below it.
constexpr TableId kUserTables{16};

std::string ItemKey(TableId table, std::string_view key);
// The key without the table; `store_key` must be a key of the items family.
inline std::string_view KeyOfItemKey(std::string_view store_key) { return store_key.substr(8); }
TableId TableOfItemKey(std::string_view store_key);

struct StoredItem {
  conflict::Version version;
  bool tombstone = false;
  std::string_view image;  // into the decoded bytes
};

void EncodeStoredItem(const StoredItem& item, std::string& out);
// False for bytes that EncodeStoredItem cannot have made: damage.
bool DecodeStoredItem(std::string_view bytes, StoredItem& item);

// What the region must remember of itself, rewritten by every commit.
struct RegionState {
  LogId log;                   // the current incarnation
  conflict::Vector applied;    // own log included
  Stamp clock;                 // highest stamp given or seen
  uint64_t conflicts = 0;      // entries put in the ledger, ever
  streams::Sequence sequence;  // the last one given to a stream record or shard
  // No client may write: the region is empty or being filled (filling.h). Not encoded here.
  bool closed = false;
  // Neither may anybody, not for long: whether numbers may be given is not sure (admission.h). Not
  // encoded here.
  bool held = false;
  // The highest stamp of a tombstone that was forgotten. What is applied later has a higher one, or
  // comes from before a deletion that nobody knows any more (remote_apply). A key of its own.
  Stamp forgotten;
};
inline constexpr std::string_view kRegionStateKey = "m";
inline constexpr std::string_view kPlaceKey = "p";
inline constexpr std::string_view kFillingKey = "B";
inline constexpr std::string_view kForgottenKey = "t";
// `value` of that key; nothing stored: none was forgotten yet. False: damaged.
bool DecodeForgotten(std::string_view value, Stamp& forgotten);
inline constexpr std::string_view kClockKey = "w";
// Milliseconds: by how much the clock was ahead, and what it showed then.
std::string EncodeClockNote(int64_t ahead_ms, int64_t raw_ms);
bool DecodeClockNote(std::string_view value, int64_t& ahead_ms, int64_t& raw_ms);
inline constexpr char kTableFillPrefix = 'F';
std::string TableFillKey(TableId table);
std::string EncodeRegionState(const RegionState& state);
bool DecodeRegionState(std::string_view bytes, RegionState& state);

// What all entries of an index begin with.
std::string IndexPrefix(TableId table, IndexId index);
inline std::string_view KeyOfIndexKey(std::string_view index_key) { return index_key.substr(16); }
std::string BackfillKey(TableId table, IndexId index);

std::string CountKey(TableId table);
std::string IndexCountKey(TableId table, IndexId index);
std::string EncodeCount(int64_t items, int64_t bytes);
bool DecodeCount(std::string_view value, int64_t& items, int64_t& bytes);

std::string TombstoneKey(Dot dot);

}  // namespace everwrite::table
