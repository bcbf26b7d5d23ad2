// Number against a slow reference: values as sign, exponent and a string of decimal digits, with
// the schoolbook algorithms on the string.
#include "region/item/number.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/random.h"

namespace everwrite::item {
namespace {

std::string Canonical(std::string_view text) {
  std::string out;
  Status status = AppendCanonicalNumber(text, out);
  return status.ok() ? out : "error: " + status.message();
}

Number Parsed(std::string_view text) { return Number::Parse(text).value(); }

// A fixed-point reference: 300 digits in front of the point and 300 behind it.
struct Reference {
  bool negative = false;
  std::string digits = std::string(600, '0');

  static Reference Of(bool negative, const std::string& digits, int exponent) {
    Reference r;
    r.negative = negative;
    for (size_t i = 0; i < digits.size(); ++i) {
      int power = exponent + static_cast<int>(digits.size() - 1 - i);
      r.digits[static_cast<size_t>(299 - power)] = digits[i];
    }
    return r;
  }
  bool IsZero() const { return digits.find_first_not_of('0') == std::string::npos; }
  std::string Text() const {
    if (IsZero()) return "0";
    std::string whole = digits.substr(0, 300), fraction = digits.substr(300);
    size_t first = whole.find_first_not_of('0');
    whole = first == std::string::npos ? "0" : whole.substr(first);
    size_t last = fraction.find_last_not_of('0');
    fraction = last == std::string::npos ? "" : "." + fraction.substr(0, last + 1);
    return (negative ? "-" : "") + whole + fraction;
  }
  int Significant() const {
    if (IsZero()) return 0;
    return static_cast<int>(digits.find_last_not_of('0') - digits.find_first_not_of('0') + 1);
  }
  int Leading() const { return 299 - static_cast<int>(digits.find_first_not_of('0')); }
  int Compare(const Reference& other) const {
    int a = IsZero() ? 0 : negative ? -1 : 1, b = other.IsZero() ? 0 : other.negative ? -1 : 1;
    if (a != b) return a < b ? -1 : 1;
    int order = digits.compare(other.digits);
    return (order < 0 ? -1 : order > 0) * (a < 0 ? -1 : 1);
  }
  static Reference Sum(const Reference& left, const Reference& right) {
    Reference sum;
    if (left.negative == right.negative) {
      sum.negative = left.negative;
      int carry = 0;
      for (size_t i = 600; i-- > 0;) {
        int d = left.digits[i] - '0' + right.digits[i] - '0' + carry;
        sum.digits[i] = static_cast<char>('0' + d % 10);
        carry = d / 10;
      }
      return sum;
    }
    const Reference& big = left.digits >= right.digits ? left : right;
    const Reference& small = left.digits >= right.digits ? right : left;
    sum.negative = big.negative;
    int borrow = 0;
    for (size_t i = 600; i-- > 0;) {
      int d = big.digits[i] - small.digits[i] - borrow;
      borrow = d < 0;
      sum.digits[i] = static_cast<char>('0' + d + 10 * borrow);
    }
    return sum;
  }
};

struct Sample {
  std::string text;
  Reference reference;
};

Sample RandomSample(Random& random) {
  size_t size = 1 + random.Below(random.Chance(1, 2) ? 38 : 4);
  std::string digits;
  for (size_t i = 0; i < size; ++i) {
    digits.push_back(random.Chance(1, 3) ? (random.Chance(1, 2) ? '0' : '9')
                                         : static_cast<char>('0' + random.Below(10)));
  }
  int range = random.Chance(1, 2) ? 3 : random.Chance(1, 2) ? 40 : 125;
  int leading = static_cast<int>(random.Between(-range, range));
  int exponent = leading - static_cast<int>(size) + 1;
  bool negative = random.Chance(1, 2);
  Sample sample{(negative ? "-" : "") + digits + "e" + std::to_string(exponent),
                Reference::Of(negative, digits, exponent)};
  // Leading zeros may have moved the first digit below the range.
  if (!sample.reference.IsZero() && sample.reference.Leading() < kNumberExponentMin) {
    return RandomSample(random);
  }
  return sample;
}

TEST(NumberTest, CanonicalTextIsPlainNotation) {
  EXPECT_EQ(Canonical("0"), "0");
  EXPECT_EQ(Canonical("-0"), "0");
  EXPECT_EQ(Canonical("-0.00e5"), "0");
  EXPECT_EQ(Canonical("00012.500"), "12.5");
  EXPECT_EQ(Canonical("+7"), "7");
  EXPECT_EQ(Canonical(".5"), "0.5");
  EXPECT_EQ(Canonical("5."), "5");
  EXPECT_EQ(Canonical("1e3"), "1000");
  EXPECT_EQ(Canonical("-1.5E-5"), "-0.000015");
  EXPECT_EQ(Canonical("1E+100"), "1" + std::string(100, '0'));
  EXPECT_EQ(Canonical("1e-130"), "0." + std::string(129, '0') + "1");
  EXPECT_EQ(Canonical("123456789012345678901234567890.12345678"),
            "123456789012345678901234567890.12345678");
  EXPECT_EQ(Canonical(std::string(500, '0') + "1" + std::string(100, '0') + "e-100"), "1");
}

TEST(NumberTest, RefusesWhatIsNotANumber) {
  for (std::string_view text : {"", " 1", "1 ", "abc", "0x1", "1e", "1e+", ".", "-", "--1", "NaN",
                                "Infinity", "1d", "1.2.3", "1,5", "1e5.0", "\xd9\xa1"}) {
    EXPECT_EQ(Canonical(text), "error: The parameter cannot be converted to a numeric value" +
                                   (text.empty() ? "" : ": " + std::string(text)));
  }
}

TEST(NumberTest, RangeAndPrecisionHaveExactEdges) {
  const std::string nines(38, '9');
  EXPECT_EQ(Canonical(nines + "e88"), nines + std::string(88, '0'));
  EXPECT_EQ(Canonical("-" + nines + "e88"), "-" + nines + std::string(88, '0'));
  const std::string over =
      "error: Number overflow. Attempting to store a number with magnitude larger than supported "
      "range";
  const std::string under =
      "error: Number underflow. Attempting to store a number with magnitude smaller than supported "
      "range";
  EXPECT_EQ(Canonical("1e126"), over);
  EXPECT_EQ(Canonical("-10e125"), over);
  EXPECT_EQ(Canonical("1e99999999999"), over);
  EXPECT_EQ(Canonical("1e9223372036854775807"), over);
  EXPECT_EQ(Canonical("1e-131"), under);
  EXPECT_EQ(Canonical("-0.1e-130"), under);
  EXPECT_EQ(Canonical("1e-9223372036854775808"), under);
  EXPECT_EQ(Canonical("1e9223372036854775808"),
            "error: The parameter cannot be converted to a numeric value: 1e9223372036854775808");
  EXPECT_EQ(Canonical("0e125"), "0");
  EXPECT_EQ(Canonical("0e126"), over);
  EXPECT_EQ(Canonical("0.0e-131"), under);
  const std::string many = "error: Attempting to store more than 38 significant digits in a Number";
  EXPECT_EQ(Canonical("1" + nines), many);
  EXPECT_EQ(Canonical("1" + std::string(37, '0') + "1"), many);
  EXPECT_EQ(Canonical("1" + std::string(38, '0')), "1" + std::string(38, '0'));
}

TEST(NumberTest, TextOrderAndBytesAgreeWithTheReference) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    Sample a = RandomSample(random), b = random.Chance(1, 10) ? a : RandomSample(random);
    std::string text_a = Canonical(a.text), text_b = Canonical(b.text);
    ASSERT_EQ(text_a, a.reference.Text()) << a.text;
    ASSERT_TRUE(IsCanonicalNumber(text_a));
    ASSERT_EQ(Parsed(text_a), Parsed(a.text));
    int wanted = a.reference.Compare(b.reference);
    Number x = Parsed(a.text), y = Parsed(b.text);
    ASSERT_EQ(x < y, wanted < 0) << a.text << " " << b.text;
    ASSERT_EQ(x == y, wanted == 0) << a.text << " " << b.text;
    int by_text = CompareNumberText(text_a, text_b);
    ASSERT_EQ((by_text > 0) - (by_text < 0), wanted) << text_a << " " << text_b;
    std::string bytes_a, bytes_b;
    x.AppendOrdered(bytes_a);
    y.AppendOrdered(bytes_b);
    ASSERT_LE(bytes_a.size(), kOrderedNumberBytesMax);
    int by_bytes = bytes_a.compare(bytes_b);
    ASSERT_EQ((by_bytes > 0) - (by_bytes < 0), wanted) << text_a << " " << text_b;
    if (wanted != 0) {  // the order holds whatever follows
      ASSERT_EQ(bytes_a + "\xff" < bytes_b + std::string(1, '\0'), wanted < 0);
    }
    bytes_a += "rest";
    std::string_view in = bytes_a;
    Number back;
    ASSERT_TRUE(Number::TakeOrdered(in, back));
    ASSERT_EQ(back, x);
    ASSERT_EQ(in, "rest");
  }
}

