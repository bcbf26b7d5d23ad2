// A consumer of a table's stream that does what consumer libraries do: it reads a shard when it has
// read its parent to the end. And what no other consumer does: it goes on in another region.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conflict/version.h"
#include "region/table/stream_reader.h"

namespace everwrite::table::testing {

// A record, and where it was read.
struct ConsumedRecord {
  streams::Sequence shard;
  streams::Sequence sequence;
  streams::Effect effect = streams::Effect::kNone;
  bool expired = false;
  conflict::Version version;
  std::string key;
  std::string new_image;
  std::string old_image;
  std::string key_attributes;
};

class StreamConsumer {
 public:
  explicit StreamConsumer(uint64_t enabled_ms, std::string table = "t")
      : table_(std::move(table)), enabled_ms_(enabled_ms) {}

  // What comes next in the region that the reader reads, `limit` records a call, up to `calls`
  // calls. kNotFound: there is no such stream here (yet). kFailedPrecondition: what it would read
  // next is not kept here; Move must follow.
  Status Read(const StreamReader& reader, size_t limit, size_t calls, uint64_t now_ms,
              std::vector<ConsumedRecord>& out);
  // The same, but of what the first call with records brings only the first `count` are had before
  // something stops it: Move must follow.
  Status ReadPart(const StreamReader& reader, size_t count, uint64_t now_ms,
                  std::vector<ConsumedRecord>& out);
  // From now on it reads in another region, from where it stands. `give_up`: what that region does
  // not know is taken for lost.
  void Move(bool give_up = false);
  // The place where it stands, as it hands it to GetShardIterator.
  std::string Place() const;

 private:
  struct Reading {
    streams::HashRange range;
    streams::Sequence parent;
    std::string position;                 // as text
    bool ended = false;                   // there is no more
    std::map<LogId, std::string> events;  // the last of each log that it had since `position`
  };
  // The shards that it may read now.
  Status Begin(const StreamReader& reader, uint64_t now_ms, std::vector<streams::Sequence>& ready);
  bool HasBegun(const streams::HashRange& all, std::optional<streams::Sequence> parent = {}) const;

  const std::string table_;
  const uint64_t enabled_ms_;
  std::map<streams::Sequence, Reading> shards_;  // in this region
  std::string elsewhere_;                        // what it had seen before it came here
  bool give_up_ = false;
};

}  // namespace everwrite::table::testing
