// The step budget holds whatever the lengths of the texts: everything a template can call, on texts of a
// megabyte, in a loop until the budget ends.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/template.h"
#include "ops/error.h"
#include "tests/support/cpu_time.h"

namespace longhand::jinja {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;
// Half a million steps last less than 0.1 s. Ten times as much is for machines that are slow or busy; work
// that is not counted takes minutes.
constexpr double kSeconds = 1.0;

Text repeated(std::string_view text, bool trusted = false) {
  return Text(std::string(text), trusted).repeated(kMegabyte / text.size());
}

Text half_trusted() {
  Text text;
  for (std::size_t i = 0; i < kMegabyte; ++i) text.append("a", i % 2 == 0);
  return text;
}

// What is called upon.
Value make_subject(Heap& heap, std::string_view name) {
  const Value letters = heap.string(repeated("a"));
  if (name == "letters") return letters;
  if (name == "spaces") return heap.string(repeated(" "));
  if (name == "accents") return heap.string(repeated("\xC3\x9F"));
  if (name == "digits") return heap.string(repeated("1"));
  if (name == "tags") return heap.string(repeated("<>"));
  if (name == "mixed") return heap.string(half_trusted());
  if (name == "json") return heap.string("\"" + std::string(kMegabyte, 'a') + "\"", false);
  if (name == "members") {
    std::string text = "{";
    for (std::size_t i = 0; text.size() < kMegabyte; ++i) text += fmt::format("\"{}\":1,", i);
    text.back() = '}';
    return heap.string(text, false);
  }
  if (name == "list") return heap.list({letters, heap.string(repeated("a", true)), letters});
  Dict* dict = heap.dict();
  dict->set(heap, letters, letters);
  dict->set(heap, heap.string("b"), letters);
  return Value::of(dict);
}
constexpr std::string_view kTexts[] = {"letters", "mixed"};
constexpr std::string_view kAll[] = {"accents", "members", "list", "dict"};

constexpr std::string_view kArguments[] = {
    "", "w", "w, w", "(w, w, w)", "1000000", "1, w", "500000, 900000, w"};

struct Outcome {
  std::string error;
  double seconds;
};

Outcome render_loop(std::string_view subject, const std::string& expression) {
  Heap heap;
  Dict* variables = heap.dict();
  variables->set(heap, heap.string("s"), make_subject(heap, subject));
  // Begins with what most subjects are made of, so that a comparison goes on to its end.
  variables->set(heap, heap.string("w"), heap.string(std::string(kMegabyte / 2, 'a') + "b"));
  variables->set(heap, heap.string("rounds"), Value::integer(1000));
  const Template loop("{% for i in range(rounds) %}{% for j in range(rounds) %}{% set x = " + expression +
                      " %}{% endfor %}{% endfor %}");
  RenderOptions options;
  options.mutable_data = true;
  options.now = parse_iso8601("2026-07-01T12:00:00");
  Outcome outcome;
  outcome.seconds = test::cpu_seconds_of([&] {
    try {
      loop.render(heap, *variables, options);
    } catch (const Error& error) { outcome.error = error.what(); }
  });
  return outcome;
}

// Refused at the first call, for want of a number or of what is looked for.
bool ends_at_once(std::string_view name) {
  constexpr std::string_view kNames[] = {"index", "rindex", "abs", "round", "odd", "even", "divisibleby"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Every way to call `name` of those that `call` writes; at least one of them has to use the budget up.
template <class Call>
void expect_bounded(std::string_view name, std::span<const std::string_view> subjects, Call&& call) {
  bool used_up = false;
  for (const std::string_view subject : subjects) {
    for (const std::string_view arguments : kArguments) {
      const std::string expression = call(name, arguments);
      const Outcome outcome = render_loop(subject, expression);
      EXPECT_LT(outcome.seconds, kSeconds) << subject << ": " << expression << " -> " << outcome.error;
      EXPECT_FALSE(outcome.error.empty()) << subject << ": " << expression << " ran to its end";
      used_up |= outcome.error.find("budget") != std::string::npos;
    }
  }
  EXPECT_NE(used_up, ends_at_once(name)) << name;
}

TEST(JinjaBudget, StringMethodsOnLongTexts) {
  for (const auto& method : string_methods()) {
    expect_bounded(method.name, kTexts, [](std::string_view name, std::string_view arguments) {
      return fmt::format("s.{}({})", name, arguments);
    });
  }
}

TEST(JinjaBudget, FiltersOnLongTexts) {
  const auto call = [](std::string_view name, std::string_view arguments) {
    return fmt::format("s|{}({})", name, arguments);
  };
  for (const auto table : {text_filters(), sequence_filters()}) {
    for (const auto& filter : table) {
      if (filter.name == "map" || filter.name == "groupby") continue;  // wants the name of something: below
      expect_bounded(filter.name, kAll, call);
    }
  }
}

TEST(JinjaBudget, TestsOfLongTexts) {
  for (const auto& test : value_tests()) {
    if (!std::isalpha(std::uint8_t(test.name[0]))) continue;  // operators: below
    expect_bounded(test.name, kAll, [](std::string_view name, std::string_view arguments) {
      return fmt::format("s is {}({})", name, arguments);
    });
  }
}

// What is no entry of a table: operators, subscripts, calls with names, formats.
TEST(JinjaBudget, ExpressionsOnLongTexts) {
  for (const char* expression : {"w in s",
                                 "s in w",
                                 "(s ~ w) in (s ~ s ~ 'b')",
                                 "s == s ~ ''",
                                 "s < s ~ ''",
                                 "s != w",
                                 "(s, 1) == (s ~ '', 1)",
                                 "[s, w]|sort",
                                 "[s, w]|unique|list",
                                 "[s, w]|groupby(0)",
                                 "[s, w]|map('upper')|list",
                                 "[s, w]|map('length')|list",
                                 "[s, w]|map(attribute=s)|list",
                                 "[s, w]|selectattr(0, 'eq', s)|list",
                                 "{s: 1}",
                                 "{s: 1}[s]",
                                 "s in {s: 1}",
                                 "{'a': 1}[s]",
                                 "{'a': 1}.get(s)",
                                 "dict({s: 1})",
                                 "namespace({s: 1})",
                                 "namespace({s: 1})[s]",
                                 "s[-1]",
                                 "s[1000000]",
                                 "s[1:]",
                                 "s[:-1]",
                                 "s[::-1]",
                                 "s * 2",
                                 "s + w",
                                 "s|escape + w",
                                 "s % ()",
                                 "('%(' ~ s ~ ')s') % {s: 1}",
                                 "'%s' % s",
                                 "'%r' % s",
                                 "'%.1000s' % s",
                                 "'{}'.format(s)",
                                 "'{:<1000000}'.format(s)",
                                 "'{!r}'.format(s)",
                                 "s.format(s)",
                                 "('{' ~ s ~ '}').format(s)",
                                 "s|tojson(indent=s)",
                                 "1|tojson(separators=(s, s))",
                                 "'a'|indent(s)",
                                 "''|truncate(9000000, end=s)",
                                 "'a'.join([s, s])",
                                 "s.join('aa')",
                                 "s.startswith((w, w, w, w))",
                                 "s.rsplit(w, 3)",
                                 "s.rsplit('a', 3)",
                                 "s.split(w, 3)",
                                 "s.strip(w)",
                                 "s.replace(w, '')",
                                 "s.replace('a', 'b', 3)",
                                 "s.find('b', 500000)",
                                 "s.rfind('b', 500000, 900000)",
                                 "s.count('b', -5)",
                                 "strftime_now(s)",
                                 "strftime_now('%c' * 100000)",
                                 "loop.changed(s)",
                                 "1.1e300|round(300)",
                                 "'%.1000f' % 1.1e300",
                                 "1e-300|string"}) {
    for (const std::string_view subject : {"letters", "mixed"}) {
      const Outcome outcome = render_loop(subject, expression);
      EXPECT_LT(outcome.seconds, kSeconds) << subject << ": " << expression << " -> " << outcome.error;
      EXPECT_FALSE(outcome.error.empty()) << subject << ": " << expression << " ran to its end";
    }
  }
}

}  // namespace
}  // namespace longhand::jinja
