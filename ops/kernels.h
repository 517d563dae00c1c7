// Every function an instruction set must provide: the engine calls these pointers and nothing else of
// ops/isa. PODs only: kernel units see this header. Kernels are pure and noexcept: pointers and sizes in, no
// threads, no allocation. All matrices of activations are row-major floats.
#pragma once

#include <cstdint>

#include "ops/cache_layout.h"
#include "ops/isa.h"
#include "ops/matrix.h"

namespace longhand {

/// Attention of a few query rows over keys [begin, end) of one kv head. Row r sees only keys [from[r],
/// to[r]). Results are partial: maximum m, sum l of exp(s - m), and acc = sum of exp(s - m) v; partials of
/// different key ranges are joined by merge_partials.
struct AttendArgs {
  KvView kv;
  std::int32_t begin = 0, end = 0;     // begin is a multiple of kKeyBlock; at most kAttendKeys apart
  std::int32_t rows = 0;               // at most kAttendRows
  const float* const* q = nullptr;     // (rows) -> (key_dim), scale already applied
  const std::int32_t* from = nullptr;  // (rows)
  const std::int32_t* to = nullptr;    // (rows)
  float softcap = 0;                   // 0: none
  float* scores = nullptr;             // scratch (rows, kAttendKeys)
  float* m = nullptr;                  // (rows)
  float* l = nullptr;                  // (rows)
  float* acc = nullptr;                // (rows, value_dim)
  const float* bias = nullptr;         // per key, whole blocks of it: added after the soft cap; or null
  // ALiBi (Press et al. 2022): -slope[r] |t - own[r]| is added to the score of row r and key t after the soft
  // cap; or null.
  const float* slope = nullptr;       // (rows)
  const std::int32_t* own = nullptr;  // (rows) the key at distance 0, of this view or beyond it
  // Scratch of packed formats, whose views have kAttendKeys keys at most: (kAttendKeys + kAttendRows,
  // key_dim or value_dim, the larger). attend_keys leaves keys there, which values that are part of them are
  // read from.
  float* unpacked = nullptr;
};
inline constexpr int kAttendKeys = 512;
inline constexpr int kAttendRows = 24;

/// Rotary embedding of one head: pairs (i, i + rot/2) when `halves`, else (2i, 2i + 1).
struct RotateArgs {
  float* x = nullptr;          // (rot ...)
  const float* cos = nullptr;  // (rot / 2), magnitude included
  const float* sin = nullptr;  // (rot / 2)
  std::int32_t rot = 0;
  bool halves = false;
};

enum class Activate : std::uint8_t {
  silu,
  gelu,          // the tanh form
  gelu_erf,      // x Phi(x), with the error function
  relu_squared,  // max(x, 0)^2
  relu,          // max(x, 0)
  swiglu_oai,    // with g = min(gate, 7), u = clamp(up, -7, 7): g sigmoid(1.702 g) (u + 1); always gated
  sigmoid,
  softplus,  // ln(1 + e^x)
  tanh,
  exp,
};

/// The expanded integral of ELU (Huang and Schlag 2024, arXiv 2411.13010): positive x^2 + linear x for x > 0,
/// else negative (e^min(x, least) - 1 - x) + linear x.
struct Xielu {
  float positive, negative, linear, least;
};

/// out[c] = bias[c] + sum over j of in[j][c] weight[j][c], for n channels.
struct ConvArgs {
  const float* const* in = nullptr;  // (width) -> (n), oldest first
  const float* weight = nullptr;     // (width, weight_stride)
  const float* bias = nullptr;       // (n) or null
  std::int64_t weight_stride = 0;
  std::int32_t width = 0, n = 0;
  bool silu = false;     // of the sum
  float* out = nullptr;  // (n)
};

/// One token under the gated delta rule.
struct DeltaToken {
  const float *query, *key;  // (key_dim)
  const float* value;        // (value_dim)
  float decay, beta;
  float* out;  // (value_dim)
};
/// M <- decay M; M <- M + k (beta (v - M^T k))^T; out = scale M^T q, for the tokens of one head in order.
/// (Yang et al. 2024, arXiv 2412.06464, eq. 10.)
struct DeltaArgs {
  const DeltaToken* token = nullptr;
  std::int32_t tokens = 0, key_dim = 0, value_dim = 0;
  float scale = 1;
  float* state = nullptr;         // M (key_dim, state_stride)
  std::int64_t state_stride = 0;  // value_dim, up to whole vectors
};
/// What state_stride is a multiple of.
inline constexpr int kStateLanes = 16;

/// One token of a head whose state decays channel by channel.
struct DplrToken {
  const float *query, *key;   // (key_dim)
  const float* value;         // (value_dim)
  const float* decay;         // (key_dim), or one for all of them where decay_step is 0
  const float *read, *erase;  // (key_dim) where something is erased
  float weight;               // multiplies the value
  float* out;                 // (value_dim)
};
/// M <- diag(decay) M + key (weight value)^T + erase (read^T M), out = scale M^T query, for the tokens of one
/// head in order: linear attention whose transitions are diagonal plus low rank. Mamba-2 (Dao and Gu 2024,
/// arXiv 2405.21060), RWKV-6 (2404.05892), RWKV-7 (2503.14456) and Kimi delta attention (2510.26692) are of
/// this form.
struct DplrArgs {
  const DplrToken* token = nullptr;
  std::int32_t tokens = 0, key_dim = 0, value_dim = 0;
  std::int32_t decay_step = 1;  // 0: decay is one number
  bool erases = false;          // else read and erase are not looked at
  bool asks_before = false;     // the query meets M as it was before the token
  float scale = 1;
  float* state = nullptr;         // M (key_dim, state_stride)
  std::int64_t state_stride = 0;  // value_dim, up to whole vectors
};

/// One token under a selective scan.
struct ScanToken {
  const float *x, *dt;  // (n) input and time step of each channel
  const float *b, *c;   // (state_size)
  float* out;           // (n)
};
/// M[s][i] <- exp(dt[i] a[s][i]) M[s][i] + dt[i] b[s] x[i]; out[i] = d[i] x[i] + sum over s of c[s] M[s][i],
/// for the tokens of n channels in order. (Gu and Dao 2023, arXiv 2312.00752, eq. 2 with zero-order hold for
/// a.)
struct ScanArgs {
  const ScanToken* token = nullptr;
  std::int32_t tokens = 0, n = 0, state_size = 0;
  const float* a = nullptr;  // (state_size, a_stride)
  std::int64_t a_stride = 0;
  const float* d = nullptr;       // (n)
  float* state = nullptr;         // M (state_size, state_stride)
  std::int64_t state_stride = 0;  // at least n, up to whole vectors
};

/// Where n values go when they are rounded to bytes.
struct RoundedRow {
  std::int8_t* q;  // (n) -127..127
  float* scale;    // (n / block)
  // (n / 16) of 16 values: low half the sum of those at 4 i and 4 i + 1, high half the rest
  std::int32_t* sums;
  std::int16_t* sums32;  // (n / 32) sums of 32
};

struct Kernels {
  Isa isa;
  const char* name;

