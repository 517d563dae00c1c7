// What a sequence is computed with beside the model: its adapters with their scales, and its control vectors.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapt/adapter_data.h"
#include "engine/types/session_options.h"

namespace longhand {

struct Adaptation {
  struct Use {
    std::shared_ptr<const AdapterData> adapter;
    float scale;
  };
  std::vector<Use> uses;                                     // in the order they are added up; no scale is 0
  std::vector<float> directions;                             // (layers, hidden) behind each layer, or empty
  std::vector<std::pair<std::string, std::string>> owner{};  // lines that name them, for saved states

  /// Columns that the low-rank results of one matrix take, each use's beginning at a whole panel.
  int low_columns() const noexcept;
  /// (hidden) or null.
  const float* direction(int layer, std::int64_t hidden) const noexcept {
    return directions.empty() ? nullptr : directions.data() + layer * hidden;
  }
};

/// What `adapters` and `controls` come to; null where nothing is changed. Throws Error: mismatch (made for
/// another model), range (a scale that is no number, layers out of order), limit (too many).
std::shared_ptr<const Adaptation> make_adaptation(const ModelCore& model,
                                                  std::span<const AdapterUse> adapters,
                                                  std::span<const ControlUse> controls);

/// Whether tokens are computed alike. Either may be null.
bool same(const Adaptation* a, const Adaptation* b) noexcept;

}  // namespace longhand
