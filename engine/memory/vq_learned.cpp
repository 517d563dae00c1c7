// Codes learned while running, for models that were trained without any. The text stays exact until four
// blocks can leave the window; they make the first codebook. From then on a code is the mean of the keys it
// was given, and moves with each of them (mini-batch k-means, Sculley 2010). What happens depends on absolute
// positions alone, so results do not depend on how the text was fed.

#include <algorithm>
#include <array>
#include <limits>

#include "engine/memory/k_means.h"
#include "engine/memory/vq.h"

namespace longhand {
namespace {

constexpr int kFirstBlocks = 4, kPasses = 3;

class LearnedVq final : public Codes {
 public:
  explicit LearnedVq(const MemorySite& s)
      : Codes(s, kFirstBlocks, s.plan.codes), seed_(std::uint64_t(s.layer) << 32) {}

  std::size_t scratch_bytes() const noexcept override {
    return KeySet::bytes(kFirstBlocks * window(), far_.count(), far_.key_dim());
  }

 private:
  void reserve_summary() override {
    Codes::reserve_summary();
    clear_summary();
  }
  void clear_summary() noexcept override {
    Codes::clear_summary();
    std::fill_n(half_norms_.as<float>(), tokens_.size(), kNobody);
  }
  void live_summary(const VisitBytes& visit) override {
    Codes::live_summary(visit);
    far_.live_keys(visit);
    visit(half_norms_.data(), tokens_.size() * sizeof(float));
  }

  void take_in(const Leaving& l) noexcept override { l.from == 0 ? start(l) : Codes::take_in(l); }

  void start(const Leaving& l) noexcept {
    const int first = std::min(sinks(), l.to), dim = far_.key_dim();
    KeySet keys(l.scratch.memory.data(), l.to - first, far_.count(), dim);
    for (int i = 0; i < keys.size(); ++i) key_of(l.head, first + i, keys.key(i));
    const int codes = keys.choose(l.kernels, far_.count(), seed_ + std::uint64_t(l.head));
    for (int c = 0; c < codes; ++c) place(l.head, c, keys.key(keys.chosen(c)));
    const CodeSearch in = search(l.kernels, l.scratch, l.head);
    for (int pass = 0; pass < kPasses; ++pass) {
      keys.assign(in);
      for (int c = 0; c < codes; ++c) {
        if (const float* mean = keys.mean(c)) place(l.head, c, mean);
      }
    }
    keys.assign(in);
    auto* value = l.scratch.scores.as<float>();
    for (int i = 0; i < keys.size(); ++i) {
      value_of(l.head, first + i, value);
      add(l, keys.code(i), keys.key(i), value);
    }
  }

  void place(int head, int code, const float* vector) noexcept {
    far_.set_key(head, code, vector);
    half_norms(head)[code] = half_norm(vector, far_.key_dim());
  }

  // The code moves to the mean of its keys.
  void add(const Leaving& l, int code, const float* key, const float* value) noexcept override {
    Codes::add(l, code, key, value);
    const auto n = float(tokens_of(l.head, code));
    auto* mean = l.scratch.acc.as<float>() + std::int64_t{kLookup} * far_.key_dim();
    far_.get_key(l.head, code, mean);
    for (int d = 0; d < far_.key_dim(); ++d) mean[d] = n == 1 ? key[d] : mean[d] + (key[d] - mean[d]) / n;
    place(l.head, code, mean);
  }

  static constexpr float kNobody = std::numeric_limits<float>::infinity();
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Memory> make_learned_vq(const MemorySite& site) { return std::make_unique<LearnedVq>(site); }

}  // namespace longhand
