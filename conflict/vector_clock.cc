#include "conflict/vector_clock.h"

#include <algorithm>
#include <cstdio>

#include "base/coding.h"

namespace everwrite::conflict {
namespace {

constexpr size_t kFew = 6;

auto LowerBound(auto& entries, LogId log) {
  return std::lower_bound(entries.begin(), entries.end(), log,
                          [](const Dot& entry, LogId id) { return entry.log < id; });
}

}  // namespace

uint64_t Vector::At(LogId log) const {
  if (entries_.size() <= kFew) {  // a search by halves would look at as many
    for (const Dot& dot : entries_)
      if (dot.log == log) return dot.number;
    return 0;
  }
  const auto at = LowerBound(entries_, log);
  return at != entries_.end() && at->log == log ? at->number : 0;
}

bool Vector::Covers(const Vector& other) const {
  return std::all_of(other.entries_.begin(), other.entries_.end(),
                     [this](const Dot& dot) { return Covers(dot); });
}

Order Vector::Compare(const Vector& other) const {
  const bool above = Covers(other);
  const bool below = other.Covers(*this);
  if (above && below) return Order::kEqual;
  if (above) return Order::kAfter;
  if (below) return Order::kBefore;
  return Order::kConcurrent;
}

void Vector::Raise(Dot dot) {
  if (dot.number > At(dot.log)) Set(dot.log, dot.number);
}

void Vector::Set(LogId log, uint64_t number) {
  const auto at = LowerBound(entries_, log);
  const bool there = at != entries_.end() && at->log == log;
  if (number == 0) {
    if (there) entries_.Erase(at);
  } else if (there) {
    at->number = number;
  } else {
    entries_.Insert(at, Dot{log, number});
  }
}

void Vector::Merge(const Vector& other) {
  for (const Dot& dot : other.entries_) Raise(dot);
}

void Vector::Meet(const Vector& other) {
  for (Dot& dot : entries_) dot.number = std::min(dot.number, other.At(dot.log));
  entries_.EraseFrom(std::remove_if(entries_.begin(), entries_.end(),
                                    [](const Dot& dot) { return dot.number == 0; }));
}

void Vector::EncodeTo(std::string& out) const {
  PutVarint(out, entries_.size());
  for (const Dot& dot : entries_) {
    PutFixed64(out, dot.log.value);
    PutVarint(out, dot.number);
  }
}

bool Vector::Decode(std::string_view bytes, Vector& vector) {
  Reader reader(bytes);
  uint64_t count = 0;
  // An entry is at least 9 bytes: a count that the input cannot hold is refused before allocation.
  if (!reader.ReadVarint(count) || count > reader.rest().size() / 9) return false;
  Vector result;
  result.entries_.Reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    Dot dot;
    if (!reader.ReadFixed64(dot.log.value) || !reader.ReadVarint(dot.number)) return false;
    if (dot.number == 0) return false;
    if (!result.entries_.empty() && result.entries_.back().log >= dot.log) return false;
    result.entries_.PushBack(dot);
  }
  if (!reader.done()) return false;
  vector = std::move(result);
  return true;
}

std::string Vector::ToString() const {
  std::string text;
  for (const Dot& dot : entries_) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%s%u.%04x:%llu", text.empty() ? "" : " ",
                  dot.log.region().value, static_cast<unsigned>(dot.log.value & 0xffff),
                  static_cast<unsigned long long>(dot.number));
    text += buffer;
  }
  return text;
}

}  // namespace everwrite::conflict
