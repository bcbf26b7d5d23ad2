#include "region/expression/lexer.h"

#include <algorithm>

namespace everwrite::expression {
namespace {

using Type = Token::Type;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordCharacter(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

size_t WordEnd(std::string_view text, size_t at) {
  while (at < text.size() && IsWordCharacter(text[at])) ++at;
  return at;
}

bool EqualsKeyword(std::string_view word, std::string_view upper) {
  return word.size() == upper.size() &&
         std::equal(word.begin(), word.end(), upper.begin(),
                    [](char c, char u) { return (c >= 'a' ? c - 'a' + 'A' : c) == u; });
}

Type WordType(std::string_view word) {
  constexpr struct {
    std::string_view word;
    Type type;
  } kKeywords[] = {{"AND", Type::kAnd},         {"OR", Type::kOr},   {"NOT", Type::kNot},
                   {"BETWEEN", Type::kBetween}, {"IN", Type::kIn},   {"SET", Type::kSet},
                   {"REMOVE", Type::kRemove},   {"ADD", Type::kAdd}, {"DELETE", Type::kDelete}};
  for (const auto& keyword : kKeywords) {
    if (EqualsKeyword(word, keyword.word)) return keyword.type;
  }
  return Type::kIdentifier;
}

// The whole of a UTF-8 character, so that a complaint does not cut it.
size_t CharacterEnd(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
  return at;
}

// The type and end of the token that starts at `at`.
Type TakeToken(std::string_view text, size_t at, size_t& end) {
  const char c = text[at];
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  end = at + 1;
  switch (c) {
    case '=': return Type::kEqual;
    case '+': return Type::kPlus;
    case '-': return Type::kMinus;
    case '(': return Type::kOpen;
    case ')': return Type::kClose;
    case '[': return Type::kOpenBracket;
    case ']': return Type::kCloseBracket;
    case ',': return Type::kComma;
    case '.': return Type::kDot;
    case '<':
      if (next == '>' || next == '=') ++end;
      return next == '>' ? Type::kNotEqual : next == '=' ? Type::kLessOrEqual : Type::kLess;
    case '>':
      if (next == '=') ++end;
      return next == '=' ? Type::kGreaterOrEqual : Type::kGreater;
    case '#':
    case ':':
      end = WordEnd(text, at + 1);
      if (end == at + 1) return Type::kUnknown;
      return c == '#' ? Type::kNamePlaceholder : Type::kValuePlaceholder;
    default: break;
  }
  if (IsLetter(c)) {
    end = WordEnd(text, at);
    return WordType(text.substr(at, end - at));
  }
  if (IsDigit(c)) {
    // No leading zeros: "00" is two numbers.
    while (c != '0' && end < text.size() && IsDigit(text[end])) ++end;
    return Type::kNumber;
  }
  end = CharacterEnd(text, at);
  return Type::kUnknown;
}

}  // namespace

std::vector<Token> Tokenize(std::string_view text) {
  std::vector<Token> tokens;
  tokens.reserve(16);
  size_t at = 0;
  while (true) {
    while (at < text.size() && IsSpace(text[at])) ++at;
    if (at == text.size()) break;
    size_t end;
    const Type type = TakeToken(text, at, end);
    tokens.push_back({type, static_cast<uint32_t>(at), static_cast<uint32_t>(end - at)});
    at = end;
  }
  tokens.push_back({Type::kEnd, static_cast<uint32_t>(text.size()), 0});
  return tokens;
}

std::string DescribeToken(std::string_view text, const std::vector<Token>& tokens, size_t at) {
  const Token& token = tokens[at];
  const Token& first = tokens[at > 0 ? at - 1 : 0];
  const bool end = token.type == Token::Type::kEnd;
  const Token& last = end || tokens[at + 1].type == Token::Type::kEnd ? token : tokens[at + 1];
  const std::string shown(end ? "<EOF>" : text.substr(token.begin, token.size));
  const std::string near(text.substr(first.begin, last.begin + last.size - first.begin));
  return "token: \"" + shown + "\", near: \"" + near + "\"";
}

bool IsPlaceholder(std::string_view text, char sigil) {
  return text.size() > 1 && text[0] == sigil && WordEnd(text, 1) == text.size();
}

}  // namespace everwrite::expression
