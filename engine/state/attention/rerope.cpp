// ReRoPE (Su 2023): beyond the window every key stands at the window's distance. Far keys are not turned, and
// far queries turned by the window.

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

}  // namespace longhand
