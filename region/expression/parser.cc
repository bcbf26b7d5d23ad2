#include "region/expression/parser.h"

#include <algorithm>
#include <charconv>

#include "region/expression/lexer.h"
#include "region/expression/reserved_words.h"

namespace everwrite::expression {
namespace {

using Type = Token::Type;

struct FunctionRule {
  std::string_view name;
  Function function;
  size_t operands;
  bool in_condition;
  bool in_update;
};
constexpr FunctionRule kFunctions[] = {
    {"attribute_exists", Function::kAttributeExists, 1, true, false},
    {"attribute_not_exists", Function::kAttributeNotExists, 1, true, false},
    {"attribute_type", Function::kAttributeType, 2, true, false},
    {"begins_with", Function::kBeginsWith, 2, true, false},
    {"contains", Function::kContains, 2, true, false},
    {"size", Function::kSize, 1, true, false},
    {"if_not_exists", Function::kIfNotExists, 2, false, true},
    {"list_append", Function::kListAppend, 2, false, true},
};

const FunctionRule* FindFunction(std::string_view name) {
  for (const FunctionRule& rule : kFunctions) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

// Answers yes or no: a condition by itself, and no operand.
bool IsCondition(const Node& node) {
  return node.type >= Node::Type::kCompare ||
         (node.type == Node::Type::kFunction && IsPredicate(node.function));
}

class Parser {
 public:
  Parser(Kind kind, std::string_view text)
      : text_(text), tokens_(Tokenize(text)), expression_(std::make_shared<Expression>()) {
    expression_->kind = kind;
  }

  Result<ExpressionPtr> Run();

 private:
  // What was parsed, and whether it stood in parentheses of its own.
  struct Parsed {
    NodeIndex node = 0;
    bool parenthesized = false;
  };
  // Whether an operand may be returned where a condition is expected: within parentheses that turn
  // out to hold an operand, as in `(a) = :v`.
  enum class Operands : uint8_t { kRefused, kAllowed };

  // All return false once a syntax error is set.
  bool Or(Operands operands, Parsed& out);
  bool And(Operands operands, Parsed& out);
  bool Not(Operands operands, Parsed& out);
  bool Primary(Operands operands, Parsed& out);
  bool Comparison(Parsed left, Operands operands, Parsed& out);
  bool InList(NodeIndex left, Parsed& out);
  bool Operand(Parsed& out);
  bool FunctionCall(Parsed& out);
  bool Value(Parsed& out);
  bool PathOperand(uint32_t& path);
  bool PathIndex(PathElement& element);
  bool PathName(PathElement& element);
  bool Projection();
  bool Update();
  bool Section(UpdateAction::Type type);
  bool Action(UpdateAction& action);
  bool Sum(Parsed& out);

  Type Peek() const { return tokens_[at_].type; }
  std::string_view Text() const { return text_.substr(tokens_[at_].begin, tokens_[at_].size); }
  bool Take(Type type) {
    if (Peek() != type) return false;
    ++at_;
    return true;
  }
  bool Expect(Type type) { return Take(type) || Unexpected(); }
  bool Unexpected() {
    syntax_error_ = "Syntax error; " + DescribeToken(text_, tokens_, at_);
    return false;
  }
  // An error that gives way to a syntax error further on.
  void Complain(std::string message) {
    if (complaint_.empty()) complaint_ = std::move(message);
  }
  bool Enter() {
    if (++depth_ <= kDepthMax) return true;
    // So deep without redundant parentheses takes more operators than are allowed.
    syntax_error_ = operators_ > kOperatorsMax ? TooManyOperators() : kRedundant;
    return false;
  }
  void Leave() { --depth_; }
  std::string TooManyOperators() const {
    return "The expression contains too many operators; operator count: " +
           std::to_string(kOperatorsMax + 1);  // the service stops counting there
  }

  NodeIndex Add(Node node, std::initializer_list<NodeIndex> children);
  NodeIndex Add(Node node, const std::vector<NodeIndex>& children);
  NodeIndex AddChildren(Node node, const NodeIndex* children, size_t count);
  const Node& At(NodeIndex node) const { return expression_->nodes[node]; }
  void CheckIsOperand(NodeIndex node);
  void CloseParentheses(const Parsed& inner, Parsed& out);

  static constexpr const char* kRedundant = "The expression has redundant parentheses;";

  std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int operators_ = 0;
  std::string syntax_error_;
  std::string complaint_;
  std::shared_ptr<Expression> expression_;
};

Result<ExpressionPtr> Parser::Run() {
  bool parsed;
  switch (expression_->kind) {
    case Kind::kProjection: parsed = Projection(); break;
    case Kind::kUpdate: parsed = Update(); break;
    default: {
      Parsed root;
      parsed = Or(Operands::kRefused, root);
      expression_->root = root.node;
      break;
    }
  }
  if (parsed && Peek() != Type::kEnd) parsed = Unexpected();
  std::string error = std::move(syntax_error_);
  if (parsed) error = operators_ > kOperatorsMax ? TooManyOperators() : std::move(complaint_);
  if (error.empty()) return ExpressionPtr(std::move(expression_));
  return InvalidArgument("Invalid " + std::string(KindName(expression_->kind)) + ": " + error);
}

// --- building ----------------------------------------------------------------------------------

NodeIndex Parser::AddChildren(Node node, const NodeIndex* children, size_t count) {
  node.children = static_cast<uint32_t>(expression_->children.size());
  node.children_size = static_cast<uint32_t>(count);
  expression_->children.insert(expression_->children.end(), children, children + count);
  expression_->nodes.push_back(node);
  if (node.type > Node::Type::kValue) ++operators_;
  return static_cast<NodeIndex>(expression_->nodes.size() - 1);
}

NodeIndex Parser::Add(Node node, std::initializer_list<NodeIndex> children) {
  return AddChildren(node, children.begin(), children.size());
}

NodeIndex Parser::Add(Node node, const std::vector<NodeIndex>& children) {
  return AddChildren(node, children.data(), children.size());
}

void Parser::CheckIsOperand(NodeIndex node) {
  if (At(node).type == Node::Type::kFunction && IsPredicate(At(node).function)) {
    Complain("The function is not allowed to be used this way in an expression; function: " +
             std::string(FunctionName(At(node).function)));
  }
}

void Parser::CloseParentheses(const Parsed& inner, Parsed& out) {
  if (inner.parenthesized) Complain(kRedundant);
  out = {inner.node, true};
}

// --- conditions --------------------------------------------------------------------------------

bool Parser::Or(Operands operands, Parsed& out) {
  if (!And(operands, out)) return false;
  while (Take(Type::kOr)) {
    Parsed right;
    if (!And(Operands::kRefused, right)) return false;
    out = {Add({.type = Node::Type::kOr}, {out.node, right.node}), false};
  }
  return true;
}

bool Parser::And(Operands operands, Parsed& out) {
  if (!Not(operands, out)) return false;
  while (Take(Type::kAnd)) {
    Parsed right;
    if (!Not(Operands::kRefused, right)) return false;
    out = {Add({.type = Node::Type::kAnd}, {out.node, right.node}), false};
  }
  return true;
}

bool Parser::Not(Operands operands, Parsed& out) {
  int count = 0;
  while (Take(Type::kNot)) ++count;
  if (!Primary(count > 0 ? Operands::kRefused : operands, out)) return false;
  for (; count > 0; --count) out = {Add({.type = Node::Type::kNot}, {out.node}), false};
  return true;
}

bool Parser::Primary(Operands operands, Parsed& out) {
  if (Peek() != Type::kOpen) {
    Parsed left;
    return Operand(left) && Comparison(left, operands, out);
  }
  if (!Enter()) return false;
  ++at_;
  Parsed inner;
  if (!Or(Operands::kAllowed, inner) || !Expect(Type::kClose)) return false;
  Leave();
  CloseParentheses(inner, out);
  return IsCondition(At(inner.node)) || Comparison(out, operands, out);
}

// What follows an operand: the rest of a comparison, or nothing when it is a condition by itself.
bool Parser::Comparison(Parsed left, Operands operands, Parsed& out) {
  if (Peek() >= Type::kEqual && Peek() <= Type::kGreaterOrEqual) {
    Node node{.type = Node::Type::kCompare,
              .comparator = static_cast<Comparator>(static_cast<int>(Peek()) -
                                                    static_cast<int>(Type::kEqual))};
    ++at_;
    Parsed right;
    if (!Operand(right)) return false;
    CheckIsOperand(left.node);
    CheckIsOperand(right.node);
    out = {Add(node, {left.node, right.node}), false};
    return true;
  }
  if (Take(Type::kBetween)) {
    Parsed low, high;
    if (!Operand(low) || !Expect(Type::kAnd) || !Operand(high)) return false;
    for (NodeIndex node : {left.node, low.node, high.node}) CheckIsOperand(node);
    out = {Add({.type = Node::Type::kBetween}, {left.node, low.node, high.node}), false};
    return true;
  }
  if (Take(Type::kIn)) return InList(left.node, out);
  out = left;
  if (IsCondition(At(left.node))) return true;
  if (operands == Operands::kAllowed && Peek() == Type::kClose) return true;
  if (At(left.node).type != Node::Type::kFunction) return Unexpected();
  Complain("The function is not allowed to be used this way in an expression; function: " +
           std::string(FunctionName(At(left.node).function)));
  return true;
}

bool Parser::InList(NodeIndex left, Parsed& out) {
  if (!Expect(Type::kOpen)) return false;
  std::vector<NodeIndex> operands = {left};
  do {
    Parsed operand;
    if (!Operand(operand)) return false;
    CheckIsOperand(operand.node);
    operands.push_back(operand.node);
  } while (Take(Type::kComma));
  if (!Expect(Type::kClose)) return false;
  CheckIsOperand(left);
  if (operands.size() - 1 > kInOperandsMax) {
    Complain("The IN operator is provided with too many operands; number of operands: " +
             std::to_string(operands.size() - 1));
  }
  out = {Add({.type = Node::Type::kIn}, operands), false};
  return true;
}

// --- operands ----------------------------------------------------------------------------------

bool Parser::Operand(Parsed& out) {
  switch (Peek()) {
    case Type::kOpen: {
      if (!Enter()) return false;
      ++at_;
      Parsed inner;
      if (!Operand(inner) || !Expect(Type::kClose)) return false;
      Leave();
      CloseParentheses(inner, out);
      return true;
    }
    case Type::kValuePlaceholder: return Value(out);
    case Type::kIdentifier:
      if (tokens_[at_ + 1].type == Type::kOpen) return FunctionCall(out);
      [[fallthrough]];
    default: {
      Node node{.type = Node::Type::kPath};
      if (!PathOperand(node.index)) return false;
      out = {Add(node, {}), false};
      return true;
    }
  }
}

bool Parser::Value(Parsed& out) {
  if (Peek() != Type::kValuePlaceholder) return Unexpected();
  std::vector<std::string>& values = expression_->values;
  const auto found = std::find(values.begin(), values.end(), Text());
  Node node{.type = Node::Type::kValue, .index = static_cast<uint32_t>(found - values.begin())};
  if (found == values.end()) values.emplace_back(Text());
  ++at_;
  out = {Add(node, {}), false};
  return true;
}

bool Parser::FunctionCall(Parsed& out) {
  const std::string name(Text());
  const FunctionRule* rule = FindFunction(name);
  const bool update = expression_->kind == Kind::kUpdate;
  if (rule == nullptr) {
    Complain("Invalid function name; function: " + name);
  } else if (update ? !rule->in_update : !rule->in_condition) {
    Complain("The function is not allowed in " + std::string(update ? "an update" : "a condition") +
             " expression; function: " + name);
  }
  if (!Enter()) return false;
  at_ += 2;
  std::vector<NodeIndex> operands;
  do {
    Parsed operand;
    if (!Operand(operand)) return false;
    CheckIsOperand(operand.node);
    operands.push_back(operand.node);
  } while (Take(Type::kComma));
  if (!Expect(Type::kClose)) return false;
  Leave();
  if (rule != nullptr && operands.size() != rule->operands) {
    Complain("Incorrect number of operands for operator or function; operator or function: " +
             name + ", number of operands: " + std::to_string(operands.size()));
  }
  // An unknown function stands for a predicate until the complaint is returned.
  const Function function = rule != nullptr ? rule->function : Function::kContains;
  out = {Add({.type = Node::Type::kFunction, .function = function}, operands), false};
  return true;
}

// --- paths -------------------------------------------------------------------------------------

bool Parser::PathName(PathElement& element) {
  if (Peek() == Type::kNamePlaceholder) {
    element.type = PathElement::Type::kPlaceholder;
  } else if (Peek() == Type::kIdentifier) {
    element.type = PathElement::Type::kName;
    if (IsReservedWord(Text())) {
      Complain("Attribute name is a reserved keyword; reserved keyword: " + std::string(Text()));
    }
  } else {
    return Unexpected();
  }
  element.name = Text();
  ++at_;
  return true;
}

bool Parser::PathIndex(PathElement& element) {
  if (Peek() != Type::kNumber) return Unexpected();
  element.type = PathElement::Type::kIndex;
  const std::string_view digits = Text();
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), element.index);
  if (error != std::errc() || element.index > INT32_MAX) {
    Complain("List index is not within the allowable range; index: [" + std::string(digits) + "]");
  }
  ++at_;
  return Expect(Type::kCloseBracket);
}

bool Parser::PathOperand(uint32_t& path) {
  std::vector<PathElement>& elements = expression_->elements;
  const size_t begin = elements.size();
  PathElement element;
  if (!PathName(element)) return false;
  elements.push_back(std::move(element));
  while (true) {
    element = PathElement();
    if (Take(Type::kDot)) {
      if (!PathName(element)) return false;
    } else if (Take(Type::kOpenBracket)) {
      if (!PathIndex(element)) return false;
    } else {
      break;
    }
    elements.push_back(std::move(element));
  }
  const size_t size = elements.size() - begin;
  if (size > kPathElementsMax) {
    Complain("The document path has too many nesting levels; nesting levels: " +
             std::to_string(size));
  }
  path = static_cast<uint32_t>(expression_->paths.size());
  expression_->paths.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(size)});
  return true;
}

