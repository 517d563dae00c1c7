// Parts of transformers in double precision, written for plainness, from which tests put models together.
// They read the weights of a file of floats by their names.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/gguf_writer.h"

namespace longhand::test {

using Vector = std::vector<double>;

class DoubleWeights {
 public:
  /// Of F32 tensors; those of other types are left out.
  explicit DoubleWeights(const GgufWriter& file);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// The values of a vector, or row `row` of a matrix of `cols` columns. Throws std::out_of_range.
  const Vector& vector(const std::string& name) const { return tensors_.at(name); }
  Vector row(const std::string& name, std::size_t row, std::size_t cols) const;
  /// name.weight x, plus name.bias where there is one.
  Vector multiply(const std::string& name, const Vector& x) const;
  /// The same of expert `e` of several.
  Vector multiply(const std::string& name, const Vector& x, std::size_t e, std::size_t experts) const;
  Vector layer_norm(const std::string& name, const Vector& x) const;
  Vector rms_norm(const std::string& name, const Vector& x) const;
  /// Each head of x, of `dim` values, by itself; x as it is where there is no such norm.
  Vector heads_rms_norm(const std::string& name, const Vector& x, int dim) const;

 private:
  std::map<std::string, Vector> tensors_;
};

Vector operator+(const Vector& a, const Vector& b);
double silu(double x);
/// The tanh form.
double gelu(double x);
/// down(act(gate x) * up x), or down(act(up x)) where there is no ffn_gate; names behind `prefix`.
Vector network(const DoubleWeights& w, const std::string& prefix, const Vector& x, double (*act)(double));

/// How heads are turned: `angle(token, pair)`, pairs (i, i + rot / 2) or (2 i, 2 i + 1).
struct DoubleRope {
  int rot = 0;
  bool halves = true;
  std::function<double(std::size_t token, int pair)> angle;
};
/// position * base^(-2 pair / rot), with a token's place in the text for its position.
DoubleRope plain_rope(int rot, bool halves, double base = 10000);

struct DoubleHeads {
  int heads = 0, kv_heads = 0, dim = 0;
};
/// Causal attention of rows (tokens) of projected queries, keys and values, turned by `rope`.
std::vector<Vector> attend(const DoubleHeads& shape, const DoubleRope& rope, std::vector<Vector> q,
                           std::vector<Vector> k, const std::vector<Vector>& v);

}  // namespace longhand::test
