#include "engine/sampling/grammar/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "engine/sampling/grammar/grammar_builder.h"
#include "ops/error.h"

namespace longhand {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, const TokenTable* tokens) : text_(text), rest_(text), tokens_(tokens) {
    find_dotted_names();
  }

  Grammar parse() {
    take("\xEF\xBB\xBF");
    skip_space(true);
    while (!rest_.empty()) parse_rule();
    return builder_.finish();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const auto read = text_.substr(0, text_.size() - rest_.size());
    const auto line = 1 + std::count(read.begin(), read.end(), '\n');
    throw Error(Errc::grammar, fmt::format("grammar line {}: {}", line, what));
  }

  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  void require(std::string_view expected) {
    if (!take(expected)) fail(fmt::format("expected \"{}\" before \"{}\"", expected, rest_.substr(0, 20)));
  }

  // Also comments; line breaks only where a rule may go on after them.
  void skip_space(bool over_lines) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (c == ' ' || c == '\t' || (over_lines && (c == '\n' || c == '\r'))) {
        rest_.remove_prefix(1);
      } else {
        return;
      }
    }
  }

  // a.b is one name where a rule is called so, else a, any character and b.
  void find_dotted_names() {
    const auto in_name = [](char c) { return is_name(c) || c == '.'; };
    for (std::size_t at = text_.find("::="); at != std::string_view::npos; at = text_.find("::=", at + 3)) {
      std::size_t end = at;
      while (end > 0 && (text_[end - 1] == ' ' || text_[end - 1] == '\t')) --end;
      std::size_t start = end;
      while (start > 0 && in_name(text_[start - 1])) --start;
      const auto name = text_.substr(start, end - start);
      if (name.find('.') != std::string_view::npos) dotted_.insert(name);
    }
  }

  std::string_view parse_name() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name(rest_[size])) ++size;
    if (!dotted_.empty() && size > 0 && size < rest_.size() && rest_[size] == '.') {
      std::size_t whole = size;
      while (whole < rest_.size() && (is_name(rest_[whole]) || rest_[whole] == '.')) ++whole;
      if (dotted_.contains(rest_.substr(0, whole))) size = whole;
    }
    const auto name = rest_.substr(0, size);
    if (name.empty()) fail(fmt::format("expected a rule name before \"{}\"", rest_.substr(0, 20)));
    rest_.remove_prefix(name.size());
    return name;
  }

  void parse_rule() {
    const std::string_view name = parse_name();
    skip_space(false);
    require("::=");
    if (!builder_.define(name)) fail(fmt::format("rule \"{}\" is defined twice", name));
    skip_space(true);
    builder_.set_body(builder_.named(name), parse_alternatives(0));
    if (!rest_.empty() && peek() != '\n' && peek() != '\r') {
      fail(fmt::format("unexpected \"{}\" in rule \"{}\"", rest_.substr(0, 20), name));
    }
    skip_space(true);
  }

  // Recursion is bounded by kMaxGrammarDepth.
  std::vector<Sequence> parse_alternatives(int depth) {
    if (depth > kMaxGrammarDepth) fail(fmt::format("groups nest deeper than {}", kMaxGrammarDepth));
    std::vector<Sequence> alternatives;
    do {
      skip_space(true);
      alternatives.push_back(parse_sequence(depth));
    } while (take_bar());
    return alternatives;
  }

  // The next alternative may stand on a line of its own.
  bool take_bar() {
    const std::string_view before = rest_;
    skip_space(true);
    if (take("|")) return true;
    rest_ = before;
    return false;
  }

  Sequence parse_sequence(int depth) {
    Sequence sequence;
    std::size_t last = 0;  // where the last element starts: what a repetition applies to
    bool repeatable = false;
    while (true) {
      const char c = peek();
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (!repeatable) fail(fmt::format("'{}' has nothing to repeat", c));
        repeat(sequence, last);
      } else {
        const std::size_t start = sequence.size();
        if (!parse_element(sequence, depth)) return sequence;
        last = start;
        repeatable = true;
      }
      skip_space(depth > 0);
    }
  }

  bool parse_element(Sequence& sequence, int depth) {
    const char c = peek();
    if (take("\"")) {
      parse_literal(sequence);
    } else if (take("[")) {
      sequence.push_back(parse_class());
    } else if (take(".")) {
      sequence.push_back(builder_.character(normalised({}, true)));
    } else if (take("(")) {
      sequence.push_back(builder_.generated(parse_alternatives(depth + 1)));
      skip_space(true);
      require(")");
    } else if (c == '<' || rest_.starts_with("!<")) {
      sequence.push_back(parse_token());
    } else if (is_name(c)) {
      sequence.push_back(builder_.named(parse_name()));
    } else {
      return false;
    }
    return true;
  }

  void parse_literal(Sequence& sequence) {
    while (!take("\"")) {
      for (const char byte : encode_utf8(parse_character())) {
        sequence.push_back(builder_.byte_set(ByteSet().set(std::uint8_t(byte))));
      }
    }
  }

  Symbol parse_class() {
    const bool inverted = take("^");
    CodePoints set;
    while (!take("]")) {
      const std::uint32_t first = parse_character();
      std::uint32_t last = first;
      if (rest_.starts_with("-") && !rest_.starts_with("-]")) {
        take("-");
        last = parse_character();
      }
      if (last < first) fail(fmt::format("the range U+{:04X}-U+{:04X} is empty", first, last));
      set.emplace_back(first, last);
    }
    if (set.empty() && !inverted) fail("the class [] matches nothing");
    return builder_.character(normalised(std::move(set), inverted));
  }

  std::uint32_t parse_character() {
    if (rest_.empty()) fail("the text ends inside a literal or class");
    if (take("\\")) return parse_escape();
    const auto c = take_utf8(rest_);
    if (!c) fail("invalid UTF-8");
    return *c;
  }

  std::uint32_t parse_escape() {
    const char c = peek();
    if (!rest_.empty()) rest_.remove_prefix(1);
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return std::uint32_t(c);
      case 'x':
        return parse_hex(2);
      case 'u':
        return parse_hex(4);
      case 'U':
        return parse_hex(8);
      default:
        fail(fmt::format("unknown escape \\{}", c));
    }
  }

  std::uint32_t parse_hex(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() < digits || error != std::errc() || end != text.data() + digits) {
      fail(fmt::format("expected {} hexadecimal digits instead of \"{}\"", digits, text));
    }
    if (value > kMaxCodePoint || is_surrogate(value)) fail(fmt::format("U+{:04X} is no character", value));
    rest_.remove_prefix(digits);
    return value;
  }

  Symbol parse_token() {
    const bool negated = take("!");
    require("<");
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) fail("a token literal has no '>'");
    const std::string_view inside = rest_.substr(0, end);
    Token token = kNoToken;
    if (inside.starts_with('[') && inside.ends_with(']')) {
      const std::string_view digits = inside.substr(1, inside.size() - 2);
      const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), token);
      if (error != std::errc() || stop != digits.data() + digits.size()) token = kNoToken;
      if (tokens_ == nullptr || token >= tokens_->size) token = kNoToken;
    } else if (tokens_ != nullptr && tokens_->find) {
      token = tokens_->find(fmt::format("<{}>", inside));
    }
    if (token < 0) fail(fmt::format("<{}> is no token of this vocabulary", inside));
    rest_.remove_prefix(end + 1);
    return {negated ? Symbol::Kind::not_token : Symbol::Kind::token, std::uint32_t(token)};
  }

  void repeat(Sequence& sequence, std::size_t last) {
    std::uint32_t min = 0;
    std::uint32_t max = kNoLimit;
    if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (!take("*")) {
      require("{");
      skip_space(false);
      if (peek() != ',') min = parse_count();
      max = min;
      if (take(",")) {
        skip_space(false);
        max = peek() == '}' ? kNoLimit : parse_count();
      }
      require("}");
      if (max < min) fail(fmt::format("{{{},{}}} is empty", min, max));
    }
    const Sequence element(sequence.begin() + std::ptrdiff_t(last), sequence.end());
    sequence.resize(last);
    const Sequence repeated = builder_.repeated(element, min, max);
    sequence.insert(sequence.end(), repeated.begin(), repeated.end());
  }

  std::uint32_t parse_count() {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::invalid_argument) fail("expected a number of repetitions");
    if (error != std::errc() || value == kNoLimit) {
      fail(fmt::format("a repetition must be 0..{}", kNoLimit - 1));
    }
    rest_.remove_prefix(std::size_t(end - rest_.data()));
    skip_space(false);
    return value;
  }

  std::string_view text_, rest_;
  const TokenTable* tokens_;
  std::set<std::string_view> dotted_;  // names of rules with a dot inside
  GrammarBuilder builder_;
};

}  // namespace

Grammar parse_gbnf(std::string_view text, const TokenTable* tokens) {
  if (text.size() > kMaxGrammarBytes) {
    throw Error(Errc::grammar,
                fmt::format("grammar: {} bytes, must be at most {}", text.size(), kMaxGrammarBytes));
  }
  Grammar grammar = Parser(text, tokens).parse();
  check_recursion(grammar);
  prune(grammar);
  return grammar;
}

}  // namespace longhand