// --- projections and updates -------------------------------------------------------------------

bool Parser::Projection() {
  do {
    uint32_t path;
    if (!PathOperand(path)) return false;
    expression_->projection.push_back(path);
  } while (Take(Type::kComma));
  return true;
}

bool Parser::Update() {
  constexpr std::string_view kSections[] = {"SET", "REMOVE", "ADD", "DELETE"};
  bool seen[std::size(kSections)] = {};
  do {
    if (Peek() < Type::kSet || Peek() > Type::kDelete) return Unexpected();
    const size_t section = static_cast<size_t>(Peek()) - static_cast<size_t>(Type::kSet);
    if (seen[section]) {
      Complain("The \"" + std::string(kSections[section]) +
               "\" section can only be used once in an update expression;");
    }
    seen[section] = true;
    ++at_;
    if (!Section(static_cast<UpdateAction::Type>(section))) return false;
  } while (Peek() != Type::kEnd);
  return true;
}

bool Parser::Section(UpdateAction::Type type) {
  do {
    UpdateAction action{.type = type};
    if (!PathOperand(action.path) || !Action(action)) return false;
    expression_->actions.push_back(action);
  } while (Take(Type::kComma));
  return true;
}

bool Parser::Action(UpdateAction& action) {
  Parsed operand;
  switch (action.type) {
    case UpdateAction::Type::kRemove: return true;
    case UpdateAction::Type::kSet:
      if (!Expect(Type::kEqual) || !Sum(operand)) return false;
      break;
    case UpdateAction::Type::kAdd:
    case UpdateAction::Type::kDelete:
      if (!Value(operand)) return false;
      break;
  }
  action.operand = operand.node;
  return true;
}