  const MatmulFn* matmul;  // by FormatId; weights in panels
  /// Rounds x (n) to int8 with one scale per `block` (32 or 256) values.
  void (*quantize)(const float* x, std::int32_t n, std::int32_t block, const RoundedRow& to) noexcept;
  /// Rounds x (n) to bfloat16, and writes 0 after an odd number of them; null where products of BF16 weights
  /// take floats.
  void (*round_bf16)(const float* x, std::int32_t n, std::uint16_t* to) noexcept;

  /// Weight may be null.
  void (*rms_norm)(const float* x, const float* weight, float eps, std::int32_t n, float* out) noexcept;
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float eps, std::int32_t n,
                     float* out) noexcept;
  void (*add)(float* x, const float* y, std::int32_t n) noexcept;                      // x += y
  void (*add_scaled)(float* x, const float* y, float scale, std::int32_t n) noexcept;  // x += scale y
  void (*scale)(float* x, float factor, std::int32_t n) noexcept;
  void (*softcap)(float* x, float cap, std::int32_t n) noexcept;  // cap tanh(x / cap)
  /// out = act(gate) * up, or act(gate) when up is null.
  void (*activate)(Activate act, const float* gate, const float* up, std::int32_t n, float* out) noexcept;
  void (*xielu)(const Xielu& f, const float* x, std::int32_t n, float* out) noexcept;  // out = f(x)
  void (*softmax)(float* x, std::int32_t n) noexcept;
  void (*rotate)(const RotateArgs&) noexcept;
  void (*convolve)(const ConvArgs&) noexcept;
  void (*delta_rule)(const DeltaArgs&) noexcept;
  void (*dplr_rule)(const DplrArgs&) noexcept;
  void (*selective_scan)(const ScanArgs&) noexcept;

  /// Stores key and value of token `position`. By CacheFormat.
  void (*store_key[kCacheFormats])(const KvView&, std::int32_t position, const float* key) noexcept;
  void (*store_value[kCacheFormats])(const KvView&, std::int32_t position, const float* value) noexcept;
  /// Scores and exponentials over keys of one CacheFormat, then the weighted values of another.
  void (*attend_keys[kCacheFormats])(const AttendArgs&) noexcept;
  void (*attend_values[kCacheFormats])(const AttendArgs&) noexcept;
  /// (m, l, acc) <- the join of (m, l, acc) and (m2, l2, acc2).
  void (*merge_partials)(float* m, float* l, float* acc, float m2, float l2, const float* acc2,
                         std::int32_t n) noexcept;
};

}  // namespace longhand
