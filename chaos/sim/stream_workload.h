// A consumer of the table's stream that reads while everything happens, now in this region and now
// in that, often leaving in the middle of a page.
//
// At each record: it is of a change that was not seen before, and of a later version of its item
// than was. At the end, when all regions are equal, it has seen each item as it is stored. What was
// lost with a disk after it was seen is nobody's fault: such items are left out.
//
// Thread-safety: none.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"
#include "region/table/testing/stream_consumer.h"

namespace everwrite::chaos {

struct StreamOptions {
  int64_t think_micros = 0;  // mean pause between two looks; 0: nobody reads
  uint64_t move_percent = 20;
};

class StreamWorkload {
 public:
  // The table is made by Workload. `history` outlives this.
  StreamWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                 StreamOptions options, History& history);

  void Start();
  // Everything is quiet and equal: reads what is left, and compares.
  void Finish();

  size_t seen() const { return dots_.size(); }
  size_t moved() const { return moved_; }

 private:
  void Next();
  void Look();
  void Move();
  bool HasAll(size_t region) const;
  Status Read(size_t limit, size_t calls);
  void Have(const std::vector<table::testing::ConsumedRecord>& records);
  void Violation(const std::string& text);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const StreamOptions options_;
  History& history_;
  Random random_;
  table::testing::StreamConsumer consumer_;
  size_t at_ = 0;
  size_t moved_ = 0;
  size_t violations_ = 0;
  bool begun_ = false;
  bool finished_ = false;
  std::set<Dot> dots_;
  std::map<std::string, table::testing::ConsumedRecord> items_;  // the last of each
};

}  // namespace everwrite::chaos
