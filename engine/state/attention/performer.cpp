// Positive random features (Performer, Choromanski et al. 2021), the soft form of codes: exp(q . k) is the
// expectation of phi(q) . phi(k), phi(y) = exp(F y - |y|^2 / 2) / sqrt(m).
//
// Far attention sum_j phi(q) . phi(k_j) v_j is then attention over m keys, the features: feature f has the
// weight z_f = sum_j exp(F_f . y_j - |y_j|^2 / 2), as a bias ln z_f, and the weighted mean of the values. And
// that sum over keys is attention too, of the features, as queries, over the keys. Both need no numbers
// beyond a running maximum's exponent, so nothing overflows.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/state/attention/blocks.h"
#include "engine/state/attention/codebook.h"
#include "engine/state/attention/far_keys.h"
#include "engine/state/attention/features.h"

namespace longhand {
namespace {

class Performer final : public Blocks {
 public:
  explicit Performer(const MemorySite& s)
      : Blocks(s),
        heads_(s.core.kv_heads),
        scale_(s.core.scale),
        features_(s.core.key_codes.feature != nullptr ? s.core.key_codes.features : s.plan.features),
        trained_(s.core.key_codes.feature),
        seed_(std::uint64_t(s.layer) << 32),
        far_(s.core.kv_heads, features_, s.kv.key_dim, s.kv.value_dim),
        block_(KvShape(CacheFormat::f32, CacheFormat::f32, s.kv.key_dim, s.kv.value_dim)) {}

  // A block's keys and values as floats, and their biases.
  std::size_t scratch_bytes() const noexcept override {
    return std::size_t(kAttendKeys) * sizeof(float) * std::size_t(far_.key_dim() + far_.value_dim() + 1) +
           std::size_t(kAttendRows) * sizeof(float) * std::size_t(far_.key_dim() + far_.value_dim());
  }

 private:
  std::uint64_t summary_bytes() const noexcept override {
    return far_.bytes() + std::uint64_t(heads_) * std::uint64_t(features_) * 2 * sizeof(float);
  }

  // Features are stored divided by sqrt(scale): far queries, which carry the scale, then give F . y_q.
  void reserve_summary() override {
    far_.reserve();
    state_ = Buffer(std::size_t(heads_) * std::size_t(features_) * 2 * sizeof(float));
    const int dim = far_.key_dim();
    std::vector<float> drawn;
    std::vector<float> f = std::vector<float>(std::size_t(dim));
    for (int h = 0; h < heads_; ++h) {
      if (trained_ == nullptr) drawn = orthogonal_features(features_, dim, seed_ + std::uint64_t(h));
      const float* all = trained_ != nullptr ? trained_ + std::int64_t{h} * features_ * dim : drawn.data();
      for (int i = 0; i < features_; ++i) {
        for (int d = 0; d < dim; ++d) f[std::size_t(d)] = all[std::int64_t{i} * dim + d] / std::sqrt(scale_);
        far_.set_key(h, i, f);
      }
    }
    clear_summary();
  }
  void clear_summary() noexcept override {
    far_.clear();
    std::fill_n(state_.as<float>(), std::int64_t{heads_} * features_ * 2, 0.0f);
  }
  void live_summary(const VisitBytes& visit) override {
    far_.live(visit);
    visit(state_.data(), std::size_t(heads_) * std::size_t(features_) * 2 * sizeof(float));
  }

  int summary_parts() const noexcept override { return far_.parts(); }

  // Far queries q carry the scale: |y_q|^2 = |q|^2 / scale.
  void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept override {
    far_.attend(tile, tile.far_query, part, to);
    for (int r = 0; r < tile.rows; ++r)
      to.m[r] -= half_norm(tile.far_query[std::size_t(r)], far_.key_dim()) / scale_;
  }

  void take_in(const Leaving& l) noexcept override {
    for (int from = std::max(l.from, sinks()); from < l.to; from += kAttendKeys)
      take_in_block(l, from, std::min(kAttendKeys, l.to - from));
  }

  void take_in_block(const Leaving& l, int from, int n) noexcept {
    const int dim = far_.key_dim(), value_dim = far_.value_dim();
    auto* keys = l.scratch.memory.as<float>();
    float* values = keys + std::int64_t{kAttendKeys} * dim;
    float* bias = values + std::int64_t{kAttendKeys} * value_dim;
    float* acc = bias + kAttendKeys;
    float* queries = acc + std::int64_t{kAttendRows} * value_dim;
    Keys block{{}, CacheFormat::f32, CacheFormat::f32, 0, bias};
    block.view = {reinterpret_cast<std::byte*>(keys),
                  reinterpret_cast<std::byte*>(values),
                  block_.key_block_bytes(),
                  block_.value_row_bytes(),
                  dim,
                  value_dim};
    std::fill_n(bias, kAttendKeys, 0.0f);
    for (int i = 0; i < n; ++i) {
      key_of(l.head, from + i, queries);
      bias[i] = -half_norm(queries, dim) * scale_;
      l.kernels.store_key[int(CacheFormat::f32)](block.view, i, queries);
      value_of(l.head, from + i, values + std::int64_t{i} * value_dim);
    }
    Tile tile{l.kernels, l.scratch, 0};
    const auto to_last = [n](int) { return n; };
    for (int f = 0; f < features_; f += kAttendRows) {
      tile.rows = std::min(kAttendRows, features_ - f);
      for (int r = 0; r < tile.rows; ++r) {
        float* q = queries + std::int64_t{r} * dim;
        far_.get_key(l.head, f + r, {q, std::size_t(dim)});
        l.kernels.scale(q, scale_, dim);
        tile.query[std::size_t(r)] = q;
      }
      std::array<float, kAttendRows> m, sum;
      attend_keys(tile, tile.query, block, seen(tile, from_start, to_last), {m.data(), sum.data(), acc});
      for (int r = 0; r < tile.rows; ++r)
        join(l, f + r, m[std::size_t(r)], sum[std::size_t(r)], acc + std::int64_t{r} * value_dim);
    }
  }

  // Adds a block's part to a feature: its weight as (exponent, sum), its values as their mean.
  void join(const Leaving& l, int feature, float m, float sum, const float* acc) noexcept {
    float* state = state_.as<float>() + (std::int64_t{l.head} * features_ + feature) * 2;
    float* mean = far_.value(l.head, feature);
    const int n = far_.value_dim();
    const float before = state[1];
    for (int d = 0; d < n; ++d) mean[d] *= before;
    l.kernels.merge_partials(&state[0], &state[1], mean, m, sum, acc, n);
    if (!(state[1] > 0)) return;
    l.kernels.scale(mean, 1 / state[1], n);
    far_.bias(l.head)[feature] =
        float(double(state[0]) + std::log(double(state[1])) - std::log(double(features_)));
  }

  int heads_;
  float scale_;
  int features_;
  const float* trained_;  // (kv_heads, features, head_dim); null: drawn from seed_
  std::uint64_t seed_;
  FarKeys far_;
  KvShape block_;
  Buffer state_;  // (kv_heads, features, 2) exponent and sum of each feature's weight
};

}  // namespace

std::unique_ptr<AttentionState> make_performer(const MemorySite& site) {
  return std::make_unique<Performer>(site);
}

}  // namespace longhand
