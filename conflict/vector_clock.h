// Vector: for every log, up to which number it has been seen, in order and without a gap.
//
// The one small structure that does five jobs (docs/architecture.md): exactly-once apply, conflict
// detection, causal delivery, session tokens, causal stability. A log that is not named stands at
// 0, so the empty vector is the beginning of time and every vector has one form: entries sorted by
// log, none of them 0. Two vectors are the same set of changes exactly when they are equal member
// by member.
//
// The theory is that of version vectors (Parker et al. 1983) with dots (Preguiça et al. 2010): a
// dot names one change, a vector names a downward-closed set of them.
//
// Thread-safety: a value.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "conflict/dot_list.h"

namespace everwrite::conflict {

enum class Order : uint8_t { kEqual, kBefore, kAfter, kConcurrent };

class Vector {
 public:
  Vector() = default;

  // The number up to which `log` is covered; 0 when it is not named.
  uint64_t At(LogId log) const {
    const Dot* const at = entries_.LowerBound(log);
    return at != entries_.end() && at->log == log ? at->number : 0;
  }
  bool Covers(Dot dot) const { return dot.number <= At(dot.log); }
  // Every change of `other` is also one of ours.
  bool Covers(const Vector& other) const;
  Order Compare(const Vector& other) const;
  // Calls visit(dot) for each of our entries that `other` does not cover, in order.
  template <typename Visitor>
  void ForEachAbove(const Vector& other, Visitor&& visit) const {
    const Dot* at = other.entries_.begin();
    const Dot* const end = other.entries_.end();
    for (const Dot& dot : entries_) {
      WalkTo(dot.log, at, end);
      if (at == end || at->log != dot.log || at->number < dot.number) visit(dot);
    }
  }

  // Raises `dot.log` to `dot.number`; never lowers.
  void Raise(Dot dot);
  // Sets `log` to exactly `number`; for building, and for cutting a log back.
  void Set(LogId log, uint64_t number);
  // The union: each log at the higher of the two.
  void Merge(const Vector& other);
  // The intersection: each log at the lower of the two.
  void Meet(const Vector& other);

  bool empty() const { return entries_.empty(); }
  std::span<const Dot> entries() const { return entries_.span(); }

  // A varint count, then (log as 8 bytes, number as varint), sorted by log.
  void EncodeTo(std::string& out) const;
  size_t EncodedSize() const;
  // The same, to where there is room for it; returns where it ends.
  char* EncodeAt(char* at) const;
  // False, and `vector` untouched, unless all of `bytes` is one vector in its one form.
  static bool Decode(std::string_view bytes, Vector& vector);
  // At() of the vector that `bytes` are, without making it; false as Decode says it.
  static bool DecodeAt(std::string_view bytes, LogId log, uint64_t& number);
  // "1.3f2a:17 2.77b0:9": region, the low bits of the incarnation, number. For people.
  std::string ToString() const;

  friend bool operator==(const Vector&, const Vector&) = default;

 private:
  // Both lists are sorted by log: a walk through one of them, to where `log` is or would be.
  template <typename At>
  static void WalkTo(LogId log, At& at, At end) {
    while (at != end && at->log < log) ++at;
  }

  // The number of `log`, which is made if it is not there: to be set above 0.
  uint64_t& Slot(LogId log);

  DotList entries_;  // sorted by log, numbers above 0
};

}  // namespace everwrite::conflict
