#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/make/convert/family.h"

namespace longhand {

// Slow rotations are slowed further by `factor`, fast ones are not, and those between by something between
// (transformers, "llama3" of modeling_rope_utils).
std::vector<ExtraTensor> llama3_factors(const HubConfig& config) {
  const HubConfig rope = rope_of_full_layers(config);
  if (rope.find_text("rope_type") != "llama3") return {};
  const std::int64_t size = head_size(config);
  const double base = rope.find_number("rope_theta").value_or(10000), factor = rope.number("factor");
  const double low = rope.number("low_freq_factor"), high = rope.number("high_freq_factor");
  const auto length = double(rope.count("original_max_position_embeddings"));
  if (factor <= 0 || low <= 0 || high <= low)
    rope.fail(Errc::range, "factor", "factors must be above 0, high_freq_factor above low_freq_factor");
  std::vector<float> factors;
  for (std::int64_t i = 0; i < size; i += 2) {
    const double turns =
        length / (2 * std::numbers::pi * std::pow(base, double(i) / double(size)));  // in that length
    const double share = std::clamp((turns - low) / (high - low), 0.0, 1.0);  // of the frequency that is kept
    factors.push_back(float(1 / ((1 - share) / factor + share)));
  }
  std::vector<ExtraTensor> tensors;
  tensors.push_back({"rope_freqs.weight", computed_rows(std::move(factors))});
  return tensors;
}

}  // namespace longhand
