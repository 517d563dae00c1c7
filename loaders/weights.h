// The tensors of a model under the names the forward pass uses.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "loaders/config.h"
#include "loaders/gguf.h"
#include "loaders/key_codes.h"
#include "ops/buffer.h"
#include "ops/matrix.h"
#include "ops/parallel.h"

namespace longhand {

/// y = scale * W x + bias.
struct Linear {
  MatView weight;               // (out, in)
  const float* bias = nullptr;  // (out) or null
  float scale = 1;              // of files that keep one per tensor beside the weights

  bool empty() const { return weight.empty(); }
};

struct NormWeights {
  const float* weight = nullptr;  // (n) or null
  const float* bias = nullptr;    // (n) or null
};

/// Fused tensors of a file (qkv, gate and up) appear here as their parts.
struct LayerWeights {
  NormWeights attn_norm, attn_post_norm;       // (hidden)
  NormWeights q_norm, k_norm;                  // (head_dim), or (heads, head_dim) and (kv_heads, head_dim)
  Linear q;                                    // (heads x head_dim, hidden)
  Linear k;                                    // (kv_heads x head_dim, hidden)
  Linear v;                                    // (kv_heads x value_dim, hidden)
  Linear attn_out;                             // (hidden, heads x value_dim)
  NormWeights ffn_norm, ffn_post_norm;         // (hidden)
  Linear gate, up;                             // (ff, hidden)
  Linear down;                                 // (hidden, ff)
  Linear router;                               // (experts, hidden)
  std::vector<Linear> expert_gate, expert_up;  // experts of (expert_ff, hidden)
  std::vector<Linear> expert_down;             // experts of (hidden, expert_ff)
  Linear shared_gate, shared_up;               // (shared_ff, hidden): the expert every token uses
  Linear shared_down;                          // (hidden, shared_ff)
  Linear shared_router;                        // (1, hidden): its sigmoid scales the shared expert
  KeyCodes key_codes;                          // what old keys become
};

struct Weights {
  MatView embedding;        // (vocab, hidden)
  Linear output;            // (vocab, hidden); the embedding again where the file has no output head
  NormWeights output_norm;  // (hidden)
  std::vector<LayerWeights> layers;
  std::vector<float> rope_freqs, rope_long, rope_short;  // (rot / 2) divisors of frequencies, or empty
  std::uint64_t bytes = 0, parameters = 0;

  std::vector<std::vector<float>> floats;  // owns norms and biases
  std::vector<Buffer> panels;              // owns interleaved matrices
};

/// f(linear) for every matrix that is multiplied; an embedding that is only looked up is left out.
template <class AnyWeights, class Function>
void for_each_linear(AnyWeights& w, const Function& f) {
  const auto visit = [&](auto& l) {
    if (!l.empty()) f(l);
  };
  for (auto& layer : w.layers) {
    for (auto* l :
         {&layer.q, &layer.k, &layer.v, &layer.attn_out, &layer.gate, &layer.up, &layer.down, &layer.router,
          &layer.shared_gate, &layer.shared_up, &layer.shared_down, &layer.shared_router}) {
      visit(*l);
    }
    for (auto* experts : {&layer.expert_gate, &layer.expert_up, &layer.expert_down}) {
      for (auto& l : *experts) visit(l);
    }
  }
  visit(w.output);
}

/// Finds every tensor `config` asks for, checks its shape, and completes what only the tensors tell:
/// config.vocab and LayerPlan::parallel. Throws Error: missing, shape, range (values of rope factors),
/// unsupported (tensor types, and tensors nobody asked for, naming them).
Weights load_weights(const Gguf& file, ModelConfig& config);

/// Bytes that repack() allocates.
std::size_t repacked_bytes(const Weights& weights);
/// Copies the matrices into the panel layout, in parallel, giving back each one's mapped pages once it is
/// copied. Throws Error: cancelled (progress returned false), no_memory.
void repack(Weights& weights, const Gguf& file, Team& team, const std::function<bool(float)>& progress);

}  // namespace longhand
