// Messages between replicators as the bytes of NATS messages, and back: Protobuf, records
// compressed with zstd, cut into frames below the bus's limit.
//
// Reading trusts nothing: lengths are checked before anything is allocated for them and again after
// decompression; cluster, protocol version, sender and receiver must be right; what is not a
// message is a Status, never a crash. A FrameReader is for one subject of one peer, so a peer
// cannot speak for another.
//
// Thread-safety: a writer or reader belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "replicator/messages.h"

namespace everwrite::replicator {

inline constexpr uint32_t kProtocolVersion = 1;
// Of the records of one Batch, or the rows of one Chunk, uncompressed. The largest batch is
// batch_bytes or one record.
inline constexpr size_t kMaxBatchBytes = 4U << 20;
inline constexpr size_t kMaxMessageBytes = kMaxBatchBytes + (64U << 10);
inline constexpr size_t kMaxFrames = 4096;
// What a frame needs besides its part of the body.
inline constexpr size_t kFrameOverhead = 256;

class FrameWriter {
 public:
  FrameWriter(std::string cluster, RegionId self);
  ~FrameWriter();

  // The frames of one message, each at most `max_frame_bytes` (at least 1 KB). kResourceExhausted
  // for a message above the bounds; nothing that the cores make is.
  Result<std::vector<std::string>> Write(RegionId to, const Message& message,
                                         size_t max_frame_bytes);

 private:
  struct Zstd;
  Status WriteBody(const Message& message, std::string& out);
  Status PackRecords(const streams::RecordBatch& records);

  // The last batch, as it was packed: mostly the next message takes the very same records to
  // another peer. At most a batch's bytes twice.
  struct Block {
    streams::RecordBatch records;  // held, so that their addresses name them
    uint32_t plain_size = 0;
    bool compressed = false;
    std::string bytes;
  };
  const std::string cluster_;
  const RegionId self_;
  uint64_t next_message_ = 1;
  std::unique_ptr<Zstd> zstd_;
  std::optional<Block> block_;
};

class FrameReader {
 public:
  // Frames must come from `from`, for `self`.
  FrameReader(std::string cluster, RegionId self, RegionId from);
  ~FrameReader();

  // The message that this frame completes, or nothing yet. A frame that is not the next of its
  // message drops what was there: the bus has lost something, and the sessions will see the gap.
  Result<std::optional<Message>> Read(std::string_view frame);

 private:
  struct Zstd;
  Result<std::optional<Message>> Finish(std::string_view body, uint64_t checksum);

  const std::string cluster_;
  const RegionId self_;
  const RegionId from_;
  uint64_t message_ = 0;  // being put together; 0: none
  uint32_t next_index_ = 0;
  uint32_t count_ = 0;
  size_t total_ = 0;
  uint64_t checksum_ = 0;
  std::string body_;
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace everwrite::replicator
