#include "engine/memory/vq.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace longhand {

Codes::Codes(const MemorySite& s, int patience, int count)
    : Blocks(s, patience),
      far_(s.kv_heads, count, s.kv.key_dim, s.kv.value_dim),
      tokens_(std::size_t(s.kv_heads) * std::size_t(count)) {}

std::uint64_t Codes::summary_bytes() const noexcept {
  return far_.bytes() + tokens_.size() * (sizeof(float) + sizeof tokens_[0]);
}

void Codes::reserve_summary() {
  far_.reserve();
  half_norms_ = Buffer(tokens_.size() * sizeof(float));
}

void Codes::clear_summary() noexcept {
  far_.clear();
  std::fill(tokens_.begin(), tokens_.end(), 0);
}

void Codes::live_summary(const VisitBytes& visit) {
  far_.live(visit);
  visit(reinterpret_cast<std::byte*>(tokens_.data()), tokens_.size() * sizeof tokens_[0]);
}

void Codes::take_in(const Leaving& l) noexcept {
  std::array<int, kLookup> codes;
  auto* keys = l.scratch.acc.as<float>();
  const int dim = far_.key_dim();
  for (int start = std::max(l.from, sinks()); start < l.to; start += kLookup) {
    const int n = std::min(kLookup, l.to - start);
    for (int i = 0; i < n; ++i) key_of(l.head, start + i, keys + i * dim);
    find(l, keys, n, codes.data());
    auto* value = l.scratch.scores.as<float>();  // no longer needed by then
    for (int i = 0; i < n; ++i) {
      value_of(l.head, start + i, value);
      add(l, codes[std::size_t(i)], keys + i * dim, value);
    }
  }
}

void Codes::find(const Leaving& l, const float* keys, int n, int* codes) const noexcept {
  nearest_codes(search(l.kernels, l.scratch, l.head), keys, n, codes);
}

void Codes::add(const Leaving& l, int code, const float*, const float* value) noexcept {
  const std::uint32_t n = ++tokens_of(l.head, code);
  far_.bias(l.head)[code] = float(std::log(double(n)));
  float* mean = far_.value(l.head, code);
  for (int d = 0; d < far_.value_dim(); ++d)
    mean[d] = n == 1 ? value[d] : mean[d] + (value[d] - mean[d]) / float(n);
}

namespace {

// Codes that were trained with the model: the vectors stay as they are.
class TrainedVq final : public Codes {
 public:
  explicit TrainedVq(const MemorySite& s)
      : Codes(s, 1, s.weights.key_codes.count),
        heads_(s.kv_heads),
        trained_(s.weights.key_codes),
        levels_(s.config.attention.fsq_levels),
        quantize_window_(s.config.attention.quantize_window) {}

 private:
  const float* vector(int head, int code) const noexcept {
    return trained_.vectors + (std::int64_t{head} * trained_.count + code) * far_.key_dim();
  }

  void reserve_summary() override {
    Codes::reserve_summary();
    for (int h = 0; h < heads_; ++h) {
      for (int c = 0; c < trained_.count; ++c) {
        far_.set_key(h, c, vector(h, c));
        half_norms(h)[c] = half_norm(vector(h, c), far_.key_dim());
      }
    }
  }

  void codes_of(const CodeSearch& in, const float* keys, int n, int* codes) const noexcept {
    if (trained_.fsq_in == nullptr) return nearest_codes(in, keys, n, codes);
    for (int i = 0; i < n; ++i) codes[i] = fsq_code(levels_, trained_.fsq_in, keys + i * in.dim, in.dim);
  }

  void find(const Leaving& l, const float* keys, int n, int* codes) const noexcept override {
    codes_of(search(l.kernels, l.scratch, l.head), keys, n, codes);
  }

  // As in the original paper, in models trained so: near keys are their codes, turned by their position.
  void refine_near(const NewToken& t) const noexcept override {
    if (!quantize_window_) return;
    int code = 0;
    codes_of(search(t.kernels, t.scratch, t.kv_head), t.key, 1, &code);
    std::copy_n(vector(t.kv_head, code), far_.key_dim(), t.key);
  }

  int heads_;
  const KeyCodes& trained_;
  const std::vector<int>& levels_;
  bool quantize_window_;
};

}  // namespace

std::unique_ptr<Memory> make_vq(const MemorySite& site) {
  if (site.weights.key_codes.vectors == nullptr) return make_learned_vq(site);
  return std::make_unique<TrainedVq>(site);
}

}  // namespace longhand
