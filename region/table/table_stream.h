// TableStream: the stream of one table, in the order in which this region applied the changes.
//
// A stream is one incarnation: turned off and on again, or its table created again, it is another.
// It lives as long as its records are kept, 24 hours longer than the table or the setting. All that
// happens to it happens in a turn of the committer, in the batch of what it is about: a record in
// the batch of its item, a stream's beginning and end in that of the definition. So nothing can be
// ahead of it or behind it.
//
//   streams family, keys begin with stream (8) shard (8)
//     shard 0, tag 0                -> the stream: format (1), ended (8), table id (8), view (1),
//                                      enabled (varint ms), table name, key schema
//     shard, tag 0                  -> the shard (streams/shards.h)
//     shard, tag 1, sequence (8)    -> mark: vector of what was applied, this entry included
//     shard, tag 2, sequence (8)    -> entry (streams/stream_entry.h)
//
// Readers take a picture of the whole (Info) which may be ahead of what is durable; they compare
// with the durable sequence (stream_reader.h).
//
// Thread-safety: definition() and Info() from any thread; the rest in a turn.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "region/item/key.h"
#include "region/table/committer.h"
#include "region/table/schema.h"
#include "streams/shards.h"
#include "streams/stream_entry.h"

namespace everwrite::table {

struct StreamDefinition {
  streams::StreamId id;
  TableId table;
  std::string table_name;
  item::KeySchema key;
  StreamView view = StreamView::kNone;
  uint64_t enabled_ms = 0;  // its label
};

// Of a table whose stream is on; the same in all regions.
StreamDefinition StreamOf(const TableDefinition& table);

// Whether records of this view have the image.
inline bool ShowsNewImage(StreamView view) {
  return view == StreamView::kNewImage || view == StreamView::kNewAndOldImages;
}
inline bool ShowsOldImage(StreamView view) {
  return view == StreamView::kOldImage || view == StreamView::kNewAndOldImages;
}

// A stream and its shards as of one moment.
struct StreamInfo {
  StreamDefinition definition;
  streams::Sequence ended;  // 0: it is on
  std::map<streams::Sequence, streams::Shard> shards;
};
using StreamInfoPtr = std::shared_ptr<const StreamInfo>;

enum class StreamTag : char { kDescription = 0, kMark = 1, kEntry = 2 };
std::string StreamPrefix(streams::StreamId stream);
std::string ShardPrefix(streams::StreamId stream, streams::Sequence shard, StreamTag tag);
std::string ShardKey(streams::StreamId stream, streams::Sequence shard, StreamTag tag,
                     streams::Sequence sequence);
inline streams::Sequence SequenceOfShardKey(std::string_view key) {
  return {LoadFixed64(key.data() + 17)};
}

class TableStream {
 public:
  // `policy` outlives this.
  TableStream(StreamDefinition definition, const streams::ShardPolicy& policy)
      : definition_(std::move(definition)), policy_(policy) {}

  const StreamDefinition& definition() const { return definition_; }
  StreamInfoPtr Info() const { return info_.load(std::memory_order_acquire); }

  // What the store holds of the stream that `it` points at; moves it behind. Null when that is
  // damaged.
  static std::shared_ptr<TableStream> Load(KvIterator& it, const streams::ShardPolicy& policy);

  // Turns it on, for the first time or again.
  void Begin(CommitTurn& turn);
  // Turns it off: its shards are closed.
  void End(CommitTurn& turn);
  // Nothing while the region is being filled: what it is filled with has no order.
  void Add(CommitTurn& turn, const streams::StreamEntry& entry);
  // Forgets all there is; what is on begins with what has been applied by now. For a region that
  // has been filled: of what it was filled with there are no entries, so whoever stands in front of
  // that must be told, and who comes from elsewhere has to have seen it.
  void BeginAnew(CommitTurn& turn);
  // Rolls, splits, merges and trims as the policy says. False: it is off and nothing is left of it;
  // its last key goes in this turn.
  bool Tend(CommitTurn& turn);

 private:
  void Describe(CommitTurn& turn) const;
  void OpenShard(CommitTurn& turn, const streams::HashRange& range, streams::Sequence parent);
  void CloseShard(CommitTurn& turn, streams::Sequence number);
  void StoreShard(CommitTurn& turn, streams::Sequence number) const;
  void Carry(CommitTurn& turn, const streams::ShardStep& step);
  void Publish();

  const StreamDefinition definition_;
  const streams::ShardPolicy& policy_;
  streams::Sequence ended_;
  streams::ShardTree tree_;
  std::map<streams::Sequence, uint64_t> unmarked_;  // entries of an open shard since its last mark
  uint64_t tended_ms_ = 0;
  std::atomic<StreamInfoPtr> info_;
};

}  // namespace everwrite::table
