#include "region/item/number.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace everwrite::item {
namespace {

using Wide = unsigned __int128;

constexpr Wide PowerOfTen(int power) {
  Wide value = 1;
  for (int i = 0; i < power; ++i) value *= 10;
  return value;
}
constexpr Wide kCoefficientEnd = PowerOfTen(kNumberDigitsMax);  // 10^38 < 2^127

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int CountDigits(Wide value) {
  int digits = 0;
  for (; value != 0; value /= 10) ++digits;
  return digits;
}

Status NotNumeric(std::string_view text) {
  const std::string said = "The parameter cannot be converted to a numeric value";
  return InvalidArgument(text.empty() ? said : said + ": " + std::string(text));
}
Status TooManyDigits() {
  return InvalidArgument("Attempting to store more than 38 significant digits in a Number");
}
Status Overflow() {
  return InvalidArgument(
      "Number overflow. Attempting to store a number with magnitude larger than supported range");
}
Status Underflow() {
  return InvalidArgument(
      "Number underflow. Attempting to store a number with magnitude smaller than supported range");
}

// The pieces of a client's text: digits with the point at `point`, times 10^exponent.
struct NumberText {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  bool has_exponent = false;
  int64_t exponent = 0;
};

std::string_view TakeDigits(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool TakeSign(std::string_view& text) {
  if (text.empty() || (text[0] != '-' && text[0] != '+')) return false;
  bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

bool SplitNumber(std::string_view text, NumberText& parts) {
  parts.negative = TakeSign(text);
  parts.whole = TakeDigits(text);
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    parts.fraction = TakeDigits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  bool negative = TakeSign(text);
  std::string_view digits = TakeDigits(text);
  if (digits.empty() || !text.empty()) return false;
  parts.has_exponent = true;
  uint64_t exponent = 0;
  const char* end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, exponent).ec != std::errc()) return false;
  if (exponent > uint64_t{INT64_MAX} + (negative ? 1 : 0)) return false;
  // Far beyond the range either way, and far from overflowing an int64.
  constexpr uint64_t kExponentBound = uint64_t{1} << 40;
  parts.exponent = static_cast<int64_t>(std::min(exponent, kExponentBound));
  if (negative) parts.exponent = -parts.exponent;
  return true;
}

// The digits as one sequence, without the point.
class DigitSequence {
 public:
  explicit DigitSequence(const NumberText& parts) : parts_(parts) {}
  int64_t size() const {
    return static_cast<int64_t>(parts_.whole.size() + parts_.fraction.size());
  }
  char operator[](int64_t i) const {
    size_t at = static_cast<size_t>(i);
    return at < parts_.whole.size() ? parts_.whole[at] : parts_.fraction[at - parts_.whole.size()];
  }

