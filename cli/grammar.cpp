// longhand grammar: which texts a grammar or a JSON schema accepts, without a model.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/verbs.h"
#include "engine/sampling/grammar/grammar_matcher.h"
#include "engine/types/json_schema.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

struct GrammarOptions {
  std::string grammar_file, schema_file;
  bool show = false, lenient = false;
};

std::string grammar_text(const GrammarOptions& options) {
  if (options.schema_file.empty()) return read_text(options.grammar_file);
  SchemaGrammar made = schema_grammar(read_text(options.schema_file), options.lenient);
  for (const std::string& note : made.notes) write_error(fmt::format("note: {}\n", note));
  if (!made.satisfiable) write_error("note: schema: no text satisfies it\n");
  return std::move(made.gbnf);
}

std::string verdict(GrammarMatcher& matcher, std::string_view text) {
  GrammarMatcher::State state = matcher.start();
  for (std::size_t at = 0; at < text.size(); ++at) {
    matcher.start_work();
    state = matcher.step(state, std::uint8_t(text[at]));
    if (state == GrammarMatcher::kDead) return fmt::format("reject {}", at);
  }
  return matcher.can_end(state) ? "accept" : "incomplete";
}

int run(const GrammarOptions& options) {
  const std::string grammar = grammar_text(options);
  GrammarMatcher matcher(parse_gbnf(grammar));
  if (options.show) {
    write_output(grammar.ends_with('\n') ? grammar : grammar + "\n");
    return kSuccess;
  }
  const std::string lines = read_text("-");
  std::size_t number = 0;
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    const auto text = nlohmann::json::parse(line, nullptr, false);
    if (!text.is_string())
      throw Error(Errc::type, fmt::format("stdin line {}: must be a JSON string", number));
    write_output(verdict(matcher, text.get_ref<const std::string&>()) + "\n");
  }
  return kSuccess;
}

}  // namespace

void add_grammar(CLI::App& app, Action& action) {
  auto options = std::make_shared<GrammarOptions>();
  CLI::App* verb = app.add_subcommand("grammar", "Say which texts a grammar or JSON schema accepts");
  auto* source = verb->add_option_group("source")->require_option(1);
  source->add_option("--grammar-file", options->grammar_file, "File with a GBNF grammar");
  source->add_option("--json-schema-file", options->schema_file, "File with a JSON schema (-jf)");
  verb->add_flag("--show", options->show, "Print the grammar and end");
  verb->add_flag("--schema-lenient", options->lenient,
                 "Note what a schema asks for and no grammar can hold, instead of failing");
  verb->footer(
      "Each line of stdin is a JSON string, a text. A line of stdout answers it: accept; incomplete, where\n"
      "more must follow; or reject AT, where AT is the offset of the first byte that cannot be.");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace longhand::cli
