// A whole matrix product: few tokens directly, more of them strip by strip with a stage (stage.inl), in an
// order and with prefetches that keep memory and products busy at the same time.
#pragma once

#include "ops/isa/stage.inl"
#include "ops/isa/unit.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <class Fm>
[[gnu::flatten, gnu::noinline]] void fill_stage(typename decltype(stage_of<Fm>())::type& stage, int v,
                                                Cursor c, int cols) {
  stage.fill(v, c, cols);
}

// A strip of panels, some columns of it.
constexpr int kPanels = kStripRows / kPanelRows;
struct Strip {
  int panel, col;

  template <class Fm>
  const std::byte* blocks(const MatmulArgs& a) const {
    return a.panels + (panel - a.panel_begin) * a.panel_bytes + kHeadBytes<Fm> + panel_run<Fm>(col);
  }
  // Bytes of so many columns of a panel.
  template <class Fm>
  static std::ptrdiff_t panel_run(int cols) {
    return std::ptrdiff_t{cols} / Fm::info.block_elements * kPanelRows * Fm::info.block_bytes;
  }
};

// The order of strips: either all columns of a panel, as they lie in memory, or, where the activations of all
// columns would not stay near, all panels for some columns.
class StripOrder {
 public:
  StripOrder(const MatmulArgs& a, int cols, bool by_panel)
      : first_(a.panel_begin),
        cols_(cols),
        across_((a.cols + cols - 1) / cols),
        down_((a.panel_end - a.panel_begin + kPanels - 1) / kPanels),
        by_panel_(by_panel) {}
  int count() const { return across_ * down_; }
  Strip operator[](int i) const {
    const int down = by_panel_ ? i / across_ : i % down_, across = by_panel_ ? i % across_ : i / down_;
    return {first_ + down * kPanels, across * cols_};
  }

 private:
  int first_, cols_, across_, down_;
  bool by_panel_;
};
// Activations of this many bytes stay in the second cache level, which has 512 KiB, beside the weights. With
// superblocks from memory, 4 to 64 tokens of 2048 columns are read 1.04 to 1.15 times as fast by panel.
constexpr std::ptrdiff_t kNearBytes = 192 * 1024;

// Asks for the weights of a strip, a few at a time while the one before is multiplied: with the order above,
// 1.1 to 1.2 times as fast for 4 to 64 tokens (superblocks), 1.05 for more. All at once before the stage is
// filled gained nothing: then memory and products still take turns.
class Ahead {
 public:
  Ahead(const std::byte* blocks, std::ptrdiff_t bytes, std::ptrdiff_t panel_bytes, int turns)
      : blocks_(blocks), bytes_(bytes), panel_bytes_(panel_bytes), turn_((bytes / turns + 63) / 64 * 64) {}
  void ask() {
    const std::ptrdiff_t until = bytes_ - at_ < turn_ ? bytes_ : at_ + turn_;
    for (int p = 0; p < kPanels; ++p)
      for (std::ptrdiff_t i = at_; i < until; i += 64)
        __builtin_prefetch(blocks_ + p * panel_bytes_ + i, 0, 2);
    at_ = until;
  }

 private:
  const std::byte* blocks_;
  std::ptrdiff_t bytes_, panel_bytes_, turn_, at_ = 0;
};

template <class Fm, class Stage>
void fill_strip(const MatmulArgs& a, Strip strip, int cols, Stage& stage) {
  for (int v = 0; v < kStripVectors; ++v) {
    // A strip beyond the last panel repeats it; nothing of that is stored.
    const int p = strip.panel + v / kParts < a.panel_end ? v / kParts : 0;
    fill_stage<Fm>(stage, v, Cursor{strip.blocks<Fm>(a) + p * a.panel_bytes, v % kParts}, cols);
  }
}

