#include "engine/run/speculate/next_head_run.h"

#include <algorithm>
#include <atomic>

#include "loaders/model/next_head.h"
#include "ops/host/machine.h"

namespace longhand {
namespace {

// One layer has too little work for a team of its own for prompts.
ThreadPlan of_one_layer(ThreadPlan threads) {
  threads.prefill = threads.decode;
  return threads;
}

}  // namespace

ModelCore NextHeadRun::load(const ModelData& model, int threads) {
  NextHead head = load_next_head(model.file, model.config, model.weights);
  // The trunk's own head is in panels already.
  Team team(threads > 0 ? threads : usable_cores());
  repack(head.weights, model.file, team, {});
  if (head.weights.output.empty()) head.weights.output = model.weights.output;
  return {std::move(head.config), std::move(head.weights), model.kernels};
}

NextHeadRun::NextHeadRun(const ModelData& model, const SessionOptions& options)
    : core_(load(model, options.threads)),
      sequence_(core_, options),
      runner_(core_, of_one_layer(sequence_.sizes.threads), sequence_.needs()),
      logits_(std::size_t(core_.config.vocab)),
      hidden_(std::size_t(core_.config.hidden)),
      rows_(std::size_t(runner_.rows()) * hidden_.size()) {}

void NextHeadRun::go_back(int size) {
  sequence_.shorten(std::size_t(size));
  sequence_.go_back(size);
}

void NextHeadRun::feed(std::span<const Token> tokens, const float* hidden) {
  sequence_.check(tokens);
  const int before = size();
  const auto n = std::ptrdiff_t(hidden_.size());
  const std::atomic<bool> never{false};
  try {
    while (!tokens.empty()) {
      const auto part = tokens.first(std::min(tokens.size(), std::size_t(runner_.rows())));
      sequence_.append(part);
      const int rows = int(part.size()), last = rows - 1;
      const Slice slice = sequence_.next_slice(rows, 0);
      Stop stop(never);
      PassRunner::Request request{{&slice, 1}, sequence_.next_tokens(rows)};
      request.inputs = hidden;
      const bool ends = part.size() == tokens.size();
      if (ends) {
        request.wanted = {&last, 1};
        request.hidden = rows_.data();
      }
      runner_.run(request, stop,
                  [&](int, std::span<const float> row) { std::ranges::copy(row, logits_.begin()); });
      if (ends) std::copy_n(rows_.begin() + last * n, n, hidden_.begin());
      sequence_.remembered += rows;
      hidden += rows * n;
      tokens = tokens.subspan(part.size());
    }
  } catch (...) {
    go_back(before);
    throw;
  }
}

}  // namespace longhand
