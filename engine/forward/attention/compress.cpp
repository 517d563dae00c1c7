#include "engine/forward/attention/compress.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/state/attention/compressed_keys.h"

namespace longhand {
namespace {

// One compressor at work on the tokens of one slice.
struct Compressor {
  const Pass& p;
  const CompressorPlan& plan;
  const CompressorRows& rows;
  const Slice& slice;
  CompressedKeys& memory;
  std::int64_t left_at;  // where its values begin among those a token leaves

  struct Token {
    const float *value, *gate, *position;
  };
  // Of a token of the pass, or of an earlier one.
  Token token(int i) const {
    const std::int64_t n = plan.rows();
    const float* position = plan.position + i % plan.ratio * n;
    if (i < slice.position) {
      const float* left = memory.left(i) + left_at;
      return {left, left + n, position};
    }
    const std::int64_t row = slice.first_row + i - slice.position;
    return {rows.value + row * n, rows.gate + row * n, position};
  }
  /// f(token, first of its dimensions) for each token that a block's key is made of.
  template <class Function>
  void for_tokens(int block, const Function& f) const {
    const bool both = overlaps(plan.ratio);
    const int begin = block * plan.ratio;
    if (both && block > 0) {
      for (int i = begin - plan.ratio; i < begin; ++i) f(token(i), 0);
    }
    for (int i = begin; i < begin + plan.ratio; ++i) f(token(i), both ? plan.width : 0);
  }
};

// key = sum of softmax(gate) value in each dimension, then the norm; most and sum are scratch.
void mix(const Compressor& c, int block, float* most, float* sum, float* key) {
  const int n = c.plan.width;
  std::fill_n(most, n, -std::numeric_limits<float>::infinity());
  std::fill_n(sum, n, 0.0f);
  std::fill_n(key, n, 0.0f);
  c.for_tokens(block, [&](const Compressor::Token& t, int first) {
    for (int d = 0; d < n; ++d) most[d] = std::max(most[d], t.gate[first + d] + t.position[first + d]);
  });
  c.for_tokens(block, [&](const Compressor::Token& t, int first) {
    for (int d = 0; d < n; ++d) {
      const float weight = std::exp(t.gate[first + d] + t.position[first + d] - most[d]);
      sum[d] += weight;
      key[d] += weight * t.value[first + d];
    }
  });
  for (int d = 0; d < n; ++d) key[d] /= sum[d];
  c.p.norm(c.plan.norm, key, n, key);
}

// The key of a block in its place: rotated in its last dimensions, which come first in the keys of attention.
void make_key(const Compressor& c, const CompressRoom& room, int block) {
  const Pass& p = c.p;
  const int n = c.plan.width, rot = c.slice.positions.rot(Rotation::global), half = rot / 2;
  float* most = room.work + 3 * room.width * p.worker.id;
  float *sum = most + room.width, *key = sum + room.width;
  mix(c, block, most, sum, key);
  float *cos = room.angles + std::int64_t{p.worker.id} * rot, *sin = cos + half;
  c.slice.positions.angles(Rotation::global, block * c.plan.ratio, cos, sin);
  p.kernels.rotate({key + n - rot, cos, sin, rot, false});
  if (!c.plan.of_indexer) {
    std::rotate(key, key + n - rot, key + n);
    return c.memory.store(p.kernels, p.scratch(), block, key);
  }
  float* to = c.memory.index_block(block);
  for (int d = 0; d < n; ++d) to[d * kKeyBlock + block % kKeyBlock] = key[d];
}

// The last tokens of a slice leave their products.
void leave(const Pass& p, const CompressedPlan& plan, const CompressRoom& room) {
  p.for_pieces(1, [&](const Slice& slice, int row, int) {
    CompressedKeys& memory = *slice.states.attention(plan.state).compressed();
    const int position = slice.position_of(row);
    if (position < slice.end() - memory.kept()) return;
    float* to = memory.left(position);
    const auto copy = [&](const CompressorPlan& of, const CompressorRows& rows) {
      for (const float* from : {rows.value, rows.gate})
        to = std::copy_n(from + row * of.rows(), of.rows(), to);
    };
    copy(plan.keys, room.keys);
    copy(plan.index_keys, room.index_keys);
  });
}

}  // namespace

CompressRoom::CompressRoom(Carver& carver, const CompressedPlan& plan, const WorkspaceSizes& sizes) noexcept
    : keys(carver, plan.keys, sizes),
      index_keys(carver, plan.index_keys, sizes),
      work(carver.floats(sizes.workers, 3 * std::int64_t{std::max(plan.keys.width, plan.index_keys.width)})),
      angles(carver.floats(sizes.workers, plan.keys.width)),
      width(std::max(plan.keys.width, plan.index_keys.width)) {}

void compress(const Pass& p, const CompressedPlan& plan, const CompressRoom& room) noexcept {
  for (const Slice& slice : p.slices) {
    CompressedKeys& memory = *slice.states.attention(plan.state).compressed();
    const int first = slice.position / plan.ratio, count = slice.end() / plan.ratio - first;
    const bool indexes = memory.index_block(0) != nullptr;
    const Compressor of_keys{p, plan.keys, room.keys, slice, memory, 0};
    const Compressor of_index{p, plan.index_keys, room.index_keys, slice, memory, 2 * plan.keys.rows()};
    p.worker.deal(std::int64_t{count} * (indexes ? 2 : 1), [&](std::int64_t i) {
      make_key(i < count ? of_keys : of_index, room, first + int(i % count));
    });
  }
  p.worker.sync();
  leave(p, plan, room);
  p.worker.sync();
}

}  // namespace longhand
