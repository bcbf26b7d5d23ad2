// Which filters are found again, and which go.
#include "region/table/seen_filters.h"

#include <gtest/gtest.h>

namespace everwrite::table {
namespace {

using streams::Position;
using streams::SeenFilter;
using streams::SeenSet;

const LogId kLog = LogId::Make(RegionId{2}, 1);

Position At(uint64_t stream, uint64_t after, uint64_t until = 100, uint64_t seen = 9) {
  Position position;
  position.stream.value = stream;
  position.after = {after};
  position.until = {until};
  conflict::Vector vector;
  vector.Raise({kLog, seen});
  position.seen = SeenSet({{streams::HashRange(), vector}}, streams::HashRange());
  return position;
}

SeenFilterPtr Filter(const Position& position, size_t items) {
  SeenFilter::Maker maker(position.seen);
  for (size_t i = 0; i < items; ++i)  // kept is what is seen of an item of which not all is
    for (const uint64_t number : {1, 1000})
      maker.Note("key " + std::to_string(10000 + i), {0, Stamp::Make(5, 0), {kLog, number}});
  const auto filter = std::make_shared<const SeenFilter>(std::move(maker).Make());
  EXPECT_EQ(filter->size(), items);
  return filter;
}

TEST(SeenFilters, AreFoundFromTheirPlaceOnForTheSameConsumer) {
  SeenFilters filters;
  const SeenFilterPtr filter = Filter(At(1, 10), 1);
  filters.Keep(At(1, 10), filter);
  EXPECT_EQ(filters.Find(At(1, 10)), filter);
  EXPECT_EQ(filters.Find(At(1, 50)), filter);
  EXPECT_EQ(filters.Find(At(1, 9)), nullptr) << "an entry before its place was not noted";
  EXPECT_EQ(filters.Find(At(2, 10)), nullptr) << "another stream";
  EXPECT_EQ(filters.Find(At(1, 10, 101)), nullptr) << "another end";
  EXPECT_EQ(filters.Find(At(1, 10, 100, 8)), nullptr) << "somebody who has seen less";
  Position half = At(1, 10);
  half.range = half.range.Half(0);
  EXPECT_EQ(filters.Find(half), nullptr) << "other keys";
}

TEST(SeenFilters, TheOneThatWasAskedForLongestAgoGoes) {
  SeenFilters filters(10);
  for (uint64_t stream = 1; stream <= 3; ++stream)
    filters.Keep(At(stream, 0), Filter(At(stream, 0), 3));
  EXPECT_NE(filters.Find(At(1, 0)), nullptr);
  filters.Keep(At(4, 0), Filter(At(4, 0), 3));
  EXPECT_EQ(filters.Find(At(2, 0)), nullptr);
  for (const uint64_t stream : {1, 3, 4}) EXPECT_NE(filters.Find(At(stream, 0)), nullptr);
  filters.Keep(At(5, 0), Filter(At(5, 0), 11));
  EXPECT_EQ(filters.Find(At(5, 0)), nullptr) << "larger than all that may be kept";
  EXPECT_NE(filters.Find(At(1, 0)), nullptr);
}

}  // namespace
}  // namespace everwrite::table