// operand (("+" | "-") operand)?, all of which may stand in parentheses.
bool Parser::Sum(Parsed& out) {
  Parsed left;
  if (Peek() == Type::kOpen) {
    if (!Enter()) return false;
    ++at_;
    Parsed inner;
    if (!Sum(inner) || !Expect(Type::kClose)) return false;
    Leave();
    CloseParentheses(inner, left);
    if (At(left.node).type >= Node::Type::kPlus) {
      out = left;
      return true;
    }
  } else if (!Operand(left)) {
    return false;
  }
  CheckIsOperand(left.node);
  out = left;
  if (Peek() != Type::kPlus && Peek() != Type::kMinus) return true;
  const Node::Type type = Peek() == Type::kPlus ? Node::Type::kPlus : Node::Type::kMinus;
  ++at_;
  Parsed right;
  if (!Operand(right)) return false;
  CheckIsOperand(right.node);
  for (NodeIndex node : {left.node, right.node}) {
    if (At(node).type == Node::Type::kFunction && At(node).function == Function::kListAppend) {
      Complain(
          "The function is not allowed to be used this way in an expression; function: "
          "list_append");
    }
  }
  out = {Add({.type = type}, {left.node, right.node}), false};
  return true;
}

}  // namespace

Result<ExpressionPtr> Parse(Kind kind, std::string_view text) {
  const std::string invalid = "Invalid " + std::string(KindName(kind)) + ": ";
  if (text.size() > kExpressionBytesMax) {
    return InvalidArgument(
        invalid + "Expression size has exceeded the maximum allowed size; expression size: " +
        std::to_string(text.size()));
  }
  if (text.find_first_not_of(" \t\n\r\f") == std::string_view::npos) {
    return InvalidArgument(invalid + "The expression can not be empty;");
  }
  return Parser(kind, text).Run();
}

}  // namespace everwrite::expression
