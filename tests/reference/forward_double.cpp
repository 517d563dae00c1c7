#include "tests/reference/forward_double.h"

#include <cmath>

#include "ops/panels.h"

namespace longhand::test {
namespace {

using Vector = std::vector<double>;

Vector multiply(const Linear& l, const Vector& x) {
  Vector y(std::size_t(l.weight.rows));
  std::vector<float> row(std::size_t(l.weight.cols));
  for (std::size_t r = 0; r < y.size(); ++r) {
    decode_row(l.weight, int(r), row.data());
    for (std::size_t c = 0; c < row.size(); ++c) y[r] += row[c] * x[c];
    if (l.bias != nullptr) y[r] += l.bias[r];
  }
  return y;
}

Vector rms_norm(const Vector& x, const float* weight, double epsilon) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  const double scale = 1 / std::sqrt(squares / double(x.size()) + epsilon);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * weight[i];
  return y;
}

void rotate(double* head, const RopeConfig& rope, int position) {
  for (int m = 0; m < rope.rot / 2; ++m) {
    const double angle = position * std::pow(rope.base, -2.0 * m / rope.rot), c = std::cos(angle),
                 s = std::sin(angle);
    const double a = head[2 * m], b = head[2 * m + 1];
    head[2 * m] = a * c - b * s;
    head[2 * m + 1] = a * s + b * c;
  }
}

// Keys and values of a layer, by token.
struct Cache {
  std::vector<Vector> keys, values;
};

// What one query sees of the first `seen` tokens.
Vector attend(const AttentionPlan& plan, const Vector& q, const Cache& cache, std::size_t seen) {
  Vector out(std::size_t(plan.heads * plan.value_dim));
  for (int h = 0; h < plan.heads; ++h) {
    const int kv = h / (plan.heads / plan.kv_heads);
    Vector scores;
    for (std::size_t t = 0; t < seen; ++t) {
      double score = 0;
      for (int d = 0; d < plan.head_dim; ++d)
        score += q[std::size_t(h * plan.head_dim + d)] * cache.keys[t][std::size_t(kv * plan.head_dim + d)];
      scores.push_back(std::exp(score / std::sqrt(double(plan.head_dim))));
    }
    double sum = 0;
    for (const double s : scores) sum += s;
    for (std::size_t t = 0; t < scores.size(); ++t) {
      for (int d = 0; d < plan.value_dim; ++d) {
        out[std::size_t(h * plan.value_dim + d)] +=
            scores[t] / sum * cache.values[t][std::size_t(kv * plan.value_dim + d)];
      }
    }
  }
  return out;
}

void add(Vector& x, const Vector& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

void run_attention(const ModelConfig& c, const Block& block, std::vector<Vector>& states) {
  const auto& plan = std::get<AttentionPlan>(block.plan);
  Cache cache;
  std::vector<Vector> queries;
  for (std::size_t t = 0; t < states.size(); ++t) {
    const Vector in = rms_norm(states[t], block.pre.plan.weight, double(c.norm_epsilon));
    Vector q = multiply(plan.q, in), k = multiply(plan.k, in);
    for (int h = 0; h < plan.heads; ++h) rotate(q.data() + h * plan.head_dim, c.rope, int(t));
    for (int h = 0; h < plan.kv_heads; ++h) rotate(k.data() + h * plan.head_dim, c.rope, int(t));
    queries.push_back(q);
    cache.keys.push_back(k);
    cache.values.push_back(multiply(plan.v, in));
  }
  for (std::size_t t = 0; t < states.size(); ++t) {
    const std::size_t seen = c.causal ? t + 1 : states.size();
    add(states[t], multiply(plan.out, attend(plan, queries[t], cache, seen)));
  }
}

void run_network(const ModelConfig& c, const Block& block, Vector& x) {
  const auto& dense = std::get<DensePlan>(block.plan);
  const Vector in = rms_norm(x, block.pre.plan.weight, double(c.norm_epsilon));
  Vector gate = multiply(dense.gate, in);
  const Vector up = multiply(dense.up, in);
  for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
  add(x, multiply(dense.down, gate));
}

// Final hidden states of every token.
std::vector<Vector> hidden_states(const ModelData& m, const std::vector<Token>& tokens) {
  const ModelConfig& c = m.config;
  std::vector<Vector> states;
  std::vector<float> row(std::size_t(c.hidden));
  for (const Token token : tokens) {
    decode_row(m.weights.embedding, token, row.data());
    states.emplace_back(row.begin(), row.end());
  }
  for (const LayerPlan& layer : m.weights.layers) {
    run_attention(c, layer.rounds[0].side_by_side[0], states);
    for (Vector& x : states) run_network(c, layer.rounds[1].side_by_side[0], x);
  }
  for (Vector& x : states) x = rms_norm(x, m.weights.output_norm.weight, double(c.norm_epsilon));
  return states;
}

}  // namespace

std::vector<float> reference_llama(const ModelData& m, const std::vector<Token>& tokens) {
  std::vector<float> logits;
  for (const Vector& x : hidden_states(m, tokens)) {
    const Vector z = multiply(m.weights.output, x);
    logits.insert(logits.end(), z.begin(), z.end());
  }
  return logits;
}

std::vector<float> reference_hidden(const ModelData& m, const std::vector<Token>& tokens) {
  std::vector<float> hidden;
  for (const Vector& x : hidden_states(m, tokens)) hidden.insert(hidden.end(), x.begin(), x.end());
  return hidden;
}

}  // namespace longhand::test
