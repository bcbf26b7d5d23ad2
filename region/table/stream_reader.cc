#include "region/table/stream_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/coding.h"
#include "base/mark.h"
#include "region/table/ledger_table.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::table {

using streams::Position;
using streams::SeenFilter;
using streams::SeenSet;
using streams::Shard;
using streams::StreamEntry;
using streams::StreamEntryName;
using streams::StreamId;

namespace {

constexpr size_t kGapBytesPerRead = 1 << 20;

Status Damaged() { return DataLoss("a stream record is damaged"); }
Status Trimmed() {
  Reach(Mark::kStreamReadTrimmed);
  return FailedPrecondition("The data you are trying to access has been trimmed.");
}

// Calls visit(sequence, entry, bytes) for the entries of a shard above `after` up to `through`, in
// order, until it returns false. Entry: a StreamEntry, or a StreamEntryName where that will do.
template <typename Entry, typename Visitor>
Status ForEachEntry(const KvStore& store, StreamId stream, streams::Sequence shard,
                    streams::Sequence after, streams::Sequence through, Visitor&& visit) {
  if (after >= through) return {};
  const std::string begin = ShardKey(stream, shard, StreamTag::kEntry, {after.value + 1});
  const std::string prefix = ShardPrefix(stream, shard, StreamTag::kEntry);
  const auto it = store.NewIterator(ColumnFamily::kStreams, {begin, PrefixEnd(prefix)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    const streams::Sequence sequence = SequenceOfShardKey(it->key());
    Entry entry;
    if (sequence > through) break;
    if (!streams::DecodeStreamEntry(it->value(), entry)) return Damaged();
    if (!visit(sequence, entry, it->value())) break;
  }
  return it->status();
}

}  // namespace

// --- descriptions --------------------------------------------------------------------------------

// Everywhere the end is taken first, then the picture of the stream: what is newer in the picture
// is cut off, and what is within the end is in the picture.
StreamDescription StreamReader::Describe(const StreamInfo& info, const Committer::StreamEnd& end) {
  const Sequence durable = end.sequence;
  StreamDescription description;
  description.definition = info.definition;
  description.end = end;
  for (const auto& [number, shard] : info.shards) {
    if (number > durable) continue;
    Shard& shown = description.shards.emplace_back(shard);
    if (shown.last > durable) shown.last = {};
  }
  const bool ended = info.ended.value != 0;
  if (ended) {
    description.status = info.ended > durable ? StreamStatus::kDisabling : StreamStatus::kDisabled;
  } else {
    const bool any = std::any_of(description.shards.begin(), description.shards.end(),
                                 [](const Shard& shard) { return shard.open(); });
    description.status = any ? StreamStatus::kEnabled : StreamStatus::kEnabling;
  }
  return description;
}

std::vector<StreamDescription> StreamReader::List() const {
  std::vector<StreamDescription> all;
  const Committer::StreamEnd end = committer_.DurableStreamEnd();
  for (const StreamInfoPtr& info : catalog_.List())
    if (info->definition.table != kLedgerTable) all.push_back(Describe(*info, end));
  std::sort(all.begin(), all.end(), [](const auto& left, const auto& right) {
    const auto place = [](const StreamDescription& stream) {
      return std::tie(stream.definition.table_name, stream.definition.enabled_ms,
                      stream.definition.id);
    };
    return place(left) < place(right);
  });
  return all;
}

std::vector<uint64_t> StreamReader::EnabledTimes(std::string_view table) const {
  std::vector<uint64_t> times;
  for (const StreamInfoPtr& info : catalog_.List())
    if (info->definition.table_name == table) times.push_back(info->definition.enabled_ms);
  return times;
}

std::optional<StreamDescription> StreamReader::Find(std::string_view table,
                                                    uint64_t enabled_ms) const {
  // Of two with one name (a table made again within a millisecond) the one that is on.
  const Committer::StreamEnd end = committer_.DurableStreamEnd();
  StreamInfoPtr found;
  for (StreamInfoPtr& info : catalog_.List()) {
    const StreamDefinition& definition = info->definition;
    if (definition.enabled_ms != enabled_ms || definition.table_name != table) continue;
    if (!found || found->ended.value != 0) found = std::move(info);
  }
  if (!found) return std::nullopt;
  return Describe(*found, end);
}

// --- beginning -----------------------------------------------------------------------------------

Result<Position> StreamReader::Start(const StreamDescription& stream, std::string_view shard_id,
                                     const StreamStart& start, uint64_t now_ms) const {
  using Kind = StreamStart::Kind;
  const StreamId id = stream.definition.id;
  Sequence number;
  if (!streams::ParseShardId(shard_id, id, self_, number)) return NotFound("Shard does not exist");
  const auto at = std::find_if(stream.shards.begin(), stream.shards.end(),
                               [&](const Shard& shard) { return shard.number == number; });
  if (at == stream.shards.end()) return Trimmed();
  const Shard& shard = *at;
  Position position;
  position.region = self_;
  position.stream = id;
  position.shard = number;
  position.range = shard.range;
  position.created_ms = now_ms;
  position.after = number;
  position.place = shard.begin;
  switch (start.kind) {
    case Kind::kTrimHorizon: break;
    case Kind::kLatest:
      if (!shard.open()) {
        EW_RETURN_IF_ERROR(StartAtSequence(shard, shard.last, position));
        break;
      }
      position.after = stream.end.sequence;
      position.place = stream.end.applied;
      break;
    case Kind::kAtSequence:
    case Kind::kAfterSequence: {
      const Sequence sequence = start.sequence;
      if (sequence < number || (!shard.open() && sequence > shard.last))
        return InvalidArgument("Invalid SequenceNumber for the shard");
      const bool at_it = start.kind == Kind::kAtSequence && sequence > number;
      EW_RETURN_IF_ERROR(StartAtSequence(shard, {sequence.value - (at_it ? 1 : 0)}, position));
      break;
    }
    case Kind::kAfterSeen:
    case Kind::kAtSeen: EW_RETURN_IF_ERROR(StartBehindSeen(stream, shard, start, position));
  }
  return position;
}

Status StreamReader::StartAtSequence(const Shard& shard, Sequence sequence,
                                     Position& position) const {
  position.after = sequence;
  EW_ASSIGN_OR_RETURN(position.place, PlaceAt(position.stream, shard, sequence));
  return {};
}

Result<conflict::Vector> StreamReader::PlaceAt(StreamId stream, const Shard& shard,
                                               Sequence at) const {
  conflict::Vector place = shard.begin;
  Sequence from = shard.number;
  const std::string marks = ShardPrefix(stream, shard.number, StreamTag::kMark);
  const auto it = store_.NewIterator(ColumnFamily::kStreams, {marks, PrefixEnd(marks)});
  it->SeekForPrev(ShardKey(stream, shard.number, StreamTag::kMark, at));
  if (it->Valid()) {
    from = SequenceOfShardKey(it->key());
    if (!conflict::Vector::Decode(it->value(), place)) return Damaged();
  }
  EW_RETURN_IF_ERROR(it->status());
  EW_RETURN_IF_ERROR(
      ForEachEntry<StreamEntryName>(store_, stream, shard.number, from, at,
                                    [&](Sequence, const StreamEntryName& entry, std::string_view) {
                                      place.Raise(entry.version.dot);
                                      return true;
                                    }));
  return place;
}

// From the last mark of which the consumer has seen everything: what is in front of it needs no
// look.
Status StreamReader::StartBehindSeen(const StreamDescription& stream, const Shard& shard,
                                     const StreamStart& start, Position& position) const {
  // An entry is named by the write that lost, which may have been seen long before it lost.
  if (stream.definition.table == kLedgerTable)
    return InvalidArgument("A ledger is each region's own: positions in another's mean nothing");
  position.seen = SeenSet(start.seen, shard.range);
  if (start.kind == StreamStart::Kind::kAtSeen) position.seen.CutTo(stream.end.applied);
  const conflict::Vector least = position.seen.LeastOf(shard.range);
  const std::string marks = ShardPrefix(position.stream, shard.number, StreamTag::kMark);
  const auto it = store_.NewIterator(ColumnFamily::kStreams, {marks, PrefixEnd(marks)});
  for (it->SeekForPrev(PrefixEnd(marks)); it->Valid(); it->Prev()) {
    conflict::Vector mark;
    if (!conflict::Vector::Decode(it->value(), mark)) return Damaged();
    if (!least.Covers(mark)) continue;
    position.after = SequenceOfShardKey(it->key());
    position.place = std::move(mark);
    return {};
  }
  EW_RETURN_IF_ERROR(it->status());
  // From its beginning. What was in front of that is in the parent, which the consumer reads first;
  // without one it must have been seen.
  const bool has_parent =
      std::any_of(stream.shards.begin(), stream.shards.end(),
                  [&](const Shard& other) { return other.number == shard.parent; });
  if (has_parent || least.Covers(shard.begin)) return {};
  EW_ASSIGN_OR_RETURN(const bool lacks, LacksBefore(stream, shard, position.seen));
  return lacks ? Trimmed() : OkStatus();
}

Result<bool> StreamReader::LacksBefore(const StreamDescription& stream, const Shard& shard,
                                       const SeenSet& seen) const {
  const conflict::Vector least = seen.LeastOf(shard.range);
  size_t looked_at = 0;
  for (const Dot& end : shard.begin.entries()) {
    uint64_t after = least.At(end.log);
    while (after < end.number) {
      const auto batch = streams::ReadChanges(store_, end.log, after, end.number, kGapBytesPerRead);
      if (!batch.ok()) return true;  // trimmed: nobody can tell
      for (const auto& bytes : batch->records) {
        streams::ChangeRecord record;
        if (!streams::DecodeChangeRecord(*bytes, record)) return Damaged();
        if (record.subject != streams::Subject::kItem || record.table != stream.definition.table)
          continue;
        const uint64_t hash = streams::HashOfKey(record.key);
        if (shard.range.Has(hash) && !seen.Covers(hash, record.dot)) return true;
      }
      after = batch->last();
      if ((looked_at += batch->records.size()) > kGapMax) return true;
    }
  }
  return false;
}

// --- reading -------------------------------------------------------------------------------------

// One call's way through a shard.
struct StreamReader::Scan {
  Position& position;
  const SeenFilter* filter;  // up to position.until; null: everything is new
  Sequence through;
  size_t limit;
  size_t looked_at = 0;
  size_t bytes = 0;
  bool full = false;  // a bound was reached before the end
};

Result<streams::Sequence> StreamReader::KnownAt(const StreamInfo& info, const Position& position,
                                                Sequence end) const {
  for (const auto& [number, shard] : info.shards) {
    if (!shard.range.Overlaps(position.range) || (!shard.open() && shard.last <= position.after))
      continue;
    if (number >= end) break;
    if (number >= position.after && position.seen.IsWithin(shard.begin)) return number;
    const std::string marks = ShardPrefix(position.stream, number, StreamTag::kMark);
    const auto it = store_.NewIterator(ColumnFamily::kStreams, {marks, PrefixEnd(marks)});
    it->Seek(ShardKey(position.stream, number, StreamTag::kMark, std::max(number, position.after)));
    for (; it->Valid(); it->Next()) {
      const Sequence sequence = SequenceOfShardKey(it->key());
      if (sequence >= end) break;
      conflict::Vector mark;
      if (!conflict::Vector::Decode(it->value(), mark)) return Damaged();
      if (position.seen.IsWithin(mark)) return sequence;
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  return end;
}

Result<SeenFilterPtr> StreamReader::FilterFor(const StreamInfo& info,
                                              const Position& position) const {
  if (position.seen.empty()) return SeenFilterPtr();
  if (SeenFilterPtr kept = filters_.Find(position)) return kept;
  SeenFilter::Maker maker(position.seen);
  // Of all shards with keys of this one: a change of the set may stand in a child.
  for (const auto& [number, shard] : info.shards) {
    if (!shard.range.Overlaps(position.range) || number > position.until ||
        (!shard.open() && shard.last <= position.after))
      continue;
    EW_RETURN_IF_ERROR(ForEachEntry<StreamEntryName>(
        store_, position.stream, number, std::max(number, position.after), position.until,
        [&](Sequence, const StreamEntryName& entry, std::string_view) {
          maker.Note(entry.key, entry.version);
          return true;
        }));
  }
  auto noted = std::make_shared<const SeenFilter>(std::move(maker).Make());
  filters_.Keep(position, noted);
  return noted;
}

namespace {

bool IsShown(const StreamEntry& entry, const SeenFilter* filter) {
  if (entry.effect == streams::Effect::kNone) return false;
  if (entry.hidden) return filter && filter->ShowsHidden(entry.key, entry.version);
  return !filter || filter->Shows(entry.key, entry.version);
}

}  // namespace

Status StreamReader::ReadEntries(const StreamInfo& info, const Shard& shard, Scan& scan,
                                 StreamPage& page) const {
  Position& position = scan.position;
  return ForEachEntry<StreamEntry>(
      store_, info.definition.id, shard.number, position.after, scan.through,
      [&](Sequence sequence, const StreamEntry& entry, std::string_view bytes) {
        scan.full = page.records.size() == scan.limit || scan.looked_at == kEntriesPerRead ||
                    (scan.bytes + bytes.size() > kBytesMax && scan.bytes > 0);
        if (scan.full) return false;
        ++scan.looked_at;
        position.after = sequence;
        position.place.Raise(entry.version.dot);
        const SeenFilter* const filter = sequence <= position.until ? scan.filter : nullptr;
        if (!IsShown(entry, filter)) return true;
        scan.bytes += bytes.size();
        page.records.push_back({sequence, std::string(bytes)});
        return true;
      });
}

Result<StreamPage> StreamReader::Read(const Position& from, size_t limit, uint64_t now_ms) const {
  StreamPage page;
  Committer::StreamEnd end = committer_.DurableStreamEnd();
  page.stream = catalog_.Find(from.stream);
  if (!page.stream) return NotFound("Stream does not exist");
  const auto at = page.stream->shards.find(from.shard);
  if (at == page.stream->shards.end()) return Trimmed();
  const Shard& shard = at->second;
  Position& position = page.next.emplace(from);
  position.created_ms = now_ms;

  if (!position.seen.empty() && position.until.value == 0) {
    if (!position.seen.IsWithin(end.applied)) return page;  // until this region has caught up
    EW_ASSIGN_OR_RETURN(position.until, KnownAt(*page.stream, position, end.sequence));
    position.until = std::max(position.until, shard.number);
  }
  if (position.after >= position.until) position.seen = {};
  EW_ASSIGN_OR_RETURN(const SeenFilterPtr filter, FilterFor(*page.stream, position));

  const bool closed = !shard.open() && shard.last <= end.sequence;
  const Sequence through = closed ? shard.last : end.sequence;
  Scan scan{position, filter.get(), through, limit};
  EW_RETURN_IF_ERROR(ReadEntries(*page.stream, shard, scan, page));
  if (scan.full) return page;
  if (closed) {
    // The last records come with a position behind them, for who carries it elsewhere; the shard's
    // end is told once there is nothing more.
    position.after = shard.last;
    if (page.records.empty()) page.next.reset();
    return page;
  }
  if (end.sequence > position.after) position.after = end.sequence;
  position.place = std::move(end.applied);
  if (position.after >= position.until) position.seen = {};
  return page;
}

}  // namespace everwrite::table
