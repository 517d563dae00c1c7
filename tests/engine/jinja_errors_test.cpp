// Templates that fail: wrong types, undefined values, broken syntax.
#include <gtest/gtest.h>

#include "tests/support/jinja_rows.h"

namespace longhand::jinja {
namespace {

// clang-format off
const char* const kFailing[] = {
    "{{ 1 + 2 ~ 3 }}",
    "{{ 1 < 'a' }}",
    "{{ none < 1 }}",
    "{{ 'a' + 1 }}",
    "{{ 1 + 'a' }}",
    "{{ [1] + (2,) }}",
    "{{ none + 'x' }}",
    "{{ 1 in 'abc' }}",
    "{{ 1 in 5 }}",
    "{{ 1 in none }}",
    "{{ x.y }}",
    "{{ d.zz.y }}",
    "{{ x() }}",
    "{{ d.zz() }}",
    "{{ s.foo() }}",
    "{{ x + 1 }}",
    "{{ x < 1 }}",
    "{{ -x }}",
    "{{ x|tojson }}",
    "{{ x|int }}",
    "{{ x|abs }}",
    "{{ x in 'abc' }}",
    "{% for i in none %}a{% endfor %}",
    "{% for i in 5 %}a{% endfor %}",
    "{{ l['a'].b }}",
    "{{ n[1:] }}",
    "{{ d.pop('b') }}",
    "{{ l.append(4) }}",
    "{{ d.update({'z':1}) }}",
    "{{ l.sort() }}",
    "{{ l.index(9) }}",
    "{{ 'a'.split('') }}",
    "{{ ','.join([1]) }}",
    "{{ s.startswith(1) }}",
    "{{ s.index('zz') }}",
    "{{ '%d' % 'a' }}",
    "{{ '%s %s' % 'a' }}",
    "{{ '%s' % (1,2) }}",
    "{{ '{}'.format() }}",
    "{{ '{a}'.format(b=1) }}",
    "{{ 5|length }}",
    "{{ none|length }}",
    "{{ [1,'a']|sort }}",
    "{{ l|dictsort }}",
    "{{ l|map('nofilter')|list }}",
    "{{ range(3)|tojson }}",
    "{{ d.items()|tojson }}",
    "{{ l|map('string')|tojson }}",
    "{{ range(10**9)|length }}",
    "{{ range(1,2,0) }}",
    "{{ range('a') }}",
    "{% for a, b in [1,2] %}{% endfor %}",
    "{% for a, b in [(1,2,3)] %}{% endfor %}",
    "{% set d2 = {'a':1} %}{% set d2.a = 2 %}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,a=2) }}",
    "{{ 'a' is nosuchtest }}",
    "{{ 'a'|nosuchfilter }}",
    "{{ -s|length }}",
    "{{ {[1]: 2} }}",
    "{{ raise_exception('boom') }}",
    "{{ ''.__class__.__mro__ }}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% foo %}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{{ 'abc }}",
    "{% if %}{% endif %}",
    "{% if 1 %}",
    "{% endif %}",
    "{% for %}{% endfor %}",
    "{% break %}",
    "{{ }}",
    "{% set %}",
    "{{ a b }}",
    "{{ 1 2 }}",
    "{{ a..b }}",
    "{{ @ }}",
    "{{ l|map(attribute='x'|list }}",
    "{# comment #}a{# b",
    "{# unclosed",
    "{{ (l|map('string'))|length }}",
    "{{ l|map('string')|last }}",
    "{{ 5|items|list }}",
    "{{ nn|items|list }}",
    "{{ 1/0 }}",
    "{{ 1//0 }}",
    "{{ 1%0 }}",
};
// clang-format on

TEST(JinjaErrors, FailWithTheLine) {
  for (const char* source : kFailing) {
    const std::string error = row_error(source);
    EXPECT_NE(error.find("chat template line "), std::string::npos) << source << " -> " << error;
    EXPECT_NE(error.find("[E_TEMPLATE]"), std::string::npos) << source;
  }
}

TEST(JinjaErrors, MessagesNameWhatFailed) {
  EXPECT_EQ(row_error("a\nb\n{{ nope.x }}"), "chat template line 3: 'nope' is undefined [E_TEMPLATE]");
  EXPECT_EQ(row_error("{{ d.zz.y }}"),
            "chat template line 1: 'dict object' has no attribute 'zz' [E_TEMPLATE]");
  EXPECT_EQ(row_error("\n{{ raise_exception('Roles must alternate') }}"),
            "chat template line 2: Roles must alternate [E_TEMPLATE]");
  EXPECT_EQ(row_error("{{ 'a' + 1 }}"),
            "chat template line 1: can only concatenate str (not \"int\") to str [E_TEMPLATE]");
  EXPECT_EQ(row_error("{{ nn|length }}"),
            "chat template line 1: object of type 'NoneType' has no len() [E_TEMPLATE]");
  EXPECT_EQ(row_error("{% if 1 %}\n"),
            "chat template line 1: unexpected 'end of template', expected 'endif' [E_TEMPLATE]");
  EXPECT_EQ(row_error("{{ l.append(1) }}"),
            "chat template line 1: access to attribute 'append' of 'list' object is unsafe [E_TEMPLATE]");
  EXPECT_EQ(row_error("{{ 1|nosuch }}"), "chat template line 1: no filter named 'nosuch' [E_TEMPLATE]");
}

}  // namespace
}  // namespace longhand::jinja
