#include "region/table/testing/stream_consumer.h"

#include <algorithm>

#include "base/check.h"

namespace everwrite::table::testing {
namespace {

ConsumedRecord RecordOf(streams::Sequence shard, const StreamRecord& record) {
  streams::StreamEntry entry;
  CHECK(streams::DecodeStreamEntry(record.bytes, entry));
  ConsumedRecord out{shard,
                     record.sequence,
                     entry.effect,
                     entry.expired,
                     entry.version,
                     std::string(entry.key),
                     std::string(entry.new_image.value_or("")),
                     std::string(entry.old_image.value_or("")),
                     std::string(entry.key_attributes.value_or(""))};
  return out;
}

}  // namespace

// Of every key of `range`, a shard has been begun, of `parent` if that is given: what was seen
// before is in those.
bool StreamConsumer::HasBegun(const streams::HashRange& all,
                              std::optional<streams::Sequence> parent) const {
  std::vector<streams::HashRange> open{all};
  while (!open.empty()) {
    const streams::HashRange range = open.back();
    open.pop_back();
    bool begun = false, finer = false;
    for (const auto& [number, reading] : shards_) {
      if (parent && reading.parent != *parent) continue;
      begun |= reading.range.Contains(range);
      finer |= range.Contains(reading.range);
    }
    if (begun) continue;
    if (!finer) return false;
    open.push_back(range.Half(0));
    open.push_back(range.Half(1));
  }
  return true;
}

std::string StreamConsumer::Place() const {
  std::string text = HasBegun({}) ? "" : elsewhere_;
  for (const auto& [number, reading] : shards_) {
    if (reading.ended && HasBegun(reading.range, number)) continue;  // its children say more
    if (!text.empty()) text += ",";
    text += reading.position;
    for (const auto& [log, event] : reading.events) text += "+" + event;
  }
  return text;
}

void StreamConsumer::Move(bool give_up) {
  elsewhere_ = Place();
  give_up_ = give_up;
  shards_.clear();
}

Status StreamConsumer::Begin(const StreamReader& reader, uint64_t now_ms,
                             std::vector<streams::Sequence>& ready) {
  const auto stream = reader.Find(table_, enabled_ms_);
  if (!stream) return NotFound("no stream yet");
  const streams::StreamId id = stream->definition.id;
  std::set<streams::Sequence> held;
  for (const streams::Shard& shard : stream->shards) held.insert(shard.number);
  // The stream began anew while a shard was being read: its iterator would get this answer. Going
  // on with the new shards from their beginnings would leave out what the rest of it had.
  for (const auto& [number, reading] : shards_)
    if (!reading.ended && held.count(number) == 0) return FailedPrecondition("trimmed");
  std::map<streams::Sequence, Reading> begun;
  for (const streams::Shard& shard : stream->shards) {
    const auto parent = shards_.find(shard.parent);
    const bool after_parent =
        held.count(shard.parent) == 0 || (parent != shards_.end() && parent->second.ended);
    if (!after_parent) continue;
    const auto known = shards_.find(shard.number);
    if (known == shards_.end() || !known->second.ended) ready.push_back(shard.number);
    if (known != shards_.end()) continue;
    StreamStart start;
    if (!elsewhere_.empty()) {
      start.kind = give_up_ ? StreamStart::Kind::kAtSeen : StreamStart::Kind::kAfterSeen;
      CHECK(streams::ParseSeen(elsewhere_, id, start.seen), "a place is understood");
    }
    const auto position =
        reader.Start(*stream, streams::ShardIdText(id, reader.self(), shard.number), start, now_ms);
    EW_RETURN_IF_ERROR(position.status());
    begun[shard.number] = {
        shard.range, shard.parent, streams::EncodePosition(*position), false, {}};
  }
  // All or none: a place that is half that of a region it could not read grows at each attempt.
  shards_.merge(begun);
  return {};
}

Status StreamConsumer::Read(const StreamReader& reader, size_t limit, size_t calls, uint64_t now_ms,
                            std::vector<ConsumedRecord>& out) {
  std::vector<streams::Sequence> ready;
  EW_RETURN_IF_ERROR(Begin(reader, now_ms, ready));
  for (const streams::Sequence shard : ready) {
    Reading& reading = shards_[shard];
    for (; calls > 0; --calls) {
      streams::Position position;
      CHECK(streams::DecodePosition(reading.position, position));
      EW_ASSIGN_OR_RETURN(StreamPage page, reader.Read(position, limit, now_ms));
      for (const StreamRecord& record : page.records) out.push_back(RecordOf(shard, record));
      if (!page.next) {
        reading.ended = true;
        break;
      }
      const bool moved = page.next->after != position.after;
      reading.position = streams::EncodePosition(*page.next);
      if (!moved) break;
    }
  }
  return {};
}

Status StreamConsumer::ReadPart(const StreamReader& reader, size_t count, uint64_t now_ms,
                                std::vector<ConsumedRecord>& out) {
  std::vector<streams::Sequence> ready;
  EW_RETURN_IF_ERROR(Begin(reader, now_ms, ready));
  for (const streams::Sequence shard : ready) {
    Reading& reading = shards_[shard];
    streams::Position position;
    CHECK(streams::DecodePosition(reading.position, position));
    EW_ASSIGN_OR_RETURN(StreamPage page, reader.Read(position, StreamReader::kRecordsMax, now_ms));
    if (page.records.empty()) continue;
    for (size_t i = 0; i < std::min(count, page.records.size()); ++i) {
      out.push_back(RecordOf(shard, page.records[i]));
      const Dot dot = out.back().version.dot;
      reading.events[dot.log] = streams::EventId(dot);
    }
    break;
  }
  return {};
}

}  // namespace everwrite::table::testing
