// What a token's position does to its queries and keys: rotation and scale.
#pragma once

#include <vector>

#include "engine/state/far_positions.h"
#include "engine/types/session_options.h"
#include "engine/types/token_position.h"
#include "loaders/model/config.h"
#include "loaders/model/weights.h"
#include "ops/rope_table.h"

namespace longhand {

/// How a head is turned.
enum class Rotation : std::uint8_t {
  global,     // by its position
  local,      // by its position, in layers that see only a window of their own
  far_query,  // queries that look at far keys
  far_key,    // far keys that are turned at all
};
inline constexpr int kRotations = 4;

/// The frequencies a file asks for, but for its factor tensors.
RopeParams rope_params(const RopeConfig& file) noexcept;

/// Fixed when a session is created. The file's scaling rule, unless the session's options replace it.
class PositionPlan {
 public:
  /// Throws Error(range) naming an option that makes no sense.
  PositionPlan(const ModelConfig& config, const Weights& weights, const SessionOptions& options,
               const FarPositions& far, int context);

  /// Dimensions of a head that a rotation turns.
  int rot(Rotation which) const noexcept { return which == Rotation::local ? local_rot_ : rot_; }
  /// Angles per position of the pairs (rot / 2), in layers that see all of the text.
  const std::vector<double>& frequencies() const noexcept { return global_.inv_freq; }
  bool has(Rotation which) const noexcept;
  /// cos and sin (rot / 2) of a rotation at `position`.
  void angles(Rotation which, int position, float* cos, float* sin) const noexcept;
  /// The same, each pair turned by the number of the position that its section belongs to.
  void angles(Rotation which, const TokenPosition& position, float* cos, float* sin) const noexcept;
  /// The same of a rotation back by `distance` positions, without magnitude.
  void angles_back(Rotation which, int distance, float* cos, float* sin) const noexcept;
  /// Which rotation the queries and keys of a layer take.
  Rotation rotation_of(const AttentionCore& core) const noexcept {
    return has_local_ && core.window > 0 ? Rotation::local : Rotation::global;
  }
  /// Multiplies q, so that q . k is the attention score.
  float query_scale(const AttentionCore& core, int position) const noexcept;

 private:
  int rot_, local_rot_;
  bool has_local_;
  std::vector<std::int32_t TokenPosition::*> sections_;  // of each pair; empty: positions are one number
  RopeTable global_, local_, far_query_;
  FarPositions far_;
  float temperature_scale_;
  int temperature_length_, temperature_offset_;
  ScaleRule rule_;
  double coefficient_;
  double log_n_;  // ln of the length from which on attention grows sharper; 0: it does not
};

}  // namespace longhand
