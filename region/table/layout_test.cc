#include "region/table/layout.h"

#include <gtest/gtest.h>

namespace everwrite::table {
namespace {

TEST(Layout, AStoredItemRoundTripsWithAndWithoutRankAndTombstone) {
  for (const uint64_t rank : {uint64_t{0}, uint64_t{3}, uint64_t{1} << 40}) {
    for (const bool tombstone : {false, true}) {
      const StoredItem item{{rank, Stamp{77}, {LogId{9}, 5}}, tombstone, "image"};
      std::string bytes;
      EncodeStoredItem(item, bytes);
      StoredItem back;
      ASSERT_TRUE(DecodeStoredItem(bytes, back));
      EXPECT_EQ(back.version, item.version);
      EXPECT_EQ(back.tombstone, tombstone);
      EXPECT_EQ(back.image, "image");
    }
  }
}

TEST(Layout, DamageIsSeen) {
  StoredItem item;
  EXPECT_FALSE(DecodeStoredItem("", item));
  EXPECT_FALSE(DecodeStoredItem(std::string(24, '\0'), item)) << "a byte short";
  EXPECT_FALSE(DecodeStoredItem("\x08" + std::string(30, 'x'), item)) << "an unknown flag";
  RegionState state;
  EXPECT_FALSE(DecodeRegionState("", state));
  EXPECT_FALSE(DecodeRegionState("\x02" + std::string(17, '\0'), state)) << "an unknown format";
}

TEST(Layout, RegionStateRoundTrips) {
  RegionState state;
  state.log = LogId::Make(RegionId{3}, 99);
  state.clock = Stamp::Make(5, 6);
  state.applied.Set(state.log, 12);
  RegionState back;
  ASSERT_TRUE(DecodeRegionState(EncodeRegionState(state), back));
  EXPECT_EQ(back.log, state.log);
  EXPECT_EQ(back.clock, state.clock);
  EXPECT_EQ(back.applied, state.applied);
}

TEST(Layout, TablesDoNotOverlap) {
  const std::string a = ItemKey(TableId{5}, "\xff\xff\xff");
  const std::string b = ItemKey(TableId{6}, "");
  EXPECT_LT(a, b);
  EXPECT_EQ(TableOfItemKey(a), TableId{5});
  EXPECT_EQ(KeyOfItemKey(a), "\xff\xff\xff");
}

}  // namespace
}  // namespace everwrite::table
