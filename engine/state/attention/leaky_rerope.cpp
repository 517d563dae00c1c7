// Leaky ReRoPE (Su 2023): beyond the window w distances go on growing, k times slower: far key j stands at
// j / k and far query i at w + (i - w) / k.

#include "engine/state/attention/two_sided.h"

namespace longhand {
namespace {

class LeakyRerope final : public TwoSided {
 public:
  using TwoSided::TwoSided;

 private:
  void turn_far(const NewToken& t, float* key) const noexcept override { t.rotate(key, t.far_turn); }
};

}  // namespace

std::unique_ptr<AttentionState> make_leaky_rerope(const MemorySite& site) {
  return std::make_unique<LeakyRerope>(site);
}

}  // namespace longhand
