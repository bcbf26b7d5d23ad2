// LogMeter: how many bytes of our log lie behind a number, without a count a record: a mark at
// every so many records, and a straight line between two marks.
//
// Numbers before the first mark (written before this process started) count as the average of what
// was seen.
//
// Pure. Thread-safety: none.
#pragma once

#include <cstdint>
#include <deque>

#include "streams/region_port.h"

namespace everwrite::replicator {

class LogMeter {
 public:
  static constexpr size_t kMarksMax = 1024;

  // Records of our log, pushed or read, in any order; what continues the end is marked.
  void OnRecords(const streams::RecordBatch& batch);
  // Bytes of the records in (after, head]; -1: no record was seen yet.
  int64_t BytesBehind(LogId log, uint64_t after, uint64_t head) const;

 private:
  struct Mark {
    uint64_t number = 0;  // up to and with it
    uint64_t bytes = 0;   // since the first mark
  };
  double BytesAt(uint64_t number) const;
  void Thin();

  LogId log_;
  std::deque<Mark> marks_;
  uint64_t end_ = 0;     // the last number seen in order
  uint64_t bytes_ = 0;   // up to it
  uint64_t stride_ = 1;  // doubled when there are too many
  uint64_t seen_records_ = 0;
  uint64_t seen_bytes_ = 0;
};

}  // namespace everwrite::replicator
