// Expressions, by precedence climbing: one function for all binary operators keeps the stack shallow.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "engine/chat/jinja/parser_state.h"

namespace longhand::jinja {

void ParserState::unexpected(std::string_view wanted) const {
  const Lexeme& token = peek();
  std::string_view found = token.text;
  if (token.kind == TokenKind::end) found = "end of template";
  if (token.kind == TokenKind::data) found = "text";
  syntax_error(token.line, fmt::format("unexpected '{}', expected {}", found.substr(0, 60), wanted));
}

namespace {

// Weakest first. "~" binds tighter than "+", as in Jinja.
enum Level { kOr = 1, kAnd, kNot, kCompare, kSum, kConcat, kProduct, kPower, kUnary };

Level level_of(const ParserState& s) {
  const Lexeme& token = s.peek();
  if (token.kind == TokenKind::name) {
    if (token.text == "or") return kOr;
    if (token.text == "and") return kAnd;
    if (token.text == "in") return kCompare;
    const bool not_in = token.text == "not" && s.peek(1).kind == TokenKind::name && s.peek(1).text == "in";
    return not_in ? kCompare : Level{};
  }
  if (token.kind != TokenKind::symbol) return Level{};
  struct Entry {
    std::string_view symbol;
    Level level;
  };
  constexpr std::array<Entry, 14> kTable = {{{"==", kCompare},
                                             {"!=", kCompare},
                                             {"<", kCompare},
                                             {"<=", kCompare},
                                             {">", kCompare},
                                             {">=", kCompare},
                                             {"+", kSum},
                                             {"-", kSum},
                                             {"~", kConcat},
                                             {"*", kProduct},
                                             {"/", kProduct},
                                             {"//", kProduct},
                                             {"%", kProduct},
                                             {"**", kPower}}};
  for (const Entry& entry : kTable) {
    if (entry.symbol == token.text) return entry.level;
  }
  return Level{};
}

Comparison take_comparison(ParserState& s) {
  const std::string& text = s.take().text;
  if (text == "not") {
    s.take();
    return Comparison::not_in;
  }
  constexpr std::array<std::string_view, 7> kNames = {"==", "!=", "<", "<=", ">", ">=", "in"};
  const auto at = std::find(kNames.begin(), kNames.end(), text) - kNames.begin();
  return static_cast<Comparison>(at);
}

Operator take_operator(ParserState& s) {
  constexpr std::array<std::string_view, 7> kNames = {"+", "-", "*", "/", "//", "%", "**"};
  const auto at = std::find(kNames.begin(), kNames.end(), s.take().text) - kNames.begin();
  return static_cast<Operator>(at);
}

ExpressionPtr parse_binary(ParserState& s, Level weakest);

ExpressionPtr constant(int line, Value value) { return std::make_unique<Constant>(line, value); }

}  // namespace

ExpressionPtr parse_number(ParserState& s) {
  const Lexeme& token = s.take();
  std::string digits;
  for (const char c : token.text) {
    if (c != '_') digits += c;
  }
  if (token.kind == TokenKind::real) {
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return constant(token.line, Value::real(value));
  }
  const char prefix = digits.size() > 1 ? char(digits[1] | 0x20) : '\0';
  const int base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
  const char* begin = digits.data() + (base == 10 ? 0 : 2);
  const char* end = digits.data() + digits.size();
  std::int64_t value = 0;
  const auto result = std::from_chars(begin, end, value, base);
  if (result.ec != std::errc() || result.ptr != end) {
    syntax_error(token.line, fmt::format("'{}' is no integer of 64 bits", token.text.substr(0, 60)));
  }
  return constant(token.line, Value::integer(value));
}

namespace {

ExpressionPtr parse_strings(ParserState& s) {  // adjacent strings are one
  const int line = s.line();
  std::string text;
  while (s.is(TokenKind::string)) text += s.take().text;
  return constant(line, s.program().constants.string(text));
}

ExpressionPtr parse_name(ParserState& s) {
  const Lexeme& token = s.take();
  const std::string& name = token.text;
  if (name == "true" || name == "True") return constant(token.line, Value::boolean(true));
  if (name == "false" || name == "False") return constant(token.line, Value::boolean(false));
  if (name == "none" || name == "None") return constant(token.line, Value::none());
  constexpr std::array<std::string_view, 7> kReserved = {"and", "or", "not", "in", "is", "if", "else"};
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
    syntax_error(token.line, fmt::format("unexpected '{}', expected an expression", name));
  }
  return std::make_unique<Variable>(token.line, s.use(name));
}

ExpressionPtr parse_list(ParserState& s) {
  auto list = std::make_unique<Items>(s.line());
  s.expect_symbol("[");
  while (!s.is_symbol("]")) {
    list->items.push_back(parse_expression(s));
    if (!s.skip_symbol(",")) break;
  }
  s.expect_symbol("]");
  return list;
}

ExpressionPtr parse_dict(ParserState& s) {
  auto dict = std::make_unique<Pairs>(s.line());
  s.expect_symbol("{");
  while (!s.is_symbol("}")) {
    ExpressionPtr key = parse_expression(s);
    s.expect_symbol(":");
    dict->entries.emplace_back(std::move(key), parse_expression(s));
    if (!s.skip_symbol(",")) break;
  }
  s.expect_symbol("}");
  return dict;
}

ExpressionPtr parse_parentheses(ParserState& s) {
  const int line = s.line();
  s.expect_symbol("(");
  if (s.skip_symbol(")")) {
    auto empty = std::make_unique<Items>(line);
    empty->kind = Kind::tuple;
    return empty;
  }
  ExpressionPtr inside = parse_expressions(s);
  s.expect_symbol(")");
  return inside;
}

}  // namespace

