#include "streams/seen.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"

namespace everwrite::streams {
namespace {

const LogId kA = LogId::Make(RegionId{1}, 10);
const LogId kB = LogId::Make(RegionId{2}, 20);

std::string Key(uint64_t hash) {
  std::string key;
  PutFixed64(key, hash);
  return key + "key";
}
conflict::Vector VectorOf(uint64_t a, uint64_t b) {
  conflict::Vector vector;
  vector.Set(kA, a);
  vector.Set(kB, b);
  return vector;
}
conflict::Version At(LogId log, uint64_t number, uint64_t ms) {
  return {0, Stamp::Make(ms, 0), {log, number}};
}

TEST(SeenSet, CoversWhatAnyOfItsPartsCoversAndNoMore) {
  // Against the definition, for parts by chance.
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Seen> parts;
    for (uint64_t i = random.Below(6); i > 0; --i) {
      HashRange range;
      for (uint64_t depth = random.Below(4); depth > 0; --depth)
        range = range.Half(static_cast<int>(random.Below(2)));
      parts.push_back({range, VectorOf(random.Below(5), random.Below(5))});
    }
    HashRange within;
    for (uint64_t depth = random.Below(3); depth > 0; --depth)
      within = within.Half(static_cast<int>(random.Below(2)));
    const SeenSet set(parts, within);
    conflict::Vector least = VectorOf(9, 9);
    for (uint64_t prefix = 0; prefix < 32; ++prefix) {
      const uint64_t hash = prefix << 59;
      if (!within.Has(hash)) continue;
      conflict::Vector all;
      for (const Seen& part : parts)
        if (part.range.Has(hash)) all.Merge(part.vector);
      for (uint64_t number = 1; number < 5; ++number)
        for (const LogId log : {kA, kB})
          EXPECT_EQ(set.Covers(hash, {log, number}), all.Covers({log, number}));
      least.Meet(all);
    }
    EXPECT_EQ(set.LeastOf(within), least);
    EXPECT_TRUE(set.CoversAll(within, least));
    EXPECT_FALSE(set.CoversAll(within, VectorOf(9, 9)));
  }
}

TEST(SeenSet, IsCutToWhatIsKnown) {
  SeenSet set({{{}, VectorOf(5, 5)}}, {});
  EXPECT_FALSE(set.IsWithin(VectorOf(9, 4)));
  set.CutTo(VectorOf(9, 4));
  EXPECT_TRUE(set.IsWithin(VectorOf(9, 4)));
  EXPECT_TRUE(set.Covers(0, {kA, 5}));
  EXPECT_FALSE(set.Covers(0, {kB, 5}));
}

TEST(SeenFilter, ShowsWhatIsNewAndHasNotLostToWhatWasSeen) {
  const SeenSet set({{{}, VectorOf(3, 0)}}, {});
  SeenFilter::Maker maker(set);
  const std::string one = Key(1), two = Key(2);
  // Region A made change 3 of `one` at 30 ms, B its change 1 at 20 ms and its change 2 at 40 ms,
  // not knowing of each other's; this region applied B's 1, A's 3, B's 2.
  for (const auto& version : {At(kB, 1, 20), At(kA, 3, 30), At(kB, 2, 40)})
    maker.Note(one, version);
  const SeenFilter filter = std::move(maker).Make();
  EXPECT_FALSE(filter.Shows(one, At(kB, 1, 20))) << "lost to what was seen";
  EXPECT_FALSE(filter.Shows(one, At(kA, 3, 30))) << "was seen";
  EXPECT_TRUE(filter.Shows(one, At(kB, 2, 40)));
  EXPECT_TRUE(filter.Shows(two, At(kB, 1, 20))) << "of another item";
  EXPECT_TRUE(filter.ShowsHidden(one, At(kB, 2, 40))) << "the item was another in between";
  EXPECT_FALSE(filter.ShowsHidden(one, At(kB, 1, 20)));
  EXPECT_FALSE(filter.ShowsHidden(two, At(kB, 1, 20)));
}

}  // namespace
}  // namespace everwrite::streams
