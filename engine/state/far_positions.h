// At what distance old tokens are seen.
#pragma once

namespace longhand {

/// Where far queries and keys stand: query i at start + step * i, key j at step * j. With step 0 far keys are
/// not turned, so that their score depends on no position.
struct FarPositions {
  bool used = false;
  double start = 0, step = 0;
};

}  // namespace longhand
