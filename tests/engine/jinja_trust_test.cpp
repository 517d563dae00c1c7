// Marks of trust: what came in through variables stays marked, whatever the template does to it.
#include <gtest/gtest.h>

#include "tests/support/jinja_rows.h"

namespace longhand::jinja {
namespace {

// Untrusted text in << >>. "s" is "Hello World" from outside.
const Row kRows[] = {
    {"a{{ s }}b", "a<<Hello World>>b"},
    {"{{ 'x' ~ s ~ 'y' }}", "x<<Hello World>>y"},
    {"{{ 'x' + s + 'y' }}", "x<<Hello World>>y"},
    {"{{ s[:5] ~ '!' ~ s[-5:] }}", "<<Hello>>!<<World>>"},
    {"{{ ('<' ~ s ~ '>')[:3] }}", "<<<He>>"},
    {"{{ (s ~ 'abc')[::-1] }}", "cba<<dlroW olleH>>"},
    {"{{ ('  ' ~ s ~ '  ')|trim }}", "<<Hello World>>"},
    {"{{ s|trim }}{{ s.strip('H') }}{{ s.rstrip('d') }}", "<<Hello Worldello WorldHello Worl>>"},
    {"{{ ('a' ~ s)|upper }}{{ s.lower() }}{{ s|title }}", "A<<HELLO WORLDhello worldHello World>>"},
    {"{{ s.replace('World', 'there') }}", "<<Hello >>there"},
    {"{{ 'a-b'.replace('-', s) }}", "a<<Hello World>>b"},
    {"{{ s|replace('o', '0') }}", "<<Hell>>0<< W>>0<<rld>>"},
    {"{{ s.split(' ')[0] ~ '/' }}", "<<Hello>>/"},
    {"{{ s.split()|join('+') }}", "<<Hello>>+<<World>>"},
    {"{{ ', '.join(s.split()) }}", "<<Hello>>, <<World>>"},
    {"{{ ls|join(',') }}", "<<b>>,<<a>>,<<C>>"},
    {"{{ s.partition(' ')[2] ~ '.' }}", "<<World>>."},
    {"{{ s|tojson }}", "<<\"Hello World\">>"},
    {"{{ d|tojson }}", "<<{\"b\": 1, \"a\": 2, \"items\": 3}>>"},
    {"{{ {'k': s}|tojson }}", "{\"k\": <<\"Hello World\">>}"},
    {"{{ l }}{{ d }}", "<<[3, 1, 2]{'b': 1, 'a': 2, 'items': 3}>>"},
    {"{{ [s, 1] }}", "[<<'Hello World'>>, 1]"},
    {"{{ n }}{{ nn }}{{ t }}{{ f }}", "<<5NoneTrue2.5>>"},
    {"{{ n|string }}{{ n + 1 }}", "<<5>>6"},
    {"{{ s|length }}", "11"},
    {"{{ '%s|%5s' % (s, 'a') }}", "<<Hello World>>|    a"},
    {"{{ '<{}>'.format(s) }}", "<<<Hello World>>>"},
    {"{{ '%s'|format(s) }}", "<<Hello World>>"},
    {"{{ s.center(13, '*') }}", "*<<Hello World>>*"},
    {"{{ 'a\n' ~ s|indent(2, true) }}", "a\n  <<Hello World>>"},
    {"{{ s|default('x') }}{{ zz|default('x') }}", "<<Hello World>>x"},
    {"{% set x %}<{{ s }}>{% endset %}{{ x|upper }}", "<<<HELLO WORLD>>>"},
    {"{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(s) }}{{ m('a') }}", "[<<Hello World>>][a]"},
    {"{% for c in s[:2] %}{{ c }}-{% endfor %}", "<<H>>-<<e>>-"},
    {"{% filter upper %}a{{ s }}{% endfilter %}", "A<<HELLO WORLD>>"},
    {"{% for k, v in d.items() %}{{ k }}:{{ v }},{% endfor %}", "<<b>>:<<1>>,<<a>>:<<2>>,<<items>>:<<3>>,"},
    {"{{ ms|map(attribute='role')|join('/') }}", "<<user>>/<<assistant>>/<<user>>"},
    {"{{ s * 2 }}{{ 'ab' * 2 }}", "<<Hello WorldHello World>>abab"},
    {"{{ '<b>'|e }}{{ '<x>'|e + q }}", "&lt;b&gt;&lt;x&gt;<<it&#39;s &#34;q&#34;>>"},
    {"{{ ('[\"' ~ s ~ '\"]')|from_json|first }}", "<<Hello World>>"},
    {"{{ s|truncate(8, leeway=0) }}", "<<Hello>>..."},
    {"{{ s|list|join }}", "<<Hello World>>"},
    {"{{ s|reverse }}{{ s|first }}", "<<dlroW olleHH>>"},
};

TEST(JinjaTrust, MarksSurviveEveryOperation) {
  for (const Row& row : kRows) EXPECT_EQ(render_marked(row.source), row.expected) << row.source;
}

TEST(JinjaTrust, PiecesOfAControlTokenFromDifferentSidesAreNotTrustedTogether) {
  EXPECT_EQ(render_marked("<|{{ s[:1] }}|>"), "<|<<H>>|>");
}

}  // namespace
}  // namespace longhand::jinja
