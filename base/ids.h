// The vocabulary of names and positions. Different things have different types, so that a stamp
// cannot be handed over where the number of a change is meant. All are small values, free to copy.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace everwrite {

// A region's stable number, given in the topology file and never reused. 1 .. 65535.
struct RegionId {
  uint16_t value = 0;
  friend auto operator<=>(const RegionId&, const RegionId&) = default;
};

// A region's incarnation: the name of one change log. The region's id is in the high 16 bits; the
// low 48 were never used before by that region. 0 is no log.
struct LogId {
  uint64_t value = 0;
  RegionId region() const { return RegionId{static_cast<uint16_t>(value >> 48)}; }
  static LogId Make(RegionId region, uint64_t incarnation) {
    return LogId{(static_cast<uint64_t>(region.value) << 48) | (incarnation & 0xffffffffffffULL)};
  }
  friend auto operator<=>(const LogId&, const LogId&) = default;
};

// The name of one change: the `number`th change of `log`. Numbers start at 1 and have no gaps;
// number 0 stands for "before the first".
struct Dot {
  LogId log;
  uint64_t number = 0;
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

// A hybrid logical clock stamp: 48 bits of milliseconds since the Unix epoch, 16 bits of counter.
struct Stamp {
  uint64_t value = 0;
  uint64_t milliseconds() const { return value >> 16; }
  uint16_t counter() const { return static_cast<uint16_t>(value); }
  static Stamp Make(uint64_t milliseconds, uint16_t counter) {
    return Stamp{(milliseconds << 16) | counter};
  }
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// One incarnation of a table: a table deleted and created again under its name has another id.
struct TableId {
  uint64_t value = 0;
  friend auto operator<=>(const TableId&, const TableId&) = default;
};

// One incarnation of a secondary index of a table, never given twice within a table's incarnation.
struct IndexId {
  uint64_t value = 0;
  friend auto operator<=>(const IndexId&, const IndexId&) = default;
};

}  // namespace everwrite

template <>
struct std::hash<everwrite::LogId> {
  size_t operator()(const everwrite::LogId& id) const noexcept {
    return std::hash<uint64_t>()(id.value);
  }
};
template <>
struct std::hash<everwrite::TableId> {
  size_t operator()(const everwrite::TableId& id) const noexcept {
    return std::hash<uint64_t>()(id.value);
  }
};
