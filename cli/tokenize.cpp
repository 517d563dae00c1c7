// longhand tokenize: what a vocabulary makes of a text. Loads nothing but the vocabulary.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_status.h"
#include "cli/models/model_names.h"
#include "cli/models/models_path.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/user_dirs.h"
#include "cli/verbs.h"
#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<std::string> positionals;
  bool jsonl = false, parse_special = false, no_special = false, clean_spaces = false;
  std::optional<double> sample_alpha;
  std::uint64_t seed = 0;
};

std::vector<Token> encode(const Tokenizer& tokenizer, const Options& options, std::string_view text,
                          EncodeFlags flags) {
  if (!options.sample_alpha) return tokenizer.encode(text, flags);
  return tokenizer.encode_sampled(text, *options.sample_alpha, options.seed, flags);
}

Json answer(const Tokenizer& tokenizer, const Options& options, const std::string& line) {
  const Json request = Json::parse(line);
  if (!request.is_object() || !request.contains("text"))
    throw Error(Errc::missing, "\"text\": required, absent");
  const auto flag = [&](const char* name, bool otherwise) { return request.value(name, otherwise); };
  const EncodeFlags flags{.add_special = flag("add_special", !options.no_special),
                          .parse_special = flag("parse_special", options.parse_special)};
  const auto ids = encode(tokenizer, options, request["text"].get_ref<const std::string&>(), flags);
  const DecodeFlags plain{.clean_spaces = options.clean_spaces};
  DecodeFlags whole = plain;
  whole.remove_special = false;
  whole.unparse_special = true;
  return {{"ids", ids},
          {"detok", replace_invalid(tokenizer.decode(ids, whole))},
          {"detok_plain", replace_invalid(tokenizer.decode(ids, plain))}};
}

// One line out for each line in, at once, so that a program at the other end of the pipes may wait for it.
int answer_lines(const Tokenizer& tokenizer, const Options& options) {
  std::string line;
  while (std::getline(std::cin, line)) {
    Json reply;
    try {
      reply = answer(tokenizer, options, line);
    } catch (const Error& error) { reply = {{"error", error.what()}}; } catch (const Json::exception& error) {
      reply = {{"error", escape_controls(error.what())}};
    }
    write_output(reply.dump(-1, ' ', true) + "\n");
  }
  return kSuccess;
}

int show(const Tokenizer& tokenizer, const Options& options, const std::string& text) {
  const std::vector<Token> ids = encode(
      tokenizer, options, text, {.add_special = !options.no_special, .parse_special = options.parse_special});
  std::string out;
  if (isatty(STDOUT_FILENO) != 0) {
    for (const Token id : ids) {
      std::string piece = make_visible(tokenizer.piece(id, true));
      for (auto at = piece.find('\n'); at != std::string::npos; at = piece.find('\n', at))
        piece.replace(at, 1, "\\n");
      out += fmt::format("{:>7}  '{}'\n", id, piece);
    }
    out += fmt::format("{} tokens\n", ids.size());
  } else {
    constexpr std::size_t kPart = std::size_t{1} << 16;  // of a long text not all at once
    for (std::size_t i = 0; i < ids.size(); ++i) {
      fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : " ", ids[i]);
      if (out.size() < kPart) continue;
      write_output(out);
      out.clear();
    }
    out += '\n';
  }
  write_output(out);
  return kSuccess;
}

// A word that is alone may be the text where the environment names a model.
bool begins_with_model(const std::vector<std::string>& positionals) {
  if (positionals.empty()) return false;
  if (positionals.size() > 1 || environment(kModelVariable).empty()) return true;
  return positionals.front().ends_with(".gguf") || ::access(positionals.front().c_str(), F_OK) == 0;
}

int run_tokenize(Options options) {
  if (options.model.empty() && begins_with_model(options.positionals)) {
    options.model = options.positionals.front();
    options.positionals.erase(options.positionals.begin());
  }
  const std::size_t texts = options.jsonl ? 0 : 1;
  if (options.positionals.size() > texts) {
    throw UsageError(options.jsonl ? "--jsonl reads its texts from stdin" : "more than one text; quote it");
  }
  const Gguf file = Gguf::open(model_path(find_model(options.model)));
  const Tokenizer tokenizer(load_vocab(file));
  for (const std::string& warning : tokenizer.vocab().warnings) {
    write_error(fmt::format("warning: {}\n", escape_controls(warning)));
  }
  if (options.jsonl) return answer_lines(tokenizer, options);
  return show(tokenizer, options, options.positionals.empty() ? read_text("-") : options.positionals.front());
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("tokenize", "Show the tokens of a text");
  auto options = std::make_shared<Options>();
  verb->add_option("-m,--model", options->model, "GGUF file; its vocabulary suffices");
  verb->add_option("arguments", options->positionals,
                   "[FILE] [TEXT]: the model unless given by -m or $LONGHAND_MODEL; the text, or stdin");
  verb->add_flag("--jsonl", options->jsonl,
                 "Read {\"text\", \"parse_special\", \"add_special\"} lines, write {\"ids\", \"detok\", "
                 "\"detok_plain\"}");
  verb->add_flag("--parse-special", options->parse_special,
                 "Control tokens written out in the text become tokens");
  verb->add_flag("--no-special,--no-bos", options->no_special, "Add no begin- or end-of-text tokens");
  verb->add_flag("--clean-spaces", options->clean_spaces,
                 "--jsonl: no spaces before punctuation in detok, as byte-pair vocabularies did until 2026");
  verb->add_option("--sample-alpha", options->sample_alpha,
                   "Unigram vocabularies: draw a segmentation, probabilities to this power");
  verb->add_option("--seed", options->seed, "Seed of the draw");
  verb->callback([&action, options] { action = [options] { return run_tokenize(*options); }; });
}

}  // namespace longhand::cli
