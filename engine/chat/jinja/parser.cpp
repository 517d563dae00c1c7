#include "engine/chat/jinja/parser.h"

#include <array>
#include <utility>

#include "engine/chat/jinja/parser_state.h"

namespace longhand::jinja {
namespace {

class StatementParser {
 public:
  explicit StatementParser(ParserState& state) : s(state) {}

  Body top_level() {
    Body body = parse_body({});
    if (!s.is(TokenKind::end)) s.unexpected("end of template");
    return body;
  }

 private:
  // Statements up to a tag whose name is in `until`; that tag's "{%" is taken, its name is not.
  Body parse_body(std::initializer_list<std::string_view> until) {
    const auto nest = s.nest();
    Body body;
    while (!s.is(TokenKind::end)) {
      if (s.is(TokenKind::data)) {
        const Lexeme& token = s.take();
        body.push_back(std::make_unique<Literal>(token.line, token.text));
      } else if (s.is(TokenKind::variable_begin)) {
        body.push_back(parse_emit());
      } else {
        s.expect(TokenKind::block_begin, "a tag");
        for (const std::string_view name : until) {
          if (s.is_word(name)) return body;
        }
        body.push_back(parse_statement());
      }
    }
    if (until.size() > 0) s.unexpected(fmt::format("'{}'", *(until.end() - 1)));
    return body;
  }

  std::unique_ptr<Statement> parse_emit() {
    s.take();
    auto emit = std::make_unique<Emit>(s.line());
    emit->value = parse_expressions(s);
    s.expect(TokenKind::variable_end, "'}}'");
    return emit;
  }

  std::unique_ptr<Statement> parse_statement() {
    using Parse = std::unique_ptr<Statement> (StatementParser::*)(int);
    struct Tag {
      std::string_view name;
      Parse parse;
    };
    static constexpr std::array<Tag, 11> kTags = {{{"if", &StatementParser::parse_if},
                                                   {"for", &StatementParser::parse_for},
                                                   {"set", &StatementParser::parse_set},
                                                   {"macro", &StatementParser::parse_macro},
                                                   {"call", &StatementParser::parse_call},
                                                   {"filter", &StatementParser::parse_filter_block},
                                                   {"with", &StatementParser::parse_with},
                                                   {"generation", &StatementParser::parse_generation},
                                                   {"block", &StatementParser::parse_block},
                                                   {"break", &StatementParser::parse_jump},
                                                   {"continue", &StatementParser::parse_jump}}};
    const int line = s.line();
    const std::string name = s.expect_name();
    for (const Tag& tag : kTags) {
      if (tag.name != name) continue;
      word_ = name;
      return (this->*tag.parse)(line);
    }
    if (name == "include" || name == "import" || name == "from" || name == "extends") {
      syntax_error(line, fmt::format("'{}' is not available: a chat template cannot load others", name));
    }
    syntax_error(line, fmt::format("unknown tag '{}'", name.substr(0, 60)));
  }

  void end_tag() { s.expect(TokenKind::block_end, "'%}'"); }
  Body parse_until(std::string_view end) {
    end_tag();
    Body body = parse_body({end});
    s.take();
    return body;
  }

