// longhand logits: the raw scores of a model for given token ids, to compare it with other engines.
#include <memory>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/token_ids.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session;
  std::string tokens, output;
};

int write_logits(const Flags& flags) {
  const SignalScope signals;
  flags.session.tell_notes();
  const std::vector<Token> tokens = read_token_ids(flags.tokens);
  const Model model = open_model(flags.session.model, flags.session.load_options());
  Session session(model, flags.session.session_options(model));
  const CancelOnSignal cancel(session);
  ProgressBar bar("reading");
  session.on_progress([&bar](int done, int total) { bar.update(double(done) / total); });
  OutputFile out(flags.output);
  session.feed(tokens, [&out](int, std::span<const float> logits) { out.write(std::as_bytes(logits)); });
  out.finish();
  return kSuccess;
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  auto* verb =
      app.add_subcommand("logits", "Write the logits of every position as raw little-endian float32");
  auto flags = std::make_shared<Flags>();
  flags->session.add_to(*verb);
  require_model(*verb);
  verb->add_option("--tokens", flags->tokens, "JSON file with the token ids: [1, 2] or {\"ids\": [1, 2]}")
      ->required()
      ->type_name("IDS.json");
  verb->add_option("-o,--output", flags->output,
                   "Rows of the vocabulary's size, one for each token; - is stdout")
      ->required()
      ->type_name("OUT.f32");
  verb->callback([flags, &action] { action = [flags] { return write_logits(*flags); }; });
}

}  // namespace longhand::cli