// Multiplies the sums of tokens [token, token + tokens) with the scales of their rows.
template <class Fm>
void scale_rows(const MatmulArgs& a, int token, int tokens, int rows) {
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel) {
    float scale[kPanelRows];
    static_assert(kHeadBytes<Fm> == sizeof scale);
    std::memcpy(scale, a.panels + (panel - a.panel_begin) * a.panel_bytes, sizeof scale);
    const int first = panel * kPanelRows, count = rows - first < kPanelRows ? rows - first : kPanelRows;
    for (int t = token; t < token + tokens; ++t) {
      float* const out = a.out + t * a.out_stride + first;
      for (int r = 0; r < count; ++r) out[r] *= scale[r];
    }
  }
}

template <class Fm>
void multiply_staged(const MatmulArgs& a) {
  using Stage = typename decltype(stage_of<Fm>())::type;
  Stage stage;
  const int rows = a.panel_end * kPanelRows < a.rows ? a.panel_end * kPanelRows : a.rows;
  for (int token = 0; token < a.tokens; token += kTokenBlock) {
    const int tokens = a.tokens - token < kTokenBlock ? a.tokens - token : kTokenBlock;
    const int tiles = (tokens + Stage::kTokens - 1) / Stage::kTokens * (kStripVectors / kTileVectors);
    const std::ptrdiff_t activations = std::ptrdiff_t{tokens} * a.cols * (kIsFloat<Fm> ? 4 : 1);
    const StripOrder order(a, Stage::kCols, activations <= kNearBytes);
    for (int i = 0; i < order.count(); ++i) {
      const Strip strip = order[i], next = order[i + 1 < order.count() ? i + 1 : i];
      const auto cols_of = [&](int col) { return a.cols - col < Stage::kCols ? a.cols - col : Stage::kCols; };
      const int cols = cols_of(strip.col);
      fill_strip<Fm>(a, strip, cols, stage);
      Ahead ahead(next.blocks<Fm>(a), Strip::panel_run<Fm>(cols_of(next.col)), a.panel_bytes, tiles);
      for (int v = 0; v < kStripVectors; v += kTileVectors) {
        const int row = strip.panel * kPanelRows + v * kLanes;
        TileArgs t{a.x, strip.col, cols, v, token, token + tokens - 1, a.out + row, a.out_stride};
        for (; row < rows && t.first <= t.last; t.first += Stage::kTokens) {
          ahead.ask();
          row + kTileVectors* kLanes <= rows ? staged_tile(stage, t) : partial_tile(stage, t, rows - row);
        }
      }
    }
    if constexpr (kHeadBytes < Fm >> 0) scale_rows<Fm>(a, token, tokens, rows);
  }
}

// Tokens from which on unpacking into a stage pays: the later, the less there is to unpack and the wider the
// tiles are that unpack on the way. Measured with tiles of four tokens on AVX2, weights from memory, against
// a stage: floats 1.6 times as fast for 6 tokens, 1.1 for 24; blocks of 32 1.6 to 1.9 and 0.9 to 1.3 (12);
// superblocks 1.5 (Q4_K, 6 tokens) and 0.9 (8), with groups of 16, which have bits in two places, 1.0 (6) and
// 0.85 (8). With tiles of eight on AVX-512, from the second cache level: Q4_K 1.9 (8), 1.3 (16), 1.2 (32);
// Q6_K 1.5, 1.05 and 0.94; Q8_0 and Q4_0 1.0, 1.2 and 1.1; BF16 by pairs, from memory, 1.3 (32).
template <class Fm>
constexpr int staged_tokens() {
  const bool wide = widest_direct<Fm>() > 4;
  if (kIsFloat<Fm>) return wide ? 33 : 25;
  if (!kIsSuper<Fm>) return wide ? 33 : 13;
  if (!wide) return 7;
  return group_of<Fm>() == 32 ? 33 : 21;
}

}  // namespace

template <class Fm>
void matmul(const MatmulArgs& a) noexcept {
  a.tokens < staged_tokens<Fm>() ? multiply_directly<Fm>(a) : multiply_staged<Fm>(a);
}

}  // namespace LONGHAND_UNIT
}  // namespace longhand
