// Bootstrap, as the values that cross between a region, its replicator and the regions that it is
// filled from. docs/protocol.md ("Bootstrap") tells the story and why it is right.
//
//   source region ──ScanReply──▶ its replicator ══bus══▶ replicator ──FillRequest──▶ region
//
// A chunk is the state of a range of keys at one vector, read from one short snapshot. Nothing is
// kept at the source between two chunks, so any other source may go on after any chunk.
//
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "conflict/claims.h"
#include "conflict/vector_clock.h"

namespace everwrite::streams {

// Whether a region's data is whole, for its peers too.
enum class Stage : uint8_t {
  kServing = 0,
  kNew = 1,      // empty, and nobody has said yet whether there is data to be filled with
  kFilling = 2,  // being filled with rows
  // All rows are here, and clients are answered; what was decided elsewhere (the ledger, and which
  // changes have touched which bucket) is still being gathered.
  kCompleting = 3,
};
inline bool Serves(Stage stage) { return stage == Stage::kServing || stage == Stage::kCompleting; }

// What is scanned, in this order.
enum class ScanPart : uint8_t {
  kCatalog = 0,  // the system tables, whole, as of one vector
  kItems = 1,    // the rows of all users' tables
  kDigests = 2,  // which changes have touched each bucket of rows (region/table/bucket_digest)
  kLedger = 3,   // the conflict ledger
  kDone = 4,
};

// How far a region has been filled; what is said here is durable.
struct FillProgress {
  uint64_t begun = 0;                  // counts the beginnings: another number is another filling
  RegionId source;                     // whose catalog it began with
  ScanPart part = ScanPart::kCatalog;  // what is to be asked for next
  std::string after;                   // behind this key
  // Of the region's rows: its vector counts more than they show. A pass goes through all rows of
  // one source after the other; when it is done ours show `pass`, which is what it began with.
  conflict::Claims claims = {};
  conflict::Vector pass = {};
  // Of digests, the ledger, and all of one table: the source's rows must show this.
  conflict::Vector floor;
  uint64_t rows = 0;  // merged so far, of items and ledger
  uint64_t bytes = 0;
  uint64_t live_rows = 0;              // of them, items that are no tombstones
  uint64_t total_rows = 0;             // live items at the source, as it said last
  uint64_t begun_ms = 0;               // the region's clock
  uint64_t steps = 0;                  // rises with everything that is merged: another place
  conflict::Vector told = {};          // of a table: region/table/table_fills.h. Its own business
  conflict::Vector shows = {};         // of a table: what its rows show for sure. Its own business
  TableId table = {};                  // 0: of the whole region; else of this table alone
  std::vector<RegionId> sources = {};  // of a table: who holds it beside us
  // Of our own changes, how many the sources had whose rows we have gone through: what those met
  // there was decided there. Nobody else's business.
  conflict::Vector met = {};
  friend bool operator==(const FillProgress&, const FillProgress&) = default;
};

struct ScanRow {
  std::string key;    // in the store: items key, digest key or ledger key
  std::string value;  // stored item, digest or ledger entry
};

// All that there is in (after, through] of a part. The source's rows show every change that
// `vector` covers, and none that `claims` does not cover: a source that is being filled itself
// shows less than it counts (conflict/claims.h). Its catalog shows all that it counts.
struct ScanChunk {
  ScanPart part = ScanPart::kCatalog;
  std::string after;
  std::string through;  // the last key that was looked at; when `end`, nothing lies behind
  bool end = false;
  conflict::Vector vector;
  Stamp clock;  // at least every stamp in it
  uint64_t total_rows = 0;
  TableId table;  // 0: of all tables
  // Tables that the source does not hold, or not whole: of them the chunk says nothing.
  std::vector<TableId> without;
  std::vector<ScanRow> rows;     // sorted by key
  conflict::Vector claims = {};  // empty: `vector`
  Stamp forgotten = {};          // of its tombstones the highest that the source has forgotten
  // Of one table that the source has not whole: what its rows show for sure, be it less than they
  // do. What is above came to the source, or came as a number alone.
  conflict::Vector shows = {};
  const conflict::Vector& Claims() const { return claims.empty() ? vector : claims; }
  // What the chunk's own rows show.
  const conflict::Vector& Seen() const { return part == ScanPart::kCatalog ? Claims() : vector; }
  size_t bytes() const {
    size_t total = 0;
    for (const ScanRow& row : rows) total += row.key.size() + row.value.size();
    return total;
  }
};

// replicator -> region at the source. Only a state that shows `floor` is given out.
struct ScanRequest {
  uint64_t id = 0;  // echoed
  ScanPart part = ScanPart::kCatalog;
  std::string after;
  conflict::Vector floor;
  size_t max_bytes = 0;  // about; the catalog comes whole
  TableId table;         // 0: all that the reader holds
  RegionId reader;       // what it does not hold is left out
};
struct ScanReply {
  uint64_t id = 0;
  // kFailedPrecondition: the region does not show `floor`. kUnavailable: not now.
  Status status;
  ScanChunk chunk;
};

// replicator -> region that is filled. Carried out one at a time, in order, between the applies.
struct FillRequest {
  enum class Kind : uint8_t {
    kChunk = 0,     // merge; a catalog begins the filling (again)
    kFinish = 1,    // serve: the rows are here, or there is nothing to be filled with
    kAgain = 2,     // gather what was decided elsewhere from another region too
    kComplete = 3,  // it is all here
    kForsake = 4,   // nobody shows what the chunk's vector says: it is lost, and claimed no longer
  };
  uint64_t id = 0;  // echoed
  Kind kind = Kind::kChunk;
  RegionId source;
  ScanChunk chunk;
};
struct FillReply {
  uint64_t id = 0;
  // An error leaves nothing half-done. kFailedPrecondition: not what comes next.
  Status status;
};

}  // namespace everwrite::streams
