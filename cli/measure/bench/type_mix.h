// Which tensor types a synthetic model mixes: those of a recipe of `longhand quantize`, or one alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cli/measure/bench/shapes.h"
#include "engine/make/quantize/recipe.h"
#include "loaders/model/slots.h"
#include "ops/format_info.h"

namespace longhand::cli {

struct TypeMix {
  std::string_view name;
  const Recipe* recipe;
  bool pure = false;  // its main type alone, to measure that type
};

/// Recipes whose types RandomBlocks makes.
std::span<const TypeMix> type_mixes() noexcept;
/// nullptr for an unknown name.
const TypeMix* find_mix(std::string_view name) noexcept;

/// The type of a matrix of `cols` columns in layer `layer`; small ones stay F32, whatever the mix.
const FormatInfo& matrix_format(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer,
                                int cols) noexcept;

}  // namespace longhand::cli
