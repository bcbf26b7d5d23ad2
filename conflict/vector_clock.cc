#include "conflict/vector_clock.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/coding.h"

namespace everwrite::conflict {
namespace {

constexpr size_t kEntryBytesMax = 8 + coding::kVarintBytesMax;

char* EncodeEntry(char* at, Dot dot) {
  StoreFixed64(at, dot.log.value);
  return coding::StoreVarint(at + 8, dot.number);
}

// Calls visit(dot) for each entry of a vector's one form; false when it is none.
template <typename Visitor>
bool ForEachEncoded(Reader& reader, uint64_t count, Visitor&& visit) {
  LogId before;
  for (uint64_t i = 0; i < count; ++i) {
    Dot dot;
    if (!reader.ReadFixed64(dot.log.value) || !reader.ReadVarint(dot.number)) return false;
    if (dot.number == 0 || (i > 0 && before >= dot.log)) return false;
    visit(dot);
    before = dot.log;
  }
  return reader.done();
}

// An entry is at least 9 bytes: a count that the input cannot hold is refused before allocation.
bool ReadCount(Reader& reader, uint64_t& count) {
  return reader.ReadVarint(count) && count <= reader.rest().size() / 9;
}

}  // namespace

bool Vector::Covers(const Vector& other) const {
  const Dot* at = entries_.begin();
  const Dot* const end = entries_.end();
  for (const Dot& dot : other.entries_) {
    WalkTo(dot.log, at, end);
    if (at == end || at->log != dot.log || at->number < dot.number) return false;
  }
  return true;
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
  if (dot.number == 0) return;
  uint64_t& number = Slot(dot.log);
  number = std::max(number, dot.number);
}

void Vector::Set(LogId log, uint64_t number) {
  if (number != 0) {
    Slot(log) = number;
  } else {
    const Dot* const at = entries_.LowerBound(log);
    if (at != entries_.end() && at->log == log) entries_.Erase(at);
  }
}

uint64_t& Vector::Slot(LogId log) {
  Dot* at = entries_.begin() + (entries_.LowerBound(log) - entries_.begin());
  if (at == entries_.end() || at->log != log) at = entries_.Insert(at, Dot{log, 0});
  return at->number;
}

void Vector::Merge(const Vector& other) {
  Dot* at = entries_.begin();
  Dot* end = entries_.end();
  for (const Dot& dot : other.entries_) {
    WalkTo(dot.log, at, end);
    if (at != end && at->log == dot.log) {
      at->number = std::max(at->number, dot.number);
    } else {
      at = entries_.Insert(at, dot);
      end = entries_.end();
    }
  }
}

void Vector::Meet(const Vector& other) {
  const Dot* at = other.entries_.begin();
  const Dot* const end = other.entries_.end();
  Dot* kept = entries_.begin();
  for (const Dot& dot : entries_) {
    WalkTo(dot.log, at, end);
    if (at == end) break;
    if (at->log == dot.log) *kept++ = {dot.log, std::min(dot.number, at->number)};
  }
  entries_.EraseFrom(kept);
}

void Vector::EncodeTo(std::string& out) const {
  PutVarint(out, entries_.size());
  // Some entries at a time: to append costs more than to encode.
  std::array<char, 16 * kEntryBytesMax> buffer;
  char* at = buffer.data();
  for (const Dot& dot : entries_) {
    at = EncodeEntry(at, dot);
    if (at <= buffer.data() + buffer.size() - kEntryBytesMax) continue;
    out.append(buffer.data(), static_cast<size_t>(at - buffer.data()));
    at = buffer.data();
  }
  out.append(buffer.data(), static_cast<size_t>(at - buffer.data()));
}

size_t Vector::EncodedSize() const {
  size_t size = coding::VarintSize(entries_.size());
  for (const Dot& dot : entries_) size += 8 + coding::VarintSize(dot.number);
  return size;
}

char* Vector::EncodeAt(char* at) const {
  at = coding::StoreVarint(at, entries_.size());
  for (const Dot& dot : entries_) at = EncodeEntry(at, dot);
  return at;
}

bool Vector::Decode(std::string_view bytes, Vector& vector) {
  if (!vector.empty()) {
    Vector fresh;
    if (!Decode(bytes, fresh)) return false;
    vector = std::move(fresh);
    return true;
  }
  Reader reader(bytes);
  uint64_t count = 0;
  if (!ReadCount(reader, count)) return false;
  Dot* at = vector.entries_.MakeRoom(count);
  if (ForEachEncoded(reader, count, [&at](Dot dot) { *at++ = dot; })) return true;
  vector.entries_.EraseFrom(vector.entries_.begin());
  return false;
}

bool Vector::DecodeAt(std::string_view bytes, LogId log, uint64_t& number) {
  Reader reader(bytes);
  uint64_t count = 0;
  if (!ReadCount(reader, count)) return false;
  uint64_t found = 0;
  if (!ForEachEncoded(reader, count, [&](Dot dot) {
        if (dot.log == log) found = dot.number;
      }))
    return false;
  number = found;
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
