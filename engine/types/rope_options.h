// How positions are told by rotation, where the file's word is not the last.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "engine/types/option.h"

namespace longhand {

/// How rotary positions are rescaled. `from_file` keeps what the model says.
enum class RopeScaling : std::uint8_t { from_file, none, linear, ntk, ntk_fixed, ntk_mixed, yarn };
inline constexpr std::array<std::string_view, 7> kRopeScalingNames = {
    "from-file", "none", "linear", "ntk", "ntk-fixed", "ntk-mixed", "yarn"};
constexpr const auto& names_of(RopeScaling) noexcept { return kRopeScalingNames; }

/// Overrides of the file's rotary parameters; negative: keep the file's value.
struct RopeOptions {
  RopeScaling scaling = RopeScaling::from_file;
  float factor = -1;  ///< context is stretched by this factor; alone it means linear
  /// The factor is what the session's context needs: context / trained length, at least 1. So is the factor
  /// of a `scaling` given without one, where the file has none either.
  bool auto_factor = false;
  float base = -1;
  int original_context = -1;
  float yarn_beta_fast = -1, yarn_beta_slow = -1, yarn_ext_factor = -1;
};

// clang-format off
inline constexpr std::tuple kRopeOptions = {
    Option{"rope.scaling", &RopeOptions::scaling, {0, int(RopeScaling::yarn)},
           "none, linear, ntk, ntk-fixed, ntk-mixed or yarn"},
    Option{"rope.factor", &RopeOptions::factor, {0, 1e6, true, true},
           "Stretch the context by this factor (alone: linear)"},
    Option{"rope.auto_factor", &RopeOptions::auto_factor, {}, "Stretch the context as much as its length asks for"},
    Option{"rope.base", &RopeOptions::base, {0, 1e15, true, true}, "Base of the frequencies"},
    Option{"rope.original_context", &RopeOptions::original_context,
           {1, std::numeric_limits<int>::max(), false, true}, "Context the model was trained for"},
    Option{"rope.yarn_beta_fast", &RopeOptions::yarn_beta_fast, {0, 1e6, true, true}, "Turns above which positions stay"},
    Option{"rope.yarn_beta_slow", &RopeOptions::yarn_beta_slow, {0, 1e6, true, true},
           "Turns below which positions are stretched"},
    Option{"rope.yarn_ext_factor", &RopeOptions::yarn_ext_factor, {0, 1e6, false, true}, "Share of extrapolation"},
};
// clang-format on

}  // namespace longhand
