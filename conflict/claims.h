// Claims: what a region's vector says beyond what its rows show, while it is filled.
//
// A region's vector ("applied") serves two ends. The logs go on from there; and it is a claim about
// rows: they show every change that it covers. While a region is filled the two differ: from the
// beginning the vector counts what the region will have, so that the logs need not wait; the rows
// come bit by bit. Claims are the difference: of each log that was jumped ahead, up to where the
// rows show it (all of them), and up to where it was jumped.
//
//   rows show        claimed, not shown           came by the log
//   1 ............ shown ................... claimed ............. applied
//
// What a region shows is true whatever else it waits for, and only grows: so any region, be it half
// filled, can be a source of exactly that, and nobody ever has to wait for another one to be whole
// (docs/decisions/0024).
//
// Thread-safety: a value.
#pragma once

#include "conflict/vector_clock.h"

namespace everwrite::conflict {

class Claims {
 public:
  Claims() = default;
  // As stored or received: of each log where `claimed` is above `shown`.
  Claims(Vector shown, const Vector& claimed);

  // What the rows of a region at `applied` show.
  Vector ShownOf(const Vector& applied) const;
  // The region, at `applied`, takes `more` into its vector and has no rows of it yet.
  void Claim(const Vector& applied, const Vector& more);
  // All rows show `vector` now.
  void Show(const Vector& vector);
  // Who shows `vector` has something that is claimed and not shown.
  bool Want(const Vector& vector) const;

  bool empty() const { return claimed_.empty(); }
  // Of logs with a claim only.
  const Vector& shown() const { return shown_; }
  const Vector& claimed() const { return claimed_; }

  friend bool operator==(const Claims&, const Claims&) = default;

 private:
  Vector shown_;
  Vector claimed_;
};

}  // namespace everwrite::conflict
