#include "conflict/conflict_record.h"

#include <gtest/gtest.h>

#include <tuple>

namespace everwrite::conflict {
namespace {

ConflictRecord Sample() {
  ConflictRecord record;
  record.table = TableId{77};
  record.key = std::string("k\0y", 3);
  record.loser = {{0, Stamp::Make(1000, 3), {LogId::Make(RegionId{1}, 9), 41}}, false, "old"};
  record.winner = {{0, Stamp::Make(1001, 0), {LogId::Make(RegionId{2}, 8), 7}}, true, "key"};
  record.decided_ms = 1234567;
  return record;
}

TEST(ConflictRecord, RoundTripsAndRefusesEveryCut) {
  const std::string bytes = EncodeConflictRecord(Sample());
  ConflictRecord back;
  ASSERT_TRUE(DecodeConflictRecord(bytes, back));
  EXPECT_EQ(EncodeConflictRecord(back), bytes);
  EXPECT_EQ(back.loser.version, Sample().loser.version);
  EXPECT_EQ(back.winner.tombstone, true);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(DecodeConflictRecord(std::string_view(bytes).substr(0, cut), back)) << cut;
}

TEST(ConflictRecord, ItsNameLeadsBackToItsPlaceInTheLedger) {
  const Version loser = Sample().loser.version;
  Version parsed;
  ASSERT_TRUE(ParseConflictName(ConflictName(loser), parsed));
  EXPECT_EQ(LedgerKey(parsed), LedgerKey(loser));
  for (const char* bad : {"", "1-2", "1-2-3-4", "x-1-2", "1-2-3 ", "-1-2-3"})
    EXPECT_FALSE(ParseConflictName(bad, parsed)) << bad;
}

}  // namespace
}  // namespace everwrite::conflict
