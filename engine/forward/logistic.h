// What gates, one number at a time, say.
#pragma once

#include <cmath>

namespace longhand {

inline float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
/// ln(1 + e^x), which is x where e^x would swallow the 1.
inline float softplus(float x) { return x > 20 ? x : std::log1p(std::exp(x)); }

}  // namespace longhand
