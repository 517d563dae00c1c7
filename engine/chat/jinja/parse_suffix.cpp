// What may follow a primary: attributes, subscripts, calls, filters and tests.
#include <algorithm>
#include <array>

#include "engine/chat/jinja/parser_state.h"

namespace longhand::jinja {
namespace {

std::unique_ptr<Suffix> parse_dot(ParserState& s) {
  const int line = s.line();
  s.expect_symbol(".");
  if (s.is(TokenKind::integer)) {
    auto suffix = std::make_unique<SubscriptSuffix>(line);
    suffix->key = parse_number(s);
    return suffix;
  }
  const std::string name = s.expect_name();
  if (s.is_symbol("(")) {
    auto suffix = std::make_unique<MethodSuffix>(line);
    suffix->name = name;
    suffix->arguments = parse_arguments(s);
    return suffix;
  }
  auto suffix = std::make_unique<AttributeSuffix>(line);
  suffix->name = name;
  return suffix;
}

std::unique_ptr<Suffix> parse_subscript(ParserState& s) {
  const int line = s.line();
  const auto nest = s.nest();
  s.expect_symbol("[");
  ExpressionPtr first;
  if (!s.is_symbol(":")) {
    first = parse_expression(s);
    if (s.is_symbol(",")) {  // x[a, b] is x[(a, b)]
      auto tuple = std::make_unique<Items>(line);
      tuple->kind = Kind::tuple;
      tuple->items.push_back(std::move(first));
      while (s.skip_symbol(",")) tuple->items.push_back(parse_expression(s));
      first = std::move(tuple);
    }
  }
  if (!s.is_symbol(":")) {
    s.expect_symbol("]");
    auto suffix = std::make_unique<SubscriptSuffix>(line);
    suffix->key = std::move(first);
    return suffix;
  }
  auto suffix = std::make_unique<SliceSuffix>(line);
  suffix->start = std::move(first);
  s.expect_symbol(":");
  if (!s.is_symbol(":") && !s.is_symbol("]")) suffix->stop = parse_expression(s);
  if (s.skip_symbol(":") && !s.is_symbol("]")) suffix->step = parse_expression(s);
  s.expect_symbol("]");
  return suffix;
}

std::string dotted_name(ParserState& s) {
  std::string name = s.expect_name();
  while (s.skip_symbol(".")) name += "." + s.expect_name();
  return name;
}

std::unique_ptr<Suffix> parse_filter(ParserState& s) {
  auto suffix = std::make_unique<FilterSuffix>(s.line());
  suffix->name = dotted_name(s);
  suffix->filter = find_filter(suffix->name);
  if (s.is_symbol("(")) suffix->arguments = parse_arguments(s);
  return suffix;
}

// Can the next token begin the argument of a test written without parentheses (x is divisibleby 3)?
bool starts_test_argument(const ParserState& s) {
  switch (s.peek().kind) {
    case TokenKind::name: {
      constexpr std::array<std::string_view, 7> kOther = {"else", "or", "and", "is", "if", "not", "in"};
      return std::find(kOther.begin(), kOther.end(), s.peek().text) == kOther.end();
    }
    case TokenKind::string:
    case TokenKind::integer:
    case TokenKind::real:
      return true;
    case TokenKind::symbol:
      return s.is_symbol("[") || s.is_symbol("{");
    default:
      return false;
  }
}

std::unique_ptr<Suffix> parse_call(ParserState& s) {
  auto suffix = std::make_unique<CallSuffix>(s.line());
  suffix->arguments = parse_arguments(s);
  return suffix;
}

}  // namespace

void parse_attribute_suffixes(ParserState& s, std::vector<std::unique_ptr<Suffix>>& suffixes) {
  while (true) {
    if (s.is_symbol(".")) {
      suffixes.push_back(parse_dot(s));
    } else if (s.is_symbol("[")) {
      suffixes.push_back(parse_subscript(s));
    } else if (s.is_symbol("(")) {
      suffixes.push_back(parse_call(s));
    } else {
      return;
    }
  }
}

namespace {

std::unique_ptr<Suffix> parse_test(ParserState& s) {
  auto suffix = std::make_unique<TestSuffix>(s.line());
  s.expect_word("is");
  suffix->negated = s.skip_word("not");
  suffix->name = dotted_name(s);
  suffix->test = find_test(suffix->name);
  if (s.is_symbol("(")) {
    suffix->arguments = parse_arguments(s);
  } else if (starts_test_argument(s)) {
    const auto nest = s.nest();
    auto argument = std::make_unique<Postfix>(s.line());
    argument->base = parse_primary(s);
    parse_attribute_suffixes(s, argument->suffixes);
    suffix->arguments.positional.push_back({std::move(argument), false});
  } else if (s.is_word("is")) {
    syntax_error(s.line(), "tests cannot be chained with 'is'");
  }
  return suffix;
}

}  // namespace

void parse_filter_suffixes(ParserState& s, std::vector<std::unique_ptr<Suffix>>& suffixes) {
  while (true) {
    if (s.skip_symbol("|")) {
      suffixes.push_back(parse_filter(s));
    } else if (s.is_word("is")) {
      suffixes.push_back(parse_test(s));
    } else if (s.is_symbol("(")) {
      suffixes.push_back(parse_call(s));
    } else {
      return;
    }
  }
}

CallArguments parse_arguments(ParserState& s) {
  const auto nest = s.nest();
  CallArguments arguments;
  s.expect_symbol("(");
  while (!s.is_symbol(")")) {
    if (s.skip_symbol("**")) {
      arguments.named.push_back({"", parse_expression(s)});
    } else if (s.skip_symbol("*")) {
      arguments.positional.push_back({parse_expression(s), true});
    } else if (s.is(TokenKind::name) && s.peek(1).kind == TokenKind::symbol && s.peek(1).text == "=") {
      std::string name = s.take().text;
      s.take();
      arguments.named.push_back({std::move(name), parse_expression(s)});
    } else {
      if (!arguments.named.empty()) syntax_error(s.line(), "positional argument after a named one");
      arguments.positional.push_back({parse_expression(s), false});
    }
    if (!s.skip_symbol(",")) break;
  }
  s.expect_symbol(")");
  return arguments;
}

std::vector<std::unique_ptr<Suffix>> parse_filters(ParserState& s) {
  std::vector<std::unique_ptr<Suffix>> filters;
  s.skip_symbol("|");
  do { filters.push_back(parse_filter(s)); } while (s.skip_symbol("|"));
  return filters;
}

bool split_call(ExpressionPtr& expression, CallArguments& arguments) {
  auto* postfix = dynamic_cast<Postfix*>(expression.get());
  if (postfix == nullptr) return false;
  std::unique_ptr<Suffix>& last = postfix->suffixes.back();
  if (auto* call = dynamic_cast<CallSuffix*>(last.get())) {
    arguments = std::move(call->arguments);
    postfix->suffixes.pop_back();
    return true;
  }
  auto* method = dynamic_cast<MethodSuffix*>(last.get());
  if (method == nullptr) return false;
  arguments = std::move(method->arguments);
  auto attribute = std::make_unique<AttributeSuffix>(method->line);
  attribute->name = std::move(method->name);
  last = std::move(attribute);
  return true;
}

}  // namespace longhand::jinja
