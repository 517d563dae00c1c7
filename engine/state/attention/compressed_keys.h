// Keys that each stand for a block of neighbouring tokens, and what the tokens of unfinished blocks have left
// (see CompressedPlan).
#pragma once

#include "engine/state/attention/index_keys.h"

namespace longhand {

class CompressedKeys {
 public:
  /// Allocates nothing yet.
  explicit CompressedKeys(const MemorySite& site);
  std::uint64_t bytes() const noexcept;
  /// Throws Error(no_memory).
  void reserve();

  /// Blocks that a query at some position may see.
  int seen(int position) const noexcept { return (position + 1) / ratio_; }
  /// What a token left: value and gate of the keys' compressor, then those of the indexer's. There is room
  /// for the last kept() tokens.
  float* left(int position) const noexcept {
    return left_.as<float>() + std::int64_t{position % kept()} * floats_;
  }
  int kept() const noexcept { return kept_; }

  /// The key of a block, rotated, which is its value too.
  void store(const Kernels& kernels, const WorkerScratch& scratch, int block, float* key) noexcept;
  /// Where the indexer's keys of kKeyBlock blocks lie, see AttentionState::index_block; null without one.
  float* index_block(int block) const noexcept { return index_.block(block); }

  int parts(int queries_end) const noexcept {
    return (seen(queries_end - 1) + kAttendKeys - 1) / kAttendKeys;
  }
  int most_parts() const noexcept { return chunks_; }
  void attend(const Tile& tile, int part, const Partials& to) const noexcept;
  std::size_t scratch_bytes() const noexcept { return index_.scratch_bytes(); }

  // As LayerState has them.
  bool reaches(int size, int written) const noexcept;
  void live(int size, const VisitBytes& visit);
  std::uint64_t most_live() const noexcept;
  void held(int size, int written, const VisitBytes& visit);

 private:
  int needed_from(int size) const noexcept;
  void visit_left(int from, int to, const VisitBytes& visit);

  KvShape kv_;
  int ratio_, chunks_;
  int kept_;                  // tokens whose values are still there
  std::int64_t floats_;       // of one
  TokenStore keys_, values_;  // a position is the number of a block
  IndexKeys index_;           // likewise
  Buffer left_;
};

}  // namespace longhand