 private:
  const NumberText& parts_;
};

std::strong_ordering CompareMagnitudes(Wide left, int left_exponent, Wide right,
                                       int right_exponent) {
  int left_digits = CountDigits(left), right_digits = CountDigits(right);
  int left_top = left_digits + left_exponent, right_top = right_digits + right_exponent;
  if (left_top != right_top) return left_top <=> right_top;
  // Same leading position: bring both to the same number of digits, at most 38.
  if (left_digits < right_digits) left *= PowerOfTen(right_digits - left_digits);
  if (right_digits < left_digits) right *= PowerOfTen(left_digits - right_digits);
  return left < right   ? std::strong_ordering::less
         : left > right ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

}  // namespace

Result<Number> Number::Parse(std::string_view text) {
  NumberText parts;
  if (!SplitNumber(text, parts)) return NotNumeric(text);
  DigitSequence digits(parts);
  int64_t first = 0, end = digits.size();
  while (first < end && digits[first] == '0') ++first;
  while (end > first && digits[end - 1] == '0') --end;
  if (first == end) {
    // Zero is held to the range by the exponent that it is written with.
    if (parts.has_exponent && parts.exponent > kNumberExponentMax) return Overflow();
    if (parts.has_exponent && parts.exponent < kNumberExponentMin) return Underflow();
    return Number();
  }
  // Of d.ddd x 10^e: the first digit stands `first` places behind the front of the whole part.
  int64_t leading = static_cast<int64_t>(parts.whole.size()) - first - 1 + parts.exponent;
  if (end - first > kNumberDigitsMax) return TooManyDigits();
  if (leading > kNumberExponentMax) return Overflow();
  if (leading < kNumberExponentMin) return Underflow();
  Number number;
  number.negative_ = parts.negative;
  for (int64_t i = first; i < end; ++i) {
    number.coefficient_ = number.coefficient_ * 10 + static_cast<unsigned>(digits[i] - '0');
  }
  number.exponent_ = static_cast<int16_t>(leading - (end - first - 1));
  return number;
}

Number Number::FromInteger(int64_t value) {
  Number number;
  number.negative_ = value < 0;
  number.coefficient_ = value < 0 ? Wide{0} - static_cast<Wide>(static_cast<__int128>(value))
                                  : static_cast<Wide>(value);
  while (number.coefficient_ != 0 && number.coefficient_ % 10 == 0) {
    number.coefficient_ /= 10;
    ++number.exponent_;
  }
  return number;
}

int Number::SignificantDigits() const { return CountDigits(coefficient_); }

std::string Number::ToString() const {
  std::string out;
  AppendTo(out);
  return out;
}

void Number::AppendTo(std::string& out) const {
  if (IsZero()) {
    out.push_back('0');
    return;
  }
  char buffer[kNumberDigitsMax + 1];
  char* end = buffer + sizeof buffer;
  char* begin = end;
  for (Wide rest = coefficient_; rest != 0; rest /= 10) {
    *--begin = static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  int digits = static_cast<int>(end - begin);
  int point = digits + exponent_;  // digits in front of the point
  if (negative_) out.push_back('-');
  if (exponent_ >= 0) {
    out.append(begin, static_cast<size_t>(digits)).append(static_cast<size_t>(exponent_), '0');
  } else if (point > 0) {
    out.append(begin, static_cast<size_t>(point)).push_back('.');
    out.append(begin + point, static_cast<size_t>(digits - point));
  } else {
    out.append("0.").append(static_cast<size_t>(-point), '0');
    out.append(begin, static_cast<size_t>(digits));
  }
}

namespace {
constexpr uint8_t kOrderedNegative = 0x01, kOrderedZero = 0x02, kOrderedPositive = 0x03;
constexpr int kOrderedExponentBias = -kNumberExponentMin;  // -130..125 becomes 0..255
}  // namespace

void Number::AppendOrdered(std::string& out) const {
  if (IsZero()) {
    out.push_back(static_cast<char>(kOrderedZero));
    return;
  }
  out.push_back(static_cast<char>(negative_ ? kOrderedNegative : kOrderedPositive));
  const uint8_t flip = negative_ ? 0xff : 0x00;
  auto put = [&](int byte) { out.push_back(static_cast<char>(static_cast<uint8_t>(byte) ^ flip)); };
  int digits = SignificantDigits();
  put(digits + exponent_ - 1 + kOrderedExponentBias);
  Wide rest = coefficient_;
  if (digits % 2 != 0) rest *= 10;  // whole pairs from the front; still below 10^38, which is even
  uint8_t pairs[kNumberDigitsMax / 2];
  int count = (digits + 1) / 2;
  for (int i = count; i-- > 0; rest /= 100) pairs[i] = static_cast<uint8_t>(rest % 100);
  for (int i = 0; i < count; ++i) put(pairs[i] + 1);
  put(0);
}

bool Number::TakeOrdered(std::string_view& in, Number& number) {
  if (in.empty()) return false;
  uint8_t sign = static_cast<uint8_t>(in[0]);
  number = Number();
  if (sign == kOrderedZero) {
    in.remove_prefix(1);
    return true;
  }
  if (sign != kOrderedNegative && sign != kOrderedPositive) return false;
  if (in.size() < 4) return false;
  const uint8_t flip = sign == kOrderedNegative ? 0xff : 0x00;
  int leading = static_cast<uint8_t>(in[1] ^ flip) - kOrderedExponentBias;
  Wide coefficient = 0;
  size_t at = 2;
  int count = 0;
  for (;; ++at, ++count) {
    if (at >= in.size()) return false;
    int byte = static_cast<uint8_t>(in[at] ^ flip);
    if (byte == 0) break;
    if (byte > 100 || count == kNumberDigitsMax / 2) return false;
    if (count == 0 && byte <= 10) return false;  // the first digit is not zero
    coefficient = coefficient * 100 + static_cast<unsigned>(byte - 1);
  }
  if (count == 0 || coefficient % 100 == 0) return false;
  int exponent = leading - (2 * count - 1);
  if (coefficient % 10 == 0) {
    coefficient /= 10;
    ++exponent;
  }
  number.negative_ = sign == kOrderedNegative;
  number.coefficient_ = coefficient;
  number.exponent_ = static_cast<int16_t>(exponent);
  in.remove_prefix(at + 1);
  return true;
}

Number Number::Negated() const {
  Number number = *this;
  if (!IsZero()) number.negative_ = !negative_;
  return number;
}

Result<Number> Number::Add(const Number& left, const Number& right) {
  if (left.IsZero()) return right;
  if (right.IsZero()) return left;
  const Number& high = left.exponent_ >= right.exponent_ ? left : right;
  const Number& low = left.exponent_ >= right.exponent_ ? right : left;
  // A sum has a digit where the lower one ends, unless it cancels; so when the higher one's first
  // digit is more than 38 places above that, and nothing can cancel that far, no exact sum fits.
  // One place more is looked at, for 10^38 - 1 and the like.
  int shift = high.exponent_ - low.exponent_;
  int span = high.SignificantDigits() + shift;
  if (span > kNumberDigitsMax + 1) return TooManyDigits();
  // span <= 39: below 10^39, which an unsigned 128-bit integer can exceed only past 3.4 x 10^38.
  Wide scaled = high.coefficient_;
  bool carry = false;  // scaled does not fit: add up in two halves
  for (int i = 0; i < shift; ++i) {
    if (scaled > ~Wide{0} / 10) {
      carry = true;
      break;
    }
    scaled *= 10;
  }
  Number sum;
  if (carry) {
    // At least 3.4 x 10^38, and the other is below 10^38: the difference has 39 digits as well, the
    // last of which is the lower one's, which is not zero.
    return TooManyDigits();
  }
  if (high.negative_ == low.negative_) {
    sum.negative_ = high.negative_;
    sum.coefficient_ = scaled + low.coefficient_;
    if (sum.coefficient_ < scaled) return TooManyDigits();
  } else if (scaled >= low.coefficient_) {
    sum.negative_ = high.negative_;
    sum.coefficient_ = scaled - low.coefficient_;
  } else {
    sum.negative_ = low.negative_;
    sum.coefficient_ = low.coefficient_ - scaled;
  }
  if (sum.IsZero()) return Number();
  int exponent = low.exponent_;
  for (; sum.coefficient_ % 10 == 0; ++exponent) sum.coefficient_ /= 10;
  if (sum.coefficient_ >= kCoefficientEnd) return TooManyDigits();
  int leading = sum.SignificantDigits() + exponent - 1;
  if (leading > kNumberExponentMax) return Overflow();
  if (leading < kNumberExponentMin) return Underflow();
  sum.exponent_ = static_cast<int16_t>(exponent);
  return sum;
}

Result<Number> Number::Subtract(const Number& left, const Number& right) {
  return Add(left, right.Negated());
}

std::strong_ordering operator<=>(const Number& left, const Number& right) {
  auto sign = [](const Number& n) { return n.IsZero() ? 0 : n.negative_ ? -1 : 1; };
  int left_sign = sign(left), right_sign = sign(right);
  if (left_sign != right_sign) return left_sign <=> right_sign;
  if (left_sign == 0) return std::strong_ordering::equal;
  return left_sign > 0 ? CompareMagnitudes(left.coefficient_, left.exponent_, right.coefficient_,
                                           right.exponent_)
                       : CompareMagnitudes(right.coefficient_, right.exponent_, left.coefficient_,
                                           left.exponent_);
}

// --- canonical text ----------------------------------------------------------------------------

namespace {

// A canonical text taken apart. whole is "0" or has no leading zero; fraction has no trailing zero.
struct CanonicalText {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
};

CanonicalText Take(std::string_view text) {
  CanonicalText parts;
  parts.negative = !text.empty() && text[0] == '-';
  if (parts.negative) text.remove_prefix(1);
  const void* point = std::memchr(text.data(), '.', text.size());
  if (point == nullptr) {
    parts.whole = text;
  } else {
    size_t at = static_cast<size_t>(static_cast<const char*>(point) - text.data());
    parts.whole = text.substr(0, at);
    parts.fraction = text.substr(at + 1);
  }
  return parts;
}

// Short integers without a sign oddity: most numbers that clients send.
bool IsPlainInteger(std::string_view text) {
  if (!text.empty() && text[0] == '-') {
    text.remove_prefix(1);
    if (text == "0") return false;
  }
  if (text.empty() || text.size() > static_cast<size_t>(kNumberDigitsMax)) return false;
  if (text[0] == '0') return text.size() == 1;
  return std::all_of(text.begin(), text.end(), IsDigit);
}

}  // namespace

Status AppendCanonicalNumber(std::string_view text, std::string& out) {
  if (IsPlainInteger(text)) {
    out.append(text);
    return OkStatus();
  }
  EW_ASSIGN_OR_RETURN(Number number, Number::Parse(text));
  number.AppendTo(out);
  return OkStatus();
}

bool IsCanonicalNumber(std::string_view text) {
  if (IsPlainInteger(text)) return true;
  if (text.size() > kNumberTextBytesMax) return false;
  Result<Number> number = Number::Parse(text);
  return number.ok() && number->ToString() == text;
}

int CompareNumberText(std::string_view left, std::string_view right) {
  CanonicalText a = Take(left), b = Take(right);
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order;
  if (a.whole.size() != b.whole.size()) {
    order = a.whole.size() < b.whole.size() ? -1 : 1;
  } else {
    order = a.whole.compare(b.whole);
    // Without trailing zeros, a fraction that another one continues is the smaller.
    if (order == 0) order = a.fraction.compare(b.fraction);
  }
  return a.negative ? -order : order;
}

size_t NumberSize(std::string_view canonical) {
  CanonicalText parts = Take(canonical);
  std::string_view whole = parts.whole, fraction = parts.fraction;
  if (whole == "0") whole = {};
  if (fraction.empty()) {
    while (!whole.empty() && whole.back() == '0') whole.remove_suffix(1);
  } else if (whole.empty()) {
    while (!fraction.empty() && fraction.front() == '0') fraction.remove_prefix(1);
  }
  if (whole.empty() && fraction.empty()) return 1;
  return (whole.size() + 1) / 2 + (fraction.size() + 1) / 2 + 1 + (parts.negative ? 1 : 0);
}

}  // namespace everwrite::item
