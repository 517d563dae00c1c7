// Old keys as codes (Transformer-VQ, joined with ReRoPE): of each code remain the number of its tokens and
// the mean of their values.
#pragma once

#include <vector>

#include "engine/memory/blocks.h"
#include "engine/memory/codebook.h"

namespace longhand {

/// What every codebook has in common.
class Codes : public Blocks {
 protected:
  Codes(const MemorySite& site, int patience, int count);

  std::uint64_t summary_bytes() const noexcept override;
  void reserve_summary() override;
  void clear_summary() noexcept override;
  void live_summary(const VisitBytes& visit) override;
  int summary_parts() const noexcept override { return far_.parts(); }
  void attend_summary(const Tile& tile, int part, const Partials& to) const noexcept override {
    far_.attend(tile, part, to);
  }
  void take_in(const Leaving& leaving) noexcept override;

  /// Codes of n <= kLookup keys (n, head_dim).
  virtual void find(const Leaving& leaving, const float* keys, int n, int* codes) const noexcept;
  /// Counts a token in; its key (head_dim) and value (value_dim) are not needed afterwards.
  virtual void add(const Leaving& leaving, int code, const float* key, const float* value) noexcept;

  std::uint32_t& tokens_of(int head, int code) noexcept {
    return tokens_[std::size_t(head) * std::size_t(far_.count()) + std::size_t(code)];
  }
  float* half_norms(int head) const noexcept {
    return half_norms_.as<float>() + std::int64_t{head} * far_.count();
  }
  CodeSearch search(const Kernels& kernels, const WorkerScratch& scratch, int head) const noexcept {
    return {kernels, scratch, far_.keys(head), half_norms(head), far_.count(), far_.key_dim()};
  }

  FarKeys far_;
  Buffer half_norms_;                  // (kv_heads, codes)
  std::vector<std::uint32_t> tokens_;  // (kv_heads, codes)
};

/// A codebook that grows out of the text itself; for models that were trained without one.
std::unique_ptr<Memory> make_learned_vq(const MemorySite& site);

}  // namespace longhand
