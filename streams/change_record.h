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
};

void EncodeChangeRecord(const ChangeRecord& record, std::string& out);
// Views into `bytes`. False when it is not a record: bad wire format, no dot, no stamp, a context
// that is no vector or that names the record's own log.
bool DecodeChangeRecord(std::string_view bytes, ChangeRecord& record);

// Just what ordering and gating need: the dot and context, without looking at the rest.
bool DecodeChangeContext(std::string_view bytes, Dot& dot, conflict::Vector& context);

}  // namespace everwrite::streams
