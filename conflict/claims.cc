#include "conflict/claims.h"

#include <algorithm>

namespace everwrite::conflict {

Claims::Claims(Vector shown, const Vector& claimed) {
  for (const Dot& dot : claimed.entries()) {
    if (shown.Covers(dot)) continue;
    claimed_.Raise(dot);
    shown_.Set(dot.log, shown.At(dot.log));
  }
}

Vector Claims::ShownOf(const Vector& applied) const {
  Vector shown = applied;
  for (const Dot& dot : claimed_.entries())
    shown.Set(dot.log, std::min(shown_.At(dot.log), applied.At(dot.log)));
  return shown;
}

void Claims::Claim(const Vector& applied, const Vector& more) {
  for (const Dot& dot : more.entries()) {
    if (applied.Covers(dot)) continue;
    if (claimed_.At(dot.log) == 0) shown_.Set(dot.log, applied.At(dot.log));
    claimed_.Raise(dot);
  }
}

void Claims::Show(const Vector& vector) {
  Vector shown = shown_;
  shown.Merge(vector);
  *this = Claims(std::move(shown), claimed_);
}

bool Claims::Want(const Vector& vector) const {
  return std::any_of(claimed_.entries().begin(), claimed_.entries().end(),
                     [&](const Dot& dot) { return vector.At(dot.log) > shown_.At(dot.log); });
}

}  // namespace everwrite::conflict
