#include "engine/forward/streams.h"

#include <algorithm>
#include <cmath>

#include "engine/forward/logistic.h"

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

void copy_to_streams(const Pass& p) noexcept {
  p.for_rows([&](int row) {
    for (int k = 0; k < p.weights.streams.count; ++k)
      std::copy_n(p.x(row), p.config.hidden, p.stream(k, row));
  });
}

// The weights of the sum take the place of the gains, which nothing reads any more.
void end_hyper(const Pass& p, const HyperEnd& end) noexcept {
  multiply_streams(p, end.norm, end.fn, p.ws.gains);
  p.for_rows([&](int row) {
    float* m = p.gains(row);
    for (int c = 0; c < end.streams; ++c) m[c] = m[c] * end.scale[0] + end.base[c];
    sum_streams(p, m, end.epsilon, row);
  });
  p.worker.sync();
}

}  // namespace

void multiply_streams(const Pass& p, const NormPlan& norm, const Linear& linear, float* to) noexcept {
  const std::int32_t n = p.config.hidden, count = p.weights.streams.count;
  p.for_rows([&](int row) {
    float* in = p.ws.in.row(row);
    for (int k = 0; k < count; ++k) std::copy_n(p.stream(k, row), n, in + std::int64_t{k} * n);
    p.norm(norm, in, count * n, in);
    p.ws.in.round(p.kernels, row, {0, std::int64_t{count} * n}, kinds_of({&linear}));
  });
  p.worker.sync();
  p.multiply({&linear, &p.ws.in, 0, p.rows(), to, linear.weight.rows});
  p.worker.sync();
}

void sum_streams(const Pass& p, const float* m, float epsilon, int row) noexcept {
  const std::int32_t n = p.config.hidden;
  std::fill_n(p.x(row), n, 0.0f);
  for (int c = 0; c < p.weights.streams.count; ++c)
    p.kernels.add_scaled(p.x(row), p.stream(c, row), sigmoid(m[c]) + epsilon, n);
}

void enter_streams(const Pass& p) noexcept {
  const StreamEnds& ends = p.weights.streams;
  if (ends.hyper.streams > 0) return copy_to_streams(p);
  if (ends.count > 1) p.worker.sync();
  for (int k = 1; k < ends.count; ++k) {
    p.multiply_rows(ends.enter[std::size_t(k - 1)], p.ws.x, p.rows(), p.stream(k, 0));
    p.for_rows([&](int row) { match_length(p, p.x(row), p.stream(k, row)); });
  }
}

void leave_streams(const Pass& p) noexcept {
  const StreamEnds& ends = p.weights.streams;
  if (ends.hyper.streams > 0) return end_hyper(p, ends.hyper);
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
