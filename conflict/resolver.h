// The resolver: given what is stored and a change that arrives, who wins, and did anybody lose
// unknown?
//
// Winning is only the order of versions. The vector adds the second answer: the change's context
// covers the stored version's dot if and only if the region that made the change had it before it,
// so it was overwritten knowingly. Otherwise the two are concurrent: somebody's write is about to
// lose to a write that never saw it. That is a conflict, and the loser goes to the ledger. One dot
// an item is enough: the stored version is a single write, and a context says exactly which writes
// its maker had.
//
// Nothing is lost, and there is no conflict, when both delete, or both wrote the same content.
//
// Pure; thread-safe.
#pragma once

#include <string_view>

#include "conflict/vector_clock.h"
#include "conflict/version.h"

namespace everwrite::conflict {

struct StoredState {
  Version version;
  bool tombstone = false;
  std::string_view image;
};

struct IncomingChange {
  Version version;
  bool tombstone = false;
  std::string_view image;
  // What the maker had applied, without its own log (of which it had all before version.dot).
  const Vector* context = nullptr;

  // The maker had this change when it made the incoming one.
  bool Knows(Dot dot) const {
    if (dot.log == version.dot.log) return dot.number < version.dot.number;
    return context->Covers(dot);
  }
};

enum class Verdict : uint8_t {
  kTake,          // nothing stored, or overwritten knowingly
  kTakeConflict,  // the incoming wins, and what is stored loses unknown
  kKeep,  // stored already: the same version, or one that the incoming lost to without a loss
  kKeepConflict,  // the stored wins, and the incoming loses unknown
};

// `stored` is null when the region has no version of the item.
Verdict Resolve(const StoredState* stored, const IncomingChange& incoming);

inline bool Takes(Verdict verdict) {
  return verdict == Verdict::kTake || verdict == Verdict::kTakeConflict;
}
inline bool IsConflict(Verdict verdict) {
  return verdict == Verdict::kTakeConflict || verdict == Verdict::kKeepConflict;
}

}  // namespace everwrite::conflict
