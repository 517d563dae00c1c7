#include "loaders/model/key_codes.h"

#include <cmath>

namespace longhand {

std::vector<float> project_codes(std::span<const float> codes, std::span<const float> w, int dim) {
  std::vector<float> result;
  const auto n = std::size_t(dim);
  for (std::size_t code = 0; code < codes.size(); code += n) {
    for (std::size_t o = 0; o < n; ++o) {
      double sum = 0;
      for (std::size_t d = 0; d < n; ++d) sum += double(w[o * n + d]) * double(codes[code + d]);
      result.push_back(float(sum));
    }
  }
  return result;
}

int fsq_code(std::span<const int> levels, const float* w_in, const float* key, int dim) noexcept {
  int index = 0, digit = 1;
  for (const int l : levels) {
    double y = 0;
    for (int d = 0; d < dim; ++d) y += double(w_in[d]) * double(key[d]);
    const double h = (l - 1) / 2.0, o = l % 2 == 0 ? 0.5 : 0;
    const double u = std::round(h * std::tanh(y + std::atanh(o / h)) - o);
    index += (int(u) + l / 2) * digit;
    digit *= l;
    w_in += dim;
  }
  return index;
}

std::vector<float> fsq_vectors(std::span<const int> levels, const float* w_out, int dim) {
  int count = 1;
  for (const int l : levels) count *= l;
  std::vector<float> result;
  for (int code = 0; code < count; ++code) {
    for (int d = 0; d < dim; ++d) {
      double sum = 0;
      int rest = code;
      for (std::size_t c = 0; c < levels.size(); rest /= levels[c], ++c) {
        const int half = levels[c] / 2;
        sum += double(w_out[std::size_t(d) * levels.size() + c]) * double(rest % levels[c] - half) / half;
      }
      result.push_back(float(sum));
    }
  }
  return result;
}

}  // namespace longhand
