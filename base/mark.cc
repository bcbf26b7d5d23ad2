#include "base/mark.h"

namespace everwrite {

const std::array<MarkInfo, kMarkCount>& MarkInfos() {
  using enum Mark;
  static const std::array<MarkInfo, kMarkCount> infos = {{
      {kBatchRepeated, "batch-repeated", "a batch came whose changes are all here"},
      {kBatchOverlaps, "batch-overlaps", "a batch came whose first changes are here"},
      {kGapSeen, "gap-seen", "changes were missing before a batch, and were asked for again"},
      {kSourceTrimmed, "source-trimmed", "a source's log does not reach back far enough"},
      {kSourceLacks, "source-lacks", "a source was not told what a change of a table says"},
      {kSourceSilent, "source-silent", "a source with more to give fell silent, and was left"},
      {kSessionUnanswered, "session-unanswered", "the opening of a session was not answered"},
      {kRelayed, "relayed", "a log that is written to is pulled from a third region"},
      {kFormerLifePulled, "former-life-pulled", "a log that its region has left is pulled"},
      {kNumbersAlone, "numbers-alone", "nobody has more of a change than its number"},
      {kChangeParked, "change-parked", "a change waits for its causes"},
      {kTransactionParked, "transaction-parked", "a transaction waits for its end"},
      {kStampAhead, "stamp-ahead", "a change is held because its stamp lies in the future"},
      {kApplyRetried, "apply-retried",
       "a batch was refused by the region, and is handed over again"},
      {kStabilityWaits, "stability-waits",
       "what is on its way from a former life holds back what is stable"},
      {kClockCorrected, "clock-corrected", "a majority's clocks correct the region's"},
      {kTieBroken, "tie-broken", "two versions of one key have one stamp"},
      {kClockAheadOfItself, "clock-ahead-of-itself",
       "the hybrid clock stands ahead of the physical one"},
      {kChangeRepeated, "change-repeated", "a region was handed a change that it has applied"},
      {kRowsOfDroppedTable, "rows-of-dropped-table", "a change came of a table that is gone"},
      {kWriteHeldBack, "write-held-back",
       "a write was refused while the region makes sure that its log goes on"},
      {kLogBegunAnew, "log-begun-anew", "a peer holds more of our log than we do"},
      {kLogBegunForSilence, "log-begun-for-silence",
       "not every peer said what it holds of our log"},
      {kOwnTailAwaited, "own-tail-awaited",
       "clients wait until our own changes are back from a peer"},
      {kCutLoose, "cut-loose", "the log was trimmed before a region had it"},
      {kCutLooseBack, "cut-loose-back", "a region that was cut loose is back"},
      {kLogTrimmed, "log-trimmed", "changes that everybody holds were trimmed"},
      {kFillingBegun, "filling-begun", "a region began to be filled"},
      {kFillingClaimsMore, "filling-claims-more", "it was cut loose again meanwhile"},
      {kFillingPassesAgain, "filling-passes-again", "one pass through the rows was not enough"},
      {kFillingForsakes, "filling-forsakes", "what nobody shows any more was given up"},
      {kChunkRefused, "chunk-refused", "a chunk came that is not the next one"},
      {kFillingDropsRow, "filling-drops-row", "a row went because the source had it deleted"},
      {kFillingFindsConflict, "filling-finds-conflict",
       "a chunk brought what a row here did not know"},
      {kTableFilledAlone, "table-filled-alone", "a table was filled by itself"},
      {kTombstoneForgotten, "tombstone-forgotten", "a stable tombstone was forgotten"},
      {kTombstoneReplaced, "tombstone-replaced", "a stable tombstone had been written over"},
      {kTokenRepeated, "token-repeated", "a transaction came again with its token"},
      {kExpiryTakenOver, "expiry-taken-over", "an expired item of a silent region was deleted"},
      {kIndexEntryBackfilled, "index-entry-backfilled",
       "an index was given an entry of an old row"},
      {kStreamReadTrimmed, "stream-read-trimmed", "a reader of a stream came too late"},
      {kBucketsDiffer, "buckets-differ", "two buckets that have seen the same changes differ"},
      {kRowRepaired, "row-repaired", "a row was replaced by another region's"},
  }};
  return infos;
}

}  // namespace everwrite
