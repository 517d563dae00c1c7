#include "engine/text/regex_program.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace longhand {
namespace {

struct Shorthand {
  std::string_view name, text;
};
// English contractions in any case; the regex of GPT-2; the common treatment of white space.
constexpr Shorthand kShorthands[] = {
    {"%C", R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"},
    {"%G", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"},
    {"%T", R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
};

std::string expand_shorthands(std::string_view pattern) {
  std::string text(pattern);
  for (const auto& [name, value] : kShorthands) {
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
      text.replace(at, name.size(), value);
    }
  }
  return text;
}

// Recursive descent; nesting is that of our own patterns. Each parse_ function emits steps that continue at
// `next` and returns where they begin, so programs are built back to front: a term is parsed once its
// successor is known. Therefore a sequence first finds the extents of its terms, then emits them from the
// last to the first.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  RegexProgram run() {
    program_.steps.push_back({RegexProgram::Op::match});
    program_.start = alternatives(0, text_.size(), 0);
    return std::move(program_);
  }

 private:
  using Op = RegexProgram::Op;
  static constexpr std::size_t kMany = ~std::size_t{0};
  struct Term {
    std::size_t begin, end;  // the term itself, without its quantifier
    std::size_t low = 1, high = 1;
  };

  [[noreturn]] void fail(std::size_t at, const char* what) const {
    throw std::invalid_argument(std::string(what) + " at " + std::to_string(at) + " of regex " +
                                std::string(text_));
  }

  std::uint32_t emit(RegexProgram::Step step) {
    program_.steps.push_back(step);
    return std::uint32_t(program_.steps.size() - 1);
  }
  std::uint32_t set_index(CodeSet set) {
    const auto it = std::ranges::find(program_.sets, set);
    const auto index = std::uint32_t(it - program_.sets.begin());
    if (it == program_.sets.end()) program_.sets.push_back(std::move(set));
    return index;
  }

  // The end of the term that begins at `at`: a class, a group, an escape or one character.
  std::size_t term_end(std::size_t at, std::size_t end) const {
    if (text_[at] == '\\') {
      const bool braces =
          at + 2 < end && text_[at + 2] == '{' && std::string_view("pPx").find(text_[at + 1]) < 3;
      return braces ? text_.find('}', at) + 1 : at + 2;
    }
    if (text_[at] != '[' && text_[at] != '(') return at + 1;
    const char close = text_[at] == '[' ? ']' : ')';
    for (std::size_t i = at + 1; i < end;) {
      if (text_[i] == close) return i + 1;
      // Inside a class only a nested class counts; a "(" there stands for itself.
      const bool nested = text_[i] == '[' || text_[i] == '\\' || (close == ')' && text_[i] == '(');
      i = nested ? term_end(i, end) : i + 1;
    }
    fail(at, "unclosed bracket");
  }

  std::uint32_t alternatives(std::size_t begin, std::size_t end, std::uint32_t next) {
    std::vector<std::pair<std::size_t, std::size_t>> branches;
    std::size_t from = begin;
    for (std::size_t i = begin; i < end;) {
      if (text_[i] == '|') {
        branches.emplace_back(from, i);
        from = ++i;
      } else {
        i = term_end(i, end);
      }
    }
    branches.emplace_back(from, end);
    std::uint32_t entry = sequence(branches.back().first, branches.back().second, next);
    for (auto branch = branches.rbegin() + 1; branch != branches.rend(); ++branch) {
      const std::uint32_t preferred = sequence(branch->first, branch->second, next);
      entry = emit({Op::fork, 0, preferred, entry});
    }
    return entry;
  }

  std::uint32_t sequence(std::size_t begin, std::size_t end, std::uint32_t next) {
    std::vector<Term> terms;
    for (std::size_t i = begin; i < end;) {
      Term term{i, term_end(i, end)};
      i = quantifier(term, end);
      terms.push_back(term);
    }
    for (auto term = terms.rbegin(); term != terms.rend(); ++term) next = repeated(*term, next);
    return next;
  }

  std::size_t quantifier(Term& term, std::size_t end) const {
    std::size_t i = term.end;
    if (i >= end) return i;
    if (text_[i] == '?') return term.low = 0, i + 1;
    if (text_[i] == '*') return term.low = 0, term.high = kMany, i + 1;
    if (text_[i] == '+') return term.high = kMany, i + 1;
    if (text_[i] != '{') return i;
    const std::size_t close = text_.find('}', i);
    const std::size_t comma = std::min(text_.find(',', i), close);
    term.low = std::stoul(std::string(text_.substr(i + 1, comma - i - 1)));
    term.high =
        comma == close ? term.low : std::stoul(std::string(text_.substr(comma + 1, close - comma - 1)));
    return close + 1;
  }

  std::uint32_t repeated(const Term& term, std::uint32_t next) {
    if (term.high == kMany) {
      // The loop's fork comes before its body exists; patch it afterwards.
      const std::uint32_t loop = emit({Op::fork, 0, 0, next});
      const std::uint32_t body = single(term, loop);
      program_.steps[loop].next = body;
      next = term.low == 0 ? loop : body;
      for (std::size_t i = 1; i < term.low; ++i) next = single(term, next);
      return next;
    }
    const std::uint32_t after = next;
    for (std::size_t i = term.high; i > 0; --i) {
      next = single(term, next);
      if (i > term.low) next = emit({Op::fork, 0, next, after});
    }
    return next;
  }

  std::uint32_t single(const Term& term, std::uint32_t next) {
    const std::string_view text = text_.substr(term.begin, term.end - term.begin);
    if (text == "$") return emit({Op::at_end, 0, next});
    if (text.starts_with("(?!")) {
      return emit({Op::refuse, set_index(char_class(term.begin + 3, term.end - 1)), next});
    }
    if (text.starts_with("(?:")) return alternatives(term.begin + 3, term.end - 1, next);
    if (text.starts_with("(?")) fail(term.begin, "unknown group");
    if (text.front() == '(') return alternatives(term.begin + 1, term.end - 1, next);
    return emit({Op::take, set_index(char_class(term.begin, term.end)), next});
  }

  CodeSet char_class(std::size_t begin, std::size_t end) const {
    if (text_[begin] == '[') return bracket(begin + 1, end - 1);
    return escape_or_char(begin, end);
  }

  CodeSet bracket(std::size_t at, std::size_t end) const {
    const bool negated = text_[at] == '^';
    CodeSet set;
    for (std::size_t i = at + (negated ? 1 : 0); i < end;) {
      if (text_.substr(i, 3) == "&&[") {
        set = set & bracket(i + 3, end - 1);  // by convention the last thing in its class
        break;
      }
      const std::size_t next = term_end_in_class(i, end);
      if (next + 1 < end && text_[next] == '-') {
        const std::size_t last = term_end_in_class(next + 1, end);
        set = set | CodeSet::of(single_code(i, next), single_code(next + 1, last));
        i = last;
      } else {
        set = set | escape_or_char(i, next);
        i = next;
      }
    }
    return negated ? ~set : set;
  }

  std::size_t term_end_in_class(std::size_t at, std::size_t end) const {
    return text_[at] == '\\' ? term_end(at, end) : at + 1;
  }

  char32_t single_code(std::size_t begin, std::size_t end) const {
    const CodeSet set = escape_or_char(begin, end);
    if (set.ranges().size() != 1 || set.ranges()[0].first != set.ranges()[0].last)
      fail(begin, "range of classes");
    return set.ranges()[0].first;
  }

  CodeSet escape_or_char(std::size_t begin, std::size_t end) const {
    const auto code = [](char c) { return CodeSet::of(std::uint8_t(c), std::uint8_t(c)); };
    if (text_[begin] != '\\') return code(text_[begin]);
    const std::string name(end > begin + 3 ? text_.substr(begin + 3, end - begin - 4) : std::string_view());
    const char letter = text_[begin + 1];
    const auto white = [] { return CodeSet::of(unicode_tables::white_space()); };
    if (letter == 'r') return code('\r');
    if (letter == 'n') return code('\n');
    if (letter == 't') return code('\t');
    if (letter == 's') return white();
    if (letter == 'S') return ~white();
    if (letter == 'd') return CodeSet::of_categories(category_mask("Nd"));
    if (letter == 'x') {
      const auto value = char32_t(std::stoul(name, nullptr, 16));
      return CodeSet::of(value, value);
    }
    if (letter == 'p' || letter == 'P') {
      const CategoryMask mask = category_mask(name);
      if (name != "Han" && mask == 0) fail(begin, "unknown property");
      const CodeSet set = name == "Han" ? CodeSet::of(unicode_tables::han()) : CodeSet::of_categories(mask);
      return letter == 'p' ? set : ~set;
    }
    return code(letter);
  }

  std::string_view text_;
  RegexProgram program_;
};

}  // namespace

RegexProgram parse_regex(std::string_view pattern) {
  const std::string text = expand_shorthands(pattern);
  return Parser(text).run();
}

}  // namespace longhand
