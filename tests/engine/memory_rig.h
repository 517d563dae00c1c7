// Attention over one memory as the driver of attention uses it, and the same by its definition in double
// precision.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/state/attention/kinds.h"
#include "ops/kernel_table.h"
#include "ops/rope_table.h"

namespace longhand::test {

inline constexpr int kDim = 16, kValueDim = 24, kTokens = 1300;
inline constexpr float kScale = 0.25f;
inline const Worker kAlone{0, 1};

struct Text {
  std::vector<std::vector<float>> q, k, v;
  int value_in_key, rot, value_dim;

  // Keys are drawn from `distinct` vectors; 0: each is new. Values that are part of their keys begin at
  // dimension `in_key`, up to which keys are turned.
  explicit Text(int tokens, int distinct, int in_key = -1)
      : value_in_key(in_key),
        rot(in_key < 0 ? kDim : in_key),
        value_dim(in_key < 0 ? kValueDim : kDim - in_key) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    const auto vector = [&](int n) {
      std::vector<float> x = std::vector<float>(std::size_t(n));
      for (float& y : x) y = normal(random);
      return x;
    };
    std::vector<std::vector<float>> pool;
    for (int i = 0; i < distinct; ++i) pool.push_back(vector(kDim));
    for (int i = 0; i < tokens; ++i) {
      q.push_back(vector(kDim));
      k.push_back(distinct > 0 ? pool[random() % std::size_t(distinct)] : vector(kDim));
      v.push_back(in_key < 0 ? vector(kValueDim)
                             : std::vector<float>(k.back().begin() + in_key, k.back().end()));
    }
  }
};

struct Angles {
  int rot;
  std::vector<float> cos, sin;
  Angles(int dims, double position) : rot(dims), cos(std::size_t(rot / 2)), sin(cos.size()) {
    rope_angles(make_rope_table({.rot = rot, .base = 100}), position, cos.data(), sin.data());
  }
  RotateArgs args() const { return {nullptr, cos.data(), sin.data(), rot, true}; }
};

inline std::vector<double> turned(const std::vector<float>& x, double position, int rot = kDim) {
  const RopeTable table = make_rope_table({.rot = rot, .base = 100});
  std::vector<double> y(x.begin(), x.end());
  const auto half = std::size_t(rot / 2);
  for (std::size_t m = 0; m < half; ++m) {
    const double c = std::cos(position * table.inv_freq[m]), s = std::sin(position * table.inv_freq[m]);
    y[m] = double(x[m]) * c - double(x[m + half]) * s;
    y[m + half] = double(x[m]) * s + double(x[m + half]) * c;
  }
  return y;
}

// A memory as the driver of attention uses it: one kv head, one query head, batches of some size.
class Rig {
 public:
  Rig(const AttentionOptions& options, const Text& text, int batch, float slope = 0,
      const AttentionCore& core = {}, int trained = 1 << 12)
      : text_(text), batch_(batch), slope_(slope), core_(core) {
    core_.heads = core_.kv_heads = 1;
    core_.head_dim = kDim;
    core_.value_dim = text.value_dim;
    core_.value_in_key = text.value_in_key;
    core_.scale = kScale;
    config_.trained_context = config_.rope.original_context = trained;
    plan_ = plan_memory(config_, {.context = int(text.k.size()), .attention = options});
    far_ = far_positions(plan_);
    const KvShape kv(CacheFormat::f32, CacheFormat::f32, kDim, core_.value_dim, core_.value_in_key);
    const MemorySite site{plan_, config_.attention, core_, kv, 0, int(text.k.size()), batch};
    memory_ = core_.causal ? plan_.kind->make(site) : make_whole(site);
    memory_->reserve();
    scratch_.scores = Buffer(sizeof(float) * kAttendRows * kAttendKeys);
    scratch_.acc = Buffer(sizeof(float) * (kAttendRows + 3) * std::size_t(std::max(kDim, kValueDim)));
    scratch_.memory = Buffer(memory_->scratch_bytes());
  }

