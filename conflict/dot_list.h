// DotList: the dots of a vector, in one piece of memory. Up to four are in the object itself, as
// many as three regions have with one that lost its disk; vectors are copied with every change,
// every message and every bucket's digest.
//
// Thread-safety: a value.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/ids.h"

namespace everwrite::conflict {

class DotList {
 public:
  DotList() = default;
  DotList(const DotList& other) : near_(other.near_), size_(other.size_) {
    if (other.far_) Assign(other.span());
  }
  DotList(DotList&& other) noexcept
      : near_(other.near_), far_(std::move(other.far_)), size_(other.size_), room_(other.room_) {
    other.Forget();
  }
  DotList& operator=(const DotList& other) {
    if (this != &other) Assign(other.span());
    return *this;
  }
  DotList& operator=(DotList&& other) noexcept {
    if (this == &other) return *this;
    near_ = other.near_;
    far_ = std::move(other.far_);
    size_ = other.size_;
    room_ = other.room_;
    other.Forget();
    return *this;
  }
  ~DotList() = default;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Dot* begin() { return data(); }
  Dot* end() { return data() + size_; }
  const Dot* begin() const { return data(); }
  const Dot* end() const { return data() + size_; }
  const Dot& back() const { return data()[size_ - 1]; }
  std::span<const Dot> span() const { return {data(), size_}; }

  // Of a list that is sorted by log: the first not below `log`. By halves without a branch, which
  // nobody could guess.
  const Dot* LowerBound(LogId log) const {
    const Dot* at = data();
    size_t rest = size_;
    for (; rest > 1; rest -= rest / 2) at += at[rest / 2 - 1].log < log ? rest / 2 : 0;
    return at + (rest == 1 && at->log < log ? 1 : 0);
  }

  void Reserve(size_t room) {
    if (room <= room_) return;
    auto wider = std::make_unique<Dot[]>(room);
    std::copy(begin(), end(), wider.get());
    far_ = std::move(wider);
    room_ = static_cast<uint32_t>(room);
  }
  // Of an empty list: it has so many, which the caller sets.
  Dot* MakeRoom(size_t size) {
    Reserve(size);
    size_ = static_cast<uint32_t>(size);
    return data();
  }
  // Before `at`, which is of this list; returns where it stands now.
  Dot* Insert(const Dot* at, Dot dot) {
    const auto index = at - data();
    if (size_ == room_) Reserve(size_t{room_} * 2);
    std::copy_backward(begin() + index, end(), end() + 1);
    data()[index] = dot;
    ++size_;
    return data() + index;
  }
  void Erase(const Dot* at) {
    const auto index = at - data();
    std::copy(begin() + index + 1, end(), begin() + index);
    --size_;
  }
  // Those at and behind `from`.
  void EraseFrom(const Dot* from) { size_ = static_cast<uint32_t>(from - data()); }

  friend bool operator==(const DotList& a, const DotList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr uint32_t kNear = 4;
  static_assert(std::is_trivially_copyable_v<Dot>);

  Dot* data() { return far_ ? far_.get() : near_.data(); }
  const Dot* data() const { return far_ ? far_.get() : near_.data(); }
  void Assign(std::span<const Dot> dots) {
    size_ = 0;  // nothing of what was there is kept
    Reserve(dots.size());
    std::copy(dots.begin(), dots.end(), begin());
    size_ = static_cast<uint32_t>(dots.size());
  }
  void Forget() {
    size_ = 0;
    room_ = kNear;
  }

  std::array<Dot, kNear> near_;
  std::unique_ptr<Dot[]> far_;  // in place of near_, when there are more
  uint32_t size_ = 0;
  uint32_t room_ = kNear;
};

}  // namespace everwrite::conflict
