// Marks of rare branches: the product says where it has been, and the simulator tells at the end
// which of these places no world has come to ("sometimes" assertions, as Antithesis has them and
// FoundationDB's CODE_PROBE). A test that never reaches a branch proves nothing of it.
//
// A mark is a count, relaxed and cheap, in every build; what is marked is rare, so it costs nothing
// that can be measured. Its line in mark.cc says what it means.
//
// Thread-safety: all functions, any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace everwrite {

enum class Mark : uint8_t {
  // replicator
  kBatchRepeated,
  kBatchOverlaps,
  kGapSeen,
  kSourceTrimmed,
  kSourceLacks,
  kSourceSilent,
  kSessionUnanswered,
  kRelayed,
  kFormerLifePulled,
  kNumbersAlone,
  kChangeParked,
  kTransactionParked,
  kStampAhead,
  kApplyRetried,
  kStabilityWaits,
  kClockCorrected,
  // conflict and clock
  kTieBroken,
  kClockAheadOfItself,
  kClockRestored,
  // region/table
  kChangeRepeated,
  kChangeAfterForgetting,
  kRowsOfDroppedTable,
  kWriteHeldBack,
  kLogBegunAnew,
  kLogBegunForSilence,
  kOwnTailAwaited,
  kCutLoose,
  kCutLooseBack,
  kLogTrimmed,
  kFillingBegun,
  kFillingClaimsMore,
  kFillingPassesAgain,
  kFillingForsakes,
  kChunkRefused,
  kFillingDropsRow,
  kFillingFindsConflict,
  kTableFilledAlone,
  kTombstoneForgotten,
  kTombstoneReplaced,
  kTokenRepeated,
  kLedgerForgets,
  kExpiryTakenOver,
  kExpiryWaitsForClock,
  kIndexEntryBackfilled,
  kStreamReadTrimmed,
  // region/session
  kSessionWaited,
  kSessionTooLate,
  // region/convergence
  kBucketsDiffer,
  kRowRepaired,
  kCount,
};

constexpr size_t kMarkCount = static_cast<size_t>(Mark::kCount);
inline std::array<std::atomic<uint64_t>, kMarkCount> mark_counts{};

inline void Reach(Mark mark) {
  mark_counts[static_cast<size_t>(mark)].fetch_add(1, std::memory_order_relaxed);
}

struct MarkInfo {
  Mark mark;
  std::string_view name;
  std::string_view what;
};
// In the order of the marks.
const std::array<MarkInfo, kMarkCount>& MarkInfos();

}  // namespace everwrite
