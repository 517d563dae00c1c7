#include "engine/embed/text_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/state/cache_type.h"
#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

Pooling settle(const ModelData& m, const EmbedOptions& o) {
  check_options(kEmbedOptions, o);
  const PoolingRule file = m.config.pooling.rule;
  Pooling pooling = o.pooling;
  if (pooling == Pooling::from_file) {
    constexpr Pooling kOfRule[] = {Pooling::from_file, Pooling::none, Pooling::mean,
                                   Pooling::cls,       Pooling::last, Pooling::rank};
    pooling = kOfRule[int(file)];
    if (file == PoolingRule::unstated) pooling = m.config.causal ? Pooling::last : Pooling::mean;
  }
  if (pooling == Pooling::rank && m.weights.head.score_out.empty())
    throw Error(Errc::unsupported,
                m.file.name() + ": has no classifier (tensor cls.output.weight), which scores need");
  return pooling;
}

// Which states are pooled.
PoolingRule rule_of(Pooling pooling, const ModelConfig& c) {
  constexpr PoolingRule kRules[] = {PoolingRule::unstated, PoolingRule::none, PoolingRule::mean,
                                    PoolingRule::first, PoolingRule::last};
  return pooling == Pooling::rank ? c.pooling.score.from : kRules[int(pooling)];
}

WorkspaceSizes first_sizes(const SessionSizes& s) { return {.rows = s.batch, .workers = s.threads.most()}; }

}  // namespace

VectorMaker::VectorMaker(const ModelData& m, const EmbedOptions& o)
    : model_(m),
      options_(o),
      sizes_(choose_sizes(m, options_.session)),
      adaptation_(make_adaptation(m, o.session.adapters, o.session.control_vectors)),
      positions_(m.config, m.weights, options_.session, far_positions(sizes_.plan), sizes_.context),
      pooling_(settle(m, o)),
      runner_(m, sizes_.threads, first_sizes(sizes_)) {}

int VectorMaker::width() const noexcept {
  const PoolingHead& head = model_.weights.head;
  return pooling_ == Pooling::rank ? head.labels : head.width();
}

void VectorMaker::run(Texts texts, const std::atomic<bool>& cancel, const Visit& visit,
                      const Progress& progress) {
  check(texts);
  open_.clear();
  next_ = 0;
  int done = 0, total = 0;
  for (const auto& text : texts) total += int(text.size());
  while (done < total) {
    const Batch batch = next_batch(texts);
    fit(batch);
    Stop stop{cancel};
    if (cancel.load() || !runner_.run_hidden({batch.slices, batch.tokens}, stop))
      throw Error(Errc::cancelled, "the computation was cancelled");
    take(texts, batch);
    close(texts, visit);
    done += int(batch.tokens.size());
    if (progress) progress(done, total);
  }
}

void VectorMaker::check(Texts texts) const {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& text = texts[i];
    if (text.empty()) throw Error(Errc::range, fmt::format("text {} has no tokens", i));
    if (text.size() > std::size_t(context())) {
      throw Error(Errc::context_full,
                  fmt::format("text {} has {} tokens, the context holds {}", i, text.size(), context()));
    }
    for (const Token token : text) {
      if (token < 0 || token >= model_.config.vocab)
        throw Error(Errc::range,
                    fmt::format("token {} of text {} must be 0..{}", token, i, model_.config.vocab - 1));
    }
  }
}

VectorMaker::Open VectorMaker::open(Texts texts, std::size_t number) const {
  const int n = int(texts[number].size()), batch = model_.config.causal ? std::min(n, sizes_.batch) : n;
  auto states =
      std::make_unique<States>(model_.config, model_.weights, options_.session, sizes_.plan, n, batch);
  states->reserve();
  return {number,
          std::move(states),
          TextPool(rule_of(pooling_, model_.config), std::size_t(model_.config.hidden)),
          0,
          {}};
}

