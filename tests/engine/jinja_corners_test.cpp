// Corners of Jinja that templates rarely turn: blocks through self, sizes of files, the last sigma of a word.
#include <gtest/gtest.h>

#include "engine/chat/jinja/template.h"
#include "ops/error.h"

namespace longhand::jinja {
namespace {

std::string render(const std::string& source) {
  const Template tmpl(source);
  Heap heap;
  Dict* none = heap.dict();
  return std::string(tmpl.render(heap, *none, {}).view());
}

TEST(JinjaCorners, Rendered) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% block a %}x{% endblock %}{{ self.a() }}", "xx"},
      {"{{ self.b() }}{% set y = 2 %}{% block b %}<{{ y }}>{% endblock %}", "<><2>"},
      {"{% for i in [1] %}{{ self.c() }}{% endfor %}{% block c %}[{{ i }}]{% endblock %}", "[][]"},
      {"{{ 1 | filesizeformat }} {{ 999 | filesizeformat }}", "1 Byte 999 Bytes"},
      {"{{ 1000000 | filesizeformat }} {{ 1024 | filesizeformat(true) }}", "1.0 MB 1.0 KiB"},
      {"{{ '\xCE\x91\xCE\xA3' | lower }}", "\xCE\xB1\xCF\x82"},
      {"{{ '\xCE\xA3\xCE\x91' | lower }}", "\xCF\x83\xCE\xB1"},
      {"{{ '\xCE\xA3' | lower }}", "\xCF\x83"},
      {"{{ '{0.__class__}'.format('x') }}|", "|"},
      {"{{ 'a1'.isidentifier() }} {{ '1a'.isidentifier() }} {{ ''.isidentifier() }}", "True False False"},
  };
  for (const auto& [source, expected] : cases) EXPECT_EQ(render(source), expected) << source;
}

TEST(JinjaCorners, ABlockHasOneBody) {
  EXPECT_THROW(render("{% block a %}{% endblock %}{% block a %}{% endblock %}"), Error);
  EXPECT_THROW(render("{% block a %}{{ self.a() }}{% endblock %}"), Error) << "without end";
  EXPECT_THROW(render("{{ self.none() }}"), Error);
}

}  // namespace
}  // namespace longhand::jinja
