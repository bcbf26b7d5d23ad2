// Number: DynamoDB's decimal. 38 significant digits exactly, magnitudes from 1E-130 to
// 9.9999999999999999999999999999999999999E+125, and zero (there is no negative zero).
//
// Three forms:
// - text as clients send it: [+-]digits[.digits][e[+-]digits], any amount of zeros;
// - canonical text as DynamoDB prints it and as items store it: plain notation, no exponent, no
// leading
//   or trailing zeros, "-" only in front of what is not zero (1E+3 is "1000"). One value has one
//   text, so equal numbers are equal bytes, and the order can be read off the text
//   (CompareNumberText);
// - ordered bytes for keys: their order as unsigned bytes is the order of the values.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace everwrite::item {

inline constexpr int kNumberDigitsMax = 38;
// Of the scientific notation d.ddd x 10^e.
inline constexpr int kNumberExponentMin = -130;
inline constexpr int kNumberExponentMax = 125;
// Sign, "0.", 129 zeros and 38 digits.
inline constexpr size_t kNumberTextBytesMax = 170;
inline constexpr size_t kOrderedNumberBytesMax = 22;

class Number {
 public:
  Number() = default;  // zero

  static Result<Number> Parse(std::string_view text);
  static Number FromInteger(int64_t value);

  // Canonical text.
  std::string ToString() const;
  void AppendTo(std::string& out) const;

  // Self-delimiting: more bytes may follow without changing the order.
  //   0x01 negative | 0x02 zero | 0x03 positive; then, for all but zero,
  //   1 byte the decimal exponent, then the digits from the first, two a byte (1..100), then 0x00.
  // Everything behind the sign is complemented when it is negative.
  void AppendOrdered(std::string& out) const;
  // Reads one such encoding from the front of `in`; false when it is not one.
  static bool TakeOrdered(std::string_view& in, Number& number);

  // Exact, or an error: overflow, or more than 38 significant digits.
  static Result<Number> Add(const Number& left, const Number& right);
  static Result<Number> Subtract(const Number& left, const Number& right);
  Number Negated() const;

  bool IsZero() const { return coefficient_ == 0; }
  bool IsNegative() const { return negative_; }
  int SignificantDigits() const;  // 0 for zero

  friend bool operator==(const Number&, const Number&) = default;
  friend std::strong_ordering operator<=>(const Number& left, const Number& right);

 private:
  // coefficient x 10^exponent. The coefficient has no trailing zero and is below 10^38; zero is all
  // 0.
  bool negative_ = false;
  int16_t exponent_ = 0;
  unsigned __int128 coefficient_ = 0;
};

// Appends the canonical form of a client's text. Costs one scan when it is canonical already.
Status AppendCanonicalNumber(std::string_view text, std::string& out);
// Whether this is the canonical text of a number in range.
bool IsCanonicalNumber(std::string_view text);
// Orders two canonical texts by value: negative, zero or positive.
int CompareNumberText(std::string_view left, std::string_view right);
// The bytes that DynamoDB charges for a number, from its canonical text: one, one for the sign of a
// negative one, and one for every two significant digits on either side of the point (measured at
// the service; the developer guide's rule does not tell the sides apart).
size_t NumberSize(std::string_view canonical);

}  // namespace everwrite::item