  std::unique_ptr<Statement> parse_if(int line) {
    auto node = std::make_unique<If>(line);
    do {
      ExpressionPtr condition = parse_expressions(s, false);
      end_tag();
      node->branches.emplace_back(std::move(condition), parse_body({"elif", "else", "endif"}));
    } while (s.skip_word("elif"));
    if (s.skip_word("else")) {
      end_tag();
      node->otherwise = parse_body({"endif"});
    }
    s.expect_word("endif");
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_for(int line) {
    auto node = std::make_unique<For>(line);
    node->target = parse_targets(false);
    s.expect_word("in");
    node->iterable = parse_expressions(s, false);
    if (s.skip_word("if")) node->condition = parse_expression(s);
    node->recursive = s.skip_word("recursive");
    node->loop = s.identifier("loop");
    end_tag();
    ++loops_;
    node->body = parse_body({"else", "endfor"});
    --loops_;
    if (s.skip_word("else")) {
      end_tag();
      node->otherwise = parse_body({"endfor"});
    }
    s.expect_word("endfor");
    end_tag();
    return node;
  }

  Target parse_target(bool attributes) {
    const auto nest = s.nest();
    if (s.skip_symbol("(")) {
      Target target = parse_targets(attributes);
      s.expect_symbol(")");
      return target;
    }
    Target target;
    const int line = s.line();
    const std::string& name = s.expect_name();
    if (name == "true" || name == "false" || name == "none" || name == "True" || name == "False" ||
        name == "None") {
      syntax_error(line, fmt::format("cannot assign to '{}'", name));
    }
    target.name = s.identifier(name);
    if (attributes && s.skip_symbol(".")) target.attribute = s.expect_name();
    return target;
  }

  Target parse_targets(bool attributes) {
    Target first = parse_target(attributes);
    if (!s.is_symbol(",")) return first;
    Target tuple;
    tuple.targets.push_back(std::move(first));
    while (s.skip_symbol(",")) {
      if (!s.is(TokenKind::name) && !s.is_symbol("(")) break;
      if (s.is_word("in")) break;
      tuple.targets.push_back(parse_target(attributes));
    }
    return tuple;
  }

  std::unique_ptr<Statement> parse_set(int line) {
    Target target = parse_targets(true);
    if (s.skip_symbol("=")) {
      auto node = std::make_unique<Set>(line);
      node->target = std::move(target);
      node->value = parse_expressions(s);
      end_tag();
      return node;
    }
    auto node = std::make_unique<SetBlock>(line);
    node->target = std::move(target);
    if (s.is_symbol("|")) node->filters = parse_filters(s);
    node->body = parse_outside_loops("endset");
    end_tag();
    return node;
  }

  // A body whose output is caught: break and continue cannot leave it.
  Body parse_outside_loops(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    Body body = parse_until(end);
    loops_ = loops;
    return body;
  }

  void parse_signature(MacroParts& macro) {
    s.expect_symbol("(");
    while (!s.is_symbol(")")) {
      const Identifier name = s.identifier(s.expect_name());
      ExpressionPtr fallback;
      if (s.skip_symbol("=")) {
        fallback = parse_expression(s);
      } else if (!macro.parameters.empty() && macro.parameters.back().second != nullptr) {
        syntax_error(s.line(), "parameter without a default after one with a default");
      }
      macro.parameters.emplace_back(name, std::move(fallback));
      if (!s.skip_symbol(",")) break;
    }
    s.expect_symbol(")");
  }
  // The body of a macro, noting which of the special variables it reads.
  void parse_macro_body(MacroParts& macro, std::string_view end) {
    macro.caller = s.identifier("caller");
    macro.varargs = s.identifier("varargs");
    macro.kwargs = s.identifier("kwargs");
    const int callers = s.mentions(macro.caller), varargs = s.mentions(macro.varargs),
              kwargs = s.mentions(macro.kwargs);
    macro.body = parse_outside_loops(end);
    macro.uses_caller = s.mentions(macro.caller) > callers;
    macro.uses_varargs = s.mentions(macro.varargs) > varargs;
    macro.uses_kwargs = s.mentions(macro.kwargs) > kwargs;
  }

  std::unique_ptr<Statement> parse_macro(int line) {
    auto node = std::make_unique<DefineMacro>(line);
    node->macro.name = s.expect_name();
    node->name = s.identifier(node->macro.name);
    parse_signature(node->macro);
    parse_macro_body(node->macro, "endmacro");
    if (s.is_word(node->macro.name)) s.take();
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_call(int line) {
    auto node = std::make_unique<CallBlock>(line);
    node->caller.name = "caller";
    if (s.is_symbol("(")) parse_signature(node->caller);
    node->target = parse_expression(s);
    if (!split_call(node->target, node->arguments)) syntax_error(line, "'call' needs a call");
    parse_macro_body(node->caller, "endcall");
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_filter_block(int line) {
    auto node = std::make_unique<FilterBlock>(line);
    node->filters = parse_filters(s);
    node->body = parse_outside_loops("endfilter");
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_with(int line) {
    auto node = std::make_unique<Scoped>(line);
    while (!s.is(TokenKind::block_end)) {
      Target target = parse_target(false);
      s.expect_symbol("=");
      node->assignments.emplace_back(std::move(target), parse_expression(s));
      if (!s.skip_symbol(",")) break;
    }
    node->body = parse_until("endwith");
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_generation(int line) {
    auto node = std::make_unique<Scoped>(line);
    node->body = parse_outside_loops("endgeneration");
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_block(int line) {
    auto node = std::make_unique<Scoped>(line);
    const std::string name = s.expect_name();
    const bool fresh = s.program().blocks.emplace(name, &node->body).second;
    if (!fresh) syntax_error(line, fmt::format("block '{}' is defined twice", name.substr(0, 60)));
    if (s.is_word("scoped")) s.take();
    node->body = parse_outside_loops("endblock");
    if (s.is_word(name)) s.take();
    end_tag();
    return node;
  }

  std::unique_ptr<Statement> parse_jump(int line) {
    if (loops_ == 0) syntax_error(line, fmt::format("'{}' outside of a loop", word_));
    end_tag();
    return std::make_unique<Jump>(line, word_ == "break" ? Flow::break_loop : Flow::continue_loop);
  }

  ParserState& s;
  std::string word_;  // name of the tag being parsed
  int loops_ = 0;     // loops around this place that break and continue can reach
};

}  // namespace

void parse(std::string_view source, Program& program) {
  ParserState state(tokenize(normalize_newlines(source)), program);
  program.body = StatementParser(state).top_level();
}

}  // namespace longhand::jinja
