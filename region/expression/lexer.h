// The tokens of an expression. Every byte that is not white space is in some token; what no
// expression can contain is a token of type kUnknown, so that the parser can show it in its
// complaint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace everwrite::expression {

struct Token {
  enum class Type : uint8_t {
    kEnd,
    kIdentifier,
    kNamePlaceholder,   // "#n"
    kValuePlaceholder,  // ":v"
    kNumber,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kPlus,
    kMinus,
    kOpen,
    kClose,
    kOpenBracket,
    kCloseBracket,
    kComma,
    kDot,
    // keywords, in any case
    kAnd,
    kOr,
    kNot,
    kBetween,
    kIn,
    kSet,
    kRemove,
    kAdd,
    kDelete,
    kUnknown,
  };
  Type type = Type::kEnd;
  uint32_t begin = 0;
  uint32_t size = 0;
};

// Ends with one kEnd. `text` is at most kExpressionBytesMax long.
std::vector<Token> Tokenize(std::string_view text);

// `token: "x", near: "a x b"`: a token and the text from the one before it to the one behind it.
std::string DescribeToken(std::string_view text, const std::vector<Token>& tokens, size_t at);

// A whole text as one placeholder: "#n" or ":v", as keys of the request's tables must be.
bool IsPlaceholder(std::string_view text, char sigil);

}  // namespace everwrite::expression
