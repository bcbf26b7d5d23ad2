// What was noted for consumers that come from other regions (streams/seen.h), kept between their
// calls: the entries up to the place where this region knew all that they have seen may be many,
// and are the same for each call until that place is passed.
//
// What was noted from an earlier place holds for a later one too: an entry of the set keeps out
// what is older, wherever it stands. Nothing depends on what is kept: who finds nothing notes
// again.
//
// Bounded by the number of items noted; who was asked for longest ago goes first.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "streams/position.h"

namespace everwrite::table {

using SeenFilterPtr = std::shared_ptr<const streams::SeenFilter>;

class SeenFilters {
 public:
  // Items noted, in all filters: some 150 bytes each.
  static constexpr size_t kItemsMax = 200'000;

  explicit SeenFilters(size_t items_max = kItemsMax) : items_max_(items_max) {}

  // Null: none is kept that was noted from this position or one before it.
  SeenFilterPtr Find(const streams::Position& position);
  void Keep(const streams::Position& position, SeenFilterPtr filter);

 private:
  struct Kept {
    streams::StreamId stream;
    streams::HashRange range;
    streams::Sequence from;
    streams::Sequence until;
    SeenFilterPtr filter;

    bool Fits(const streams::Position& position) const;
  };
  std::mutex mutex_;
  const size_t items_max_;
  size_t items_ = 0;      // guarded by mutex_
  std::list<Kept> kept_;  // guarded by mutex_; asked for last, first
};

}  // namespace everwrite::table
