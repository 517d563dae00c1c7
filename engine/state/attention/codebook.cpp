#include "engine/state/attention/codebook.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/panels.h"

namespace longhand {

float half_norm(const float* v, int n) noexcept {
  double sum = 0;
  for (int d = 0; d < n; ++d) sum += double(v[d]) * double(v[d]);
  return float(sum / 2);
}

// |k - c|^2 is least where k . c - |c|^2 / 2 is greatest: one matrix product of the keys and the codebook.
void nearest_codes(const CodeSearch& s, const float* keys, int n, int* nearest, float* closeness) noexcept {
  std::array<float, kLookup> best;
  best.fill(-std::numeric_limits<float>::infinity());
  std::fill_n(nearest, n, 0);
  auto* scores = s.scratch.scores.as<float>();
  const std::size_t stride = panel_bytes(kFormatF32, s.row);
  for (int start = 0; start < s.count; start += kAttendKeys) {
    const int codes = std::min(kAttendKeys, s.count - start);
    MatmulArgs a;
    a.panels = s.codes + std::size_t(start / kPanelRows) * stride;
    a.panel_bytes = std::int64_t(stride);
    a.rows = codes;
    a.cols = s.dim;
    a.panel_end = panel_count(codes);
    a.x.f32 = keys;
    a.x.f32_stride = s.dim;
    a.tokens = n;
    a.out = scores;
    a.out_stride = kAttendKeys;
    s.kernels.matmul[kFormatF32](a);
    for (int t = 0; t < n; ++t) {
      const float* row = scores + t * kAttendKeys;
      float& top = best[std::size_t(t)];
      for (int c = 0; c < codes; ++c) {
        const float score = row[c] - s.half_norms[start + c];
        if (score > top) {
          top = score;
          nearest[t] = start + c;
        }
      }
    }
  }
  if (closeness != nullptr) std::copy_n(best.data(), n, closeness);
}

}  // namespace longhand
