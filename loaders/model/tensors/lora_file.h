// An adapter's file: pairs of matrices of low rank, each for a tensor of the model it was trained for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// The tensor of the model, W, becomes W + scale b a.
struct LoraPair {
  std::string name;               // of that tensor: "blk.3.attn_q.weight"
  const TensorInfo* a = nullptr;  // (in, rank) or (in, rank, experts); of the embedding (rank, vocab)
  const TensorInfo* b = nullptr;  // (rank, out) or (rank, out, experts); of the embedding (rank, hidden)
};

struct LoraFile {
  float alpha = 0;              // 0: the file states none
  std::vector<LoraPair> pairs;  // in the order of the file

  /// What multiplies b a: alpha / rank, or 1 where the file states no alpha.
  float scale(int rank) const noexcept { return alpha == 0 ? 1 : alpha / float(rank); }
};

/// The pairs point into `file`. Throws Error: unsupported (no adapter, or one of another kind: those that
/// begin to work at certain tokens, those that replace norms), mismatch (of another architecture than
/// `architecture`), missing (half of a pair; pairs at all), and what reading metadata throws.
LoraFile read_lora(const Gguf& file, std::string_view architecture);

/// The shape of a tensor that is changed.
struct LoraTarget {
  std::int64_t in = 0, out = 0;
  int experts = 0;         // 0: it has two dimensions
  bool embedding = false;  // (hidden, vocab), whose pair stands the other way round
};

/// The rank of a pair. Throws Error(shape) where it does not fit the target, naming both shapes.
int rank_of(const Gguf& file, const LoraPair& pair, const LoraTarget& target);

}  // namespace longhand
