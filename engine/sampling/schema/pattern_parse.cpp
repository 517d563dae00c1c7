// Reads regular expressions.
#include <fmt/format.h>

#include <charconv>

#include "engine/sampling/grammar/grammar.h"
#include "engine/sampling/schema/pattern.h"
#include "engine/sampling/schema/pattern_sets.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxDepth = 64;  // of groups
constexpr std::size_t kMaxBytes = 1u << 14;
using Kind = Pattern::Kind;

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : whole_(text), rest_(text) {}

  Pattern parse() {
    if (whole_.size() > kMaxBytes)
      throw Error(Errc::grammar,
                  fmt::format("a pattern has {} bytes, must be at most {}", whole_.size(), kMaxBytes));
    Pattern all = choice(0);
    if (!rest_.empty()) fail("a group is closed that was not opened");
    return all;
  }

 private:
  struct Flags {
    bool any_case = false, dot_all = false;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Errc::grammar, fmt::format("pattern \"{}\": {}", whole_, what));
  }
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // Flags that are set inside a group end with it.
  Pattern choice(int depth) {
    if (depth > kMaxDepth) fail(fmt::format("groups nest deeper than {}", kMaxDepth));
    const Flags before = flags_;
    Pattern all{.kind = Kind::choice};
    do { all.parts.push_back(sequence(depth)); } while (take("|"));
    flags_ = before;
    return all.parts.size() == 1 ? std::move(all.parts.front()) : all;
  }

  Pattern sequence(int depth) {
    Pattern all;
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      if (take_flags()) continue;
      all.parts.push_back(quantified(atom(depth)));
    }
    return all.parts.size() == 1 ? std::move(all.parts.front()) : all;
  }

  // (?i) and the like, which hold for what follows.
  bool take_flags() {
    if (!rest_.starts_with("(?")) return false;
    const std::size_t end = rest_.find_first_not_of("imsu-", 2);
    if (end == 2 || end == std::string_view::npos || rest_[end] != ')') return false;
    set_flags(rest_.substr(2, end - 2));
    rest_.remove_prefix(end + 1);
    return true;
  }

  void set_flags(std::string_view letters) {
    bool on = true;
    for (const char letter : letters) {
      if (letter == '-') on = false;
      if (letter == 'i') flags_.any_case = on;
      if (letter == 's') flags_.dot_all = on;
      if (letter == 'm' && on) fail("the flag m is not supported");
    }
  }

  Pattern atom(int depth) {
    if (take("(")) return group(depth);
    if (take("^")) return {.kind = Kind::text_start};
    if (take("$")) return {.kind = Kind::text_end};
    if (take(".")) return {.kind = Kind::set, .set = flags_.dot_all ? normalised({}, true) : dot_set()};
    if (take("[")) return {.kind = Kind::set, .set = character_class()};
    if (take("\\b")) return {.kind = Kind::word_edge};
    if (take("\\B")) return {.kind = Kind::no_word_edge};
    if (take("\\A")) return {.kind = Kind::text_start};
    if (take("\\z") || take("\\Z")) return {.kind = Kind::text_end};
    if (std::string_view("*+?").find(rest_[0]) != std::string_view::npos || counts())
      fail("nothing to repeat");
    return {.kind = Kind::set, .set = folded(normalised(item()))};
  }

  CodePoints folded(CodePoints set) const { return flags_.any_case ? case_folded(std::move(set)) : set; }

  Pattern group(int depth) {
    Pattern out{.kind = Kind::sequence};
    const Flags before = flags_;
    if (take("?=")) {
      out.kind = Kind::look_ahead;
    } else if (take("?!")) {
      out.kind = Kind::no_look_ahead;
    } else if (rest_.starts_with("?<=") || rest_.starts_with("?<!")) {
      fail("look-behind is not supported");
    } else if (take("?<") || take("?P<")) {
      const std::size_t end = rest_.find('>');
      if (end == std::string_view::npos || end == 0) fail("the name of a group has no end");
      rest_.remove_prefix(end + 1);
    } else if (take("?")) {
      const std::size_t end = rest_.find_first_not_of("imsu-");
      if (end == std::string_view::npos || rest_[end] != ':') fail("a kind of group that is not supported");
      set_flags(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
    }
    out.parts.push_back(choice(depth + 1));
    if (!take(")")) fail("a group is not closed");
    flags_ = before;
    return out;
  }

  // Whether {m}, {m,} {,n} or {m,n} comes; any other brace stands for itself.
  bool counts() const {
    const std::size_t end = rest_.find_first_not_of("0123456789,", 1);
    return rest_.starts_with("{") && end != std::string_view::npos && end > 1 && rest_[end] == '}';
  }

  Pattern quantified(Pattern element) {
    std::uint32_t min = 0;
    std::uint32_t max = kNoLimit;
    if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (counts()) {
      take("{");
      if (!rest_.starts_with(",")) min = count();
      max = min;
      if (take(",")) max = rest_.starts_with("}") ? kNoLimit : count();
      if (!take("}")) fail("a repetition is not closed");
      if (max < min) fail(fmt::format("the repetition {{{},{}}} is empty", min, max));
    } else if (!take("*")) {
      return element;
    }
    if (element.kind >= Kind::text_start) fail("an anchor or look-ahead is repeated");
    take("?");  // lazy: other order of search, same language
    if (!rest_.empty() && (rest_[0] == '*' || rest_[0] == '+')) fail("a repetition of a repetition");
    Pattern out{.kind = Kind::repeat, .min = min, .max = max};
    out.parts.push_back(std::move(element));
    return out;
  }

  std::uint32_t count() {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value == kNoLimit) fail("expected a number of repetitions");
    rest_.remove_prefix(std::size_t(end - rest_.data()));
    return value;
  }

  CodePoints character_class() {
    const bool inverted = take("^");
    CodePoints set;
    while (!take("]")) {
      const CodePoints first = take("\\b") ? CodePoints{{'\b', '\b'}} : item();
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
    return normalised(folded(normalised(std::move(set))), inverted);
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
    if (const auto set = escape_set(c)) return *set;
    const auto one = [](std::uint32_t code) { return CodePoints{{code, code}}; };
    constexpr std::pair<char, char> kControls[] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'},
                                                   {'f', '\f'}, {'v', '\v'}, {'0', '\0'}};
    for (const auto& [letter, control] : kControls) {
      if (c == letter && !(c == '0' && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'))
        return one(std::uint32_t(control));
    }
    if (c == 'x') return one(hex(2));
    if (c == 'u') return one(unicode());
    if (c == 'p' || c == 'P') return property(c == 'P');
    if (c == 'c' && !rest_.empty()) {
      const auto letter = std::uint32_t(rest_[0]) & 0x1F;
      rest_.remove_prefix(1);
      return one(letter);
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) fail(fmt::format("\\{} is not supported", c));
    rest_ = std::string_view(rest_.data() - 1, rest_.size() + 1);
    const auto code = take_utf8(rest_);
    if (!code) fail("invalid UTF-8");
    return one(*code);
  }

  // \uHHHH, a surrogate pair of two of them, or \u{H...}.
  std::uint32_t unicode() {
    if (take("{")) {
      const std::size_t digits = rest_.find('}');
      if (digits == 0 || digits > 6) fail("bad hexadecimal escape");
      const std::uint32_t code = hex(digits);
      take("}");
      return code;
    }
    const std::uint32_t code = hex(4);
    if (code < 0xD800 || code > 0xDBFF || !rest_.starts_with("\\u")) return code;
    const std::string_view before = rest_;
    take("\\u");
    const std::uint32_t low = rest_.starts_with("{") ? 0 : hex(4);
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    rest_ = before;
    return code;
  }

  CodePoints property(bool inverted) {
    const std::size_t end = rest_.find('}');
    const bool braces = rest_.starts_with("{") && end != std::string_view::npos;
    const std::string_view name = braces ? rest_.substr(1, end - 1) : rest_.substr(0, 1);
    const auto set = property_set(name);
    if (!set) fail(fmt::format("\\p{{{}}} is not supported", name));
    rest_.remove_prefix(braces ? end + 1 : 1);
    return normalised(*set, inverted);
  }

  std::uint32_t hex(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() < digits || error != std::errc() || end != text.data() + digits || value > kMaxCodePoint)
      fail("bad hexadecimal escape");
    rest_.remove_prefix(digits);
    return value;
  }

  std::string_view whole_, rest_;
  Flags flags_;
};

}  // namespace

Pattern parse_pattern(std::string_view text) { return PatternParser(text).parse(); }

}  // namespace longhand
