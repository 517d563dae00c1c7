// Templates that try to exhaust time, memory or stack are stopped; none reaches anything outside of its
// values.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <string>

#include "tests/support/cpu_time.h"
#include "tests/support/jinja_rows.h"

namespace longhand::jinja {
namespace {

constexpr std::size_t kStack = std::size_t{256} << (test::kSlowBuild ? 14 : 10);

constexpr double kSeconds = test::kSlowBuild ? 5.0 : 0.1;

// Runs `work` on a thread with a stack of kStack bytes.
void on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread;
  const auto body = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

void expect_stopped(const std::string& source) {
  on_small_stack([&] {
    RenderOptions options;
    options.mutable_data = true;
    const double start = test::cpu_seconds();
    const std::string error = row_error(source, options);
    const double seconds = test::cpu_seconds() - start;
    EXPECT_NE(error.find("[E_TEMPLATE]"), std::string::npos) << source.substr(0, 100) << " -> " << error;
    EXPECT_LT(seconds, kSeconds) << source.substr(0, 100) << " -> " << error;
  });
}

const char* const kBombs[] = {
    "{% for i in range(1000000000) %}{% endfor %}",
    "{{ range(9223372036854775807)|length }}",
    "{{ range(0, -9223372036854775807, -9223372036854775807 - 1)|list|length + x.y }}",
    "{{ range(-9223372036854775807 - 1, 9223372036854775807)|list }}",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
    "{{ 'x' * 1000000000 }}",
    "{{ 'x' * 9223372036854775807 }}",
    "{{ [1, 2] * 9223372036854775807 }}",
    "{{ 'ab' * 4611686018427387905 }}",
    "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = ns.s.replace('a', 'aa') %}{% "
    "endfor %}",
    "{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = ns.s.replace('', 'aa') %}{% "
    "endfor %}",
    "{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = ns.s.join([ns.s, ns.s]) %}{% "
    "endfor %}",
    "{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s]|join(ns.s) %}{% "
    "endfor %}",
    "{% set ns = namespace(s='\\\\') %}{% for i in range(64) %}{% set ns.s = ns.s|tojson %}{% endfor %}",
    "{% set ns = namespace(s='&') %}{% for i in range(5000) %}{% set ns.s = "
    "ns.s|forceescape|string|replace('&', '&&') %}{% endfor %}",
    "{% set ns = namespace(s=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s "
    "}}",
    "{% set ns = namespace(s=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
    "ns.s|tojson }}",
    "{% set ns = namespace(a=[], b=[]) %}{% for i in range(64) %}{% set ns.a = [ns.a, ns.a] %}"
    "{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
    "{% set ns = namespace(a=()) %}{% for i in range(64) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ "
    "{ns.a: 1} }}",
    "{% set ns = namespace(a=[]) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(a=[]) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ "
    "ns.a|tojson }}",
    "{% set ns = namespace(a=(), b=()) %}{% for i in range(9999) %}{% set ns.a = (ns.a,) %}"
    "{% set ns.b = (ns.b,) %}{% endfor %}{{ ns.a < ns.b }}",
    "{% set a = [1] %}{% for x in a %}{% set _ = a.append(1) %}{% endfor %}",
    "{% set a = [] %}{% set _ = a.append(a) %}{{ a }}",
    "{% set a = [] %}{% set _ = a.append(a) %}{{ a|tojson }}",
    "{% set a = [] %}{% set b = [] %}{% set _ = a.append(a) %}{% set _ = b.append(b) %}{{ a == b }}",
    "{% set a = [1] %}{% for i in range(99) %}{% set _ = a.extend(a) %}{% endfor %}",
    "{% set d = {} %}{% set _ = d.update(d=d) %}{{ d }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{% if n %}{% for i in [1] %}{{ m(n) ~ m(n) }}{% endfor %}{% endif %}{% endmacro %}{{ "
    "m(1) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% macro m() %}{% call m() %}{% endcall %}{{ caller }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro f(n) %}{% if n < 40 %}{{ f(n + 1) }}{{ f(n + 1) }}{% endif %}{% endmacro %}{{ f(0) }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ 'x'.center(9000000000) }}",
    "{{ 'x'.ljust(1000000000, '-') }}",
    "{{ '5'.zfill(9223372036854775807) }}",
    "{{ '%999999999d' % 5 }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ '%.999999999f' % 1.5 }}",
    "{{ 'a\nb'|indent(9000000000) }}",
    "{{ [1]|tojson(indent=9000000000) }}",
    "{{ '\t'.expandtabs(9000000000) }}",
    "{{ [1]|batch(9000000000, 'x')|list }}",
    "{{ [1]|slice(9000000000)|list }}",
    "{{ 2 ** 1000000000 }}",
    "{{ 9223372036854775807 + 1 }}",
    "{{ -9223372036854775807 - 2 }}",
    "{{ (-9223372036854775807 - 1) // -1 }}",
    "{{ 1e308 * 10 % 0 }}",
    "{% for i in range(99999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 1000 }}{% endfor %}",
    "{% set big = 'a' * 9999999 %}{% for i in range(99999) %}{% set x = 'b' in big %}{% endfor %}",
    "{% set big = 'a' * 9999999 %}{% for i in range(99999) %}{% set x = big.find('ab') %}{% endfor %}",
    "{% set big = 'a' * 999999 %}{% for i in range(99999) %}{% set x = big[-1:] %}{% endfor %}",
    "{% set big = 'a ' * 999999 %}{% for i in range(99999) %}{% set x = big.split() %}{% endfor %}",
    "{% set big = range(99999)|list %}{% for i in range(99999) %}{% set x = -1 in big %}{% endfor %}",
    "{% set big = range(99999)|list %}{% for i in range(99999) %}{% set x = big|sort %}{% endfor %}",
    "{{ '[' * 100000 | string }}{{ ('[' * 100000)|from_json }}",
};

TEST(JinjaLimits, BombsAreStopped) {
  for (const char* source : kBombs) expect_stopped(source);
}

// Each kind of nesting: 100 levels of it work or are refused, any more are refused, and nothing overflows the
// stack.
TEST(JinjaLimits, NestingIsLimited) {
  struct Kind {
    const char *open, *middle, *close;
  };
  const Kind kinds[] = {{"(", "1", ")"},
                        {"[", "1", "]"},
                        {"{1:", "1", "}"},
                        {"-", "1", ""},
                        {"not ", "1", ""},
                        {"1 if ", "1", " else 1"},
                        {"1 if 1 else ", "1", ""},
                        {"s[", "0", "]"},
                        {"range(", "1", ")"},
                        {"1 + (", "1", ")"},
                        {"1 or 1 and not 1 == 1 + 1 ~ 1 * 1 ** (", "1", ")"},
                        {"s|default(", "1", ")"},
                        {"1 is eq(", "1", ")"},
                        {"s.find(", "s", ")"}};
  for (const Kind& kind : kinds) {
    for (const int depth : {100, 1000, 10'000, 100'000}) {
      const std::string source =
          "{{ " + repeat(kind.open, depth) + kind.middle + repeat(kind.close, depth) + " }}";
      on_small_stack([&] {
        const std::string error = row_error(source);
        if (depth > kMaxDepth) {
          EXPECT_NE(error.find("nested too deeply"), std::string::npos) << source.substr(0, 60) << error;
        }
      });
    }
  }
  const Kind blocks[] = {{"{% if 1 %}", "x", "{% endif %}"},
                         {"{% for i in [1] %}", "x", "{% endfor %}"},
                         {"{% set x %}", "x", "{% endset %}"},
                         {"{% filter upper %}", "x", "{% endfilter %}"},
                         {"{% with %}", "x", "{% endwith %}"},
                         {"{% macro m() %}", "x", "{% endmacro %}"},
                         {"{% generation %}", "x", "{% endgeneration %}"}};
  for (const Kind& kind : blocks) {
    for (const int depth : {100, 1000, 10'000, 100'000}) {
      const std::string source = repeat(kind.open, depth) + kind.middle + repeat(kind.close, depth);
      on_small_stack([&] {
        const std::string error = row_error(source);
        if (depth > kMaxDepth) {
          EXPECT_NE(error.find("nested too deeply"), std::string::npos) << source.substr(0, 60) << error;
        }
      });
    }
  }
}

// Chains are loops, not nesting.
TEST(JinjaLimits, LongChainsAreFine) {
  on_small_stack([] {
    EXPECT_EQ(render_row("{{ 1" + repeat(" + 1", 50'000) + " }}"), "50001");
    EXPECT_EQ(render_row("{{ s" + repeat("|string", 50'000) + " }}"), "Hello World");
    EXPECT_EQ(render_row("{{ 0" + repeat(" or 0", 50'000) + " }}"), "0");
    EXPECT_EQ(render_row("{% if 0 %}" + repeat("{% elif 0 %}", 50'000) + "{% else %}y{% endif %}"), "y");
    EXPECT_EQ(render_row(repeat("{% if 1 %}a{% endif %}", 20'000)), repeat("a", 20'000));
  });
}

TEST(JinjaLimits, RecursionToOneHundredWorks) {
  on_small_stack([] {
    EXPECT_EQ(render_row("{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{% else %}done{% endif %}{% endmacro "
                         "%}{{ m(100) }}"),
              "done");
  });
}

TEST(JinjaLimits, LimitsAreOptions) {
  RenderOptions options;
  options.limits.steps = 100;
  EXPECT_NE(row_error("{% for i in range(1000) %}{% endfor %}", options).find("step budget of 100"),
            std::string::npos);
  options.limits = {};
  options.limits.bytes = 5000;
  EXPECT_NE(row_error("{{ 'x' * 9000 }}", options).find("memory budget of 5000"), std::string::npos);
  options.limits = {};
  options.limits.macro_depth = 3;
  EXPECT_NE(row_error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", options).find("deeper than 3"),
            std::string::npos);
}

// Nothing of a host exists: Python's ways out of a sandbox lead nowhere.
TEST(JinjaLimits, NoHostAccess) {
  for (const char* source : {"{{ ''.__class__ }}",
                             "{{ ''.__class__.__mro__[1].__subclasses__() }}",
                             "{{ ''['__class__'] }}",
                             "{{ ''|attr('__class__') }}",
                             "{{ cycler.__init__.__globals__ }}",
                             "{{ namespace.__globals__.os }}",
                             "{{ self.__init__ }}",
                             "{{ ms|map(attribute='__class__')|list }}",
                             "{{ '{0.__class__.__mro__}'.format(s) }}",
                             "{{ range.__call__ }}",
                             "{{ lipsum.__globals__ }}",
                             "{{ config.items() }}",
                             "{{ request.application }}",
                             "{% include '/etc/passwd' %}",
                             "{% import 'os' as os %}",
                             "{% from 'os' import path %}",
                             "{% extends 'x' %}",
                             "{{ open('/etc/passwd').read() }}",
                             "{{ env['HOME'].x }}",
                             "{{ strftime_now('%Y') }}"}) {
    EXPECT_NE(row_error(source).find("[E_TEMPLATE]"), std::string::npos) << source;
  }
}

TEST(JinjaLimits, TimeComesFromOutside) {
  RenderOptions options;
  options.now = parse_iso8601("2026-07-01T12:00:00");
  EXPECT_EQ(render_row("{{ strftime_now('%d %b %Y, %A %-d %j %H:%M:%S %p %V') }}", options),
            "01 Jul 2026, Wednesday 1 182 12:00:00 PM 27");
  EXPECT_EQ(render_row("{{ strftime_now is defined }}"), "False");
}

TEST(JinjaLimits, ChangingDataNeedsPermission) {
  RenderOptions options;
  options.mutable_data = true;
  const char* source = "{% set a = [1, 2] %}{% set _ = a.append(3) %}{{ a }}{{ a.pop(0) }}{{ a }}";
  EXPECT_EQ(render_row(source, options), "[1, 2, 3]1[2, 3]");
  EXPECT_NE(row_error(source).find("unsafe"), std::string::npos);
}

}  // namespace
}  // namespace longhand::jinja
