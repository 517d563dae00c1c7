// longhand embed: vectors of texts.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/embed/embedding.h"
#include "cli/embed/text_list.h"
#include "cli/embed/vector_writer.h"
#include "cli/exit_status.h"
#include "cli/flags/option_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/token_ids.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session{EmbedOptions().session};
  EmbedOptions embed;
  std::string text, file, tokens, output = "-", format = "auto";
  bool has_text = false, jsonl = false;
};

std::vector<std::string> read_all(const Flags& flags) {
  if (flags.has_text) return {flags.text};
  if (flags.file.empty() && is_terminal(STDIN_FILENO))
    throw UsageError("give texts: -p TEXT, -f FILE or a pipe");
  return read_texts(flags.file.empty() ? "-" : flags.file, flags.jsonl);
}

void check_sources(const Flags& flags) {
  const int sources = int(flags.has_text) + int(!flags.file.empty()) + int(!flags.tokens.empty());
  if (sources > 1) throw UsageError("-p, -f and --tokens exclude one another");
  if (flags.jsonl && (flags.has_text || !flags.tokens.empty()))
    throw UsageError("--jsonl is for texts of -f FILE or a pipe");
}

std::vector<Embedder::Input> read_inputs(const Flags& flags, const std::vector<std::string>& texts,
                                         const Embedder& embedder) {
  if (!flags.tokens.empty()) return {{read_token_ids(flags.tokens), 0}};
  std::vector<Embedder::Input> inputs;
  for (const std::string& text : texts) inputs.push_back(embedder.encode(text));
  return inputs;
}

int write_vectors(const Flags& flags) {
  const SignalScope signals;
  check_sources(flags);
  flags.session.tell_notes();
  const std::vector<std::string> texts = flags.tokens.empty() ? read_all(flags) : std::vector<std::string>();
  const Model model = open_model(flags.session.model, flags.session.load_options());
  EmbedOptions options = flags.embed;
  options.session = flags.session.session_options(model);
  Embedder embedder(model, options);
  const std::vector<Embedder::Input> inputs = read_inputs(flags, texts, embedder);
  const bool apart = embedder.pooling() == Pooling::none;
  VectorWriter out(flags.output, VectorWriter::format_of(flags.format, flags.output),
                   {std::size_t(embedder.width()), embedder.pooling() == Pooling::rank, apart});
  embed_all(embedder, inputs, [&](std::size_t i, std::span<const float> vectors) {
    out.write({i, inputs[i].tokens.size(), inputs[i].left_out}, vectors);
  });
  out.finish();
  return kSuccess;
}

void add_flags(CLI::App& verb, Flags& flags) {
  verb.add_option_function<std::string>(
          "-p,--prompt", [&flags](const std::string& text) { flags.text = text, flags.has_text = true; },
          "One text")
      ->type_name("TEXT");
  verb.add_option("-f,--file", flags.file, "Texts, one a line; - is stdin")->type_name("FILE");
  verb.add_flag("--jsonl", flags.jsonl, "Each line is a JSON object whose \"text\" is a text");
  verb.add_option("--tokens", flags.tokens,
                  "JSON file with the token ids of one text: [1, 2] or {\"ids\": [1, 2]}")
      ->type_name("IDS.json");
  add_option_flag(verb, verb, find_option(kEmbedOptions, &EmbedOptions::pooling), flags.embed.pooling);
  const auto& normalize = find_option(kEmbedOptions, &EmbedOptions::normalize);
  verb.add_option_function<std::string>(
          find_flag(normalize.name)->flags,
          [&flags](const std::string& word) { flags.embed.normalize = word == "on"; }, help_of(normalize))
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name(find_flag(normalize.name)->value);
  verb.add_option("-o,--output", flags.output, "File for the vectors; - is stdout")->type_name("OUT");
  verb.add_option("--format", flags.format,
                  "json: a line a text; csv: a line a vector; f32: raw little-endian floats; auto: by OUT's "
                  "ending, else f32, and json on stdout")
      ->check(CLI::IsMember({"auto", "json", "csv", "f32"}))
      ->type_name("NAME");
}

}  // namespace

void add_embed(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("embed", "Make vectors of texts");
  auto flags = std::make_shared<Flags>();
  flags->session.add_to(*verb);
  require_model(*verb);
  add_flags(*verb, *flags);
  verb->callback([flags, &action] { action = [flags] { return write_vectors(*flags); }; });
}

}  // namespace longhand::cli
