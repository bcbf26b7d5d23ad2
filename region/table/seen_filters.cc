#include "region/table/seen_filters.h"

#include <algorithm>
#include <utility>

namespace everwrite::table {

bool SeenFilters::Kept::Fits(const streams::Position& position) const {
  return stream == position.stream && range == position.range && until == position.until &&
         from <= position.after && filter->set() == position.seen;
}

SeenFilterPtr SeenFilters::Find(const streams::Position& position) {
  std::lock_guard lock(mutex_);
  const auto at = std::find_if(kept_.begin(), kept_.end(),
                               [&](const Kept& kept) { return kept.Fits(position); });
  if (at == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, at);
  return at->filter;
}

void SeenFilters::Keep(const streams::Position& position, SeenFilterPtr filter) {
  if (filter->size() > items_max_) return;
  std::lock_guard lock(mutex_);
  items_ += filter->size();
  kept_.push_front(
      {position.stream, position.range, position.after, position.until, std::move(filter)});
  while (items_ > items_max_ || kept_.size() > streams::kSeenMax) {
    items_ -= kept_.back().filter->size();
    kept_.pop_back();
  }
}

}  // namespace everwrite::table
