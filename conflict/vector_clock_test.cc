// Vectors form a lattice: the laws are checked for every pair and triple of a small world.
#include "conflict/vector_clock.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "base/random.h"

namespace everwrite::conflict {
namespace {

const LogId kLogs[] = {LogId::Make(RegionId{1}, 7), LogId::Make(RegionId{2}, 7),
                       LogId::Make(RegionId{2}, 8)};

// All vectors over three logs with numbers 0 .. 2.
std::vector<Vector> AllVectors() {
  std::vector<Vector> all;
  for (int code = 0; code < 27; ++code) {
    Vector v;
    for (int i = 0, rest = code; i < 3; ++i, rest /= 3) v.Set(kLogs[i], rest % 3);
    all.push_back(v);
  }
  return all;
}

Vector Join(Vector a, const Vector& b) {
  a.Merge(b);
  return a;
}
Vector Cut(Vector a, const Vector& b) {
  a.Meet(b);
  return a;
}

TEST(Vector, MergeAndMeetAreALattice) {
  const auto all = AllVectors();
  for (const Vector& a : all) {
    EXPECT_EQ(Join(a, a), a);
    EXPECT_EQ(Cut(a, a), a);
    for (const Vector& b : all) {
      EXPECT_EQ(Join(a, b), Join(b, a));
      EXPECT_EQ(Cut(a, b), Cut(b, a));
      EXPECT_EQ(Join(a, Cut(a, b)), a);
      EXPECT_EQ(Cut(a, Join(a, b)), a);
      for (const Vector& c : all) {
        EXPECT_EQ(Join(Join(a, b), c), Join(a, Join(b, c)));
        EXPECT_EQ(Cut(Cut(a, b), c), Cut(a, Cut(b, c)));
      }
    }
  }
}

TEST(Vector, CompareAgreesWithCovers) {
  for (const Vector& a : AllVectors()) {
    for (const Vector& b : AllVectors()) {
      const Order order = a.Compare(b);
      EXPECT_EQ(order == Order::kEqual, a == b);
      EXPECT_EQ(a.Covers(b), order == Order::kEqual || order == Order::kAfter);
      EXPECT_EQ(a.Covers(b), Join(a, b) == a);
      EXPECT_EQ(b.Compare(a) == Order::kBefore, order == Order::kAfter);
    }
  }
}

TEST(Vector, RaiseNeverLowers) {
  Vector v;
  v.Raise({kLogs[0], 5});
  v.Raise({kLogs[0], 3});
  EXPECT_EQ(v.At(kLogs[0]), 5u);
  EXPECT_TRUE(v.Covers(Dot{kLogs[0], 5}));
  EXPECT_FALSE(v.Covers(Dot{kLogs[0], 6}));
  EXPECT_FALSE(v.Covers(Dot{kLogs[1], 1}));
}

TEST(Vector, HasOneFormOfBytes) {
  for (const Vector& v : AllVectors()) {
    std::string bytes;
    v.EncodeTo(bytes);
    std::string other(v.EncodedSize(), 0);
    EXPECT_EQ(v.EncodeAt(other.data()), other.data() + other.size());
    EXPECT_EQ(other, bytes);
    Vector back;
    ASSERT_TRUE(Vector::Decode(bytes, back));
    EXPECT_EQ(back, v);
    // What is refused leaves what was there, or nothing.
    Vector empty;
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      EXPECT_FALSE(Vector::Decode(std::string_view(bytes).substr(0, cut), back));
      EXPECT_FALSE(Vector::Decode(std::string_view(bytes).substr(0, cut), empty));
    }
    EXPECT_FALSE(Vector::Decode(bytes + "x", back));
    EXPECT_EQ(back, v);
    EXPECT_TRUE(empty.empty());
  }
}

TEST(Vector, RefusesWhatIsNotInItsOneForm) {
  Vector v;
  const auto encode = [](std::vector<Dot> dots) {
    std::string bytes(1, static_cast<char>(dots.size()));
    for (const Dot& dot : dots) {
      for (int i = 7; i >= 0; --i) bytes.push_back(static_cast<char>(dot.log.value >> (8 * i)));
      bytes.push_back(static_cast<char>(dot.number));
    }
    return bytes;
  };
  EXPECT_TRUE(Vector::Decode(encode({{kLogs[0], 1}, {kLogs[1], 1}}), v));
  EXPECT_FALSE(Vector::Decode(encode({{kLogs[1], 1}, {kLogs[0], 1}}), v)) << "unsorted";
  EXPECT_FALSE(Vector::Decode(encode({{kLogs[0], 1}, {kLogs[0], 2}}), v)) << "twice";
  EXPECT_FALSE(Vector::Decode(encode({{kLogs[0], 0}}), v)) << "zero";
  EXPECT_FALSE(Vector::Decode("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", v))
      << "a count beyond the input";
}

// Few dots lie in the vector itself, more elsewhere.
TEST(Vector, HoldsAnyNumberOfLogsThroughCopiesAndMoves) {
  Random random(5);
  Vector v;
  std::map<LogId, uint64_t> model;
  for (int step = 0; step < 20000; ++step) {
    const LogId log = LogId::Make(RegionId{1}, 1 + random.Below(12));
    const uint64_t number = random.Below(step % 2000 < 1000 ? 4 : 2);
    v.Set(log, number);
    if (number == 0) {
      model.erase(log);
    } else {
      model[log] = number;
    }
    Vector copy = v;
    EXPECT_EQ(copy, v);
    if (random.Chance(1, 3)) {
      Vector other;
      other.Set(log, 9);
      other = v;
      v = std::move(copy);
      EXPECT_EQ(other, v);
      EXPECT_TRUE(copy.empty());
      copy.Set(log, 1);
      EXPECT_EQ(copy.entries().size(), 1u);
    }
    ASSERT_EQ(v.entries().size(), model.size());
    for (const Dot& dot : v.entries()) ASSERT_EQ(model[dot.log], dot.number);
    ASSERT_EQ(v.At(log), number);
  }
}

TEST(Vector, DecodingAnyBytesIsSafe) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random.Below(40), '\0');
    for (char& c : bytes) c = static_cast<char>(random.Next());
    if (!bytes.empty()) bytes[0] = static_cast<char>(random.Below(4));
    Vector v;
    if (Vector::Decode(bytes, v)) {
      std::string again;
      v.EncodeTo(again);
      Vector back;
      EXPECT_TRUE(Vector::Decode(again, back) && back == v);
    }
  }
}

}  // namespace
}  // namespace everwrite::conflict
