// ClockNote: what the region's clock was corrected by, noted in its store. A region whose clock
// runs an hour ahead, and that starts while it hears no majority, would stamp its first writes an
// hour ahead again, and they would win for that hour.
//
// Nobody knows what happened to the clock meanwhile. Of the two times that may be right the earlier
// is taken, until a majority has said which it is: so a clock that was behind starts as it is, and
// one that was ahead starts with its correction, unless it stands before the place where it was
// seen last. Then somebody has set it back.
//
// Thread-safety: Restore first, then Correct and Keep from one thread at a time.
#pragma once

#include <cstdint>

#include "base/corrected_clock.h"
#include "base/kv_store.h"

namespace everwrite::table {

class ClockNote {
 public:
  // Both outlive it.
  ClockNote(KvStore& store, CorrectedClock& clock) : store_(store), clock_(clock) {}

  // Moves the clock by what is noted. `applies`: false in a folder that has gone to another
  // machine, of whose clock it says nothing, and where nobody will ever judge it. DataLoss: the
  // note is damaged.
  Status Restore(bool applies);
  // Moves the clock, and notes by how much.
  void Correct(int64_t correction_ms);
  // Now and then: notes how far the clock has come, if it is corrected.
  void Keep();

 private:
  Status Drop();
  int64_t RawMillis() const;
  void Write();

  KvStore& store_;
  CorrectedClock& clock_;
  int64_t noted_raw_ms_ = 0;
  bool stands_ = false;  // there is a note in the store
};

}  // namespace everwrite::table
