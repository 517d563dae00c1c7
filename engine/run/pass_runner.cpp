#include "engine/run/pass_runner.h"

#include <algorithm>

#include "engine/forward/attention/random_keys.h"
#include "engine/forward/decoder.h"
#include "engine/forward/head.h"

namespace longhand {
namespace {

// Rows whose logits are computed at once.
constexpr std::size_t kLogitRows = 16;

}  // namespace

PassRunner::PassRunner(const ModelCore& model, const ThreadPlan& threads, const WorkspaceSizes& sizes)
    : model_(model),
      ws_(model.config, model.weights, sizes),
      team_(threads.decode, threads.cpus),
      logits_(std::size_t(model.config.vocab)) {
  if (threads.prefill != threads.decode) prefill_team_.emplace(threads.prefill, threads.cpus);
}

void PassRunner::fit(WorkspaceSizes sizes) {
  const WorkspaceSizes& now = ws_.sizes();
  sizes.workers = now.workers;
  sizes.rows = std::max(sizes.rows, now.rows);
  sizes.slices = std::max(sizes.slices, now.slices);
  sizes.memory_scratch = std::max(sizes.memory_scratch, now.memory_scratch);
  sizes.attention_parts = std::max(sizes.attention_parts, now.attention_parts);
  sizes.far_queries = sizes.far_queries || now.far_queries;
  sizes.low_columns = std::max(sizes.low_columns, now.low_columns);
  sizes.adapters = std::max(sizes.adapters, now.adapters);
  sizes.packed_cache = sizes.packed_cache || now.packed_cache;
  if (sizes != now) ws_ = Workspace(model_.config, model_.weights, sizes);
}

Team& PassRunner::team_for(const Request& request) noexcept {
  return prefill_team_ && request.tokens.size() > kDecodeTokens ? *prefill_team_ : team_;
}

Pass PassRunner::pass(const Request& request, const Worker& worker, Stop& stop) noexcept {
  ws_.low_ranks[std::size_t(worker.id)].turn = 0;
  const bool adapted =
      std::ranges::any_of(request.slices, [](const Slice& s) { return s.adaptation != nullptr; });
  return {model_.config,  model_.weights, *model_.kernels, ws_,       worker, stop,
          request.slices, request.tokens, request.inputs,  observer_, adapted};
}

bool PassRunner::run(const Request& request, Stop& stop, const VisitRow& visit) {
  const auto vocab = std::size_t(model_.config.vocab);
  const auto group = [&](std::size_t first) {
    return request.wanted.subspan(first, std::min(kLogitRows, request.wanted.size() - first));
  };
  const auto compute = [&](const Pass& p, std::span<const int> rows) {
    final_hidden(p, rows);
    output_logits(p, rows, logits_.data());
  };
  const auto show = [&](std::size_t first) {
    for (std::size_t i = 0; i < group(first).size(); ++i)
      visit(int(first + i), std::span(logits_).subspan(i * vocab, vocab));
  };
  if (const std::size_t n = std::min(kLogitRows, request.wanted.size()) * vocab; logits_.size() < n)
    logits_.resize(n);
  team_for(request).run([&](const Worker& worker) {
    const Pass p = pass(request, worker, stop);
    if (!forward(p)) return;
    if (request.hidden != nullptr) copy_hidden(p, request.hidden);
    if (!request.wanted.empty()) compute(p, group(0));
  });
  for (std::size_t first = 0; first < request.wanted.size() && !stop.cut_short.load(); first += kLogitRows) {
    if (first > 0)
      team_.run([&](const Worker& worker) { compute(pass(request, worker, stop), group(first)); });
    if (!stop.cut_short.load()) show(first);
  }
  return !stop.cut_short.load();
}

bool PassRunner::run_hidden(const Request& request, Stop& stop) {
  team_for(request).run([&](const Worker& worker) {
    const Pass p = pass(request, worker, stop);
    if (forward(p)) finish_hidden(p);
  });
  return !stop.cut_short.load();
}

std::span<const float> PassRunner::hidden(int row) const noexcept {
  const auto n = std::size_t(model_.config.hidden);
  return {ws_.x + std::size_t(row) * n, n};
}

void PassRunner::run_head(std::span<const float> states, bool scores, std::span<float> to,
                          std::span<const Slice> slices) {
  const std::atomic<bool> never{false};
  Stop stop{never};
  const HeadJob job{states.data(), int(states.size() / std::size_t(model_.config.hidden)), scores, to.data()};
  team_.run([&](const Worker& worker) { longhand::run_head(pass({slices, {}}, worker, stop), job); });
}

void PassRunner::remember_at_random(const Request& request, const std::atomic<bool>& cancel) {
  Stop stop{cancel};
  team_for(request).run(
      [&](const Worker& worker) { longhand::remember_at_random(pass(request, worker, stop)); });
}

}  // namespace longhand
