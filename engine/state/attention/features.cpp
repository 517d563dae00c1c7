#include "engine/state/attention/features.h"

#include <cmath>
#include <numbers>

#include "ops/random.h"

namespace longhand {
namespace {

// Box and Muller's normal numbers.
std::vector<double> normal(int n, Random& random) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) {
    const double r = std::sqrt(-2 * std::log(1 - random.uniform()));
    x.push_back(r * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  return x;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

std::vector<float> orthogonal_features(int count, int dim, std::uint64_t seed) {
  Random random = Random::from_state(seed);
  std::vector<float> rows;
  std::vector<std::vector<double>> basis;  // of the rows since the last multiple of dim
  for (int i = 0; i < count; ++i) {
    if (i % dim == 0) basis.clear();
    std::vector<double> x = normal(dim, random);
    const double length = std::sqrt(dot(x, x));
    // Twice: once is not enough against rounding.
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& b : basis) {
        const double along = dot(x, b);
        for (std::size_t d = 0; d < x.size(); ++d) x[d] -= along * b[d];
      }
    }
    const double rest = std::sqrt(dot(x, x));
    for (double& v : x) v /= rest;
    for (const double v : x) rows.push_back(float(v * length));
    basis.push_back(std::move(x));
  }
  return rows;
}

}  // namespace longhand
