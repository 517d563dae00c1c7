#include "engine/chat/jinja/template.h"

#include <fmt/format.h>

#include "engine/chat/jinja/parser.h"
#include "engine/chat/jinja/render.h"
#include "ops/error.h"

namespace longhand::jinja {

Template::Template(std::string_view source) {
  auto program = std::make_unique<Program>();
  parse(source, *program);
  program_ = std::move(program);
}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

Text Template::render(Heap& heap, const Dict& variables, const RenderOptions& options) const {
  heap.start(options.limits);
  Render render(*program_, heap, options);
  try {
    return render.run(variables);
  } catch (const Failure& failure) {
    throw Error(Errc::chat_template, fmt::format("chat template line {}: {}", render.line, failure.message));
  }
}

}  // namespace longhand::jinja
