// How sharp attention has to be at a given length, from the gradient that reaches the scores.
#pragma once

#include <cstdint>

namespace longhand {

/// What a score is before it is scaled: normal with variance 1 (a dot product over the root of its length),
/// or the cosine of two random directions of `d` dimensions.
enum class ScoreDistribution : std::uint8_t { normal, cosine };

/// The scale alpha that maximises alpha (1 - sum p_i^2), the gradient that passes through softmax(alpha s) of
/// n scores: close to 0.84 sqrt(ln n) for normal scores, to 3.5 ln n for cosines in 128 dimensions. Throws
/// Error (range): n must be at least 1 and at most 1e12; for cosines d at least 8 (with fewer dimensions so
/// many keys point the same way that the maximiser grows like a power of n).
double optimal_scale(double n, int d, ScoreDistribution distribution);

}  // namespace longhand
