// What a token's position does to its queries and keys: rotation and scale.
#pragma once

#include <vector>

#include "engine/longhand.h"
#include "loaders/config.h"
#include "loaders/weights.h"
#include "ops/rope_table.h"

namespace longhand {

/// Fixed when a session is created. The file's scaling rule, unless the session's options replace it.
class PositionPlan {
 public:
  /// Throws Error(range) naming an option that makes no sense.
  PositionPlan(const ModelConfig& config, const Weights& weights, const RopeOptions& options, int context);

  int rot() const noexcept { return rot_; }
  /// cos and sin (rot / 2) at `position` for layers that rotate locally or globally.
  void angles(bool local, int position, float* cos, float* sin) const noexcept {
    rope_angles(local ? local_ : global_, position, cos, sin);
  }
  bool has_local() const noexcept { return has_local_; }
  /// Multiplies q, so that q . k is the attention score.
  float query_scale(int position) const noexcept;

 private:
  int rot_;
  bool has_local_;
  RopeTable global_, local_;
  float scale_, temperature_scale_;
  int temperature_length_;
};

}  // namespace longhand
