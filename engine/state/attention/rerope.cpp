// ReRoPE (Su 2023): beyond the window every key stands at the window's distance. Far keys are not turned, and
// far queries turned by the window. And the memory that becomes this where a text grows longer than those a
// model was trained on: up to there all keys stand at their distance, with the very sums of `full`.

#include "engine/state/attention/two_sided.h"

namespace longhand {
namespace {

class Rerope final : public TwoSided {
 public:
  using TwoSided::TwoSided;

 private:
  void turn_far(const NewToken&, float*) const noexcept override {}
};

}  // namespace

std::unique_ptr<AttentionState> make_rerope(const MemorySite& site) { return std::make_unique<Rerope>(site); }

std::unique_ptr<TwoSided> make_rerope_until(const MemorySite& site, int all_near) {
  return std::make_unique<Rerope>(site, all_near);
}

}  // namespace longhand
