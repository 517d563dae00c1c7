#include "engine/forward/streams.h"

#include <algorithm>
#include <cmath>

namespace longhand {
namespace {

double length(const float* x, std::int64_t n) noexcept {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += double(x[i]) * double(x[i]);
  return std::sqrt(sum);
}

// y is scaled to the length of x.
void match_length(const Pass& p, const float* x, float* y) noexcept {
  const std::int32_t n = p.config.hidden;
  p.kernels.scale(y, float(length(x, n) / std::max(length(y, n), 1e-30)), n);
}

}  // namespace

void enter_streams(const Pass& p) noexcept {
  const StreamEnds& ends = p.weights.streams;
  if (ends.count > 1) p.worker.sync();
  for (int k = 1; k < ends.count; ++k) {
    p.multiply_rows(ends.enter[std::size_t(k - 1)], p.ws.x, p.rows(), p.stream(k, 0));
    p.for_rows([&](int row) { match_length(p, p.x(row), p.stream(k, row)); });
  }
}

void leave_streams(const Pass& p) noexcept {
  const StreamEnds& ends = p.weights.streams;
  const std::int64_t n = p.config.hidden;
  float* back = p.ws.out[0];
  for (int k = 1; k < ends.count; ++k) {
    p.multiply_rows(ends.leave[std::size_t(k - 1)], p.stream(k, 0), p.rows(), back);
    p.for_rows([&](int row) {
      match_length(p, p.x(row), back + row * n);
      std::copy_n(back + row * n, n, p.stream(k, row));
    });
  }
  if (ends.count <= 1) return;
  p.for_rows([&](int row) {
    for (int k = 1; k < ends.count; ++k) p.kernels.add(p.x(row), p.stream(k, row), p.config.hidden);
    p.kernels.scale(p.x(row), 1.0f / float(ends.count), p.config.hidden);
  });
  p.worker.sync();
}

}  // namespace longhand
