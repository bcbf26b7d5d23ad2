// The tokens of a PartiQL statement.
//
// Keywords are those of SQL-92 and PartiQL, in any case; an attribute of such a name must be
// quoted. Words that belong together are one keyword with an underscore ("IS NOT" is is_not), as in
// the reference parser, so that precedence is a matter of one token.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace everwrite::partiql {

// Where a token stands, counted in characters from 1, as messages show it: "1:24:4".
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
  uint32_t length = 0;
};
std::string PositionText(const Position& position);  // " at 1:24:4"

struct Token {
  enum class Type : uint8_t {
    kEnd,
    kIdentifier,
    kQuotedIdentifier,
    kString,
    kNumber,  // as written, without a sign
    kTrue,
    kFalse,
    kNull,
    kMissing,
    kIon,  // between backquotes
    kKeyword,
    kOperator,
    kParameter,  // ?
    kStar,
    kComma,
    kColon,
    kDot,
    kSemicolon,
    kOpenParen,
    kCloseParen,
    kOpenBracket,
    kCloseBracket,
    kOpenBag,
    kCloseBag,
    kOpenCurly,
    kCloseCurly,
  };
  Type type = Type::kEnd;
  std::string text;  // identifiers and strings without quotes; keywords in lower case
  Position at;

  bool Is(std::string_view keyword) const {
    return (type == Type::kKeyword || type == Type::kOperator) && text == keyword;
  }
};
// "RIGHT_PAREN": as the reference parser names a type in its complaints.
std::string_view TokenTypeName(Token::Type type);

// Ends with one kEnd. What cannot be read is kInvalidArgument without a message, which is what the
// service says of it.
Result<std::vector<Token>> Tokenize(std::string_view statement);

bool IsKeyword(std::string_view lower_case_word);

}  // namespace everwrite::partiql