ExpressionPtr parse_primary(ParserState& s) {
  switch (s.peek().kind) {
    case TokenKind::name:
      return parse_name(s);
    case TokenKind::string:
      return parse_strings(s);
    case TokenKind::integer:
    case TokenKind::real:
      return parse_number(s);
    default:
      break;
  }
  const auto nest = s.nest();
  if (s.is_symbol("(")) return parse_parentheses(s);
  if (s.is_symbol("[")) return parse_list(s);
  if (s.is_symbol("{")) return parse_dict(s);
  s.unexpected("an expression");
}

namespace {

// `filters` is false for the operand of a sign: -x|abs is (-x)|abs.
ExpressionPtr parse_unary(ParserState& s, bool filters) {
  auto postfix = std::make_unique<Postfix>(s.line());
  if (s.is_symbol("-") || s.is_symbol("+")) {
    const auto nest = s.nest();
    auto sign = std::make_unique<Sign>(s.line());
    sign->minus = s.take().text == "-";
    sign->operand = parse_unary(s, false);
    postfix->base = std::move(sign);
  } else {
    postfix->base = parse_primary(s);
  }
  parse_attribute_suffixes(s, postfix->suffixes);
  if (filters) parse_filter_suffixes(s, postfix->suffixes);
  if (postfix->suffixes.empty()) return std::move(postfix->base);
  return postfix;
}

ExpressionPtr parse_not(ParserState& s) {
  const auto nest = s.nest();
  auto node = std::make_unique<Not>(s.line());
  s.expect_word("not");
  node->operand = parse_binary(s, kNot);
  return node;
}

// ---- binary operators: each function reads the rest of a chain of one level -------------------------------

ExpressionPtr parse_logic(ParserState& s, ExpressionPtr first, Level level) {
  auto node = std::make_unique<Logic>(first->line);
  node->all = level == kAnd;
  node->operands.push_back(std::move(first));
  while (level_of(s) == level) {
    s.take();
    node->operands.push_back(parse_binary(s, Level(level + 1)));
  }
  return node;
}

ExpressionPtr parse_comparison(ParserState& s, ExpressionPtr first) {
  auto node = std::make_unique<Compare>(first->line);
  node->first = std::move(first);
  while (level_of(s) == kCompare) {
    const Comparison comparison = take_comparison(s);
    node->rest.emplace_back(comparison, parse_binary(s, kSum));
  }
  return node;
}

ExpressionPtr parse_arithmetic(ParserState& s, ExpressionPtr first, Level level) {
  auto node = std::make_unique<Arithmetic>(first->line);
  node->first = std::move(first);
  while (level_of(s) == level) {
    const Operator op = take_operator(s);
    node->rest.emplace_back(op, parse_binary(s, Level(level + 1)));
  }
  return node;
}

ExpressionPtr parse_concat(ParserState& s, ExpressionPtr first) {
  auto node = std::make_unique<Concat>(first->line);
  node->parts.push_back(std::move(first));
  while (s.skip_symbol("~")) node->parts.push_back(parse_binary(s, kProduct));
  return node;
}

ExpressionPtr parse_binary(ParserState& s, Level weakest) {
  const auto operand = s.operand();
  ExpressionPtr left = weakest <= kNot && s.is_word("not") ? parse_not(s) : parse_unary(s, true);
  while (true) {
    const Level level = level_of(s);
    if (level == Level{} || level < weakest) return left;
    if (level == kOr || level == kAnd) {
      left = parse_logic(s, std::move(left), level);
    } else if (level == kCompare) {
      left = parse_comparison(s, std::move(left));
    } else if (level == kConcat) {
      left = parse_concat(s, std::move(left));
    } else {
      left = parse_arithmetic(s, std::move(left), level);
    }
  }
}

}  // namespace

ExpressionPtr parse_expression(ParserState& s, bool with_condition) {
  ExpressionPtr value = parse_binary(s, kOr);
  // "a if b if c" nests to the left, without recursion here but for every later walk over the tree.
  constexpr int kMaxChain = 4;
  for (int chain = 0; with_condition && s.is_word("if"); ++chain) {
    if (chain == kMaxChain) syntax_error(s.line(), "conditions nested too deeply");
    const auto nest = s.nest();
    auto node = std::make_unique<Conditional>(s.line());
    s.take();
    node->yes = std::move(value);
    node->test = parse_binary(s, kOr);
    if (s.skip_word("else")) node->no = parse_expression(s);
    value = std::move(node);
  }
  return value;
}

ExpressionPtr parse_expressions(ParserState& s, bool with_condition) {
  const int line = s.line();
  ExpressionPtr first = parse_expression(s, with_condition);
  if (!s.is_symbol(",")) return first;
  auto tuple = std::make_unique<Items>(line);
  tuple->kind = Kind::tuple;
  tuple->items.push_back(std::move(first));
  while (s.skip_symbol(",")) {
    const bool done = s.is_symbol(")") || s.is_symbol("=") || s.is(TokenKind::block_end) ||
                      s.is(TokenKind::variable_end) || s.is_word("in");
    if (done) break;
    tuple->items.push_back(parse_expression(s, with_condition));
  }
  return tuple;
}

}  // namespace longhand::jinja
