// longhand template: renders a chat template on given variables.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "engine/jinja/json.h"
#include "engine/jinja/template.h"
#include "loaders/gguf.h"
#include "loaders/vocab.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

struct TemplateOptions {
  std::string template_file, model, input, now;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Errc::io, fmt::format("{}: cannot be opened", path));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw Error(Errc::io, fmt::format("{}: cannot be read", path));
  return text;
}

std::string template_text(const TemplateOptions& options) {
  if (!options.template_file.empty()) return read_file(options.template_file);
  const Gguf file = Gguf::open(options.model);
  std::string text = load_vocab(file).chat_template;
  if (text.empty()) throw Error(Errc::missing, fmt::format("{}: the file has no chat template", options.model));
  return text;
}

int run(const TemplateOptions& options) {
  const auto input = nlohmann::ordered_json::parse(read_file(options.input), nullptr, false);
  if (!input.is_object()) throw Error(Errc::type, fmt::format("{}: must be a JSON object", options.input));
  const jinja::Template tmpl(template_text(options));
  jinja::Heap heap;
  jinja::RenderOptions render;
  if (!options.now.empty()) render.now = jinja::parse_iso8601(options.now);
  const jinja::Value variables = jinja::from_json(heap, input, false);
  const jinja::Text text = tmpl.render(heap, variables.dict(), render);
  std::fwrite(text.bytes().data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

void add_template(CLI::App& app, std::function<int()>& action) {
  auto options = std::make_shared<TemplateOptions>();
  CLI::App* verb = app.add_subcommand("template", "Render a chat template");
  auto* source = verb->add_option_group("source")->require_option(1);
  source->add_option("--template", options->template_file, "File with the template");
  source->add_option("-m,--model", options->model, "Model file whose template to render");
  verb->add_option("--input", options->input, "JSON object: the variables of the template")->required();
  verb->add_option("--now", options->now, "Time for strftime_now, as 2026-07-01T12:00:00");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace longhand::cli
