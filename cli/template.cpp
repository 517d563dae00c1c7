// longhand template: renders a chat template on given variables.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/models/model_names.h"
#include "cli/models/models_path.h"
#include "cli/terminal/output.h"
#include "cli/verbs.h"
#include "engine/chat/jinja/functions/json.h"
#include "engine/chat/jinja/template.h"
#include "loaders/gguf/gguf.h"
#include "loaders/vocab/vocab.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

struct TemplateOptions {
  std::string template_file, model, input, now;
};

std::string template_text(const TemplateOptions& options) {
  if (!options.template_file.empty()) return read_text(options.template_file);
  const std::string model = named_model(options.model);
  if (model.empty()) throw UsageError("a template is required: --template FILE, or -m MODEL");
  std::string text = load_vocab(Gguf::open(model_path(model))).chat_template;
  if (text.empty()) throw Error(Errc::missing, fmt::format("{}: the file has no chat template", model));
  return text;
}

int run(const TemplateOptions& options) {
  const jinja::Template tmpl(template_text(options));
  const auto input = nlohmann::ordered_json::parse(read_text(options.input), nullptr, false);
  if (!input.is_object()) throw Error(Errc::type, fmt::format("{}: must be a JSON object", options.input));
  jinja::Heap heap;
  jinja::RenderOptions render;
  if (!options.now.empty()) render.now = jinja::parse_iso8601(options.now);
  jinja::Value variables;
  try {
    variables = jinja::from_json(heap, input, false);
  } catch (const jinja::Failure& failure) {
    throw Error(Errc::limit, fmt::format("{}: {}", options.input, failure.message));
  }
  const jinja::Text text = tmpl.render(heap, variables.dict(), render);
  write_output(text.view());
  return kSuccess;
}

}  // namespace

void add_template(CLI::App& app, Action& action) {
  auto options = std::make_shared<TemplateOptions>();
  CLI::App* verb = app.add_subcommand("template", "Render a chat template");
  auto* source = verb->add_option_group("source")->require_option(0, 1);
  source->add_option("--template", options->template_file, "File with the template");
  source->add_option("-m,--model", options->model, "Model file whose template to render");
  verb->add_option("--input", options->input, "JSON object: the variables of the template")->required();
  verb->add_option("--now", options->now, "Time for strftime_now, as 2026-07-01T12:00:00");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace longhand::cli