// Texts follow one another while there is room. Only where tokens see no later ones may a text be cut; else a
// long one has a pass to itself.
VectorMaker::Batch VectorMaker::next_batch(Texts texts) {
  Batch batch;
  int room = sizes_.batch;
  for (std::size_t i = 0; room > 0; ++i) {
    if (i == open_.size()) {
      if (next_ == texts.size()) break;
      const bool fits = int(texts[next_].size()) <= room;
      if (!model_.config.causal && !fits && !batch.slices.empty()) break;
      open_.push_back(open(texts, next_++));
    }
    Open& o = open_[i];
    const auto& text = texts[o.number];
    const int left = int(text.size()) - o.done, n = model_.config.causal ? std::min(left, room) : left;
    o.states->will_write(o.done, o.done + n);
    batch.slices.push_back(
        {*o.states, positions_, int(batch.tokens.size()), n, o.done, nullptr, adaptation_.get()});
    batch.tokens.insert(batch.tokens.end(), text.begin() + o.done, text.begin() + o.done + n);
    room -= n;
  }
  return batch;
}

void VectorMaker::fit(const Batch& batch) {
  WorkspaceSizes needs{.rows = int(batch.tokens.size()),
                       .workers = 1,
                       .slices = int(batch.slices.size()),
                       .far_queries = far_positions(sizes_.plan).used,
                       .packed_cache = packs_cache(options_.session)};
  if (adaptation_ != nullptr) {
    needs.low_columns = adaptation_->low_columns();
    needs.adapters = int(adaptation_->uses.size());
  }
  for (const Open& o : open_) {
    needs.memory_scratch = std::max(needs.memory_scratch, o.states->scratch_bytes());
    needs.attention_parts = std::max(needs.attention_parts, o.states->most_parts());
  }
  runner_.fit(needs);
}

// Slice i is of open text i.
void VectorMaker::take(Texts texts, const Batch& batch) {
  const auto hidden = std::size_t(model_.config.hidden);
  std::vector<float> states;  // that the head reads
  std::vector<std::size_t> rows_of_slice;
  for (std::size_t i = 0; i < batch.slices.size(); ++i) {
    const Slice& slice = batch.slices[i];
    Open& o = open_[i];
    const std::size_t before = states.size();
    for (int row = slice.first_row; row < slice.first_row + slice.rows; ++row)
      o.pool.add(runner_.hidden(row), states);
    o.done += slice.rows;
    if (o.done == int(texts[o.number].size()))
      o.pool.finish(runner_.hidden(slice.first_row + slice.rows - 1), states);
    rows_of_slice.push_back((states.size() - before) / hidden);
  }
  read_head(states, rows_of_slice);
}

void VectorMaker::read_head(std::span<const float> states, std::span<const std::size_t> rows_of_slice) {
  const std::size_t rows = std::accumulate(rows_of_slice.begin(), rows_of_slice.end(), std::size_t{0});
  if (rows == 0) return;
  const auto n = std::size_t(width());
  std::vector<float> made(rows * n);
  const Slice all{*open_.front().states, positions_, 0, int(rows), 0, nullptr, adaptation_.get()};
  runner_.run_head(states, pooling_ == Pooling::rank, made, {&all, 1});
  auto from = made.begin();
  for (std::size_t i = 0; i < rows_of_slice.size(); ++i) {
    const auto end = from + std::ptrdiff_t(rows_of_slice[i] * n);
    open_[i].vectors.insert(open_[i].vectors.end(), from, end);
    from = end;
  }
}

void VectorMaker::close(Texts texts, const Visit& visit) {
  const auto n = std::size_t(width());
  while (!open_.empty() && open_.front().done == int(texts[open_.front().number].size())) {
    Open& o = open_.front();
    const bool scaled = options_.normalize && pooling_ != Pooling::rank;
    for (std::size_t at = 0; scaled && at < o.vectors.size(); at += n)
      normalize(std::span(o.vectors).subspan(at, n));
    if (!std::ranges::all_of(o.vectors, [](float x) { return std::isfinite(x); }))
      throw Error(Errc::nonfinite,
                  fmt::format("the model's vector of text {} holds NaN or infinity", o.number));
    visit(o.number, o.vectors);
    open_.pop_front();
  }
}

}  // namespace longhand
