// The token stream shared by the expression and the statement parser.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/chat/jinja/lexer.h"
#include "engine/chat/jinja/parser.h"

namespace longhand::jinja {

class ParserState {
 public:
  ParserState(std::vector<Lexeme> tokens, Program& program) : tokens_(std::move(tokens)), program_(program) {}

  const Lexeme& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Lexeme& take() {
    const Lexeme& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  int line() const { return peek().line; }
  bool is(TokenKind kind) const { return peek().kind == kind; }
  bool is_symbol(std::string_view text) const { return is(TokenKind::symbol) && peek().text == text; }
  bool is_word(std::string_view text) const { return is(TokenKind::name) && peek().text == text; }
  bool skip_symbol(std::string_view text) { return is_symbol(text) && (take(), true); }
  bool skip_word(std::string_view text) { return is_word(text) && (take(), true); }
  void expect_symbol(std::string_view text) {
    if (!skip_symbol(text)) unexpected(text);
  }
  void expect_word(std::string_view text) {
    if (!skip_word(text)) unexpected(text);
  }
  void expect(TokenKind kind, std::string_view what) {
    if (!is(kind)) unexpected(what);
    take();
  }
  const std::string& expect_name() {
    if (!is(TokenKind::name)) unexpected("a name");
    return take().text;
  }
  [[noreturn]] void unexpected(std::string_view wanted) const;

  Identifier identifier(const std::string& name) {
    const auto [found, added] = ids_.try_emplace(name, static_cast<NameId>(program_.names.size()));
    if (added) program_.names.push_back(name);
    return {found->second, &program_.names[found->second]};
  }
  /// Notes that an expression reads the variable; mentions() counts these.
  Identifier use(const std::string& name) {
    const Identifier found = identifier(name);
    mentions_.resize(program_.names.size());
    ++mentions_[found.id];
    return found;
  }
  int mentions(const Identifier& name) const { return name.id < mentions_.size() ? mentions_[name.id] : 0; }
  Program& program() { return program_; }

  /// Counts nesting for its lifetime.
  class Nest {
   public:
    Nest(int& depth, int limit, int line) : depth_(depth) {
      if (++depth_ > limit) syntax_error(line, "nested too deeply");
    }
    ~Nest() { --depth_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    int& depth_;
  };
  /// For a bracket, sign, block ...: what a reader would call a level of nesting.
  Nest nest() { return Nest(depth_, kMaxDepth, line()); }
  /// For each operand being parsed; several of these make one level, and all of them use stack.
  Nest operand() { return Nest(operands_, 3 * kMaxDepth, line()); }

 private:
  std::vector<Lexeme> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int operands_ = 0;
  Program& program_;
  std::unordered_map<std::string, NameId> ids_;
  std::vector<int> mentions_;  // by NameId
};

ExpressionPtr parse_expression(ParserState& state, bool with_condition = true);
/// One expression, or several with commas between, which make a tuple.
ExpressionPtr parse_expressions(ParserState& state, bool with_condition = true);
/// A name, literal, list, dict or something in parentheses.
ExpressionPtr parse_primary(ParserState& state);
ExpressionPtr parse_number(ParserState& state);
/// ".name", "[key]" and "(arguments)", as many as there are.
void parse_attribute_suffixes(ParserState& state, std::vector<std::unique_ptr<Suffix>>& suffixes);
/// "| filter", "is test" and "(arguments)", as many as there are.
void parse_filter_suffixes(ParserState& state, std::vector<std::unique_ptr<Suffix>>& suffixes);
/// The "(...)" of a call.
CallArguments parse_arguments(ParserState& state);
/// "| filter | filter" with the first bar optional, as in {% filter x %}.
std::vector<std::unique_ptr<Suffix>> parse_filters(ParserState& state);
/// Splits f(args) into what is called and with what; false when `expression` is no call.
bool split_call(ExpressionPtr& expression, CallArguments& arguments);

}  // namespace longhand::jinja