  // (tokens, value_dim)
  std::vector<std::vector<float>> run() {
    std::vector<std::vector<float>> out;
    const int n = int(text_.k.size());
    for (int start = 0; start < n; start += batch_) {
      const int end = std::min(n, start + batch_);
      memory_->will_write(start, end);
      for (int i = start; i < end; ++i) store(i);
      for (int begin = start, next; begin < end; begin = next) {
        next = memory_->same_until(begin, end);
        if (memory_->changes_at(begin)) memory_->change(begin, kAlone, *kernels_, scratch_);
        for (int i = begin; i < next; ++i) {
          query(i);
          if (memory_->observes(i)) memory_->observe(0, i, far_query_.data(), 1);
          out.push_back(answer(i, {begin, next}));
        }
      }
    }
    return out;
  }

 private:
  void store(int i) {
    std::vector<float> key = text_.k[std::size_t(i)];
    const Angles own(text_.rot, i), far(text_.rot, far_.step * i);
    memory_->store(
        {*kernels_, scratch_, 0, i, key.data(), text_.v[std::size_t(i)].data(), own.args(), far.args()});
  }
  void query(int i) {
    query_ = far_query_ = text_.q[std::size_t(i)];
    for (auto* q : {&query_, &far_query_}) {
      const Angles angles(text_.rot, q == &query_ ? i : far_.start + far_.step * i);
      RotateArgs args = angles.args();
      args.x = q->data();
      kernels_->rotate(args);
      kernels_->scale(q->data(), kScale, kDim);
    }
  }
  std::vector<float> answer(int i, Queries queries) {
    Tile tile{*kernels_, scratch_, 0, 0, 1};
    tile.query[0] = query_.data();
    tile.far_query[0] = far_query_.data();
    tile.position[0] = i;
    tile.slopes = slope_ != 0;
    tile.slope[0] = slope_;
    std::vector<float> sum(text_.v[0].size()), acc(sum.size());
    float m = 0, l = 0;
    EXPECT_LE(memory_->parts(queries), memory_->most_parts());
    for (int p = 0; p < memory_->parts(queries); ++p) {
      float pm = 0, pl = 0;
      memory_->attend(tile, queries, p, {&pm, &pl, acc.data()});
      kernels_->merge_partials(&m, &l, sum.data(), pm, pl, acc.data(), text_.value_dim);
    }
    for (float& x : sum) x /= l;
    return sum;
  }

  const Text& text_;
  int batch_;
  float slope_;  // of ALiBi
  const Kernels* kernels_ = available_kernels().front();
  ModelConfig config_;
  AttentionCore core_;
  MemoryPlan plan_{};
  FarPositions far_;
  std::unique_ptr<AttentionState> memory_;
  WorkerScratch scratch_;
  std::vector<float> query_, far_query_;
};

// Which keys query i sees, and where query and key stand.
struct Place {
  bool seen;
  double query, key;
};
template <class Where>
std::vector<double> definition(const Text& t, int i, const Where& where, float slope = 0) {
  std::vector<double> out(t.v[0].size());
  double sum = 0;
  for (int j = 0; j < int(t.k.size()); ++j) {
    const Place p = where(i, j);
    if (!p.seen) continue;
    const auto q = turned(t.q[std::size_t(i)], p.query, t.rot), k = turned(t.k[std::size_t(j)], p.key, t.rot);
    double score = 0;
    for (std::size_t d = 0; d < kDim; ++d) score += q[d] * k[d];
    const double e = std::exp(score * double(kScale) - double(slope) * std::abs(i - j));
    sum += e;
    for (std::size_t d = 0; d < out.size(); ++d) out[d] += e * double(t.v[std::size_t(j)][d]);
  }
  for (double& x : out) x /= sum;
  return out;
}

template <class Where>
void expect_definition(const AttentionOptions& options, const Text& text, const Where& where, float slope = 0,
                       int trained = 1 << 12) {
  const auto got = Rig(options, text, 100, slope, {}, trained).run();
  EXPECT_EQ(Rig(options, text, 7, slope, {}, trained).run(), got) << "results do not depend on batches";
  const auto before = [&](int i, int j) { return j <= i ? where(i, j) : Place{false, 0, 0}; };
  for (std::size_t i = 0; i < got.size(); i += 13) {
    const auto want = definition(text, int(i), before, slope);
    for (std::size_t d = 0; d < want.size(); ++d) ASSERT_NEAR(got[i][d], want[d], 2e-5) << "token " << i;
  }
}

}  // namespace longhand::test
