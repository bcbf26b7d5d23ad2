// StreamReader: what consumers may see of a region's streams, and how they go through them.
//
// Nothing is shown before it is durable: shards begin and end, and records come, when the sequence
// that names them is on disk. A reader's picture of a stream is taken as it is in memory and cut to
// that.
//
// Work of one call is bounded: a call looks at kEntriesPerRead entries at most, and so may return
// less than there is, even nothing (DynamoDB says the same of GetRecords). Only a consumer that
// comes from another region costs more: its first call looks at the entries between the place up to
// which it has seen all and the one where this region knew all that it has seen (streams/seen.h):
// what the regions' orders differ there, however much has come since. Calls that follow do so, too,
// if what was noted is not kept (seen_filters.h).
//
// Errors: kInvalidArgument, in DynamoDB's words; kNotFound: no such stream or shard;
// kFailedPrecondition: it was there and has been trimmed.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv_store.h"
#include "region/table/committer.h"
#include "region/table/seen_filters.h"
#include "region/table/stream_catalog.h"
#include "streams/position.h"

namespace everwrite::table {

enum class StreamStatus : uint8_t { kEnabling, kEnabled, kDisabling, kDisabled };

// A stream as consumers see it.
struct StreamDescription {
  StreamDefinition definition;
  StreamStatus status = StreamStatus::kEnabled;
  std::vector<streams::Shard> shards;  // by number
  // The end of what is shown: shards that began or were closed behind it are not, or not yet.
  Committer::StreamEnd end;
};

// Where to begin in a shard.
struct StreamStart {
  enum class Kind : uint8_t {
    kTrimHorizon,
    kLatest,
    kAtSequence,
    kAfterSequence,
    kAfterSeen,  // what `seen` lacks, once this region has all of `seen`
    kAtSeen      // what `seen` lacks, as far as this region knows it now
  };
  Kind kind = Kind::kTrimHorizon;
  streams::Sequence sequence;
  std::vector<streams::Seen> seen;
};

struct StreamRecord {
  streams::Sequence sequence;
  std::string bytes;  // of the entry
};

struct StreamPage {
  StreamInfoPtr stream;
  std::vector<StreamRecord> records;
  std::optional<streams::Position> next;  // nullopt: the shard has ended
};

class StreamReader {
 public:
  static constexpr size_t kRecordsMax = 1000;   // DynamoDB's, of one GetRecords
  static constexpr size_t kBytesMax = 1 << 20;  // so, too
  static constexpr size_t kEntriesPerRead = 10'000;
  // How far the change log is looked through for what came before a stream began here.
  static constexpr size_t kGapMax = 100'000;

  StreamReader(const KvStore& store, const StreamCatalog& catalog, const Committer& committer,
               RegionId self)
      : store_(store), catalog_(catalog), committer_(committer), self_(self) {}

  RegionId self() const { return self_; }

  // Sorted by table and label. Not that of the ledger, as its table is not listed.
  std::vector<StreamDescription> List() const;
  // When each stream of the table was turned on.
  std::vector<uint64_t> EnabledTimes(std::string_view table) const;
  std::optional<StreamDescription> Find(std::string_view table, uint64_t enabled_ms) const;

  Result<streams::Position> Start(const StreamDescription& stream, std::string_view shard_id,
                                  const StreamStart& start, uint64_t now_ms) const;
  // `position` is of this region. At most `limit` records.
  Result<StreamPage> Read(const streams::Position& position, size_t limit, uint64_t now_ms) const;

 private:
  using Sequence = streams::Sequence;
  struct Scan;

  static StreamDescription Describe(const StreamInfo& info, const Committer::StreamEnd& end);
  Status StartAtSequence(const streams::Shard& shard, Sequence sequence,
                         streams::Position& position) const;
  Status StartBehindSeen(const StreamDescription& stream, const streams::Shard& shard,
                         const StreamStart& start, streams::Position& position) const;
  // Whether `stream`'s table had, within the range and before the shard began here, changes that
  // are not in `seen`.
  Result<bool> LacksBefore(const StreamDescription& stream, const streams::Shard& shard,
                           const streams::SeenSet& seen) const;
  // What was applied, as far as it concerns the shard, with the entry at `at`.
  Result<conflict::Vector> PlaceAt(streams::StreamId stream, const streams::Shard& shard,
                                   Sequence at) const;
  // Where this region had applied all that the position has seen: the first mark that says so, or
  // `end`, where that is known.
  Result<Sequence> KnownAt(const StreamInfo& info, const streams::Position& position,
                           Sequence end) const;
  // Null: the position has none.
  Result<SeenFilterPtr> FilterFor(const StreamInfo& info, const streams::Position& position) const;
  Status ReadEntries(const StreamInfo& info, const streams::Shard& shard, Scan& scan,
                     StreamPage& page) const;

  const KvStore& store_;
  const StreamCatalog& catalog_;
  const Committer& committer_;
  const RegionId self_;
  mutable SeenFilters filters_;
};

}  // namespace everwrite::table
