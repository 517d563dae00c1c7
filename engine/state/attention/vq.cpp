#include "engine/state/attention/vq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace longhand {

float Codes::bias_of(std::uint32_t tokens) noexcept {
  return tokens == 0 ? -std::numeric_limits<float>::infinity() : float(std::log(double(tokens)));
}

Codes::Codes(const MemorySite& s, int count, std::int32_t key_dim)
    : Blocks(s),
      heads_(s.core.kv_heads),
      dim_(s.kv.key_dim),
      far_(s.core.kv_heads, count, key_dim, s.kv.value_dim) {}

std::uint64_t Codes::summary_bytes() const noexcept {
  return far_.bytes() + all_codes() * (sizeof(float) + sizeof(std::uint32_t));
}

void Codes::reserve_summary() {
  far_.reserve();
  half_norms_ = Buffer(all_codes() * sizeof(float));
  tokens_ = Buffer(all_codes() * sizeof(std::uint32_t));
}

void Codes::clear_summary() noexcept {
  far_.clear();
  std::fill_n(tokens_.as<std::uint32_t>(), all_codes(), 0u);
}

void Codes::live_summary(const VisitBytes& visit) {
  far_.live(visit);
  visit(tokens_.data(), all_codes() * sizeof(std::uint32_t));
}

bool Codes::sound_summary(int head, int tokens) const noexcept {
  std::uint64_t counted = 0;
  for (int c = 0; c < far_.count(); ++c) {
    counted += tokens_of(head, c);
    if (far_.bias(head)[c] != bias_of(tokens_of(head, c))) return false;
  }
  return counted == std::uint64_t(std::max(0, tokens - sinks()));
}

void Codes::count_in(int head, int code, const float* value) noexcept {
  const std::uint32_t n = ++tokens_of(head, code);
  far_.bias(head)[code] = bias_of(n);
  float* mean = far_.value(head, code);
  for (int d = 0; d < far_.value_dim(); ++d)
    mean[d] = n == 1 ? value[d] : mean[d] + (value[d] - mean[d]) / float(n);
}

namespace {

// Codes that were trained with the model: the vectors stay as they are.
class TrainedVq final : public Codes {
 public:
  explicit TrainedVq(const MemorySite& s)
      : Codes(s, s.core.key_codes.count, s.kv.key_dim),
        trained_(s.core.key_codes),
        levels_(s.attention.fsq_levels),
        quantize_window_(s.attention.quantize_window) {}

 private:
  const float* vector(int head, int code) const noexcept {
    return trained_.vectors + (std::int64_t{head} * trained_.count + code) * dim_;
  }

  void reserve_summary() override {
    Codes::reserve_summary();
    for (int h = 0; h < heads_; ++h) {
      for (int c = 0; c < trained_.count; ++c) {
        far_.set_key(h, c, {vector(h, c), std::size_t(dim_)});
        half_norms(h)[c] = half_norm(vector(h, c), dim_);
      }
    }
  }

  void find(const CodeSearch& in, const float* keys, int n, int* codes) const noexcept {
    if (trained_.fsq_in == nullptr) return nearest_codes(in, keys, n, codes);
    for (int i = 0; i < n; ++i) codes[i] = fsq_code(levels_, trained_.fsq_in, keys + i * dim_, dim_);
  }

  void take_in(const Leaving& l) noexcept override {
    std::array<int, kLookup> codes;
    auto* keys = l.scratch.acc.as<float>();
    float* value = keys + std::int64_t{kLookup} * std::max(dim_, far_.value_dim());
    for (int start = std::max(l.from, sinks()); start < l.to; start += kLookup) {
      const int n = std::min(kLookup, l.to - start);
      for (int i = 0; i < n; ++i) key_of(l.head, start + i, keys + i * dim_);
      find(search(l.kernels, l.scratch, l.head), keys, n, codes.data());
      for (int i = 0; i < n; ++i) {
        value_of(l.head, start + i, value);
        count_in(l.head, codes[std::size_t(i)], value);
      }
    }
  }

  // As in the original paper, in models trained so: near keys are their codes, turned by their position.
  void refine_near(const NewToken& t) const noexcept override {
    if (!quantize_window_) return;
    int code = 0;
    find(search(t.kernels, t.scratch, t.kv_head), t.key, 1, &code);
    std::copy_n(vector(t.kv_head, code), dim_, t.key);
  }

  const KeyCodes& trained_;
  const std::vector<int>& levels_;
  bool quantize_window_;
};

}  // namespace

std::unique_ptr<AttentionState> make_vq(const MemorySite& site) {
  if (site.core.key_codes.vectors == nullptr) return make_learned_vq(site);
  return std::make_unique<TrainedVq>(site);
}

}  // namespace longhand
