#include "engine/decoder.h"

#include <algorithm>

#include "ops/panels.h"

namespace longhand {
namespace {

void embed(const Step& s) {
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    decode_row(s.weights.embedding, s.token_ids[t], s.x(t));
    if (s.config.embedding_scale != 0) s.kernels.scale(s.x(t), s.config.embedding_scale, s.config.hidden);
  }
}

void set_angles(const Step& s) {
  const std::int64_t half = s.positions.rot() / 2;
  const Range part = s.worker.split(s.tokens);
  for (int turn = 0; turn < kTurns; ++turn) {
    if (!s.positions.has(Turn(turn))) continue;
    for (std::int64_t t = part.begin; t < part.end; ++t) {
      const std::int64_t row = (turn * std::int64_t{s.ws.batch} + t) * half;
      s.positions.angles(Turn(turn), s.position + int(t), s.ws.cos.as<float>() + row,
                         s.ws.sin.as<float>() + row);
    }
  }
}

// ws.in = norm(x) (or x where the layer normalises only what comes out), rounded for the matrices
// that read it.
void enter(const Step& s, const NormWeights& norm, ActKinds kinds) {
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    if (norm.weight != nullptr) {
      s.norm(norm, s.x(t), s.config.hidden, s.ws.in.row(t));
    } else {
      std::copy_n(s.x(t), s.config.hidden, s.ws.in.row(t));
    }
    s.ws.in.round(s.kernels, t, {0, s.config.hidden}, kinds);
  }
  s.worker.sync();
}

// x += scale * norm(out). Tokens are shared out as in enter(), so no barrier is needed between the two.
void leave(const Step& s, const NormWeights& post_norm) {
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    if (post_norm.weight != nullptr) s.norm(post_norm, s.out(t), s.config.hidden, s.out(t));
    if (s.config.residual_scale != 0) {
      s.kernels.add_scaled(s.x(t), s.out(t), s.config.residual_scale, s.config.hidden);
    } else {
      s.kernels.add(s.x(t), s.out(t), s.config.hidden);
    }
  }
}

ActKinds ffn_kinds(const LayerWeights& w) {
  return kinds_of({&w.gate, &w.up, &w.router, &w.shared_gate, &w.shared_up, &w.shared_router});
}

void any_feed_forward(const Step& s, int il) {
  if (s.weights.layers[std::size_t(il)].router.empty()) {
    feed_forward(s, il);
  } else {
    expert_feed_forward(s, il);
  }
}

// A parallel layer's feed-forward reads the layer's input, not what attention made of it:
// attention's output waits.
void set_aside(const Step& s) {
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) std::copy_n(s.out(t), s.config.hidden, s.aside(t));
}

void add_aside(const Step& s) {
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) s.kernels.add(s.x(t), s.aside(t), s.config.hidden);
}

void layer(const Step& s, int il) {
  const LayerWeights& w = s.weights.layers[std::size_t(il)];
  const bool parallel = s.config.layers[std::size_t(il)].parallel;
  enter(s, w.attn_norm, kinds_of({&w.q, &w.k, &w.v}));
  attention(s, il);
  parallel ? set_aside(s) : leave(s, w.attn_post_norm);
  const bool shared_norm = parallel && w.ffn_norm.weight == nullptr;
  enter(s, shared_norm ? w.attn_norm : w.ffn_norm, ffn_kinds(w));
  any_feed_forward(s, il);
  leave(s, w.ffn_post_norm);
  if (parallel) add_aside(s);
}

}  // namespace

bool forward(const Step& s) noexcept {
  embed(s);
  set_angles(s);
  for (int il = 0; il < int(s.config.layers.size()); ++il) {
    // One worker looks and all are told by the same barrier, or they would part ways.
    if (s.worker.id == 0) s.stop.leaving.store(s.stop.heed(), std::memory_order_relaxed);
    s.worker.sync();
    if (s.stop.leaving.load(std::memory_order_relaxed)) return false;
    layer(s, il);
  }
  enter(s, s.weights.output_norm, kinds_of({&s.weights.output}));
  return true;
}

void output_logits(const Step& s, int first, int rows, float* logits) noexcept {
  const MatmulJob head{&s.weights.output, &s.ws.in, first, rows, logits, s.config.vocab};
  s.multiply({&head, 1});
  s.worker.sync();
  const Range part = s.worker.split(std::int64_t{rows} * s.config.vocab, 64);
  const auto n = std::int32_t(part.end - part.begin);
  if (s.config.logit_scale != 0) s.kernels.scale(logits + part.begin, s.config.logit_scale, n);
  if (s.config.final_softcap != 0) s.kernels.softcap(logits + part.begin, s.config.final_softcap, n);
}

}  // namespace longhand
