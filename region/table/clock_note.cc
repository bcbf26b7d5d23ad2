#include "region/table/clock_note.h"

#include <string>

#include "base/coding.h"
#include "base/mark.h"
#include "region/table/layout.h"

namespace everwrite::table {
namespace {

// A clock that was set back by more than this while the region was down is noticed.
constexpr int64_t kKeepMillis = 10'000;

}  // namespace

int64_t ClockNote::RawMillis() const {
  return static_cast<int64_t>(clock_.PhysicalMillis()) - clock_.correction_ms();
}

Status ClockNote::Restore(bool applies) {
  std::string value;
  EW_ASSIGN_OR_RETURN(stands_, store_.Get(ColumnFamily::kSystem, kClockKey, &value));
  if (!stands_) return {};
  int64_t ahead_ms = 0;
  if (!DecodeClockNote(value, ahead_ms, noted_raw_ms_))
    return DataLoss("what the region knows of its clock is damaged");
  if (!applies || RawMillis() < noted_raw_ms_) return Drop();
  Reach(Mark::kClockRestored);
  clock_.Correct(-ahead_ms);
  return {};
}

void ClockNote::Correct(int64_t correction_ms) {
  if (correction_ms == clock_.correction_ms()) return;
  clock_.Correct(correction_ms);
  if (correction_ms < 0) return Write();
  (void)Drop();
}

void ClockNote::Keep() {
  if (clock_.correction_ms() < 0 && RawMillis() - noted_raw_ms_ >= kKeepMillis) Write();
}

// Not synced, for it goes with the next write of a client; and an older note says less, or nothing,
// which is no reason to stop.
void ClockNote::Write() {
  noted_raw_ms_ = RawMillis();
  KvBatch batch;
  batch.Put(ColumnFamily::kSystem, kClockKey,
            EncodeClockNote(-clock_.correction_ms(), noted_raw_ms_));
  stands_ |= store_.Write(batch, Sync::kNo).ok();
}

Status ClockNote::Drop() {
  if (!stands_) return {};
  stands_ = false;
  KvBatch batch;
  batch.Delete(ColumnFamily::kSystem, kClockKey);
  return store_.Write(batch, Sync::kNo);
}

}  // namespace everwrite::table
