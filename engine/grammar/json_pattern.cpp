#include "engine/grammar/json_pattern.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/grammar/gbnf_text.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxDepth = 64;  // of groups; GBNF nests no deeper than twice that

const CodePoints kDigits = {{'0', '9'}};
const CodePoints kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePoints kSpace = {{9, 13}, {' ', ' '}, {0xA0, 0xA0}, {0x2028, 0x2029}, {0xFEFF, 0xFEFF}};
const CodePoints kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

bool contains(const CodePoints& set, std::uint32_t c) {
  for (const auto& [first, last] : set) {
    if (first <= c && c <= last) return true;
  }
  return false;
}

// One character of `set` as it is written inside a JSON string. Control characters without a short escape are
// left out.
std::string json_character(const CodePoints& set) {
  constexpr std::pair<char, std::string_view> kEscaped[] = {
      {'"', R"("\\\"")"}, {'\\', R"("\\\\")"}, {'\b', R"("\\b")"}, {'\f', R"("\\f")"},
      {'\n', R"("\\n")"}, {'\r', R"("\\r")"},  {'\t', R"("\\t")"}};
  CodePoints outside = normalised(set, true);
  for (const auto& range : CodePoints{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}) outside.push_back(range);
  const CodePoints plain = normalised(outside, true);
  std::string text = plain.empty() ? "" : gbnf_class(plain);
  int parts = plain.empty() ? 0 : 1;
  for (const auto& [c, escape] : kEscaped) {
    if (!contains(set, static_cast<std::uint32_t>(c))) continue;
    text += (parts++ == 0 ? "" : " | ") + std::string(escape);
  }
  if (parts == 0) throw Error(Errc::grammar, "pattern: a class matches no character that JSON can write");
  return parts == 1 ? text : "(" + text + ")";
}

class PatternParser {
 public:
  PatternParser(std::string_view pattern, const std::string& any)
      : whole_(pattern), rest_(pattern), any_(any) {}

  std::string parse() {
    const bool from_start = take("^");
    // A final $, unless it is escaped, that is behind an odd number of backslashes.
    bool to_end = false;
    if (rest_.ends_with('$')) {
      std::size_t slashes = 0;
      while (slashes + 1 < rest_.size() && rest_[rest_.size() - 2 - slashes] == '\\') ++slashes;
      to_end = slashes % 2 == 0;
      if (to_end) rest_.remove_suffix(1);
    }
    const std::string_view inside = rest_;
    const std::string body = alternatives(0);
    if (!rest_.empty()) fail(fmt::format("unexpected \"{}\"", rest_));
    if (top_level_bar_ && (from_start || to_end))
      fail(fmt::format("anchors beside | in \"{}\" need a group", inside));
    return fmt::format("{}({}){}", from_start ? "" : any_ + "* ", body, to_end ? "" : " " + any_ + "*");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Errc::grammar, fmt::format("schema: pattern \"{}\": {}", whole_, what));
  }
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  std::string alternatives(int depth) {
    if (depth > kMaxDepth) fail(fmt::format("groups nest deeper than {}", kMaxDepth));
    std::string text = sequence(depth);
    while (take("|")) {
      top_level_bar_ = top_level_bar_ || depth == 0;
      text += " | " + sequence(depth);
    }
    return text;
  }

  std::string sequence(int depth) {
    std::string text;
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      const std::string element = quantified(atom(depth));
      text += (text.empty() ? "" : " ") + element;
    }
    return text.empty() ? "\"\"" : text;
  }

  std::string atom(int depth) {
    if (take("(")) {
      if (!take("?:") && rest_.starts_with("?")) fail("look-around and named groups are not supported");
      const std::string inside = alternatives(depth + 1);
      if (!take(")")) fail("a group is not closed");
      return "(" + inside + ")";
    }
    if (take(".")) return json_character(normalised(kLineEnds, true));
    if (take("[")) return json_character(character_class());
    if (rest_[0] == '^' || rest_[0] == '$') fail("anchors are supported at the ends only");
    if (std::string_view("*+?{").find(rest_[0]) != std::string_view::npos) fail("nothing to repeat");
    return json_character(normalised(item()));
  }

  std::string quantified(const std::string& element) {
    std::string text = element;
    if (take("*")) {
      text += "*";
    } else if (take("+")) {
      text += "+";
    } else if (take("?")) {
      text += "?";
    } else if (take("{")) {
      const int min = count();
      std::optional<std::uint32_t> max = std::uint32_t(min);
      if (take(",")) max = rest_.starts_with("}") ? std::nullopt : std::optional(std::uint32_t(count()));
      if (!take("}")) fail("a repetition is not closed");
      text = gbnf_repeat(element, std::uint32_t(min), max);
    } else {
      return text;
    }
    take("?");  // lazy: other order of search, same language
    if (!rest_.empty() && (rest_[0] == '*' || rest_[0] == '+')) fail("a repetition of a repetition");
    return text;
  }

  int count() {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) fail("expected a number of repetitions");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  CodePoints character_class() {
    const bool inverted = take("^");
    CodePoints set;
    while (!take("]")) {
      const CodePoints first = item();
      const bool single = first.size() == 1 && first[0].first == first[0].second;
      if (single && rest_.starts_with("-") && !rest_.starts_with("-]")) {
        take("-");
        const CodePoints last = item();
        const bool range =
            last.size() == 1 && last[0].first == last[0].second && first[0].first <= last[0].first;
        if (!range) fail("a range in a class is empty");
        set.emplace_back(first[0].first, last[0].first);
      } else {
        set.insert(set.end(), first.begin(), first.end());
      }
    }
    return normalised(std::move(set), inverted);
  }

  // A character or an escape.
  CodePoints item() {
    if (rest_.empty()) fail("it ends too early");
    if (take("\\")) return escape();
    const auto c = take_utf8(rest_);
    if (!c) fail("invalid UTF-8");
    return {{*c, *c}};
  }

  CodePoints escape() {
    if (rest_.empty()) fail("it ends in a backslash");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    const auto one = [](std::uint32_t code) { return CodePoints{{code, code}}; };
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return normalised(kDigits, true);
      case 'w':
        return kWord;
      case 'W':
        return normalised(kWord, true);
      case 's':
        return kSpace;
      case 'S':
        return normalised(kSpace, true);
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'x':
        return one(hex(2));
      case 'u':
        return one(hex(4));
      default:
        break;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || static_cast<unsigned char>(c) >= 0x80) fail(fmt::format("\\{} is not supported", c));
    return one(static_cast<std::uint32_t>(c));
  }

  std::uint32_t hex(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() < digits || error != std::errc() || end != text.data() + digits)
      fail("bad hexadecimal escape");
    rest_.remove_prefix(digits);
    return value;
  }

  std::string_view whole_, rest_;
  const std::string& any_;
  bool top_level_bar_ = false;
};

}  // namespace

std::string pattern_to_gbnf(std::string_view pattern, const std::string& any) {
  return PatternParser(pattern, any).parse();
}

}  // namespace longhand
