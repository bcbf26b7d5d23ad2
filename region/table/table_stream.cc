#include "region/table/table_stream.h"

#include <utility>
#include <vector>

#include "base/coding.h"
#include "streams/seen.h"

namespace everwrite::table {

using streams::HashRange;
using streams::Sequence;
using streams::Shard;
using streams::ShardStep;
using streams::StreamId;

namespace {

constexpr uint8_t kFormat = 1;

void PutAttribute(std::string& out, const item::KeyAttribute& attribute) {
  PutBytes(out, attribute.name);
  out.push_back(static_cast<char>(attribute.type));
}

bool ReadAttribute(Reader& reader, item::KeyAttribute& attribute) {
  std::string_view name;
  uint8_t type = 0;
  if (!reader.ReadBytes(name) || !reader.ReadByte(type) || type > 2) return false;
  attribute.name = name;
  attribute.type = static_cast<item::KeyType>(type);
  return true;
}

std::string EncodeStream(const StreamDefinition& definition, Sequence ended) {
  std::string out(1, static_cast<char>(kFormat));
  PutFixed64(out, ended.value);
  PutFixed64(out, definition.table.value);
  out.push_back(static_cast<char>(definition.view));
  PutVarint(out, definition.enabled_ms);
  PutBytes(out, definition.table_name);
  PutAttribute(out, definition.key.partition);
  if (definition.key.sort) PutAttribute(out, *definition.key.sort);
  return out;
}

bool DecodeStream(std::string_view bytes, StreamDefinition& definition, Sequence& ended) {
  Reader reader(bytes);
  uint8_t format = 0, view = 0;
  std::string_view name;
  if (!reader.ReadByte(format) || format != kFormat || !reader.ReadFixed64(ended.value) ||
      !reader.ReadFixed64(definition.table.value) || !reader.ReadByte(view) || view == 0 ||
      view > static_cast<uint8_t>(StreamView::kNewAndOldImages) ||
      !reader.ReadVarint(definition.enabled_ms) || !reader.ReadBytes(name) ||
      !ReadAttribute(reader, definition.key.partition))
    return false;
  if (!reader.done() && !ReadAttribute(reader, definition.key.sort.emplace())) return false;
  definition.view = static_cast<StreamView>(view);
  definition.table_name = name;
  return true;
}

}  // namespace

StreamDefinition StreamOf(const TableDefinition& table) {
  std::string bytes = "stream";
  PutFixed64(bytes, table.id.value);
  PutFixed64(bytes, table.stream_enabled_ms);
  bytes.push_back(static_cast<char>(table.stream));
  return {StreamId{Hash64(bytes)}, table.id, table.name, table.key, table.stream,
          table.stream_enabled_ms};
}

std::string StreamPrefix(StreamId stream) {
  std::string key;
  PutFixed64(key, stream.value);
  return key;
}

std::string ShardPrefix(StreamId stream, Sequence shard, StreamTag tag) {
  std::string key = StreamPrefix(stream);
  PutFixed64(key, shard.value);
  key.push_back(static_cast<char>(tag));
  return key;
}

std::string ShardKey(StreamId stream, Sequence shard, StreamTag tag, Sequence sequence) {
  std::string key = ShardPrefix(stream, shard, tag);
  PutFixed64(key, sequence.value);
  return key;
}

std::shared_ptr<TableStream> TableStream::Load(KvIterator& it, const streams::ShardPolicy& policy) {
  StreamDefinition definition;
  Sequence ended;
  definition.id.value = LoadFixed64(it.key().data());
  const std::string prefix = StreamPrefix(definition.id);
  if (it.key() != ShardPrefix(definition.id, {}, StreamTag::kDescription) ||
      !DecodeStream(it.value(), definition, ended))
    return nullptr;
  auto stream = std::make_shared<TableStream>(std::move(definition), policy);
  stream->ended_ = ended;
  const StreamId id = stream->definition_.id;
  // From shard to shard, past what is in them.
  for (it.Next(); it.Valid() && it.key().starts_with(prefix);) {
    Shard shard;
    shard.number.value = LoadFixed64(it.key().data() + 8);
    if (it.key() != ShardPrefix(id, shard.number, StreamTag::kDescription) ||
        !streams::DecodeShard(it.value(), shard))
      return nullptr;
    const std::string entries = ShardPrefix(id, shard.number, StreamTag::kEntry);
    it.Seek(entries);
    shard.records = it.Valid() && it.key().starts_with(entries) ? 1 : 0;
    const Sequence number = shard.number;
    if (shard.open()) stream->unmarked_[number] = policy.entries_per_mark;
    stream->tree_.Add(std::move(shard));
    it.Seek(ShardPrefix(id, {number.value + 1}, StreamTag::kDescription));
  }
  stream->Publish();
  return stream;
}

void TableStream::Publish() {
  info_.store(std::make_shared<const StreamInfo>(StreamInfo{definition_, ended_, tree_.all()}),
              std::memory_order_release);
}

void TableStream::Describe(CommitTurn& turn) const {
  turn.batch().Put(ColumnFamily::kStreams, ShardPrefix(definition_.id, {}, StreamTag::kDescription),
                   EncodeStream(definition_, ended_));
}

void TableStream::StoreShard(CommitTurn& turn, Sequence number) const {
  turn.batch().Put(ColumnFamily::kStreams,
                   ShardPrefix(definition_.id, number, StreamTag::kDescription),
                   streams::EncodeShard(*tree_.Find(number)));
}

void TableStream::OpenShard(CommitTurn& turn, const HashRange& range, Sequence parent) {
  Shard shard;
  shard.number = turn.NextSequence();
  shard.parent = parent;
  shard.range = range;
  shard.begin = turn.state().applied;
  const Sequence number = shard.number;
  tree_.Add(std::move(shard));
  unmarked_[number] = 0;  // its own beginning is a mark
  StoreShard(turn, number);
}

void TableStream::CloseShard(CommitTurn& turn, Sequence number) {
  tree_.Close(number, turn.NextSequence());
  unmarked_.erase(number);
  StoreShard(turn, number);
}

void TableStream::Begin(CommitTurn& turn) {
  ended_ = {};
  Describe(turn);
  for (const auto& [range, parent] : tree_.Missing()) OpenShard(turn, range, parent);
  Publish();
}

void TableStream::End(CommitTurn& turn) {
  std::vector<Sequence> open;
  for (const auto& [number, shard] : tree_.all())
    if (shard.open()) open.push_back(number);
  for (const Sequence number : open) CloseShard(turn, number);
  ended_ = turn.NextSequence();
  Describe(turn);
  Publish();
}

void TableStream::BeginAnew(CommitTurn& turn) {
  turn.batch().DeleteRange(ColumnFamily::kStreams,
                           ShardPrefix(definition_.id, {1}, StreamTag::kDescription),
                           PrefixEnd(StreamPrefix(definition_.id)));
  tree_ = {};
  unmarked_.clear();
  if (ended_.value == 0) return Begin(turn);
  Publish();
}

void TableStream::Add(CommitTurn& turn, const streams::StreamEntry& entry) {
  if (turn.state().closed) return;
  if (!tree_.any_open()) Begin(turn);
  Shard& shard = tree_.OpenFor(streams::HashOfKey(entry.key));
  const Sequence sequence = turn.NextSequence();
  thread_local std::string value;  // at most two items
  value.clear();
  streams::EncodeStreamEntry(entry, value);
  turn.batch().Put(ColumnFamily::kStreams,
                   ShardKey(definition_.id, shard.number, StreamTag::kEntry, sequence), value);
  ++shard.records;
  ++shard.recent;
  shard.bytes += value.size();
  uint64_t& unmarked = unmarked_[shard.number];
  if (++unmarked < policy_.entries_per_mark) return;
  unmarked = 0;
  conflict::Vector applied = turn.state().applied;
  applied.Raise(entry.version.dot);  // another region's change is not in it yet
  value.clear();
  applied.EncodeTo(value);
  turn.batch().Put(ColumnFamily::kStreams,
                   ShardKey(definition_.id, shard.number, StreamTag::kMark, sequence), value);
}

void TableStream::Carry(CommitTurn& turn, const ShardStep& step) {
  const HashRange range = tree_.Find(step.shard)->range;
  CloseShard(turn, step.shard);
  switch (step.kind) {
    case ShardStep::Kind::kRoll: OpenShard(turn, range, step.shard); break;
    case ShardStep::Kind::kSplit:
      OpenShard(turn, range.Half(0), step.shard);
      OpenShard(turn, range.Half(1), step.shard);
      break;
    case ShardStep::Kind::kMerge:
      CloseShard(turn, step.other);
      OpenShard(turn, range.Whole(), step.shard);
      break;
  }
}

bool TableStream::Tend(CommitTurn& turn) {
  const uint64_t now_ms = turn.physical_ms();
  const uint64_t elapsed_ms = now_ms > tended_ms_ ? now_ms - tended_ms_ : 0;
  bool changed = false;
  if (ended_.value == 0) {
    if (!tree_.any_open()) Begin(turn);
    for (const ShardStep& step : tree_.Plan(policy_, now_ms, tended_ms_ == 0 ? 0 : elapsed_ms)) {
      Carry(turn, step);
      changed = true;
    }
  }
  for (const Sequence number : tree_.Expired(policy_, now_ms)) {
    const std::string all = ShardPrefix(definition_.id, number, StreamTag::kDescription);
    turn.batch().DeleteRange(
        ColumnFamily::kStreams, all,
        ShardPrefix(definition_.id, {number.value + 1}, StreamTag::kDescription));
    tree_.Forget(number);
    changed = true;
  }
  tended_ms_ = now_ms;
  tree_.CountAnew();
  const bool over =
      ended_.value != 0 && tree_.all().empty() && ended_.milliseconds() + policy_.keep_ms <= now_ms;
  if (over)
    turn.batch().Delete(ColumnFamily::kStreams,
                        ShardPrefix(definition_.id, {}, StreamTag::kDescription));
  if (changed) Publish();
  return !over;
}

}  // namespace everwrite::table
