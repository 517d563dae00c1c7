#include "cli/embed/embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"

namespace longhand::cli {
namespace {

void tell_cuts(const Embedder& embedder, std::span<const Embedder::Input> inputs) {
  const auto cut = std::ranges::count_if(inputs, [](const auto& input) { return input.left_out > 0; });
  if (cut == 0) return;
  const int most = std::ranges::max(inputs, {}, &Embedder::Input::left_out).left_out;
  print_note(
      fmt::format("{} of {} text{} longer than the {} tokens of the context: cut, the longest by {} tokens",
                  cut, inputs.size(), inputs.size() == 1 ? " is" : "s are", embedder.context(), most));
}

}  // namespace

void embed_all(Embedder& embedder, std::span<const Embedder::Input> inputs, const Embedder::Visit& visit) {
  tell_cuts(embedder, inputs);
  std::vector<std::vector<Token>> texts;
  texts.reserve(inputs.size());
  for (const Embedder::Input& input : inputs) texts.push_back(input.tokens);
  const CancelOnSignal cancel(embedder);
  ProgressBar bar("reading");
  embedder.on_progress([&bar](int done, int total) { bar.update(double(done) / total); });
  embedder.embed(texts, visit);
}

}  // namespace longhand::cli
