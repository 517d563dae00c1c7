// The verbs of the program. Each lives in the file of its name and adds its own subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace longhand::cli {

/// Set by the subcommand that was named; returns the exit status. Throws longhand::Error, UsageError,
/// BrokenPipe.
using Action = std::function<int()>;

void add_chat(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_models(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_template(CLI::App& app, Action& action);
void add_grammar(CLI::App& app, Action& action);
void add_logits(CLI::App& app, Action& action);
void add_embed(CLI::App& app, Action& action);
void add_rank(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_perplexity(CLI::App& app, Action& action);
void add_passkey(CLI::App& app, Action& action);
void add_split(CLI::App& app, Action& action);
void add_merge(CLI::App& app, Action& action);
void add_edit(CLI::App& app, Action& action);
void add_diff(CLI::App& app, Action& action);
void add_quantize(CLI::App& app, Action& action);
void add_imatrix(CLI::App& app, Action& action);
void add_convert(CLI::App& app, Action& action);
void add_merge_lora(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);

}  // namespace longhand::cli
