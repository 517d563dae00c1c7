// Statements, scopes and white space control, as the Jinja 3.1 documentation defines them.
#include <gtest/gtest.h>

#include "tests/support/jinja_rows.h"

namespace longhand::jinja {
namespace {

// clang-format off
const Row kRows[] = {
    {"{% for i in x %}a{% else %}none{% endfor %}", "none"},
    {"{% for i in s %}{{ i }}.{% endfor %}|{% for i in u %}{{ i }}.{% endfor %}|{% for k in d %}{{ k }"
     "}{% endfor %}",
     "H.e.l.l.o. .W.o.r.l.d.|Z.\303\274.r.i.c.h. .\303\211.C.O.L.E. .\303\237.|baitems"},
    {"{% for k, g in ms|groupby('k') %}{{ k }}:{% for m in g %}{{ m.content }},{% endfor %};{% endfor "
     "%}|{% for g in ms|groupby('k') %}{{ g.grouper }}={{ g.list|length }} {% endfor %}",
     "1:hi,<x>,;2:yo,;|1=2 2=1 "},
    {"{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{"
     "{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.previtem }}{{ loop.nextit"
     "em }};{% endfor %}",
     "1032TrueFalse311;2121FalseFalse3102;3210FalseTrue311;"},
    {"{% for i in range(6) if i is even %}{{ i }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% "
     "endfor %}|{% for i in l if i > 5 %}x{% else %}empty{% endfor %}",
     "01/3False 22/3False 43/3True |empty"},
    {"{% for i in 'ab' %}{% for j in 'xy' %}{{ loop.index }}{{ i }}{{ j }}{{ loop.depth }} {% endfor %"
     "}{{ loop.index }}{% endfor %}",
     "1ax1 2ay1 11bx1 2by1 2"},
    {"{% for i in range(4) %}{{ loop.cycle('a','b') }}{% if loop.changed(i//2) %}!{% endif %}{% endfor"
     " %}",
     "a!ba!b"},
    {"{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endi"
     "f %}{{ i }}{% endfor %}",
     "02"},
    {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}|{% for a, (b, c) in [(1,(2,3))] %}{{ a }"
     "}{{ b }}{{ c }}{% endfor %}|{% for k, v in d|items %}{{ k }}{% endfor %}|{% for k,v in d|dictsor"
     "t %}{{ k }}{% endfor %}",
     "b=1;a=2;items=3;|123|baitems|abitems"},
    {"{% for n in [{'c':[{'c':[]}]},{'c':[]}] recursive %}[{{ loop.depth }}{{ loop(n.c) }}]{% endfor %}",
     "[1[2]][1]"},
    {"{% set x = 1 %}{% for i in range(2) %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "221"},
    {"{% set ns = namespace(c=0, l=[]) %}{% for i in range(3) %}{% set ns.c = ns.c + i %}{% endfor %}{"
     "{ ns.c }}|{{ ns.zz }}|{{ ns.zz is defined }}",
     "3||False"},
    {"{% set ns = namespace({'a':1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}", "121"},
    {"{% set a, b = 1, 2 %}{{ a }}{{ b }}|{% set t = 1, 2 %}{{ t }}|{% set (c, e2) = [3,4] %}{{ c }}",
     "12|(1, 2)|3"},
    {"{% set x %}a{{ 1 }}b{% endset %}{{ x }}|{% set y | upper %}abc{% endset %}{{ y }}|{% set z | rep"
     "lace('a','b') | upper %}aaa{% endset %}{{ z }}",
     "a1b|ABC|BBB"},
    {"{% if true %}{% set x = 5 %}{% endif %}{{ x }}|{% if false %}{% set y = 5 %}{% endif %}{{ y is d"
     "efined }}",
     "5|False"},
    {"{% for i in [1,2] %}{% if loop.first %}{% set z = 1 %}{% endif %}{{ z }}{% endfor %}", "1"},
    {"{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1,3) }}|{{ m(a=5,"
     "c=6) }}|{{ m() }}|{{ m.name }}|{{ m.arguments }}",
     "12x|13x|526|2x|m|('a', 'b', 'c')"},
    {"{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1,2,x=3) }}", "(1, 2){'x': 3}"},
    {"{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(3) }}", "33"},
    {"{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}", "2"},
    {"{% macro m() %}{% set q = 9 %}{{ q }}{% endmacro %}{{ m() }}{{ q is string }}", "9True"},
    {"{% macro m(x) %}({{ caller(x) }}){% endmacro %}{% call(y) m(4) %}<{{ y }}>{% endcall %}", "(<4>)"},
    {"{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}hi{% endcall %}", "[hi]"},
    {"{% macro fact(n) %}{% if n > 1 %}{{ n }}*{{ fact(n-1) }}{% else %}1{% endif %}{% endmacro %}{{ f"
     "act(5) }}",
     "5*4*3*2*1"},
    {"{% macro m(x) %}{{ x }}{% endmacro %}{{ m('a') + 'b' }}|{{ m('a')|upper }}|{{ m(1) is string }}",
     "ab|A|True"},
    {"{% for i in [1] %}{% macro mm() %}{{ i }}{% endmacro %}{{ mm() }}{% endfor %}", "1"},
    {"{% filter upper %}abc {{ s }}{% endfilter %}|{% filter replace('a','b') %}aaa{% endfilter %}",
     "ABC HELLO WORLD|bbb"},
    {"{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}|{% with %}{% set q=1 %}{{ q }}{"
     "% endwith %}",
     "12False|1"},
    {"{% raw %}{{ x }}{% if %}{% endraw %}|{%- raw -%}  a  {%- endraw -%}  b", "{{ x }}{% if %}|ab"},
    {"{% generation %}abc{% set zq = 1 %}{% endgeneration %}{{ zq is defined }}", "abcFalse"},
    {"{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset"
     "() }}{{ c.current }}|{% set j = joiner('|') %}{{ j() }}a{{ j() }}b",
     "ababNonea|a|b"},
    {"{{ 'x'.join(l|map('string')) }}|{{ l|map('string')|join(', ') }}|{% for x in l|map('string') %}{"
     "{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
     "3x1x2|3, 1, 2|3,1,2"},
    {"{% set g = l|map('string') %}{{ g|list }}{{ g|list }}|{{ l|select('odd')|first }}|{{ g is iterab"
     "le }}{{ g is sequence }}{{ g is string }}",
     "['3', '1', '2'][]|3|TrueFalseFalse"},
    {"{{ (l|map('string'))[0] }}|{% if []|select %}truthy{% endif %}", "|truthy"},
    {"{%- for m in ms -%} {{ m.role }} {%- endfor -%}   x", "userassistantuserx"},
    {"{% for m in ms %}{{ loop.previtem.role if not loop.first else '-' }}/{{ loop.nextitem.role if lo"
     "op.nextitem is defined else '-' }} {% endfor %}",
     "-/assistant user/user assistant/- "},
    {"{% set messages = [1,2,3] %}{% set messages = messages[1:] %}{{ messages }}|{% set x = ms[0] if "
     "ms else none %}{{ x.role }}",
     "[2, 3]|user"},
    {"{% if ms[0].role == 'user' and (ms[0].content is string or ms[0].content is iterable) %}ok{% eli"
     "f x %}a{% else %}b{% endif %}",
     "ok"},
    {"{% if '</think>' in 'a</think>b' %}{{ 'a</think>b'.split('</think>')[-1].lstrip('\\n') }}{{ 'a</"
     "think>b'.split('</think>')[0].rstrip('\\n').split('<think>')[-1] }}{% endif %}",
     "ba"},
    {"a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"},
    {"{% if true -%}\n  a\n{%- endif %}\nb", "ab"},
    {"  {{ 1 }}\n  {# c #}\nx\n", "  1\nx"},
    {"  {%+ if true %}a{% endif +%}\nb\n", "  a\nb"},
    {"{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\nend\n\n", "  1\n  2\nend\n"},
    {"a {%- if true -%} b {%- endif -%} c", "abc"},
    {"x\r\ny\rz\n", "x\ny\nz"},
    {"{% if true %}\r\na\r\n{% endif %}", "a\n"},
    {"  {%- set x = 1 %}\n\n  {{- x }}\n", "1"},
    {"{{ 'a' }}\n{% set b = 1 %}\nc", "a\nc"},
    {"text  {# c -#}  more", "text  more"},
    {"\n\n{% if 1 %}\n\nx\n{% endif %}\n\n", "\n\n\nx\n"},
    {"{{ 1 }}  {% if 1 %}y{% endif %}", "1  y"},
    {"a\n\t {% raw %}\n z {% endraw %}\nq", "a\n\n z q"},
    {"{{ '\n' }}{%- if 1 %} k{% endif %}", "\n k"},
    {"{% if 1 %}a{% endif %}   {% if 1 %}b{% endif %}\n   {% if 1 %}c{% endif %}", "a   bc"},
    {"{{ {'a':{'b':1}} }}", "{'a': {'b': 1}}"},
    {"{{ '}}' }}", "}}"},
    {"{{ \"%}\" }}", "%}"},
    {"{% set x = {'a': '%}'} %}{{ x }}", "{'a': '%}'}"},
    {"{%-if 1-%}x{%-endif-%}", "x"},
    {"a{#-  b  -#}  c", "ac"},
    {"{#--#}x", "x"},
    {"{##}x", "x"},
    {"{# a #}\n\nb", "\nb"},
    {"   {#- a #}\nb", "b"},
    {"{{ 1 -}}  \n  b", "1b"},
    {"a\n{{- 1 }}", "a1"},
    {"{% raw -%}  a {% endraw %}  b", "a   b"},
    {"  {% raw %}a{% endraw %}\n b", "a b"},
    {"{%\n if\n 1\n%}x{% endif %}", "x"},
    {"a{{ 'x' -}}\n  {% if 1 %}b{% endif %}", "axb"},
    {"\n{%- if 1 %}\n\n {%- endif %}\n\n\n", "\n"},
};
// clang-format on

TEST(JinjaStatements, GiveWhatJinjaGives) {
  for (const Row& row : kRows) EXPECT_EQ(render_row(row.source), row.expected) << row.source;
}

}  // namespace
}  // namespace longhand::jinja
