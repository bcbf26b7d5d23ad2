#include "region/partiql/lexer.h"

#include <algorithm>
#include <charconv>

namespace everwrite::partiql {
namespace {

using Type = Token::Type;

// Sorted.
constexpr std::string_view kKeywords[] = {
    "absolute",
    "action",
    "add",
    "all",
    "allocate",
    "alter",
    "and",
    "any",
    "are",
    "as",
    "asc",
    "assertion",
    "at",
    "authorization",
    "avg",
    "bag",
    "begin",
    "between",
    "bit",
    "bit_length",
    "blob",
    "bool",
    "boolean",
    "by",
    "cascade",
    "cascaded",
    "case",
    "cast",
    "catalog",
    "char",
    "char_length",
    "character",
    "character_length",
    "check",
    "clob",
    "close",
    "coalesce",
    "collate",
    "collation",
    "column",
    "commit",
    "conflict",
    "connect",
    "connection",
    "constraint",
    "constraints",
    "continue",
    "convert",
    "corresponding",
    "count",
    "create",
    "cross",
    "current",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "cursor",
    "date",
    "date_add",
    "date_diff",
    "deallocate",
    "dec",
    "decimal",
    "declare",
    "default",
    "deferrable",
    "deferred",
    "delete",
    "desc",
    "describe",
    "descriptor",
    "diagnostics",
    "disconnect",
    "distinct",
    "do",
    "domain",
    "double",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exception",
    "exec",
    "execute",
    "exists",
    "external",
    "extract",
    "fetch",
    "first",
    "float",
    "for",
    "foreign",
    "found",
    "from",
    "full",
    "get",
    "global",
    "go",
    "goto",
    "grant",
    "group",
    "having",
    "identity",
    "immediate",
    "in",
    "index",
    "indicator",
    "initially",
    "inner",
    "input",
    "insensitive",
    "insert",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isolation",
    "join",
    "key",
    "language",
    "last",
    "left",
    "let",
    "level",
    "like",
    "limit",
    "list",
    "local",
    "lower",
    "match",
    "max",
    "min",
    "modified",
    "module",
    "names",
    "national",
    "natural",
    "nchar",
    "new",
    "next",
    "no",
    "not",
    "nothing",
    "nullif",
    "numeric",
    "octet_length",
    "of",
    "old",
    "on",
    "only",
    "open",
    "option",
    "or",
    "order",
    "outer",
    "output",
    "overlaps",
    "pad",
    "partial",
    "pivot",
    "position",
    "precision",
    "prepare",
    "preserve",
    "primary",
    "prior",
    "privileges",
    "procedure",
    "public",
    "read",
    "real",
    "references",
    "relative",
    "remove",
    "restrict",
    "returning",
    "revoke",
    "right",
    "rollback",
    "rows",
    "schema",
    "scroll",
    "section",
    "select",
    "session",
    "session_user",
    "set",
    "sexp",
    "size",
    "smallint",
    "some",
    "space",
    "sql",
    "sqlcode",
    "sqlerror",
    "sqlstate",
    "string",
    "struct",
    "substring",
    "sum",
    "symbol",
    "system_user",
    "table",
    "temporary",
    "then",
    "time",
    "timestamp",
    "to",
    "transaction",
    "translate",
    "translation",
    "trim",
    "tuple",
    "union",
    "unique",
    "unknown",
    "unpivot",
    "update",
    "upper",
    "usage",
    "user",
    "using",
    "value",
    "values",
    "varchar",
    "varying",
    "view",
    "when",
    "whenever",
    "where",
    "with",
    "work",
    "write",
    "zone",
};

// Words that are one keyword together.
struct Pair {
  std::string_view first, second, together;
};
constexpr Pair kPairs[] = {
    {"not", "in", "not_in"},
    {"is", "not", "is_not"},
    {"not", "between", "not_between"},
    {"not", "like", "not_like"},
    {"insert", "into", "insert_into"},
    {"on", "conflict", "on_conflict"},
    {"do", "nothing", "do_nothing"},
    {"modified", "old", "modified_old"},
    {"modified", "new", "modified_new"},
    {"all", "old", "all_old"},
    {"all", "new", "all_new"},
    {"double", "precision", "double_precision"},
    {"character", "varying", "character_varying"},
    {"inner", "join", "inner_join"},
    {"cross", "join", "cross_join"},
    {"left", "join", "left_join"},
    {"right", "join", "right_join"},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool IsWord(char c) { return IsWordStart(c) || IsDigit(c); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool Run(std::vector<Token>& tokens) {
    while (true) {
      if (!SkipSpace()) return false;
      Token token;
      token.at = here_;
      begin_ = at_;
      if (at_ == text_.size()) {
        tokens.push_back(std::move(token));
        return true;
      }
      if (!Take(token)) return false;
      token.at.length = here_.column - token.at.column;
      Append(tokens, std::move(token));
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void Advance(size_t bytes = 1) {
    for (; bytes > 0; --bytes, ++at_) {
      if (text_[at_] == '\n') {
        ++here_.line;
        here_.column = 1;
      } else if ((static_cast<uint8_t>(text_[at_]) & 0xc0) != 0x80) {
        ++here_.column;  // by character, not by byte
      }
    }
  }

  // White space and comments; false for a comment without an end.
  bool SkipSpace() {
    while (at_ < text_.size()) {
      if (IsSpace(Peek())) {
        Advance();
      } else if (Peek() == '-' && Peek(1) == '-') {
        while (at_ < text_.size() && Peek() != '\n') Advance();
      } else if (Peek() == '/' && Peek(1) == '*') {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return false;
        Advance(end + 2 - at_);
      } else {
        return true;
      }
    }
    return true;
  }

  bool Take(Token& token) {
    const char c = Peek();
    if (IsWordStart(c)) return Word(token);
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(token);
    switch (c) {
      case '\'': return Quoted('\'', Type::kString, token);
      case '"': return Quoted('"', Type::kQuotedIdentifier, token);
      case '`': return Quoted('`', Type::kIon, token);
      default: return Symbol(token);
    }
  }

  bool Word(Token& token) {
    while (IsWord(Peek())) Advance();
    token.text = text_.substr(begin_, at_ - begin_);
    token.type = Type::kIdentifier;
    std::string lower = LowerCase(token.text);
    if (lower == "true") {
      token.type = Type::kTrue;
    } else if (lower == "false") {
      token.type = Type::kFalse;
    } else if (lower == "null") {
      token.type = Type::kNull;
    } else if (lower == "missing") {
      token.type = Type::kMissing;
    } else if (IsKeyword(lower)) {
      token.type = Type::kKeyword;
    } else {
      return true;
    }
    token.text = std::move(lower);
    return true;
  }

  bool Quoted(char quote, Type type, Token& token) {
    token.type = type;
    Advance();
    while (true) {
      if (at_ == text_.size()) return false;
      if (Peek() == quote) {
        // Twice is the quote itself.
        if (Peek(1) != quote || quote == '`') break;
        Advance();
      }
      token.text.push_back(Peek());
      Advance();
    }
    Advance();
    return true;
  }

  // The service reads numbers as Java's BigDecimal does: exponent and scale are 32 bits wide.
  bool Number(Token& token) {
    token.type = Type::kNumber;
    size_t fraction = 0;
    while (IsDigit(Peek())) Advance();
    if (Peek() == '.') {
      Advance();
      for (; IsDigit(Peek()); ++fraction) Advance();
    }
    int64_t exponent = 0;
    if (Peek() == 'e' || Peek() == 'E') {
      Advance();
      const size_t begin = Peek() == '+' ? at_ + 1 : at_;
      if (Peek() == '+' || Peek() == '-') Advance();
      if (!IsDigit(Peek())) return false;
      while (IsDigit(Peek())) Advance();
      const std::string_view digits = text_.substr(begin, at_ - begin);
      int32_t value;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) {
        return false;
      }
      exponent = value;
    }
    const int64_t scale = static_cast<int64_t>(fraction) - exponent;
    if (scale > INT32_MAX || scale < INT32_MIN || IsWordStart(Peek())) return false;
    token.text = text_.substr(begin_, at_ - begin_);
    return true;
  }

  bool Symbol(Token& token) {
    constexpr struct {
      std::string_view text;
      Type type;
    } kSymbols[] = {
        {"<<", Type::kOpenBag},     {">>", Type::kCloseBag},  {"<>", Type::kOperator},
        {"<=", Type::kOperator},    {">=", Type::kOperator},  {"!=", Type::kOperator},
        {"||", Type::kOperator},    {"=", Type::kOperator},   {"<", Type::kOperator},
        {">", Type::kOperator},     {"+", Type::kOperator},   {"-", Type::kOperator},
        {"/", Type::kOperator},     {"%", Type::kOperator},   {"@", Type::kOperator},
        {"*", Type::kStar},         {",", Type::kComma},      {":", Type::kColon},
        {".", Type::kDot},          {";", Type::kSemicolon},  {"?", Type::kParameter},
        {"(", Type::kOpenParen},    {")", Type::kCloseParen}, {"[", Type::kOpenBracket},
        {"]", Type::kCloseBracket}, {"{", Type::kOpenCurly},  {"}", Type::kCloseCurly},
    };
    for (const auto& symbol : kSymbols) {
      if (text_.substr(at_, symbol.text.size()) != symbol.text) continue;
      token.type = symbol.type;
      token.text = symbol.text == "!=" ? "<>" : symbol.text;
      Advance(symbol.text.size());
      return true;
    }
    return false;
  }

  static void Append(std::vector<Token>& tokens, Token token) {
    if (token.type == Type::kKeyword && !tokens.empty() && tokens.back().type == Type::kKeyword) {
      for (const Pair& pair : kPairs) {
        if (tokens.back().text != pair.first || token.text != pair.second) continue;
        tokens.back().text = pair.together;
        return;
      }
    }
    tokens.push_back(std::move(token));
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of the token being read
  Position here_;
};

}  // namespace

std::string PositionText(const Position& position) {
  return " at " + std::to_string(position.line) + ":" + std::to_string(position.column) + ":" +
         std::to_string(position.length);
}

std::string_view TokenTypeName(Token::Type type) {
  switch (type) {
    case Type::kEnd: return "EOF";
    case Type::kIdentifier: return "IDENTIFIER";
    case Type::kQuotedIdentifier: return "QUOTED_IDENTIFIER";
    case Type::kString:
    case Type::kNumber:
    case Type::kTrue:
    case Type::kFalse: return "LITERAL";
    case Type::kNull: return "NULL";
    case Type::kMissing: return "MISSING";
    case Type::kIon: return "ION_LITERAL";
    case Type::kKeyword: return "KEYWORD";
    case Type::kOperator: return "OPERATOR";
    case Type::kParameter: return "QUESTION_MARK";
    case Type::kStar: return "STAR";
    case Type::kComma: return "COMMA";
    case Type::kColon: return "COLON";
    case Type::kDot: return "DOT";
    case Type::kSemicolon: return "SEMICOLON";
    case Type::kOpenParen: return "LEFT_PAREN";
    case Type::kCloseParen: return "RIGHT_PAREN";
    case Type::kOpenBracket: return "LEFT_BRACKET";
    case Type::kCloseBracket: return "RIGHT_BRACKET";
    case Type::kOpenBag: return "LEFT_DOUBLE_ANGLE_BRACKET";
    case Type::kCloseBag: return "RIGHT_DOUBLE_ANGLE_BRACKET";
    case Type::kOpenCurly: return "LEFT_CURLY";
    case Type::kCloseCurly: return "RIGHT_CURLY";
  }
  return "";
}

bool IsKeyword(std::string_view lower_case_word) {
  return std::binary_search(std::begin(kKeywords), std::end(kKeywords), lower_case_word);
}

Result<std::vector<Token>> Tokenize(std::string_view statement) {
  std::vector<Token> tokens;
  if (!Lexer(statement).Run(tokens)) return InvalidArgument("");
  return tokens;
}

}  // namespace everwrite::partiql
