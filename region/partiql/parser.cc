#include "region/partiql/parser.h"

#include <algorithm>

#include "base/check.h"

namespace everwrite::partiql {

Expr::Expr(Type type, std::string text, Position at) : type(type), text(std::move(text)), at(at) {}
Expr::~Expr() = default;

std::string_view ReturningText(Returning returning) {
  switch (returning) {
    case Returning::kNone: return "";
    case Returning::kAllOld: return "ALL OLD";
    case Returning::kModifiedOld: return "MODIFIED OLD";
    case Returning::kAllNew: return "ALL NEW";
    case Returning::kModifiedNew: return "MODIFIED NEW";
  }
  CHECK(false, "an unknown returning clause");
}

namespace {

using Type = Token::Type;

constexpr int kLowest = -1;
constexpr int kSelectPrecedence = 6;
constexpr int kNotPrecedence = 30;

// 0 for what is no infix operator.
int InfixPrecedence(const Token& token) {
  constexpr struct {
    std::string_view text;
    int precedence;
  } kRows[] = {{"or", 10},       {"and", 20}, {"=", 40},       {"<>", 40},          {"is", 40},
               {"is_not", 40},   {"in", 40},  {"not_in", 40},  {"<", 50},           {"<=", 50},
               {">", 50},        {">=", 50},  {"between", 50}, {"not_between", 50}, {"like", 50},
               {"not_like", 50}, {"+", 60},   {"-", 60},       {"||", 60},          {"/", 70},
               {"%", 70}};
  if (token.type == Type::kStar) return 70;
  if (token.type != Type::kKeyword && token.type != Type::kOperator) return 0;
  for (const auto& row : kRows) {
    if (row.text == token.text) return row.precedence;
  }
  return 0;
}

// Keywords that are operators: where a term should start they are complained about as such.
bool IsOperatorKeyword(const Token& token) { return InfixPrecedence(token) > 0; }

// Keywords that are functions when a parenthesis follows.
bool IsFunctionKeyword(std::string_view keyword) {
  constexpr std::string_view kNames[] = {
      "exists",      "size",  "count", "avg",  "max",      "min",    "sum",
      "char_length", "lower", "upper", "trim", "coalesce", "nullif", "character_length",
      "substring",   "cast"};
  return std::find(std::begin(kNames), std::end(kNames), keyword) != std::end(kNames);
}

bool IsTypeName(std::string_view name) {
  constexpr std::string_view kNames[] = {"missing",  "null",
                                         "any",      "bool",
                                         "boolean",  "smallint",
                                         "int2",     "int4",
                                         "int8",     "integer2",
                                         "integer4", "integer8",
                                         "int",      "integer",
                                         "bigint",   "float",
                                         "real",     "double_precision",
                                         "decimal",  "dec",
                                         "numeric",  "timestamp",
                                         "date",     "time",
                                         "char",     "character",
                                         "varchar",  "character_varying",
                                         "string",   "symbol",
                                         "clob",     "blob",
                                         "struct",   "tuple",
                                         "list",     "sexp",
                                         "bag"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Null when there is an error.
  ExprPtr Run() {
    ExprPtr root = Expression(kLowest);
    if (!root) return nullptr;
    if (Peek().type == Type::kSemicolon && At(1).type == Type::kEnd) ++at_;
    if (Peek().type == Type::kSemicolon) {
      return Fail("Unexpected token after semicolon. (Only one query is allowed.)");
    }
    if (Peek().type != Type::kEnd) return Fail("Unexpected token after expression");
    return root;
  }
  const std::string& error() const { return error_; }
  uint32_t parameters() const { return parameters_; }

 private:
  struct Deeper {
    explicit Deeper(Parser& parser) : parser(parser) { ++parser.depth_; }
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  const Token& At(size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& Peek() const { return At(0); }
  // Tokens from here on, the end included.
  size_t Remaining() const { return tokens_.size() - at_; }
  Token Take() {
    Token token = Peek();
    if (token.type != Type::kEnd) ++at_;
    return token;
  }
  bool TakeIf(std::string_view keyword) {
    if (!Peek().Is(keyword)) return false;
    ++at_;
    return true;
  }
  bool TakeIf(Type type) {
    if (Peek().type != type) return false;
    ++at_;
    return true;
  }
  bool Expect(Type type) {
    if (TakeIf(type)) return true;
    Fail("Expected " + std::string(TokenTypeName(type)));
    return false;
  }
  std::nullptr_t Fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return nullptr;
  }
  static ExprPtr Make(Expr::Type type, const Token& token) {
    return std::make_unique<Expr>(type, token.text, token.at);
  }
  bool IsIdentifier() const {
    return Peek().type == Type::kIdentifier || Peek().type == Type::kQuotedIdentifier;
  }

  ExprPtr Expression(int precedence);
  ExprPtr RightSide(const Token& op);
  ExprPtr Unary();
  ExprPtr Path();
  bool Steps(Expr& path, bool simple);
  ExprPtr SimplePath();
  ExprPtr Term();
  ExprPtr KeywordTerm();
  ExprPtr Group();
  ExprPtr Rows();
  bool List(Type close, std::vector<ExprPtr>& out);
  ExprPtr Container(Expr::Type type, Type close);
  ExprPtr Struct();
  ExprPtr Call();
  ExprPtr TypeTest(ExprPtr left, const Token& op);

  ExprPtr Wrap(std::unique_ptr<Statement> statement, const Token& head);
  ExprPtr Select();
  ExprPtr Insert();
  ExprPtr Update();
  ExprPtr Delete();
  ExprPtr From();
  ExprPtr Other();
  bool SelectList(Statement& out);
  bool FromSource(Statement& out);
  bool Alias(bool& aliased);
  bool LegacySource(Statement& out);
  bool Clauses(Statement& out);
  bool Operations(Statement& out);
  bool OneOperation(Statement& out);
  bool OptionalWhere(Statement& out);
  bool OptionalReturning(Statement& out);

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int operators_ = 0;
  uint32_t parameters_ = 0;
  std::string error_;
};

// --- expressions -------------------------------------------------------------------------------

ExprPtr Parser::RightSide(const Token& op) {
  constexpr size_t kOperatorAndEnd = 2;
  if (Remaining() <= kOperatorAndEnd) {
    return Fail("Missing right-hand side expression of infix operator");
  }
  ++at_;
  return Expression(InfixPrecedence(op));
}

ExprPtr Parser::Expression(int precedence) {
  ExprPtr left = Unary();
  while (left && precedence < InfixPrecedence(Peek()) && InfixPrecedence(Peek()) > 0) {
    const Token op = Peek();
    if (++operators_ > kOperatorsMax) return Fail("Expression is nested too deeply");
    if (op.Is("is") || op.Is("is_not")) {
      ++at_;
      left = TypeTest(std::move(left), op);
      continue;
    }
    ExprPtr node = Make(Expr::Type::kOperator, op);
    ExprPtr right;
    if ((op.Is("in") || op.Is("not_in")) && At(1).type == Type::kOpenParen && !At(2).Is("select") &&
        !At(2).Is("values")) {
      at_ += 2;
      right = std::make_unique<Expr>(Expr::Type::kList, "", op.at);
      if (!List(Type::kCloseParen, right->children)) return nullptr;
    } else {
      right = RightSide(op);
    }
    if (!right) return nullptr;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    if (op.Is("between") || op.Is("not_between")) {
      if (!TakeIf("and")) return Fail("Expected AND keyword");
      ExprPtr high = Expression(InfixPrecedence(op));
      if (!high) return nullptr;
      node->children.push_back(std::move(high));
    }
    // "NOT IN" and the like are NOT around the operator.
    if (op.text.starts_with("not_")) {
      node->text = op.text.substr(4);
      ExprPtr negation = std::make_unique<Expr>(Expr::Type::kOperator, "not", op.at);
      negation->children.push_back(std::move(node));
      node = std::move(negation);
    }
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::TypeTest(ExprPtr left, const Token& op) {
  const Token name = Peek();
  std::string type = name.text;
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool word = name.type == Type::kKeyword || name.type == Type::kIdentifier ||
                    name.type == Type::kNull || name.type == Type::kMissing;
  if (!word || !IsTypeName(type)) return Fail("Expected type name");
  ++at_;
  ExprPtr node = std::make_unique<Expr>(Expr::Type::kIs, type, op.at);
  node->negated = op.Is("is_not");
  node->children.push_back(std::move(left));
  return node;
}

ExprPtr Parser::Unary() {
  const Token op = Peek();
  if (!op.Is("not") && !op.Is("+") && !op.Is("-")) return Path();
  Deeper deeper(*this);
  if (depth_ > kDepthMax) return Fail("Expression is nested too deeply");
  ++at_;
  ExprPtr operand = op.Is("not") ? Expression(kNotPrecedence) : Unary();
  if (!operand) return nullptr;
  if (operand->type == Expr::Type::kNumber && !op.Is("not")) {
    if (op.Is("-")) {
      operand->text =
          operand->text.starts_with("-") ? operand->text.substr(1) : "-" + operand->text;
    }
    return operand;
  }
  ExprPtr node = Make(Expr::Type::kOperator, op);
  node->children.push_back(std::move(operand));
  return node;
}

ExprPtr Parser::Path() {
  ExprPtr root = Term();
  if (!root || (Peek().type != Type::kDot && Peek().type != Type::kOpenBracket)) return root;
  ExprPtr path = std::make_unique<Expr>(Expr::Type::kPath, "", root->at);
  path->children.push_back(std::move(root));
  return Steps(*path, /*simple=*/false) ? std::move(path) : nullptr;
}

ExprPtr Parser::SimplePath() {
  if (!IsIdentifier()) return Fail("Expected identifier for simple path");
  const Token name = Take();
  ExprPtr root = Make(Expr::Type::kVariable, name);
  root->quoted = name.type == Type::kQuotedIdentifier;
  if (Peek().type != Type::kDot && Peek().type != Type::kOpenBracket) return root;
  ExprPtr path = std::make_unique<Expr>(Expr::Type::kPath, "", root->at);
  path->children.push_back(std::move(root));
  return Steps(*path, /*simple=*/true) ? std::move(path) : nullptr;
}

bool Parser::Steps(Expr& path, bool simple) {
  while (Peek().type == Type::kDot || Peek().type == Type::kOpenBracket) {
    PathStep step;
    if (TakeIf(Type::kDot)) {
      step.at = Peek().at;
      if (IsIdentifier()) {
        step.name = Take().text;
      } else if (Peek().type == Type::kStar && !simple) {
        step.type = PathStep::Type::kUnpivot;
        ++at_;
      } else {
        return Fail(Peek().type == Type::kStar ? "Invalid path dot component for simple path"
                                               : "Invalid path dot component"),
               false;
      }
    } else {
      ++at_;
      step.at = Peek().at;
      step.type = PathStep::Type::kElement;
      Deeper deeper(*this);
      if (depth_ > kDepthMax) return Fail("Expression is nested too deeply"), false;
      if (TakeIf(Type::kStar)) {
        step.type = PathStep::Type::kWildcard;
      } else {
        step.element = Expression(kLowest);
        if (!step.element) return false;
        if (simple && step.element->type > Expr::Type::kNull) {
          return Fail("Invalid path component for simple path"), false;
        }
      }
      if (!Expect(Type::kCloseBracket)) return false;
    }
    path.steps.push_back(std::move(step));
  }
  return true;
}

ExprPtr Parser::Term() {
  Deeper deeper(*this);
  if (depth_ > kDepthMax) return Fail("Expression is nested too deeply");
  switch (Peek().type) {
    case Type::kOperator: return Fail("Unexpected operator");
    case Type::kKeyword: return KeywordTerm();
    case Type::kOpenParen: return Group();
    case Type::kOpenBracket: return Container(Expr::Type::kList, Type::kCloseBracket);
    case Type::kOpenBag: return Container(Expr::Type::kBag, Type::kCloseBag);
    case Type::kOpenCurly: return Struct();
    case Type::kIdentifier:
    case Type::kQuotedIdentifier: {
      if (At(1).type == Type::kOpenParen) return Call();
      const Token name = Take();
      ExprPtr variable = Make(Expr::Type::kVariable, name);
      variable->quoted = name.type == Type::kQuotedIdentifier;
      return variable;
    }
    case Type::kParameter: {
      ExprPtr parameter = Make(Expr::Type::kParameter, Take());
      parameter->index = parameters_++;
      return parameter;
    }
    case Type::kString: return Make(Expr::Type::kString, Take());
    case Type::kNumber: return Make(Expr::Type::kNumber, Take());
    case Type::kNull: return Make(Expr::Type::kNull, Take());
    case Type::kMissing: return Make(Expr::Type::kMissing, Take());
    case Type::kIon: return Make(Expr::Type::kIon, Take());
    case Type::kTrue:
    case Type::kFalse: {
      const Token token = Take();
      return std::make_unique<Expr>(Expr::Type::kBool, token.type == Type::kTrue ? "true" : "false",
                                    token.at);
    }
    default: return Fail("Unexpected term");
  }
}

ExprPtr Parser::KeywordTerm() {
  const Token& head = Peek();
  if (head.Is("select")) return Select();
  if (head.Is("from")) return From();
  if (head.Is("update")) return Update();
  if (head.Is("delete")) return Delete();
  if (head.Is("insert_into")) return Insert();
  if (head.Is("set") || head.Is("remove")) {
    auto statement = std::make_unique<Statement>();
    const Token at = Peek();
    statement->type = Statement::Type::kOther;
    statement->name = "DataManipulation";
    if (!OneOperation(*statement)) return nullptr;
    return Wrap(std::move(statement), at);
  }
  if (head.Is("create") || head.Is("drop")) return Other();
  if (head.Is("values")) return Rows();
  if (IsFunctionKeyword(head.text) && At(1).type == Type::kOpenParen) return Call();
  return Fail(IsOperatorKeyword(head) ? "Unexpected operator" : "Unexpected keyword");
}

ExprPtr Parser::Group() {
  const Token open = Take();
  if (Peek().type == Type::kCloseParen) return Fail("Unexpected term");
  std::vector<ExprPtr> members;
  if (!List(Type::kCloseParen, members)) return nullptr;
  if (members.size() == 1) return std::move(members[0]);
  ExprPtr list = std::make_unique<Expr>(Expr::Type::kList, "", open.at);
  list->children = std::move(members);
  return list;
}

// VALUES (1, 2), (3): a bag of lists.
ExprPtr Parser::Rows() {
  ExprPtr rows = std::make_unique<Expr>(Expr::Type::kBag, "", Take().at);
  do {
    if (Peek().type != Type::kOpenParen) {
      return Fail("Expected LEFT_PAREN for row value constructor");
    }
    ExprPtr row = std::make_unique<Expr>(Expr::Type::kList, "", Take().at);
    if (!List(Type::kCloseParen, row->children)) return nullptr;
    rows->children.push_back(std::move(row));
  } while (TakeIf(Type::kComma));
  return rows;
}

// One or more expressions and the token that closes them.
bool Parser::List(Type close, std::vector<ExprPtr>& out) {
  do {
    ExprPtr member = Expression(kLowest);
    if (!member) return false;
    out.push_back(std::move(member));
  } while (TakeIf(Type::kComma));
  return Expect(close);
}

ExprPtr Parser::Container(Expr::Type type, Type close) {
  ExprPtr node = std::make_unique<Expr>(type, "", Take().at);
  if (TakeIf(close)) return node;
  return List(close, node->children) ? std::move(node) : nullptr;
}

ExprPtr Parser::Struct() {
  ExprPtr node = std::make_unique<Expr>(Expr::Type::kStruct, "", Take().at);
  if (TakeIf(Type::kCloseCurly)) return node;
  do {
    ExprPtr key = Expression(kLowest);
    if (!key || !Expect(Type::kColon)) return nullptr;
    ExprPtr value = Expression(kLowest);
    if (!value) return nullptr;
    node->children.push_back(std::move(key));
    node->children.push_back(std::move(value));
  } while (TakeIf(Type::kComma));
  return Expect(Type::kCloseCurly) ? std::move(node) : nullptr;
}

ExprPtr Parser::Call() {
  const Token name = Take();
  ++at_;  // the parenthesis
  ExprPtr call = Make(Expr::Type::kCall, name);
  call->quoted = name.type == Type::kQuotedIdentifier;
  for (char& c : call->text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (TakeIf(Type::kCloseParen)) return call;
  if (call->text == "count" && TakeIf(Type::kStar)) {
    return Expect(Type::kCloseParen) ? std::move(call) : nullptr;
  }
  if (Peek().type == Type::kStar) return Fail(call->text + "(*) is not allowed");
  return List(Type::kCloseParen, call->children) ? std::move(call) : nullptr;
}

// --- statements --------------------------------------------------------------------------------

ExprPtr Parser::Wrap(std::unique_ptr<Statement> statement, const Token& head) {
  ExprPtr node = Make(Expr::Type::kStatement, head);
  node->statement = std::move(statement);
  return node;
}

ExprPtr Parser::Select() {
  const Token head = Take();
  auto select = std::make_unique<Statement>();
  select->type = Statement::Type::kSelect;
  if (TakeIf("distinct")) {
    select->distinct = true;
  } else {
    TakeIf("all");
  }
  if (TakeIf("value")) {
    select->select_value = true;
    ExprPtr value = Expression(kLowest);
    if (!value) return nullptr;
    select->projection.push_back(std::move(value));
  } else if (!SelectList(*select)) {
    return nullptr;
  }
  if (!TakeIf("from")) return Fail("Expected FROM after SELECT list");
  if (!FromSource(*select) || !Clauses(*select)) return nullptr;
  return Wrap(std::move(select), head);
}

bool Parser::SelectList(Statement& out) {
  size_t count = 0;
  do {
    ++count;
    if (TakeIf(Type::kStar)) {
      out.star = true;
      continue;
    }
    ExprPtr item = Expression(kLowest);
    if (!item || !Alias(out.projection_aliased)) return false;
    out.projection.push_back(std::move(item));
  } while (TakeIf(Type::kComma));
  if (!out.star || count == 1) return true;
  return Fail(
             "Other expressions may not be present in the select list when '*' is used without "
             "dot notation."),
         false;
}

bool Parser::Alias(bool& aliased) {
  if (TakeIf("as")) {
    if (!IsIdentifier()) return Fail("Expected identifier for AS-alias"), false;
  } else if (!IsIdentifier()) {
    return true;
  }
  ++at_;
  aliased = true;
  return true;
}

bool Parser::FromSource(Statement& out) {
  out.source = Expression(kSelectPrecedence);
  if (!out.source || !Alias(out.aliased)) return false;
  if (TakeIf("at") || TakeIf("by")) {
    if (!IsIdentifier()) return Fail("Expected identifier for AT-alias"), false;
    ++at_;
    out.aliased = true;
  }
  constexpr std::string_view kJoins[] = {"join", "inner_join", "cross_join", "left_join",
                                         "right_join"};
  const bool join = std::any_of(std::begin(kJoins), std::end(kJoins),
                                [this](std::string_view word) { return Peek().Is(word); });
  if (Peek().type != Type::kComma && !join) return true;
  ++at_;
  Statement right;
  if (!FromSource(right)) return false;
  if (TakeIf("on") && !Expression(kSelectPrecedence)) return false;
  out.joined = true;
  return true;
}

// What may follow the source of a SELECT, in this order.
bool Parser::Clauses(Statement& out) {
  const auto unsupported = [&](const Token& clause, std::string name, bool with_position) {
    if (!out.unsupported_clause.empty()) return;
    out.unsupported_clause = std::move(name);
    if (with_position) out.unsupported_clause += PositionText(clause.at);
  };
  if (TakeIf("where")) {
    out.where = Expression(kSelectPrecedence);
    if (!out.where) return false;
  }
  if (TakeIf("order")) {
    if (!TakeIf("by")) return Fail("Expected BY"), false;
    do {
      OrderKey key;
      key.key = Expression(kLowest);
      if (!key.key) return false;
      key.descending = TakeIf("desc");
      if (!key.descending) TakeIf("asc");
      out.order_by.push_back(std::move(key));
    } while (TakeIf(Type::kComma));
  }
  if (Peek().Is("group")) {
    unsupported(Peek(), "GROUP BY", false);
    ++at_;
    if (!TakeIf("by")) return Fail("Expected BY"), false;
    do {
      if (!Expression(kSelectPrecedence)) return false;
    } while (TakeIf(Type::kComma));
  }
  for (const std::string_view word : {"having", "limit"}) {
    if (!TakeIf(word)) continue;
    unsupported(Peek(), word == "having" ? "HAVING" : "LIMIT", true);
    if (!Expression(kSelectPrecedence)) return false;
  }
  return true;
}

ExprPtr Parser::Insert() {
  const Token head = Peek();
  auto insert = std::make_unique<Statement>();
  insert->type = Statement::Type::kInsert;
  if (!OneOperation(*insert)) return nullptr;
  return Wrap(std::move(insert), head);
}

ExprPtr Parser::Update() {
  const Token head = Take();
  auto update = std::make_unique<Statement>();
  update->type = Statement::Type::kChange;
  if (!LegacySource(*update) || !Operations(*update) || !OptionalWhere(*update) ||
      !OptionalReturning(*update))
    return nullptr;
  return Wrap(std::move(update), head);
}

ExprPtr Parser::Delete() {
  const Token head = Take();
  auto statement = std::make_unique<Statement>();
  statement->type = Statement::Type::kChange;
  if (!TakeIf("from")) return Fail("Expected FROM after DELETE");
  if (!LegacySource(*statement)) return nullptr;
  statement->operations.emplace_back().type = Operation::Type::kDelete;
  if (!OptionalWhere(*statement) || !OptionalReturning(*statement)) return nullptr;
  return Wrap(std::move(statement), head);
}

ExprPtr Parser::From() {
  const Token head = Take();
  auto statement = std::make_unique<Statement>();
  statement->type = Statement::Type::kChange;
  statement->from_first = true;
  if (!FromSource(*statement) || !OptionalWhere(*statement) || !Operations(*statement) ||
      !OptionalReturning(*statement))
    return nullptr;
  return Wrap(std::move(statement), head);
}

// CREATE and DROP of tables and indexes: parsed, and then refused by name.
ExprPtr Parser::Other() {
  const Token head = Take();
  auto statement = std::make_unique<Statement>();
  statement->type = Statement::Type::kOther;
  const std::string verb = head.Is("create") ? "Create" : "Drop";
  if (!Peek().Is("table") && !Peek().Is("index")) {
    return Fail("Unexpected token following " + std::string(head.Is("create") ? "CREATE" : "DROP"));
  }
  statement->name = verb + (Take().Is("table") ? "Table" : "Index");
  if (!IsIdentifier()) return Fail("Expected identifier!");
  ++at_;
  return Wrap(std::move(statement), head);
}

bool Parser::LegacySource(Statement& out) {
  out.source = SimplePath();
  return out.source && Alias(out.aliased);
}

bool Parser::Operations(Statement& out) {
  while (Peek().Is("set") || Peek().Is("remove") || Peek().Is("insert_into")) {
    if (!OneOperation(out)) return false;
  }
  return !out.operations.empty() || (Fail("Expected data manipulation"), false);
}

bool Parser::OneOperation(Statement& out) {
  Operation operation;
  if (TakeIf("set")) {
    do {
      Assignment assignment;
      assignment.target = SimplePath();
      if (!assignment.target) return false;
      if (!TakeIf("=")) return Fail("Expected '='"), false;
      assignment.value = Expression(kLowest);
      if (!assignment.value) return false;
      operation.assignments.push_back(std::move(assignment));
    } while (TakeIf(Type::kComma));
  } else if (TakeIf("remove")) {
    operation.type = Operation::Type::kRemove;
    operation.target = SimplePath();
    if (!operation.target) return false;
  } else {
    ++at_;
    operation.target = SimplePath();
    if (!operation.target) return false;
    operation.type = TakeIf("value") ? Operation::Type::kInsertValue : Operation::Type::kInsert;
    operation.value = Expression(kLowest);
    if (!operation.value) return false;
    if (operation.type == Operation::Type::kInsertValue) {
      if (TakeIf("at")) {
        operation.at_clause = true;
        if (!Expression(kLowest)) return false;
      }
      if (TakeIf("on_conflict")) {
        if (!TakeIf("where")) return Fail("invalid ON CONFLICT syntax"), false;
        if (!Expression(kLowest)) return false;
        if (!TakeIf("do_nothing")) return Fail("invalid ON CONFLICT syntax"), false;
        operation.on_conflict = true;
      }
      if (!OptionalReturning(out)) return false;
    }
  }
  out.operations.push_back(std::move(operation));
  return true;
}

bool Parser::OptionalWhere(Statement& out) {
  if (!TakeIf("where")) return true;
  out.where = Expression(kLowest);
  return out.where != nullptr;
}

bool Parser::OptionalReturning(Statement& out) {
  if (!TakeIf("returning")) return true;
  do {
    ReturningElement element;
    constexpr struct {
      std::string_view keyword;
      Returning mapping;
    } kMappings[] = {{"all_old", Returning::kAllOld},
                     {"modified_old", Returning::kModifiedOld},
                     {"all_new", Returning::kAllNew},
                     {"modified_new", Returning::kModifiedNew}};
    for (const auto& row : kMappings) {
      if (TakeIf(row.keyword)) {
        element.mapping = row.mapping;
        break;
      }
    }
    if (element.mapping == Returning::kNone) {
      return Fail("Expected ( MODIFIED | ALL ) ( NEW | OLD ) in each returning element."), false;
    }
    if (!TakeIf(Type::kStar)) {
      element.column = Expression(kLowest);
      if (!element.column) return false;
    }
    out.returning.push_back(std::move(element));
  } while (TakeIf(Type::kComma));
  return true;
}

}  // namespace

Result<ParsedPtr> ParseStatement(std::string_view text) {
  const std::string malformed = "Statement wasn't well formed, can't be processed: ";
  Result<std::vector<Token>> tokens = Tokenize(text);
  if (!tokens.ok()) return InvalidArgument(malformed + tokens.status().message());
  Parser parser(std::move(tokens).value());
  ExprPtr root = parser.Run();
  if (!root) return InvalidArgument(malformed + parser.error());
  auto parsed = std::make_shared<Parsed>();
  parsed->root = std::move(root);
  parsed->parameters = parser.parameters();
  return ParsedPtr(std::move(parsed));
}

}  // namespace everwrite::partiql
