#include "tests/support/jinja_rows.h"

#include <nlohmann/json.hpp>

#include "engine/chat/jinja/functions/json.h"
#include "ops/error.h"

namespace longhand::jinja {
namespace {

constexpr const char* kVariables = R"json({
  "s": "Hello World", "e": "", "u": "Z\u00fcrich \u00c9COLE \u00df", "n": 5, "f": 2.5, "neg": -3,
  "l": [3, 1, 2], "ls": ["b", "a", "C"], "d": {"b": 1, "a": 2, "items": 3}, "nn": null, "t": true, "fl": false,
  "ms": [{"role": "user", "content": "hi", "k": 1}, {"role": "assistant", "content": "yo", "k": 2},
         {"role": "user", "content": "<x>", "k": 1}],
  "nest": {"a": {"b": [1, {"c": "x"}]}}, "multi": "a\nb\n\nc\r\nd", "q": "it's \"q\"", "big": 1e20, "sm": 1e-7
})json";

Text render(std::string_view source, const RenderOptions& options) {
  Heap heap;
  const Value variables = from_json(heap, nlohmann::ordered_json::parse(kVariables), false);
  return Template(source).render(heap, variables.dict(), options);
}

}  // namespace

std::string render_row(std::string_view source, const RenderOptions& options) {
  try {
    return render(source, options).bytes();
  } catch (const Error& error) { return std::string("error: ") + error.what(); }
}

std::string row_error(std::string_view source, const RenderOptions& options) {
  try {
    render(source, options);
    return "";
  } catch (const Error& error) { return error.what(); }
}

std::string render_marked(std::string_view source) {
  std::string out;
  render(source, {}).each_run([&](std::string_view run, bool trusted) {
    out += trusted ? std::string(run) : "<<" + std::string(run) + ">>";
  });
  return out;
}

}  // namespace longhand::jinja
