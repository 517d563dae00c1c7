// Old keys as codes (Transformer-VQ, joined with ReRoPE): of each code remain the number of its tokens and
// the mean of their values.
#pragma once

#include "engine/state/attention/blocks.h"
#include "engine/state/attention/codebook.h"

namespace longhand {

/// What every codebook has in common.
class Codes : public Blocks {
 protected:
  /// `key_dim`: of the far keys, whose first values are the code's vector.
  Codes(const MemorySite& site, int count, std::int32_t key_dim);

  std::uint64_t summary_bytes() const noexcept override;
  void reserve_summary() override;
  void clear_summary() noexcept override;
  void live_summary(const VisitBytes& visit) override;
  bool sound_summary(int head, int tokens) const noexcept override;
  int summary_parts() const noexcept override { return far_.parts(); }
  void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept override {
    far_.attend(tile, tile.far_query, part, to);
  }

  /// The bias of a code that stands for so many.
  static float bias_of(std::uint32_t tokens) noexcept;
  /// Counts a token in under a code.
  void count_in(int head, int code, const float* value) noexcept;

  std::uint32_t& tokens_of(int head, int code) const noexcept {
    return tokens_.as<std::uint32_t>()[std::int64_t{head} * far_.count() + code];
  }
  float* half_norms(int head) const noexcept {
    return half_norms_.as<float>() + std::int64_t{head} * far_.count();
  }
  CodeSearch search(const Kernels& kernels, const WorkerScratch& scratch, int head) const noexcept {
    return {kernels, scratch, far_.keys(head), far_.key_dim(), half_norms(head), far_.count(), dim_};
  }
  std::size_t all_codes() const noexcept { return std::size_t(heads_) * std::size_t(far_.count()); }

  int heads_, dim_;
  FarKeys far_;
  Buffer half_norms_;  // (kv_heads, codes)
  Buffer tokens_;      // (kv_heads, codes) uint32
};

/// A codebook that grows out of the text itself; for models that were trained without one.
std::unique_ptr<AttentionState> make_learned_vq(const MemorySite& site);

}  // namespace longhand
