// Which tensor types a file of some name mixes: Q4_K_M is mostly Q4_K, but some matrices have more bits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cli/measure/bench/shapes.h"
#include "loaders/model/slots.h"
#include "ops/format_info.h"

namespace longhand::cli {

struct TypeMix {
  std::string_view name;    // as file names have it
  const FormatInfo* base;   // of every matrix no exception names
  std::uint32_t file_type;  // general.file_type
  bool pure = false;        // no exceptions at all
};

std::span<const TypeMix> type_mixes() noexcept;
/// nullptr for an unknown name.
const TypeMix* find_mix(std::string_view name) noexcept;

/// The type of a matrix of `cols` columns in layer `layer`; small ones stay F32, whatever the mix.
const FormatInfo& matrix_format(const TypeMix& mix, const ModelShape& shape, MatrixRole role, int layer,
                                int cols) noexcept;

}  // namespace longhand::cli
