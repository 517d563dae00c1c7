// All activations of a runner, sized once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/forward/activations.h"
#include "engine/forward/matmul_stage.h"
#include "engine/state/scratch.h"
#include "loaders/model/weights.h"
#include "ops/buffer.h"

namespace longhand {

struct WorkspaceSizes {
  int rows, workers;               // tokens computed at once; of the larger team
  int slices = 1;                  // sequences computed at once
  std::size_t memory_scratch = 0;  // bytes a worker needs for attention memories
  int attention_parts = 0;         // partial results one query may have
  bool far_queries = false;        // whether a memory asks for them
  int low_columns = 0;             // see Adaptation
  int adapters = 0;                // of a sequence at most
  bool packed_cache = false;       // whether keys or values are unpacked before they are looked at

  bool operator==(const WorkspaceSizes&) const = default;
};

/// A worker's products of low rank.
struct LowRankRoom {
  int turn = 0;                    // which half of Workspace::lows the next ones take
  std::vector<LowRankTerm> terms;  // with room for all
};

class Workspace {
 public:
  /// Products of low rank at most that are computed together.
  static constexpr std::size_t kJobs = 32;
  /// Blocks of a round at most.
  static constexpr std::size_t kSideBySide = 2;

  /// Throws Error(no_memory).
  Workspace(const ModelConfig& config, const Weights& weights, const WorkspaceSizes& sizes);

  const WorkspaceSizes& sizes() const noexcept { return sizes_; }
  std::uint64_t bytes() const noexcept;
  /// Rows of lows: for all products of a block side by side.
  std::int64_t low_rows() const noexcept { return 8 * std::int64_t{sizes_.rows}; }

  float* x = nullptr;                     // (rows, hidden) the residual stream
  float* streams = nullptr;               // (streams, rows, hidden) of models with several, see streams.h
  float* gains = nullptr;                 // (rows, streams) of hyper-connections
  Activations in;                         // (rows, widest input) what the next matrices read
  std::array<float*, kSideBySide> out{};  // (rows, hidden) what each block of a round adds to x
  float* embedded = nullptr;              // (rows, hidden) x before the first layer, where blocks ask for it
  float* entry = nullptr;                 // (rows, hidden) what a layer was given, where it is kept
  float* per_layer = nullptr;             // (rows, layers, width) see per_layer_inputs.h
  float* first_values = nullptr;         // (rows, hidden) what the first block of RWKV-7 leaves to the others
  float *cos = nullptr, *sin = nullptr;  // (kRotations, rows, angles)
  int angles = 0;                        // of a row: half the widest rotation
  int max_units = 0;                     // attention is split into its parts while there are fewer units
  float* partials = nullptr;             // (partial_items, kAttendRows, value_dim + 2)
  std::int64_t partial_items = 0;        // units x parts
  float* lows = nullptr;                 // (2, low_rows(), low_columns) products of low rank, by turns
  std::byte* room = nullptr;             // what the block at work carves up
  std::vector<WorkerScratch> scratch;    // (workers)
  std::vector<LowRankRoom> low_ranks;    // (workers)

 private:
  WorkspaceSizes sizes_;
  Buffer stream_, partials_, room_;
};

}  // namespace longhand
