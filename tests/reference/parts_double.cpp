#include "tests/reference/parts_double.h"

#include <cmath>
#include <cstring>
#include <numbers>

namespace longhand::test {
namespace {

constexpr double kEpsilon = double(1e-5f);

Vector product(const Vector& matrix, std::size_t first, std::size_t rows, const Vector& x) {
  Vector y(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < x.size(); ++c) y[r] += matrix[(first + r) * x.size() + c] * x[c];
  }
  return y;
}

void turn(const DoubleRope& rope, std::size_t token, double* head) {
  for (int i = 0; i < rope.rot / 2; ++i) {
    double& a = head[rope.halves ? i : 2 * i];
    double& b = head[rope.halves ? i + rope.rot / 2 : 2 * i + 1];
    const double angle = rope.angle(token, i), x = a, y = b;
    a = x * std::cos(angle) - y * std::sin(angle);
    b = x * std::sin(angle) + y * std::cos(angle);
  }
}

}  // namespace

DoubleWeights::DoubleWeights(const GgufWriter& file) {
  for (const GgufWriter::Tensor& t : file.tensors) {
    if (t.type != 0) continue;
    std::vector<float> values(t.data.size() / sizeof(float));
    std::memcpy(values.data(), t.data.data(), t.data.size());
    tensors_[t.name].assign(values.begin(), values.end());
  }
}

Vector DoubleWeights::row(const std::string& name, std::size_t row, std::size_t cols) const {
  const auto first = vector(name).begin() + std::ptrdiff_t(row * cols);
  return {first, first + std::ptrdiff_t(cols)};
}

Vector DoubleWeights::multiply(const std::string& name, const Vector& x) const {
  const Vector& matrix = vector(name + ".weight");
  const Vector y = product(matrix, 0, matrix.size() / x.size(), x);
  return has(name + ".bias") ? y + vector(name + ".bias") : y;
}

Vector DoubleWeights::multiply(const std::string& name, const Vector& x, std::size_t e,
                               std::size_t experts) const {
  const Vector& matrix = vector(name + ".weight");
  const std::size_t rows = matrix.size() / x.size() / experts;
  return product(matrix, e * rows, rows, x);
}

Vector DoubleWeights::layer_norm(const std::string& name, const Vector& x) const {
  double sum = 0, squares = 0;
  for (const double v : x) sum += v;
  const double mean = sum / double(x.size());
  for (const double v : x) squares += (v - mean) * (v - mean);
  const double scale = 1 / std::sqrt(squares / double(x.size()) + kEpsilon);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - mean) * scale * vector(name + ".weight")[i];
  return has(name + ".bias") ? y + vector(name + ".bias") : y;
}

Vector DoubleWeights::rms_norm(const std::string& name, const Vector& x) const {
  double squares = 0;
  for (const double v : x) squares += v * v;
  const double scale = 1 / std::sqrt(squares / double(x.size()) + kEpsilon);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * vector(name + ".weight")[i];
  return y;
}

Vector DoubleWeights::heads_rms_norm(const std::string& name, const Vector& x, int dim) const {
  if (!has(name + ".weight")) return x;
  Vector out;
  for (auto head = x.begin(); head != x.end(); head += dim) {
    const Vector normed = rms_norm(name, {head, head + dim});
    out.insert(out.end(), normed.begin(), normed.end());
  }
  return out;
}

Vector operator+(const Vector& a, const Vector& b) {
  Vector sum = a;
  for (std::size_t i = 0; i < b.size(); ++i) sum[i] += b[i];
  return sum;
}

double silu(double x) { return x / (1 + std::exp(-x)); }

double gelu(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

Vector network(const DoubleWeights& w, const std::string& prefix, const Vector& x, double (*act)(double)) {
  Vector inner = w.multiply(prefix + "ffn_up", x);
  const bool gated = w.has(prefix + "ffn_gate.weight");
  const Vector gate = gated ? w.multiply(prefix + "ffn_gate", x) : Vector();
  for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = gated ? act(gate[i]) * inner[i] : act(inner[i]);
  return w.multiply(prefix + "ffn_down", inner);
}

DoubleRope plain_rope(int rot, bool halves, double base) {
  return {rot, halves,
          [=](std::size_t token, int pair) { return double(token) * std::pow(base, -2.0 * pair / rot); }};
}

std::vector<Vector> attend(const DoubleHeads& s, const DoubleRope& rope, std::vector<Vector> q,
                           std::vector<Vector> k, const std::vector<Vector>& v) {
  for (std::size_t t = 0; t < q.size(); ++t) {
    for (int h = 0; h < s.heads; ++h) turn(rope, t, q[t].data() + h * s.dim);
    for (int h = 0; h < s.kv_heads; ++h) turn(rope, t, k[t].data() + h * s.dim);
  }
  std::vector<Vector> out(q.size(), Vector(std::size_t(s.heads * s.dim)));
  for (std::size_t t = 0; t < q.size(); ++t) {
    for (int h = 0; h < s.heads; ++h) {
      const int kv = h / (s.heads / s.kv_heads);
      double sum = 0;
      for (std::size_t j = 0; j <= t; ++j) {
        double score = 0;
        for (int d = 0; d < s.dim; ++d)
          score += q[t][std::size_t(h * s.dim + d)] * k[j][std::size_t(kv * s.dim + d)];
        const double weight = std::exp(score / std::sqrt(double(s.dim)));
        sum += weight;
        for (int d = 0; d < s.dim; ++d)
          out[t][std::size_t(h * s.dim + d)] += weight * v[j][std::size_t(kv * s.dim + d)];
      }
      for (int d = 0; d < s.dim; ++d) out[t][std::size_t(h * s.dim + d)] /= sum;
    }
  }
  return out;
}

}  // namespace longhand::test
