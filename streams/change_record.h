// ChangeRecord: one change to one item, in the one format that the change log stores, the
// replicator ships, Streams shows and recovery reads.
//
// The bytes are the Protobuf message `everwrite.streams.proto.ChangeRecord`
// (streams/proto/change.proto), written and read by hand: a record is made on the commit path of
// every write and read on the apply path of every region, where the generated code's copies and
// allocations would be most of the cost. Decoding borrows from the input. A record is passed on as
// the bytes it came in, so fields that a newer version added survive a relay.
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "conflict/vector_clock.h"

namespace everwrite::streams {

// What kind of item `key` names.
enum class Subject : uint8_t { kItem = 0, kTable = 1 };
// Who caused the change.
enum class Actor : uint8_t { kClient = 0, kTimeToLive = 1, kRestore = 2 };

struct ChangeRecord {
  Dot dot;
  Stamp stamp;
  // What the region had applied when it made the change, without the change's own log (of which it
  // always had all before `dot.number`). The bytes of a Vector.
  std::string_view context;
  Subject subject = Subject::kItem;
  Actor actor = Actor::kClient;
  TableId table;           // of kItem
  std::string_view key;    // encoded key (kItem) or table name (kTable)
  bool tombstone = false;  // the item was deleted; `image` then holds its key attributes alone
  std::string_view image;  // the item after the change
  uint64_t rank = 0;       // compared before the stamp; 0 but for table definitions (version.h)
  // Changes of one transaction are contiguous in the log and share this id, the number of the
  // first; 0: not in one. The last of them has `transaction_end`.
  uint64_t transaction = 0;
  bool transaction_end = false;
  // The regions that held the table when the change was made, as EncodeScope; empty: all. Only they
  // are sent what the change says. Everybody else gets it `bare`: its number, so that the log has
  // no gap, and what ordering needs, without key and image.
  std::string_view scope;
  bool bare = false;
  // Of a table that its maker's region has kept for itself when it left the global one of that
  // incarnation (TableDefinition::apart): nobody else's business, whoever holds that table.
  bool apart = false;
};

// Ascending.
std::string EncodeScope(const std::vector<RegionId>& regions);
bool ScopeHolds(std::string_view scope, RegionId region);

// What a receiver is to be given of a record.
enum class Share : uint8_t {
  kAsItIs = 0,
  kBare = 1,     // BareRecord of it
  kLacking = 2,  // all of it, and here it is bare
};
// `record` is a change record. As it is when it does not say otherwise.
Share ShareOf(std::string_view record, RegionId receiver);
// The record without what it says. It must be one (DecodeChangeRecord).
std::string BareRecord(std::string_view record);

// Something in it was written by a later version: it is kept, and passed on, as it is.
bool HasUnknownField(std::string_view record);

void EncodeChangeRecord(const ChangeRecord& record, std::string& out);
// Views into `bytes`. False when it is not a record: bad wire format, no dot, no stamp, a context
// that is no vector or that names the record's own log.
bool DecodeChangeRecord(std::string_view bytes, ChangeRecord& record);

// Just what ordering and gating need: the dot and context, without looking at the rest.
bool DecodeChangeContext(std::string_view bytes, Dot& dot, conflict::Vector& context);

}  // namespace everwrite::streams
