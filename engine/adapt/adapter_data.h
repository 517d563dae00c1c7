// What a loaded adapter and a loaded control vector are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/forward/model.h"
#include "engine/longhand_adapter.h"
#include "loaders/gguf/gguf.h"
#include "ops/buffer.h"
#include "ops/matrix.h"

namespace longhand {

/// scale b a, beside a matrix (out, in). Both are in panels of F32 or F16, which take activations as they
/// are.
struct LowRank {
  MatView a;  // (rank, in)
  MatView b;  // (out, rank)
  float scale = 1;

  bool empty() const noexcept { return b.empty(); }
  std::int32_t rank() const noexcept { return b.cols; }
};

struct AdapterData {
  std::shared_ptr<const ModelData> model;  // whose matrices are meant
  AdapterInfo info;
  std::uint64_t fingerprint = 0;  // of the file
  std::unordered_map<const Linear*, LowRank> matrices;
  LowRank embedding;  // a: (vocab, rank), a row for each token; b: (hidden, rank)
  Buffer panels;      // owns the matrices

  /// Null where the matrix stays as it is.
  const LowRank* find(const Linear* linear) const noexcept {
    const auto at = matrices.find(linear);
    return at == matrices.end() ? nullptr : &at->second;
  }
};

struct ControlData {
  std::shared_ptr<const ModelData> model;
  std::string name;
  std::uint64_t fingerprint = 0;
  std::vector<float> directions;  // (layers, hidden)
};

/// Throw Error as Adapter::load() and ControlVector::load() do.
std::shared_ptr<const AdapterData> load_adapter(std::shared_ptr<const ModelData> model, const Gguf& file);
std::shared_ptr<const ControlData> load_control(std::shared_ptr<const ModelData> model, const Gguf& file);

}  // namespace longhand