TEST(NumberTest, SumsAreExactOrRefused) {
  Random random(2);
  int exact = 0, refused = 0;
  for (int i = 0; i < 40000; ++i) {
    Sample a = RandomSample(random), b = RandomSample(random);
    Reference wanted = Reference::Sum(a.reference, b.reference);
    Result<Number> sum = Number::Add(Parsed(a.text), Parsed(b.text));
    if (wanted.IsZero()) {
      ASSERT_TRUE(sum.ok() && sum->IsZero());
    } else if (wanted.Significant() > kNumberDigitsMax) {
      ASSERT_FALSE(sum.ok()) << a.text << " " << b.text;
      ++refused;
    } else if (wanted.Leading() > kNumberExponentMax || wanted.Leading() < kNumberExponentMin) {
      ASSERT_FALSE(sum.ok());
    } else {
      ASSERT_TRUE(sum.ok()) << a.text << " " << b.text << " " << sum.status().message();
      ASSERT_EQ(sum->ToString(), wanted.Text());
      ++exact;
    }
    Result<Number> other = Number::Add(Parsed(b.text), Parsed(a.text));
    ASSERT_EQ(sum.ok(), other.ok());
    if (sum.ok()) {
      ASSERT_EQ(*sum, *other);
      Result<Number> back = Number::Subtract(*sum, Parsed(b.text));
      if (back.ok()) {
        ASSERT_EQ(*back, Parsed(a.text));
      }
    }
  }
  EXPECT_GT(exact, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(NumberTest, SumsAtTheEdgesOfPrecision) {
  const std::string nines(38, '9');
  auto sum = [](std::string_view a, std::string_view b) {
    Result<Number> result = Number::Add(Parsed(a), Parsed(b));
    return result.ok() ? result->ToString() : "error";
  };
  EXPECT_EQ(sum(nines, "1"), "1" + std::string(38, '0'));
  EXPECT_EQ(sum("1e38", "-1"), nines);
  EXPECT_EQ(sum("1e38", "1"), "error");
  EXPECT_EQ(sum("9e38", "-1"), "error");
  EXPECT_EQ(sum(nines + "e88", "1e88"), "error");  // overflow
  EXPECT_EQ(sum("1.1e-130", "-1e-130"), "error");  // underflow
  EXPECT_EQ(sum("1e125", "-1e125"), "0");
  EXPECT_EQ(sum("0.1", "0.2"), "0.3");
}

TEST(NumberTest, OrderedBytesFromAnywhereDoNotHurt) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes;
    bytes.push_back(static_cast<char>(random.Below(5)));
    for (uint64_t n = random.Below(24); n > 0; --n) {
      bytes.push_back(static_cast<char>(random.Chance(1, 2) ? random.Below(102) : random.Next()));
    }
    std::string_view in = bytes;
    Number number;
    if (!Number::TakeOrdered(in, number)) continue;
    std::string again;
    number.AppendOrdered(again);
    EXPECT_EQ(again, bytes.substr(0, bytes.size() - in.size()));
  }
}

TEST(NumberTest, IntegersComeOutAsTheyAre) {
  for (int64_t value : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{1000}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(Number::FromInteger(value).ToString(), std::to_string(value));
  }
}

TEST(NumberTest, SizeCountsPairsOfSignificantDigitsOnEitherSideOfThePoint) {
  EXPECT_EQ(NumberSize("0"), 1u);
  EXPECT_EQ(NumberSize("1"), 2u);
  EXPECT_EQ(NumberSize("12"), 2u);
  EXPECT_EQ(NumberSize("-123"), 4u);
  EXPECT_EQ(NumberSize("1000"), 2u);
  EXPECT_EQ(NumberSize("0.0015"), 2u);
  EXPECT_EQ(NumberSize("100.5"), 4u);
  EXPECT_EQ(NumberSize("1.5"), 3u);
  EXPECT_EQ(NumberSize("3.14159"), 5u);
  EXPECT_EQ(NumberSize("123456"), 4u);
  EXPECT_EQ(NumberSize("0.15"), 2u);
  EXPECT_EQ(NumberSize("-" + std::string(38, '9')), 21u);
}

}  // namespace
}  // namespace everwrite::item
