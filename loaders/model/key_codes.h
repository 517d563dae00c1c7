// Trained codes of keys: codebooks, and grids of finite scalar quantisation, which are codebooks too.
#pragma once

#include <span>
#include <vector>

namespace longhand {

/// The vectors the keys of one layer become, and what else its file says of far keys.
struct KeyCodes {
  int count = 0;                   // codes of each kv head
  const float* vectors = nullptr;  // (kv_heads, count, head_dim)
  const float* fsq_in = nullptr;   // (levels, head_dim): codes by rounding; null: the nearest code
  int features = 0;                // random features of each kv head
  const float* feature = nullptr;  // (kv_heads, features, head_dim)
};

/// code <- W code for every one of the codes (n, dim); W is (dim, dim), row o makes output o.
std::vector<float> project_codes(std::span<const float> codes, std::span<const float> w, int dim);

/// Finite scalar quantisation (Mentzer et al. 2023): y = W_in k has a channel per level count l; channel c is
/// rounded to one of the l integers round(h tanh(y + atanh(o / h)) - o), h = (l - 1) / 2, o = 0 for odd l and
/// 1/2 for even; they run from -floor(l / 2) on. The index of a code is the number whose digits, first
/// channel first and least, are these integers counted from 0.
int fsq_code(std::span<const int> levels, const float* w_in, const float* key, int dim) noexcept;
/// W_out (u / floor(l / 2)) for the integers u of every code, (count, dim); W_out is (dim, levels).
std::vector<float> fsq_vectors(std::span<const int> levels, const float* w_out, int dim);

}  // namespace longhand
