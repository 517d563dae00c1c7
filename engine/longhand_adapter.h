// longhand: what changes a loaded model from outside, one session at a time: adapters of low rank (LoRA, Hu
// et al. 2021, arXiv 2106.09685) and control vectors. Part of engine/longhand.h.
//
//   auto adapter = longhand::Adapter::load(model, "adapter.gguf");
//   longhand::Session session(model, {.adapters = {{adapter, 0.5f}}});
//
// Both are immutable, cheap to copy, and may serve any number of sessions and threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "ops/error.h"

namespace longhand {

struct Access;
class Model;
struct AdapterData;
struct ControlData;

struct AdapterInfo {
  std::string name;         ///< the file's
  int tensors = 0;          ///< of the model that it changes
  int rank = 0;             ///< the greatest
  float alpha = 0;          ///< 0: the file states none
  std::uint64_t bytes = 0;  ///< memory it takes
};

/// Changes matrices W of one model to W + scale alpha / rank B A (scale alone where the file states no
/// alpha). What they give is computed beside them: the model stays as it is. Where the output head is the
/// embedding again, an adapter of the embedding changes both. A factor that a file has for a matrix does not
/// multiply what an adapter adds to it.
class LONGHAND_API Adapter {
 public:
  /// From a GGUF file as llama.cpp makes them. Throws Error, naming file, tensor and both shapes: as
  /// Model::load() of a file; unsupported (no adapter, or of a kind that is not computed here), mismatch
  /// (another architecture), missing (half of a pair, a tensor that the model has not), shape, no_memory.
  static Adapter load(const Model& model, const std::string& path);
  /// From a file in memory, which is not needed any more afterwards. `name` stands in messages.
  static Adapter load_memory(const Model& model, std::span<const std::byte> file,
                             const std::string& name = "memory");

  AdapterInfo info() const;

 private:
  friend struct Access;
  explicit Adapter(std::shared_ptr<const AdapterData> data) noexcept : data_(std::move(data)) {}
  std::shared_ptr<const AdapterData> data_;
};

struct AdapterUse {
  Adapter adapter;
  float scale = 1;  ///< 0: it is not computed
};

/// A direction for each of some layers, added to the residual stream behind them.
class LONGHAND_API ControlVector {
 public:
  /// From a GGUF file of tensors direction.N (hidden), N from 1: that of the layer numbered N, where the
  /// first layer is 0. Throws Error: as Adapter::load().
  static ControlVector load(const Model& model, const std::string& path);
  static ControlVector load_memory(const Model& model, std::span<const std::byte> file,
                                   const std::string& name = "memory");

 private:
  friend struct Access;
  explicit ControlVector(std::shared_ptr<const ControlData> data) noexcept : data_(std::move(data)) {}
  std::shared_ptr<const ControlData> data_;
};

struct ControlUse {
  ControlVector vector;
  float scale = 1;
  int first_layer = 0;  ///< only layers numbered first_layer..last_layer get their direction
  int last_layer = std::numeric_limits<int>::max();
};

}  // namespace longhand
